#!/bin/sh
# Places an order at the panel and follows it. Needs curl.
#
#     SUTLER_API_KEY=... sh order.sh SERVICE LINK QUANTITY OWN_NUMBER
#
# OWN_NUMBER is your own number for the order. Whoever repeats it with the same order gets the first order again,
# so that a repeat after a time-out never buys twice.

api_url=${SUTLER_API_URL:-https://panel.example/api/v2}
api_key=${SUTLER_API_KEY:-your API key}
look_every_seconds=${LOOK_EVERY_SECONDS:-5}
looks=120

# Asks the panel and prints its answer. Time-outs, 429 and 503 are asked again, as long as Retry-After says:
# every question here is safe to repeat. The key goes through a pipe: a command line can be read by others.
ask() {
    action=$1
    shift
    answer=$(
        printf '%s' "$api_key" |
            curl --silent --show-error --fail --connect-timeout 5 --max-time 30 --retry 3 --retry-all-errors \
                --data-urlencode key@- --data-urlencode "action=$action" "$@" "$api_url"
    ) || {
        echo "The panel does not answer" >&2
        return 1
    }
    case $answer in
    '{"error":'*)
        echo "The panel says: $(text error)" >&2
        return 1
        ;;
    esac
}

# Prints a member of the last answer. For more than this, use a JSON tool such as jq.
text() {
    printf '%s' "$answer" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"
}

# Looks at the order until it is finished.
follow() {
    while [ "$looks" -gt 0 ]; do
        ask status --data-urlencode "order=$1" || return 1
        echo "Order $1: $(text status), $(text remains) to go, $(text charge) $(text currency)"
        case $(text status) in
        Completed | Partial | Canceled) return 0 ;;
        esac
        looks=$((looks - 1))
        sleep "$look_every_seconds"
    done
    echo "Order $1 takes longer; look again later"
}

ask services || exit 1
echo "Services: $(printf '%.500s' "$answer")"
if [ $# -ne 4 ]; then
    echo "usage: order.sh SERVICE LINK QUANTITY OWN_NUMBER" >&2
    exit 1
fi
ask add --data-urlencode "service=$1" --data-urlencode "link=$2" --data-urlencode "quantity=$3" \
    --data-urlencode "request_id=$4" || exit 1
order=$(text order)
echo "Placed order $order"
follow "$order" || exit 1
ask balance || exit 1
echo "Balance: $(text balance) $(text currency)"
