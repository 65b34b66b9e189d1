"""Reading the answers of an upstream panel: from bytes to values. Pure; takes anything and raises nothing.

Each reader takes a decoded answer that is no refusal, and returns what it says, or NoAnswer where its shape is none
that the protocol page (section 5) knows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import Any, TypeVar

from sutler.core import json_text
from sutler.core.json_text import Hook, NotJson
from sutler.core.lifecycle import Status
from sutler.core.money import is_currency
from sutler.core.upstream_words import (
    LONGEST_RAW,
    Doubt,
    proves_dots_group,
    read_balance_micros,
    read_cost_micros,
    read_count,
    read_decline,
    read_flag,
    read_id,
    read_refill_status,
    read_status,
    read_text,
)
from sutler.fulfilment.panel_answers import (
    Accepted,
    Balance,
    Declined,
    NoAnswer,
    Taken,
    UpstreamRefill,
    UpstreamStatus,
)

LONGEST_WORD = 60
MOST_CHILDREN = 10_000

_T = TypeVar("_T")
# What programs write for "no error" in an `error` that is always there.
_NO_ERRORS = frozenset({"", "0", "false", "null", "none"})
_NO = _NO_ERRORS | {"no"}
_YES = frozenset({"ok", "success"})
_NUMBERS_OF_AN_ORDER = frozenset({"charge", "start_count", "start_counter", "remains"})
_OF_PARENTS = frozenset({"runs", "posts", "orders"})
_STRANGE = NoAnswer("the answer has no known shape")


def decode(text: str, hook: Hook | None = None) -> Any:
    """Returns the JSON value as `json_text.loads` does, or NoAnswer; with a hook it says what stands there instead."""
    try:
        return json_text.loads(text, hook)
    except NotJson as error:
        beginning = f": {error}" if hook else ""
        return NoAnswer(f"the answer is not JSON{beginning}" if str(error) else "the answer is empty")


def refusal(answer: Any) -> Declined | None:
    """Returns the refusal if the answer is an object with an `error` that says something, else None."""
    if not isinstance(answer, dict) or "error" not in answer:
        return None
    text = " ".join(islice(_words(answer["error"]), 20))[:LONGEST_RAW]
    return Declined(read_decline(text), text) if text.lower() not in _NO_ERRORS else None


def _words(error: Any, depth: int = 0) -> Iterator[str]:
    """Yields the texts of an error, whatever it is nested in."""
    if isinstance(error, (dict, list)):
        if depth < 5:
            for each in error.values() if isinstance(error, dict) else error:
                yield from _words(each, depth + 1)
        elif error:
            yield "..."
    elif error is True:
        yield "true"
    elif text := read_text(error, LONGEST_RAW):
        yield text


def accepted(answer: Any) -> Accepted | Declined | NoAnswer:
    """Reads the answer of `add`: the id in `order`, `order_id` or `data.order`."""
    found = _order_ids(answer)
    declined = refusal(answer)
    if declined and found:
        # An order that is named was perhaps placed, so the error proves nothing.
        return NoAnswer(f"an error beside an order id: {declined.raw}")
    if declined:
        return declined
    return Accepted(found.pop()) if len(found) == 1 else NoAnswer("the answer names no order, or more than one")


def _order_ids(answer: Any) -> set[str]:
    if not isinstance(answer, dict):
        return set()
    data = answer.get("data")
    places = [answer.get("order"), answer.get("order_id"), data.get("order") if isinstance(data, dict) else None]
    return {found for place in places if (found := read_id(place))}


def balance(answer: Any) -> Balance | NoAnswer:
    """Reads the answer of `balance`."""
    micros = read_balance_micros(answer.get("balance")) if isinstance(answer, dict) else None
    return _STRANGE if micros is None else Balance(micros, _currency(answer))


def _currency(answer: Mapping[str, Any]) -> str:
    code = answer.get("currency")
    return _currency_code(code) if isinstance(code, str) and len(code) <= LONGEST_WORD else ""


@lru_cache(maxsize=256)
def _currency_code(text: str) -> str:
    code = text.strip().upper()
    return code if is_currency(code) else ""


def status(answer: Any) -> UpstreamStatus | NoAnswer:
    """Reads what is said of one order. An answer without a status word says nothing.

    `{"status":"error","message":...}` is how some panels say that the call failed: a failed order is believed only
    with one of the order's own numbers beside it.
    """
    if not isinstance(answer, dict):
        return _STRANGE
    told = answer.get
    value = told("status")
    raw, word = _status_word(value[:LONGEST_RAW] if isinstance(value, str) else read_text(value, LONGEST_WORD))
    if not raw or (word is Doubt.STAFF and _NUMBERS_OF_AN_ORDER.isdisjoint(answer)):
        return _STRANGE
    start, remains = told("start_count"), told("remains")
    start = told("start_counter") if start is None else start
    count = partial(read_count, dots_group=proves_dots_group(start, remains))
    said = UpstreamStatus(word, raw, read_cost_micros(told("charge")), _currency(answer), count(start), count(remains))
    if _OF_PARENTS.isdisjoint(answer):
        return said
    return said._replace(runs=count(told("runs")), posts=count(told("posts")), orders=_children(told("orders")))


# Panels say the same few words over and over, a hundred to an answer.
@lru_cache(maxsize=256)
def _status_word(word: str) -> tuple[str, Status | Doubt]:
    return read_text(word, LONGEST_WORD), read_status(word)


def _children(value: Any) -> tuple[str, ...]:
    """Returns the ids of child orders: a list, or a text with commas."""
    items = value.split(",", MOST_CHILDREN) if isinstance(value, str) else value
    if not isinstance(items, list):
        return ()
    return tuple(found for item in items[:MOST_CHILDREN] if (found := read_id(item)))


def statuses(answer: Any, ids: Sequence[str]) -> dict[str, UpstreamStatus | Declined] | NoAnswer:
    """Reads the answer of a batch `status`. What was not asked for is left out; what is missing is unknown."""
    if len(ids) == 1 and isinstance(alone := status(answer), UpstreamStatus):
        return {ids[0]: alone}
    return _batch(answer, ids, "order", _status_of)


def _status_of(item: Any) -> UpstreamStatus | Declined | None:
    if isinstance(item, str):
        return _bare_error(item)
    said = refusal(item) or status(item)
    return None if isinstance(said, NoAnswer) else said


def _bare_error(text: str) -> Declined | None:
    """Reads an item that is a text instead of an object: an error, unless it is only a status word."""
    raw = read_text(text, LONGEST_RAW)
    return Declined(read_decline(raw), raw) if raw and read_status(raw) is Doubt.UNKNOWN else None


def refill(answer: Any) -> Taken | Declined | NoAnswer:
    """Reads the answer of `refill` for one order: `{"refill":"1"}`, `true`, or an error inside."""
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        return _STRANGE
    declined, said = refusal(answer), _taken(answer.get("refill"))
    if declined and isinstance(said, Taken):
        return NoAnswer(f"an error beside a refill: {declined.raw}")
    return declined or said or _STRANGE


def _taken(value: Any) -> Taken | Declined | None:
    """Reads what stands for a request: an id, a yes, or an object with an error."""
    if isinstance(value, dict):
        return refusal(value)
    found = read_id(value)
    return Taken(found or "") if found or read_flag(value) else None


def refill_status(answer: Any) -> UpstreamRefill | Declined | NoAnswer:
    """Reads what is said of one refill. Its error may stand inside `status`."""
    return _refill_of(answer) or _STRANGE


def _refill_of(item: Any) -> UpstreamRefill | Declined | None:
    if not isinstance(item, dict):
        return None
    word = item.get("status")
    raw = read_text(word, LONGEST_WORD)
    said = UpstreamRefill(read_refill_status(word), raw) if raw else None
    return refusal(item) or refusal(word) or said


def refill_statuses(answer: Any, ids: Sequence[str]) -> dict[str, UpstreamRefill | Declined] | NoAnswer:
    """Reads the answer of a batch `refill_status`."""
    if len(ids) == 1 and isinstance(answer, dict) and (alone := _refill_of(answer)):
        return {ids[0]: alone}
    return _batch(answer, ids, "refill", _refill_of)


def cancels(answer: Any, ids: Sequence[str]) -> dict[str, Taken | Declined] | NoAnswer:
    """Reads the answer of `cancel`: a list, an object by id, or one `cancel`, `ok` or `success` for all that was asked.

    Taken is all that it says; what came of it `status` says later.
    """
    if isinstance(answer, dict):
        flat = _cancel_of(answer)
        named = read_id(answer.get("order"))
        if flat:
            return {each: flat for each in ids if named in (None, each)}
    return _batch(answer, ids, "order", _cancel_of)


def _cancel_of(item: Any) -> Taken | Declined | None:
    if not isinstance(item, dict):
        return _cancel_said(item)
    agreed = any(read_text(item.get(name), LONGEST_WORD).lower() not in _NO for name in ("ok", "success"))
    agreed = agreed or item.get("ok") is True or item.get("success") is True
    return refusal(item) or _cancel_said(item.get("cancel")) or (Taken() if agreed else None)


def _cancel_said(value: Any) -> Taken | Declined | None:
    """Reads what stands for a cancel: a yes or a task's id, which mean the same to us, or an error."""
    if isinstance(value, dict):
        return refusal(value)
    if read_flag(value) or read_id(value) or (isinstance(value, str) and value.strip().lower() in _YES):
        return Taken()
    return _bare_error(value) if isinstance(value, str) else None


def _batch(
    answer: Any, ids: Sequence[str], id_field: str, read: Callable[[Any], _T | None]
) -> dict[str, _T] | NoAnswer:
    """Reads a list of objects that carry their id, or an object by id. An id said twice and differently is left out."""
    items = _pairs(answer, id_field)
    wanted, torn = set(ids), set()
    found: dict[str, _T] = {}
    for upstream_id, item in items:
        if upstream_id not in wanted or (said := read(item)) is None:
            continue
        if upstream_id in found and found[upstream_id] != said:
            torn.add(upstream_id)
        found[upstream_id] = said
    if not found and answer not in ({}, []) and not any(isinstance(item, dict) for _, item in items):
        return _STRANGE
    return {each: said for each, said in found.items() if each not in torn}


def _pairs(answer: Any, id_field: str) -> list[tuple[str, Any]]:
    if isinstance(answer, dict):
        return [(key.strip(), item) for key, item in answer.items()]
    if isinstance(answer, list):
        return [(read_id(item.get(id_field)) or "", item) for item in answer if isinstance(item, dict)]
    return []
