"""The texts of kinds of events and causes, in English. Pages translate them: `web.event_text`."""

from collections.abc import Callable, Mapping
from typing import Any

from sutler.core.events import Cause, CauseKind, EventKind
from sutler.core.money import show_charge
from sutler.core.translation import gettext_noop
from sutler.core.translation import gettext_noop as _

_MICROS = "_micros"


# A gap takes the data of its name; `{charge}` takes `charge_micros`, as an amount.
EVENTS: Mapping[EventKind, str] = {
    EventKind.MOVED: "",
    EventKind.PROGRESS: "",
    EventKind.REMARK: "{text}",
    EventKind.STAFF_WAIT: _("Staff wait: {reason}"),
    EventKind.APPROVED: _("Approved"),
    EventKind.NOT_APPROVED: _("Not approved: {reason}"),
    EventKind.SENT: _("Sent to {provider}, attempt {attempt}"),
    EventKind.PLACED: _("Placed at {provider} as {id}"),
    EventKind.MADE_BY_PROVIDER: _("Made by {provider} as {id}"),
    EventKind.NOT_PLACED: _("Not placed at {provider} ({state}): {cause}"),
    EventKind.UNCONFIRMED: _("Unknown whether {provider} has placed it: {cause}"),
    EventKind.VERDICT_NEEDED: _("Staff must say whether {provider} has placed it: {cause}"),
    EventKind.LATE_ANSWER: _("Order {order} is {state} and was then answered with id {id}"),
    EventKind.DISOWNED: _("The id {id} at {provider} was never ours"),
    EventKind.UPSTREAM_STATUS: _("Upstream order {id}: {word}"),
    EventKind.ODD_STATUS: "{provider}: {cause}",
    EventKind.RUN_NOT_NAMED: _("Not named upstream"),
    EventKind.TO_DESK: _("No provider will take it: it waits at the desk"),
    EventKind.REFUSED_BY_ALL: _("Every provider refused it"),
    EventKind.REFUSED: _("The provider refused it"),
    EventKind.CANCEL_FORWARDED: _("Cancel at {provider}: {state}"),
    EventKind.CANCEL_UNPAID: _("To be cancelled at {provider}: not paid"),
    EventKind.CANCEL_REJECTED: _("Request to cancel rejected"),
    EventKind.REFILL_FORWARDED: _("Refill {refill} at {provider}: {state}"),
    EventKind.REFILL_UNCLEAR: _("Refill {refill} at {provider}: {cause}"),
    EventKind.REFILL_MOVED: _("Refill {refill}: {before} -> {after}"),
    EventKind.RUNS_STOPPED: _("Stopped after {placed} of {runs} runs"),
    EventKind.POST_REPORTED: _("New post {link}"),
    EventKind.PAUSED: _("Paused: not enough funds"),
    EventKind.EXPIRED: _("Expired"),
    EventKind.MOVED_IN: _("Moved in from another panel"),
    EventKind.UNSENT: _("The old panel has not sent it, or failed to: send it only if no provider has it already"),
}
# Of kinds that may have a cause, with one.
EVENTS_WITH_CAUSE: Mapping[EventKind, str] = {
    EventKind.PLACED: _("Placed at {provider} as {id}, {cause}"),
    EventKind.CANCEL_FORWARDED: _("Cancel at {provider}: {state}: {cause}"),
    EventKind.REFILL_FORWARDED: _("Refill {refill} at {provider}: {state}: {cause}"),
}
CAUSES: Mapping[CauseKind, str] = {
    CauseKind.DECLINED: "{decline_kind}: {raw}",
    CauseKind.UNKNOWN_WORDS: _("it refused in unknown words: {raw}"),
    CauseKind.FAILURE: "{text}",
    CauseKind.TEXT: "{text}",
    CauseKind.NOT_IN_ANSWER: _("the answer does not speak of it"),
    CauseKind.NOT_IN_TIME: _("it could not leave in time"),
    CauseKind.WORKER_SILENT: _("the worker that sent it did not say what came of it"),
    CauseKind.PROVIDER_STOPPED: _("the provider was stopped"),
    CauseKind.ORDER_CANCELED: _("the order was canceled before"),
    CauseKind.ANOTHERS_ID: _("the id {id} belongs to another order"),
    CauseKind.OLD_ID: _("the id {id} is older than the order"),
    CauseKind.DISOWNED_ID: _("the id that was answered is not this order's"),
    CauseKind.STAFF_PLACED: _("placed, as staff found"),
    CauseKind.STAFF_ABSENT: _("never placed, as staff found"),
    CauseKind.STAFF_REFUSED: _("refused, as staff found"),
    CauseKind.MADE_FOR: _("made by the provider for order {order}"),
    CauseKind.FOUND_BY_SCAN: _("found by asking about the ids since"),
    CauseKind.FOUND_BY_REQUEST_ID: _("found by its request ID"),
    CauseKind.ABSENT_BY_REQUEST_ID: _("the provider knows no order with its request ID"),
    CauseKind.RESTORED: _("the panel was restored from a backup: it may have been sent since that was made"),
    CauseKind.NO_SCANS: _("ids may not be asked about at this provider"),
    CauseKind.SHARED_ACCOUNT: _("{id} fits, but people order with the account by hand"),
    CauseKind.ABSENT_BY_BALANCE: _("no order of ours among all ids since, and the balance agrees"),
    CauseKind.ABSENT_BY_SCANS: _("no order of ours among all ids since, asked about again and again"),
    CauseKind.CHARGED_UNFOUND: _(
        "no order of ours was found, but less is left at the provider, as if it had been placed"
    ),
    CauseKind.NOTHING_FOUND: _("nothing was found in a day, and it could not be proven that nothing is there"),
    CauseKind.ANOTHER_ATTEMPT: _("an order was found that another attempt may have placed as well"),
    CauseKind.SEVERAL_FOUND: _("several orders were found that it may have placed"),
    CauseKind.OTHER_CHARGE: _("an order was found with another charge than expected"),
    CauseKind.COSTS_NOTHING: _("orders were found that it may have placed, and it costs nothing by which to tell"),
    CauseKind.REFILL_WITHOUT_ID: _("it was taken, under no id that could be followed"),
    CauseKind.REFILL_UNKNOWN: _("it is not known whether it was taken: {cause}"),
    CauseKind.PARTIAL_WITHOUT_REMAINS: _("It has ended as Partial there without saying what remains"),
    CauseKind.PARTIAL_OUT_OF_RANGE: _("It has ended as Partial there with {remains} of {quantity} not delivered"),
    CauseKind.CHARGE_DIFFERS: _("It costs {charge} there, expected was {expected}"),
    CauseKind.CHARGE_CHANGED: _("Its charge there was {before} as it ended and is {after} now"),
    CauseKind.STATUS_CHANGED: _("It had ended as {before} there and is {after} now"),
    CauseKind.STATUS_BACK: _("Its status jumps back to {word}, which is ignored"),
    CauseKind.STATUS_UNKNOWN: _("Its status there is unknown to us: {word}"),
    CauseKind.STATUS_FAILED: _("It has failed there: {word}"),
    CauseKind.STATUS_UNREAD: _("Its status could not be read {count} times: {cause}"),
    CauseKind.NOT_FOUND: _("It is not found there any more"),
    CauseKind.HTTP: "HTTP {code}: {cause}",
    CauseKind.NOT_JSON: _("the answer is not JSON"),
    CauseKind.NOT_JSON_TEXT: _("the answer is not JSON: it begins with {text}"),
    CauseKind.EMPTY: _("the answer is empty"),
    CauseKind.NO_SHAPE: _("the answer has no known shape"),
    CauseKind.NO_ORDER_ID: _("the answer names no order, or more than one"),
    CauseKind.ERROR_BESIDE_ID: _("an error beside an order id: {raw}"),
    CauseKind.FAILED_BESIDE_ID: _("an order id in an answer that calls itself an error"),
    CauseKind.ERROR_BESIDE_SUCCESS: _("an error beside a success: {raw}"),
    CauseKind.UNSURE_ERROR: _("an error that leaves open what was done: {raw}"),
    CauseKind.ERROR_BESIDE_REFILL: _("an error beside a refill: {raw}"),
    CauseKind.TWO_REFILLS: _("the answer names two refills"),
    CauseKind.TOO_LONG: _("the answer is longer than {count} bytes"),
    CauseKind.PACKED: _("the answer is packed as {how}"),
    CauseKind.GZIP_BROKEN: _("the answer's gzip is broken"),
    CauseKind.GZIP_CUT: _("the answer's gzip is cut off or too long"),
    CauseKind.CHARSET_UNKNOWN: _("the answer's charset is not known: {charset}"),
    CauseKind.REDIRECTED: _("redirected to {address}"),
    CauseKind.NO_LIST: _("the answer is no list of services"),
    CauseKind.TOO_MANY_SERVICES: _("the answer has more than {count} services"),
    CauseKind.CALLER_NOT_STARTED: _("the process that calls does not start: {error}"),
    CauseKind.CALLER_ENDED: _("the process that calls has ended or failed"),
    CauseKind.CALLER_HANGS: _("the process that calls hangs"),
    CauseKind.NOTHING_SENT: _("Nothing is sent: {cause}"),
    CauseKind.OUTCOMES_OPEN: _("{count} orders are unconfirmed"),
    CauseKind.OUTCOMES_UNCLEAR: _("{unknown} of {adds} orders of the last five minutes are unknown"),
    CauseKind.ANSWERED_LATE: _("Order {order} is {state} and was then answered with id {id}"),
    CauseKind.ORDER_ODD: _("Order {order}, {id} at {provider}: {cause}"),
    CauseKind.REFILL_ODD: _("Refill {refill}, {id} at {provider}: {cause}"),
    CauseKind.REFILL_REPORT_NEEDED: _(
        "Refill {refill} of order {order} at {provider}: {cause}. Set its result by hand"
    ),
    CauseKind.NONE_READ: _("No status of an order has been read for {minutes} minutes: {cause}"),
    CauseKind.ORDER_UNWANTED: _("{id} was made for order {order}, which does not want it (any more)"),
    CauseKind.POST_UNPAID: _("Order {order}: its customer cannot pay for a post that {provider} has made ({id})"),
    CauseKind.ORPHAN: _("{id} ({word}, {charge}) is an order of ours that nobody here has placed"),
    CauseKind.ORPHAN_UNCHARGED: _("{id} ({word}) is an order of ours that nobody here has placed"),
    CauseKind.ADDRESS_MOVED: _("Its address leads to {address}: orders are not sent there. Set this address."),
    CauseKind.KEY_UNREADABLE: _(
        "The API key cannot be unsealed with the panel's secret key: nothing is asked. Enter the key anew."
    ),
    CauseKind.AT_DESK: _("Orders wait at the desk: no provider takes them"),
    CauseKind.BALANCE_REFUSED: _("Its balance is not told: {raw}"),
    CauseKind.BALANCE_CURRENCY: _("It tells its balance in {theirs}; the account was added in {ours}"),
    CauseKind.BALANCE_LESS: _(
        "The balance there is {balance} {currency}, {gap} less than recorded here ({held}): no order explains it"
    ),
    CauseKind.BALANCE_MORE: _(
        "The balance there is {balance} {currency}, {gap} more than recorded here ({held}): "
        "a top-up or a refund is not recorded"
    ),
    CauseKind.BALANCE_LOW: _("It holds {held} {currency}, less than {low}"),
    CauseKind.CATALOGUE_REJECTED: _("The catalogue was not taken over: {cause}"),
    CauseKind.CATALOGUE_SHRUNK: _("{gone} of {there} services are gone at once"),
    CauseKind.CATALOGUE_UNREADABLE: _("no service can be read, {count} rows were left out: {reasons}"),
    CauseKind.PRICES_WAIT: _("{count} prices jumped and wait for a decision"),
    CauseKind.PROMISES_BROKEN: _("Services that are sold on promise less ({count}): {services}"),
    CauseKind.TYPE_CHANGED: _("{id} is now {type}"),
    CauseKind.TYPE_LOST: _("{id} is of no type now"),
    CauseKind.PROMISE_LOST: _("{id} has no {promises} any more"),
    CauseKind.SERVICES_UNREADABLE: _(
        "{count} services that are sold on cannot be read, what was known of them holds: {services}"
    ),
    CauseKind.ROW_UNREADABLE: "{id}: {fault}",
    CauseKind.SERVICES_PAUSED: _("Paused, for no route is left: {count} services, {services}"),
    CauseKind.RISES_WAIT: _("Prices would rise by more than 30 % and wait: {count} services, {services}"),
    CauseKind.NOT_QUOTED: _("{source} does not quote {currency}"),
    CauseKind.RATE_OUT_OF_DATE: _("Sales in {currency} are stopped: its exchange rate is out of date"),
    CauseKind.RATE_JUMPED: _("{currency} jumped from {before} to {after} by {source}: accept it, or set another"),
    CauseKind.RATES_UNREAD: _("No exchange rates from {source}, {count} times: {cause}"),
    CauseKind.BACKUP_FAILED: _("The backup failed: {cause}"),
    CauseKind.BACKUP_MISSED: _("No backup has succeeded for {count} hours"),
    CauseKind.STANDS_STILL: _("Restored to {moment} UTC: nothing is sent until sutler recover has asked the providers"),
    CauseKind.FORGOTTEN_ORDERS: _(
        "{count} orders ({total} {currency}) were sent after the backup of {moment} UTC and are of no order here: "
        "ids {first} to {last}"
    ),
    CauseKind.NOTICE_GIVEN_UP: _("Notices by {channel} did not arrive and were given up: {fault}"),
}

Translate = Callable[[str], str]


def event_text(kind: str, data: Mapping[str, Any], translate: Translate = gettext_noop) -> str:
    """Returns an event in words; "" for a bare move. `translate` puts a text of the tables in another language."""
    known = EventKind(kind)
    text = EVENTS_WITH_CAUSE.get(known) if "cause" in data else None
    return _worded(EVENTS[known] if text is None else text, data, translate)


# What breaks on the way, by the name that the client of HTTP has for it.
FAILURES: Mapping[str, str] = {
    "ConnectError": _("connection failed"),
    "ConnectTimeout": _("no connection in time"),
    "PoolTimeout": _("no connection free in time"),
    "ReadError": _("connection lost"),
    "ReadTimeout": _("no answer in time"),
    "RemoteProtocolError": _("connection closed without a valid answer"),
    "WriteError": _("connection lost"),
    "WriteTimeout": _("no answer in time"),
}


def cause_text(cause: Cause | None, translate: Translate = gettext_noop) -> str:
    """Returns a cause in words; "" for none."""
    if cause is None:
        return ""
    if cause["kind"] == CauseKind.FAILURE:
        name, colon, rest = str(cause["text"]).partition(": ")
        return translate(FAILURES[name]) + colon + rest if name in FAILURES else name + colon + rest
    return _worded(CAUSES[CauseKind(cause["kind"])], cause, translate)


def _worded(text: str, data: Mapping[str, Any], translate: Translate) -> str:
    gaps: dict[str, Any] = {"cause": ""}
    for name, value in data.items():
        if isinstance(value, list):
            gaps[name] = "; ".join(
                cause_text(each, translate) if isinstance(each, dict) else str(each) for each in value
            )
        elif name == "cause":
            gaps[name] = cause_text(value, translate)
        elif name.endswith(_MICROS):
            gaps[name.removesuffix(_MICROS)] = show_charge(value)
        else:
            gaps[name] = value
    return (translate(text) if text else "").format_map(gaps)
