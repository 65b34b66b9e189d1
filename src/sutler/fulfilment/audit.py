"""The proof of what is upstream: nothing is sent twice, nothing is lost, and every cost is in the books once."""
# ruff: noqa: S608 - the queries are put together from constants of the code alone

from collections.abc import Iterable

from django.utils.translation import gettext_noop as _

from sutler.books.audit import Check
from sutler.core.attempts import LIVE, UNSETTLED, AttemptState
from sutler.core.lifecycle import FINAL, RefillStatus, Status


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{each}'" for each in sorted(values))


_ADD = "attempt.action = 'add'"
_LIVE = _words(LIVE)
_FINAL = _words(FINAL)
# Bytes may have left.
_SENT = _words({AttemptState.SENDING, AttemptState.ACCEPTED, *UNSETTLED})
_UNCLEAR = _words({AttemptState.SENDING, *UNSETTLED})
# Who moved each order last. `+id`: joined, SQLite would otherwise look for every one of those ids at every order.
_MOVED = """
    (SELECT order_id, actor FROM orders_orderevent WHERE +id IN (
        SELECT MAX(id) FROM orders_orderevent WHERE to_status IS NOT NULL GROUP BY order_id
    ))
"""
# How long the provider's worker has worked since the lease of an attempt ended, in minutes with a call.
_MINUTES_SINCE = """
    (SELECT COUNT(*) FROM fulfilment_providerminute minute
     WHERE minute.provider_id = attempt.provider_id AND minute.minute > attempt.lease_until)
"""
# What each upstream order should have in the books (-) and has (+); the cause ends with its id.
_COSTS = """
    SELECT id AS upstream_order_id, -cost_micros AS delta FROM fulfilment_upstreamorder
    UNION ALL
    SELECT CAST(REPLACE(REPLACE(REPLACE(t.cause, 'cost-more:', ''), 'cost-back:', ''), 'cost:', '') AS bigint),
        CASE WHEN t.cause LIKE 'cost-back:%' THEN -t.amount_micros ELSE t.amount_micros END
    FROM books_transfer t
    WHERE t.cause LIKE 'cost:%' OR t.cause LIKE 'cost-back:%' OR t.cause LIKE 'cost-more:%'
"""

CHECKS = (
    Check(
        "attempt_live_once",
        _("an order, and a refill, has at most one attempt that is or may be alive upstream"),
        "fulfilment_attempt",
        f"""
        SELECT 'order ' || order_id || ' has ' || COUNT(*) || ' live attempts at ' || action AS breach
        FROM fulfilment_attempt WHERE action IN ('add', 'refill') AND state IN ({_LIVE})
        GROUP BY order_id, action, refill_id HAVING COUNT(*) > 1
        """,
    ),
    Check(
        "upstream_id_once",
        _("an id at an account is claimed by one attempt of a kind, whichever of the provider's rows speaks to it"),
        "fulfilment_attempt",
        """
        SELECT 'id ' || upstream_id || ' at the account of provider ' || account_id || ' is claimed by ' || COUNT(*)
            || ' attempts at ' || action AS breach
        FROM fulfilment_attempt JOIN fulfilment_provider ON fulfilment_provider.id = provider_id
        WHERE upstream_id IS NOT NULL AND action <> 'cancel'
        GROUP BY account_id, action, upstream_id HAVING COUNT(*) > 1
        """,
    ),
    Check(
        "attempt_followed",
        _("every accepted order is followed under the id that it was given, and nothing else is"),
        "fulfilment_attempt",
        f"""
        SELECT 'attempt ' || attempt.id || ' (' || attempt.state || ', id ' || COALESCE(attempt.upstream_id, 'none')
            || ') is followed under ' || COALESCE(there.upstream_id, 'no id') AS breach
        FROM fulfilment_attempt attempt LEFT JOIN fulfilment_upstreamorder there ON there.attempt_id = attempt.id
        WHERE ({_ADD} AND attempt.state = 'accepted') <> (there.id IS NOT NULL)
            OR there.upstream_id <> COALESCE(attempt.upstream_id, '')
            OR there.provider_id <> attempt.provider_id OR there.order_id <> attempt.order_id
        UNION ALL
        SELECT 'upstream order ' || there.id || ' is of attempt ' || there.attempt_id || ', which is not there'
        FROM fulfilment_upstreamorder there LEFT JOIN fulfilment_attempt attempt ON attempt.id = there.attempt_id
        WHERE attempt.id IS NULL
        UNION ALL
        SELECT 'upstream order ' || there.id || ' goes on and is not asked about'
        FROM fulfilment_upstreamorder there LEFT JOIN fulfilment_asktime asked ON asked.upstream_order_id = there.id
        WHERE there.finished_at IS NULL AND asked.ask_at IS NULL
        """,
    ),
    Check(
        "attempt_of_order",
        _("an order that is or may be upstream is not Pending, and while it is unclear the worker does not end it"),
        "fulfilment_attempt",
        f"""
        SELECT 'order ' || o.id || ' is ' || o.status || ', its attempt ' || attempt.id || ' is ' || attempt.state
            AS breach
        FROM fulfilment_attempt attempt JOIN orders_order o ON o.id = attempt.order_id
        LEFT JOIN {_MOVED} AS moved ON moved.order_id = o.id
        WHERE {_ADD} AND (
            (o.status = '{Status.PENDING}' AND attempt.state IN ({_SENT}))
            OR (o.status IN ({_FINAL}) AND attempt.state IN ({_UNCLEAR}) AND moved.actor = 'worker')
        )
        """,
    ),
    Check(
        "order_handed_on",
        _("an order that the worker has handed on has an attempt that says where"),
        "orders_order",
        f"""
        SELECT 'order ' || o.id || ' is ' || o.status || ' by the worker, without an attempt' AS breach
        FROM orders_order o JOIN {_MOVED} AS moved ON moved.order_id = o.id
        WHERE o.kind = 'single' AND o.status IN ('{Status.PROCESSING}', '{Status.IN_PROGRESS}')
            AND moved.actor = 'worker' AND NOT EXISTS (
                SELECT 1 FROM fulfilment_attempt attempt
                WHERE attempt.order_id = o.id AND {_ADD} AND attempt.state IN ({_SENT})
            )
        """,
    ),
    Check(
        "upstream_cost",
        _("what the books hold of an upstream order is what it has cost; of an id that was not ours, nothing"),
        "fulfilment_upstreamorder",
        f"""
        SELECT 'upstream order ' || upstream_order_id || ': the books hold ' || SUM(delta) || ' more than it cost'
            AS breach
        FROM ({_COSTS}) AS costs GROUP BY upstream_order_id HAVING SUM(delta) <> 0
        """,
    ),
    Check(
        "order_refunded_once_ended",
        _("an order that the worker has refunded whole was canceled upstream at that moment, if it was there"),
        "orders_order",
        f"""
        SELECT 'order ' || o.id || ' was canceled by the worker, upstream order ' || there.upstream_id || ' was not'
            AS breach
        FROM orders_order o JOIN fulfilment_upstreamorder there ON there.order_id = o.id
        JOIN {_MOVED} AS moved ON moved.order_id = o.id
        WHERE o.status = '{Status.CANCELED}' AND moved.actor = 'worker'
            AND (there.finished_at IS NULL OR there.finished_at <> o.finished_at)
        """,
    ),
    Check(
        "attempt_lease",
        _("no attempt is being sent an hour of work after its lease has ended"),
        "fulfilment_attempt",
        f"""
        SELECT 'attempt ' || attempt.id || ' of order ' || attempt.order_id || ' is being sent since '
            || CAST(attempt.sent_at AS text) AS breach
        FROM fulfilment_attempt attempt WHERE attempt.state = 'sending' AND {_MINUTES_SINCE} >= 60
        """,
    ),
    Check(
        "refill_forwarded",
        _("a refill that is or may be upstream is not handed out here"),
        "fulfilment_attempt",
        f"""
        SELECT 'refill ' || refill.id || ' is ' || refill.status || ', its attempt ' || attempt.id || ' is '
            || attempt.state AS breach
        FROM fulfilment_attempt attempt JOIN orders_refill refill ON refill.id = attempt.refill_id
        WHERE refill.status = '{RefillStatus.PENDING}' AND attempt.state IN ({_SENT})
        """,
    ),
    Check(
        "whole_run_there",
        _("what is or may be with a provider whole is not run here as well"),
        "fulfilment_attempt",
        f"""
        SELECT 'order ' || o.id || ' is with a provider whole (attempt ' || attempt.id || ' is ' || attempt.state
            || ') and runs here' AS breach
        FROM fulfilment_attempt attempt JOIN orders_order o ON o.id = attempt.order_id
        LEFT JOIN orders_drip drip ON drip.order_id = o.id
        LEFT JOIN orders_subscription sub ON sub.order_id = o.id
        WHERE {_ADD} AND attempt.state IN ({_SENT}) AND o.kind <> 'single'
            AND COALESCE(drip.is_there, sub.is_there) IS NOT TRUE
        """,
    ),
    Check(
        "named_child",
        _(
            "an order that a provider has made by itself is a child of the order that it was made for,"
            " followed by its id"
        ),
        "fulfilment_namedorder",
        """
        SELECT 'id ' || named.upstream_id || ' was made for order ' || parent.order_id || ' and is order '
            || named.child_id || ' of ' || COALESCE(CAST(child.parent_id AS text), 'none') || ', followed under '
            || COALESCE(there.upstream_id, 'no id') AS breach
        FROM fulfilment_namedorder named
        JOIN fulfilment_upstreamorder parent ON parent.id = named.parent_id
        JOIN orders_order child ON child.id = named.child_id
        LEFT JOIN fulfilment_upstreamorder there ON there.order_id = child.id
        WHERE COALESCE(child.parent_id, 0) <> parent.order_id OR named.provider_id <> parent.provider_id
            OR COALESCE(there.provider_id, 0) <> named.provider_id
            OR COALESCE(there.upstream_id, '') <> named.upstream_id
        """,
    ),
)
