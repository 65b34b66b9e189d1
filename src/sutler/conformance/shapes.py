"""Judging the shape of what a panel answers, action by action (the protocol, section 2). Pure."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sutler.conformance.verdict import PASS, Judge, Known, Outcome, Verdict, differs, gravest, note, throughout, untold
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import is_currency
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES
from sutler.core.upstream_words import (
    UnknownStatus,
    read_cost_micros,
    read_count,
    read_decimal,
    read_id,
    read_limits,
    read_refill_status,
    read_status,
    read_type,
)
from sutler.panels import answer_body, parse
from sutler.panels.results import NoAnswer, UpstreamRefill

FLAGS = ("dripfeed", "refill", "cancel")
LIVE_ORDER = ("service", "name", "type", "rate", "min", "max", *FLAGS, "category")
PUBLISHED_ORDER = ("service", "name", "type", "category", "rate", "min", "max", "refill", "cancel")
STATUS_KEYS = ("charge", "start_count", "status", "remains", "currency")
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
# Joiners, odd blanks and marks of direction are common in real names: only what no page can show is meant.
_CANNOT_BE_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SPELLED_FLAGS = ("0", "1", "true", "false", "yes", "no")


def catalogue_is_list(value: Any) -> Verdict:
    """Demands a list of objects."""
    found = _entries(value)
    if found is None or not all(isinstance(each, dict) for each in found):
        return differs("it is no list of objects")
    return PASS if isinstance(value, list) else note(Known.CATALOGUE_SHAPE)


def entries(judge: Judge) -> Judge:
    """Demands this of every service on sale."""

    def judge_all(value: Any) -> Verdict:
        found = [each for each in _entries(value) or [] if isinstance(each, dict)]
        return throughout(judge, found) if found else untold("nothing is on sale")

    return judge_all


def _entries(value: Any) -> list[Any] | None:
    if answer_body.refusal(value):
        return None
    if isinstance(value, dict):
        inner = value.get("data")
        value = inner if isinstance(inner, (list, dict)) else value
    found = list(value.values()) if isinstance(value, dict) else value
    return found if isinstance(found, list) else None


def entry_keys(entry: dict[str, Any]) -> Verdict:
    """Demands the ten keys of a service."""
    missing = [each for each in LIVE_ORDER if each not in entry]
    if not missing:
        return note(Known.MORE_KEYS) if len(entry) > len(LIVE_ORDER) else PASS
    if set(missing) <= set(FLAGS):
        return note(Known.NO_DRIPFEED if missing == ["dripfeed"] else Known.NO_FLAG)
    return differs(f"missing: {', '.join(missing)}")


def entry_order(entry: dict[str, Any]) -> Verdict:
    """Demands that the keys come as live panels send them, further ones at the end."""
    keys = list(entry)
    known = [each for each in keys if each in LIVE_ORDER]
    if known == [each for each in LIVE_ORDER if each in entry]:
        return PASS if keys[: len(known)] == known else note(Known.MORE_KEYS)
    published = [each for each in PUBLISHED_ORDER if each in entry]
    is_published = [each for each in known if each != "dripfeed"] == published
    return note(Known.PUBLISHED_ORDER) if is_published else differs("the order of the keys is another")


def entry_id(entry: dict[str, Any]) -> Verdict:
    """Demands a whole number above 0 for the service."""
    return whole_id(entry.get("service"))


def whole_id(value: Any) -> Verdict:
    """Demands an id that is an integer above 0 and below 2^31."""
    if type(value) is int:
        return PASS if 0 < value <= LARGEST_NUMBER else differs("the id is not between 1 and 2147483647")
    return note(Known.OTHER_ID) if read_id(value) else differs("it is no id")


def entry_rate(entry: dict[str, Any]) -> Verdict:
    """Demands the rate as a text, above 0, plain, with two decimals or more."""
    rate = entry.get("rate")
    return amount(rate, 6) if read_cost_micros(rate) else differs("the rate is no amount above 0")


def amount(value: Any, most_decimals: int) -> Verdict:
    """Demands a plain decimal as a text, with two decimals up to so many."""
    if not isinstance(value, str):
        return note(Known.BARE_NUMBERS) if read_decimal(value) is not None else differs("it is no number")
    if not _PLAIN.fullmatch(value):
        return differs("it is no plain decimal")
    return PASS if 2 <= len(value.partition(".")[2]) <= most_decimals else note(Known.PADDING)


def entry_limits(entry: dict[str, Any]) -> Verdict:
    """Demands min and max as texts, whole and in order."""
    low, high = entry.get("min"), entry.get("max")
    if read_limits(low, high) is None:
        return differs("min and max are no limits")
    return gravest([whole(low), whole(high)])


def whole(value: Any) -> Verdict:
    """Demands a whole number as a text."""
    if read_count(value) is None:
        return differs("it is no whole number")
    if not isinstance(value, str):
        return note(Known.BARE_NUMBERS)
    return PASS if _PLAIN.fullmatch(value) and "." not in value else differs("it is no plain whole number")


def entry_flags(entry: dict[str, Any]) -> Verdict:
    """Demands true or false for what the service says it can do."""
    found = [entry[each] for each in FLAGS if each in entry]
    if all(isinstance(each, bool) for each in found):
        return PASS
    known = all(each is None or isinstance(each, bool) or str(each).lower() in _SPELLED_FLAGS for each in found)
    return note(Known.NUMBER_FLAGS) if known else differs("a flag is neither true nor false")


def entry_type(entry: dict[str, Any]) -> Verdict:
    """Demands one of the seventeen types, byte for byte."""
    found = entry.get("type")
    if isinstance(found, str) and found in ORDER_TYPES:
        return PASS
    return note(Known.LOOSE_TYPE) if read_type(found) else differs("the type is none of the seventeen")


def entry_texts(entry: dict[str, Any]) -> Verdict:
    """Demands a name and a category that can be shown."""
    found = [entry[each] for each in ("name", "category") if each in entry]
    can_be_shown = all(isinstance(each, str) and each.strip() and not _CANNOT_BE_SHOWN.search(each) for each in found)
    return PASS if can_be_shown else differs("a name or a category cannot be shown")


def entries_are_distinct(value: Any) -> Verdict:
    """Demands that no service stands twice."""
    ids = [read_id(each.get("service")) for each in _entries(value) or [] if isinstance(each, dict)]
    twice = [each for each, count in Counter(ids).items() if each and count > 1]
    return differs(f"more than once: {', '.join(twice[:10])}") if twice else PASS


def balance_keys(value: Any) -> Verdict:
    """Demands balance and currency, and no other key."""
    return _keys(value, ("balance", "currency"))


def balance_amount(value: Any) -> Verdict:
    """Demands the balance as a text with two to five decimals."""
    return amount(value["balance"], 5) if isinstance(value, dict) and "balance" in value else differs("no balance")


def currency(value: Any) -> Verdict:
    """Demands a currency code in capitals."""
    code = value.get("currency") if isinstance(value, dict) else None
    if code is None:
        return note(Known.NO_CURRENCY) if isinstance(value, dict) and "balance" in value else differs("no currency")
    if isinstance(code, str) and is_currency(code):
        return PASS
    alike = isinstance(code, str) and is_currency(code.strip().upper())
    return note(Known.PADDING) if alike else differs("it is no currency code")


def _keys(value: Any, wanted: Sequence[str]) -> Verdict:
    if not isinstance(value, dict):
        return differs("it is no object")
    missing = [each for each in wanted if each not in value]
    if missing == ["currency"]:
        return note(Known.NO_CURRENCY)
    if missing == ["start_count"]:
        return note(Known.NO_START_COUNT) if "start_counter" in value else differs("missing: start_count")
    if missing:
        return differs(f"missing: {', '.join(missing)}")
    return note(Known.MORE_KEYS) if len(value) > len(wanted) else PASS


def status_keys(family: Sequence[str] = ()) -> Judge:
    """Demands the five keys of an order's status, and those of a drip-feed or a subscription."""

    def judge(value: Any) -> Verdict:
        if not isinstance(value, dict):
            return differs("it is no object")
        if answer_body.refusal(value):
            return differs("the order that was just placed is refused")
        plain = _keys({name: each for name, each in value.items() if name not in family}, STATUS_KEYS)
        missing = [each for each in family if each not in value]
        return gravest([plain, note(Known.NO_FAMILY)]) if missing else plain

    return judge


def status_texts(value: Any) -> Verdict:
    """Demands texts under all five keys, those of numbers plain ones."""
    if not isinstance(value, dict):
        return differs("it is no object")
    started = value.get("start_count", value.get("start_counter"))
    counted = note(Known.NO_START_COUNT) if started is None else whole(started)
    said = PASS if isinstance(value.get("status"), str) else differs("the status is no text")
    return gravest([amount(value.get("charge"), 5), counted, whole(value.get("remains")), said])


def status_word(value: Any) -> Verdict:
    """Demands one of the six statuses, byte for byte."""
    return word(value, list(Status), lambda text: not isinstance(read_status(text), UnknownStatus))


def refill_word(value: Any) -> Verdict:
    """Demands one of the four states of a refill, byte for byte."""
    return word(value, list(RefillStatus), lambda text: not isinstance(read_refill_status(text), UnknownStatus))


def word(value: Any, wanted: Sequence[str], is_known: Callable[[Any], bool]) -> Verdict:
    """Demands one of these words under `status`; one that is read as one of them is noted."""
    said = value.get("status") if isinstance(value, dict) else None
    if isinstance(said, str) and said in wanted:
        return PASS
    return note(Known.LOOSE_STATUS) if is_known(said) else differs(f"the status is none of {', '.join(wanted)}")


def by_id(ids: Sequence[str], item: Judge) -> Judge:
    """Demands an object with one member for each of these ids."""

    def judge(value: Any) -> Verdict:
        if not isinstance(value, dict) or answer_body.refusal(value):
            return differs("it is no object by id")
        missing = [each for each in ids if each not in value]
        if missing or len(value) != len(ids):
            return differs(f"missing: {', '.join(missing)}" if missing else "there are further members")
        return throughout(item, [value[each] for each in ids])

    return judge


def in_order(ids: Sequence[str], name: str, said: str, item: Judge) -> Judge:
    """Demands a list of `{name: id, said: ...}` for these ids, in the order asked."""

    def judge(value: Any) -> Verdict:
        if isinstance(value, dict) and all(each in value for each in ids):
            return note(Known.OTHER_SHAPE)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            return differs("it is no list of objects")
        if [str(each.get(name)) for each in value] != list(ids):
            return differs("it does not name what was asked, in the order asked")
        if any(each.keys() != {name, said} for each in value):
            return differs(f"an item is not {name} and {said}")
        echoed = throughout(_echoed, [each[name] for each in value])
        return gravest([throughout(item, [each[said] for each in value]), echoed])

    return judge


def _echoed(value: Any) -> Verdict:
    is_number = isinstance(value, str) and value.isascii() and value.isdigit()
    return note(Known.TEXT_NUMBERS) if is_number else PASS


def nested(name: str, judge: Judge) -> Judge:
    """Demands an error at top level; one inside `name`, or as the one item of a list, is noted."""

    def judge_both(value: Any) -> Verdict:
        items = value if isinstance(value, list) and len(value) == 1 else [value]
        inner = items[0].get(name) if isinstance(items[0], dict) else None
        if not isinstance(inner, dict):
            return judge(value)
        found = judge(inner)
        return note(Known.OTHER_SHAPE) if found.outcome is Outcome.PASSED else found

    return judge_both


def refill_state(value: Any) -> Verdict:
    """Demands a refill that is known, in the documented shape."""
    known = isinstance(parse.refill_status(value), UpstreamRefill)
    return refill_word(value) if known else differs("the refill that was just asked for is not known")


def has_balance(value: Any) -> Verdict:
    """Demands any readable balance."""
    is_refused = answer_body.refusal(value) is not None
    readable = not isinstance(parse.balance(value), NoAnswer)
    return PASS if readable and not is_refused else Verdict(Outcome.DIFFERS, "it answers no balance")
