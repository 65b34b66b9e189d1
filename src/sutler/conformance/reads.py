"""The checks of a panel that place nothing: a table of calls, and of what is demanded of each answer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sutler.conformance import shapes
from sutler.conformance.call import Call, Way, call
from sutler.conformance.verdict import Judge, Verdict, refused, untold
from sutler.core.upstream_words import REFUSES_REQUEST, DeclineKind
from sutler.panels import answer_body, parse
from sutler.panels.results import UpstreamStatus

# Ids rise from 1 and end here: that somebody has these orders is next to impossible.
UNKNOWN, UNKNOWN_TOO = "2147483647", "2147483646"
WRONG_KEY = "0" * 32
NO_NUMBER = "Array"
MOST_IDS = 100
ORDERS, REFILLS = f"{UNKNOWN},{UNKNOWN_TOO}", f"{UNKNOWN},{UNKNOWN_TOO}"

ANY_KIND = frozenset(DeclineKind) - {DeclineKind.RATE}
NO_ORDER = refused("Incorrect order ID", REFUSES_REQUEST)
NO_REFILL = refused("Refill not found", REFUSES_REQUEST)
_NO_KEY = refused("Invalid API key", {DeclineKind.AUTH})
_NOT_UNDERSTOOD = refused("Incorrect request", ANY_KIND)


def of_another(value: Any) -> Verdict:
    """Demands that an order, most likely another customer's, is as unknown as one that never was."""
    if answer_body.refusal(value) is None and isinstance(parse.status(value), UpstreamStatus):
        return untold("the order may be this account's own")
    return NO_ORDER(value)


@dataclass(frozen=True, slots=True)
class Check:
    """One call and one thing that is demanded of its answer.

    A `tolerance` is promised by no published page: whatever else is answered is noted. `type` is the order type where
    it matters.
    """

    action: str
    sentence: str
    call: Call
    judge: Judge
    type: str = ""
    tolerance: bool = False


_SERVICES, _BALANCE = call("services"), call("balance")
_OLD_ORDER = call("status", order="1")


def reads() -> Iterator[Check]:
    """Yields every check that does not depend on what is on sale."""
    yield from _services()
    yield from _balance()
    yield from _keys_and_actions()
    yield from _statuses()
    yield from _refills()
    yield from _refill_statuses()
    yield from _cancels()
    yield from _ways()


def _services() -> Iterator[Check]:
    for sentence, judge in (
        ("the answer is a list of objects", shapes.catalogue_is_list),
        ("every service has the ten keys", shapes.entries(shapes.entry_keys)),
        ("the keys stand in the documented order", shapes.entries(shapes.entry_order)),
        ("`service` is an integer above 0", shapes.entries(shapes.entry_id)),
        ("`type` is one of the seventeen, byte for byte", shapes.entries(shapes.entry_type)),
        ("`rate` is a text above 0 with two decimals or more", shapes.entries(shapes.entry_rate)),
        ("`min` and `max` are texts, whole and in order", shapes.entries(shapes.entry_limits)),
        ("`dripfeed`, `refill` and `cancel` are true or false", shapes.entries(shapes.entry_flags)),
        ("`name` and `category` are texts that can be shown", shapes.entries(shapes.entry_texts)),
        ("no service stands twice", shapes.entries_are_distinct),
    ):
        yield Check("services", sentence, _SERVICES, judge)


def _balance() -> Iterator[Check]:
    for sentence, judge in (
        ("the keys are `balance` and `currency`", shapes.balance_keys),
        ("`balance` is a text with two to five decimals", shapes.balance_amount),
        ("`currency` is a code in capitals", shapes.currency),
    ):
        yield Check("balance", sentence, _BALANCE, judge)


def _keys_and_actions() -> Iterator[Check]:
    for action in ("services", "status", "balance"):
        asked = call(action, order=UNKNOWN) if action == "status" else call(action)
        yield Check(action, "a wrong key is refused", replace(asked, key=WRONG_KEY), _NO_KEY)
        yield Check(action, "a missing key is refused", replace(asked, key=""), _NO_KEY)
    yield Check("(none)", "a missing action is refused", call(""), _NOT_UNDERSTOOD)
    yield Check("(none)", "an unknown action is refused", call("conformance"), _NOT_UNDERSTOOD)
    wrong = replace(call("conformance"), key=WRONG_KEY)
    yield Check("(none)", "a wrong key is told before an unknown action", wrong, _NO_KEY, tolerance=True)
    look = call("", refills=REFILLS)
    refills = shapes.in_order(REFILLS.split(","), "refill", "status", NO_REFILL)
    yield Check("(none)", "a look at refills is understood without action", look, refills, tolerance=True)


def _statuses() -> Iterator[Check]:
    both = shapes.by_id(ORDERS.split(","), NO_ORDER)
    yield Check("status", "an unknown order is refused", call("status", order=UNKNOWN), NO_ORDER)
    yield Check("status", "an id that is no number is refused", call("status", order=NO_NUMBER), NO_ORDER)
    yield Check("status", "a missing id is refused", call("status"), _NOT_UNDERSTOOD)
    yield Check("status", "another customer's order is as unknown as none", _OLD_ORDER, of_another)
    yield Check("status", "several orders are answered by id", call("status", orders=ORDERS), both)
    one = shapes.by_id([UNKNOWN], NO_ORDER)
    yield Check("status", "one id in `orders` is answered by id too", call("status", orders=UNKNOWN), one)
    untidy = f"{UNKNOWN}, {UNKNOWN},,{UNKNOWN_TOO}"
    odd = shapes.by_id([UNKNOWN, NO_NUMBER], NO_ORDER)
    many = [str(int(UNKNOWN) - number) for number in range(MOST_IDS + 1)]
    for sentence, asked, judge in (
        ("blanks and repeated ids are passed over", call("status", orders=untidy), both),
        ("a comma inside `order` makes it several", call("status", order=ORDERS), both),
        ("of `order` and `orders` the single one wins", call("status", order=UNKNOWN, orders=ORDERS), NO_ORDER),
        ("what is no number is told back as it came", call("status", orders=f"{UNKNOWN},{NO_NUMBER}"), odd),
        (
            "of 101 orders the first 100 are answered",
            call("status", orders=",".join(many)),
            shapes.by_id(many[:MOST_IDS], NO_ORDER),
        ),
        ("`action=orders` asks for several too", call("orders", orders=ORDERS), both),
    ):
        yield Check("status", sentence, asked, judge, tolerance=True)


def _refills() -> Iterator[Check]:
    both = shapes.in_order(ORDERS.split(","), "order", "refill", NO_ORDER)
    one = shapes.in_order([UNKNOWN], "order", "refill", NO_ORDER)
    yield Check(
        "refill", "an unknown order is refused", call("refill", order=UNKNOWN), shapes.nested("refill", NO_ORDER)
    )
    yield Check("refill", "a missing id is refused", call("refill"), shapes.nested("refill", _NOT_UNDERSTOOD))
    yield Check("refill", "several orders are answered as a list, in order", call("refill", orders=ORDERS), both)
    yield Check("refill", "one id in `orders` is answered as a list too", call("refill", orders=UNKNOWN), one)


def _refill_statuses() -> Iterator[Check]:
    both = shapes.in_order(REFILLS.split(","), "refill", "status", NO_REFILL)
    one = shapes.in_order([UNKNOWN], "refill", "status", NO_REFILL)
    unknown = shapes.nested("status", NO_REFILL)
    yield Check("refill_status", "an unknown refill is refused", call("refill_status", refill=UNKNOWN), unknown)
    yield Check(
        "refill_status", "a missing id is refused", call("refill_status"), shapes.nested("status", _NOT_UNDERSTOOD)
    )
    sentence = "several refills are answered as a list, in order"
    yield Check("refill_status", sentence, call("refill_status", refills=REFILLS), both)
    sentence = "one id in `refills` is answered as a list too"
    yield Check("refill_status", sentence, call("refill_status", refills=UNKNOWN), one)
    odd = shapes.in_order([UNKNOWN, NO_NUMBER], "refill", "status", NO_REFILL)
    asked = call("refill_status", refills=f"{UNKNOWN},{NO_NUMBER}")
    yield Check("refill_status", "what is no number is told back as it came", asked, odd, tolerance=True)


def _cancels() -> Iterator[Check]:
    both = shapes.in_order(ORDERS.split(","), "order", "cancel", NO_ORDER)
    one = shapes.in_order([UNKNOWN], "order", "cancel", NO_ORDER)
    yield Check("cancel", "several orders are answered as a list, in order", call("cancel", orders=ORDERS), both)
    yield Check("cancel", "one id in `orders` is answered as a list too", call("cancel", orders=UNKNOWN), one)
    yield Check("cancel", "a missing id is refused", call("cancel"), shapes.nested("cancel", _NOT_UNDERSTOOD))
    single = shapes.nested("cancel", NO_ORDER)
    sentence = "an unknown order in `order` is refused"
    yield Check("cancel", sentence, call("cancel", order=UNKNOWN), single, tolerance=True)


def _ways() -> Iterator[Check]:
    for sentence, asked in (
        ("the address with and without a slash at its end is the same", replace(_BALANCE, other_slash=True)),
        ("it may be asked by GET", replace(_BALANCE, way=Way.QUERY)),
        ("it may be asked in JSON", replace(_BALANCE, way=Way.JSON)),
        ("it may be asked in a multipart form", replace(_BALANCE, way=Way.MULTIPART)),
        ("a charset behind the form's content type does no harm", replace(_BALANCE, way=Way.FORM_WITH_CHARSET)),
        ("the action may be in capitals", call("BALANCE")),
        ("blanks around the action do no harm", call(" balance ")),
        ("fields that it does not know do no harm", call("balance", runs="undefined", interval="undefined")),
    ):
        yield Check("balance", sentence, asked, shapes.has_balance, tolerance=True)
