"""Reading the answers of an upstream panel: what a decoded body says. Pure; takes anything and raises nothing.

Each reader takes a decoded answer that is no refusal, and returns what it says, or NoAnswer where its shape is none
that the protocol page (section 5) knows.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

from sutler.core.events import CauseKind, cause
from sutler.core.lifecycle import Status
from sutler.core.money import is_currency
from sutler.core.upstream_words import (
    LONGEST_RAW,
    UnknownStatus,
    is_unsure,
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
from sutler.panels.answer_body import levels, order_ids, refusal, says
from sutler.panels.results import (
    Accepted,
    Balance,
    Declined,
    NoAnswer,
    Taken,
    UpstreamChanges,
    UpstreamRefill,
    UpstreamStatus,
)

LONGEST_WORD = 60
MOST_CHILDREN = 10_000
LONGEST_CURSOR = 100

_T = TypeVar("_T")
_NO = frozenset({"", "0", "false", "null", "none", "no"})
_YES = frozenset({"ok", "success"})
_NUMBERS_OF_AN_ORDER = frozenset({"charge", "start_count", "start_counter", "remains"})
_OF_PARENTS = frozenset({"runs", "posts", "orders"})
_STRANGE = NoAnswer(cause(CauseKind.NO_SHAPE))


def accepted(answer: Any) -> Accepted | Declined | NoAnswer:
    """Reads the answer of `add`: the one id in `order`, `order_id` or `id`, or the refusal where no order is named."""
    ids, are_known = order_ids(answer)
    declined = refusal(answer, messages=not ids)
    if ids and (declined or says(answer, False)):
        # An order that is named was perhaps placed, so the error proves nothing.
        beside = cause(CauseKind.ERROR_BESIDE_ID, raw=declined.raw) if declined else cause(CauseKind.FAILED_BESIDE_ID)
        return NoAnswer(beside)
    if declined:
        return _certain(answer, declined)
    named = len(ids) == 1 and are_known
    return Accepted(ids.pop()) if named else NoAnswer(cause(CauseKind.NO_ORDER_ID))


def _certain(answer: Any, declined: Declined) -> Declined | NoAnswer:
    """Returns the refusal of what would have changed something, unless it leaves open whether it was done."""
    if says(answer, True):
        return NoAnswer(cause(CauseKind.ERROR_BESIDE_SUCCESS, raw=declined.raw))
    if is_unsure(declined.raw):
        return NoAnswer(cause(CauseKind.UNSURE_ERROR, raw=declined.raw), declined.raw)
    return declined


def balance(answer: Any) -> Balance | NoAnswer:
    """Reads the answer of `balance`."""
    for level in levels(answer):
        micros = read_balance_micros(level.get("balance")) if isinstance(level, dict) else None
        if micros is not None:
            return Balance(micros, _currency(level))
    return _STRANGE


def _currency(answer: Mapping[str, Any]) -> str:
    code = answer.get("currency")
    return _currency_code(code) if isinstance(code, str) and len(code) <= LONGEST_WORD else ""


@lru_cache(maxsize=256)
def _currency_code(text: str) -> str:
    code = text.strip().upper()
    return code if is_currency(code) else ""


def status(answer: Any, upstream_id: str = "") -> UpstreamStatus | NoAnswer:
    """Reads what is said of one order, of that with this id if the answer names one.

    An answer without a status word says nothing. `{"status":"error","message":...}` is how some panels say that the
    call failed: a failed order is believed only with one of the order's own numbers beside it. Of an answer in
    wrappings the first status that we know counts.
    """
    said = _status_of_level(answer)
    if isinstance(said, UpstreamStatus) and not isinstance(said.status, UnknownStatus):
        return said  # what nearly all panels send
    inner = [each for each in levels(answer) if isinstance(each, dict)]
    if isinstance(answer, list):
        inner = [each for each in inner if not upstream_id or read_id(each.get("order")) in (None, upstream_id)]
    return _known([said for each in inner if isinstance(said := _status_of_level(each), UpstreamStatus)])


def _known(read: Sequence[_T]) -> _T | NoAnswer:
    """Returns the first of these whose status we know, from the outside in; else the last, which is the innermost."""
    known = (each for each in read if not isinstance(getattr(each, "status", None), UnknownStatus))
    return next(known, read[-1] if read else _STRANGE)


def _status_of_level(answer: Any) -> UpstreamStatus | NoAnswer:
    if not isinstance(answer, dict):
        return _STRANGE
    told = answer.get
    value = told("status")
    raw, word = _status_word(value[:LONGEST_RAW] if isinstance(value, str) else read_text(value, LONGEST_WORD))
    if not raw or (word is UnknownStatus.STAFF and _NUMBERS_OF_AN_ORDER.isdisjoint(answer)):
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
def _status_word(word: str) -> tuple[str, Status | UnknownStatus]:
    return read_text(word, LONGEST_WORD), read_status(word)


def _children(value: Any) -> tuple[str, ...]:
    """Returns the ids of child orders: a list, or a text with commas."""
    items = value.split(",", MOST_CHILDREN) if isinstance(value, str) else value
    if not isinstance(items, list):
        return ()
    return tuple(found for item in items[:MOST_CHILDREN] if (found := read_id(item)))


def statuses(answer: Any, ids: Sequence[str]) -> dict[str, UpstreamStatus | Declined] | NoAnswer:
    """Reads the answer of a batch `status`. What was not asked for is left out; what is missing is unknown."""
    if len(ids) == 1 and isinstance(alone := status(answer, ids[0]), UpstreamStatus):
        return {ids[0]: alone}
    return _batch(answer, ids, "order", _status_of)


def changes(answer: Any) -> UpstreamChanges | NoAnswer:
    """Reads the answer of `changes`. An order that is not told clearly is left out."""
    if not isinstance(answer, dict):
        return _STRANGE
    cursor, orders = answer.get("cursor"), answer.get("orders")
    if not isinstance(cursor, str) or not 0 < len(cursor) <= LONGEST_CURSOR or not isinstance(orders, dict):
        return _STRANGE
    told = {upstream_id: _status_of(item) for upstream_id, item in orders.items()}
    statuses = {upstream_id: said for upstream_id, said in told.items() if isinstance(said, UpstreamStatus)}
    return UpstreamChanges(cursor, statuses, "services" in answer, answer.get("more") is True)


def _status_of(item: Any) -> UpstreamStatus | Declined | None:
    if isinstance(item, str):
        return _bare_error(item)
    said = refusal(item) or _status_of_level(item)
    return None if isinstance(said, NoAnswer) else said


def _bare_error(text: str) -> Declined | None:
    """Reads a text where an object was expected: an error, unless it is only a status word."""
    raw = read_text(text, LONGEST_RAW)
    return Declined(read_decline(raw), raw) if raw and read_status(raw) is UnknownStatus.UNKNOWN else None


def refill(answer: Any) -> Taken | Declined | NoAnswer:
    """Reads the answer of `refill` for one order: `{"refill":"1"}`, `true`, or an error inside."""
    objects = [each for each in levels(answer) if isinstance(each, dict)]
    told = [each["refill"] for each in objects if "refill" in each]
    said = [each for value in told if (each := _taken(value))]
    taken = {each for each in said if isinstance(each, Taken)}
    declined = refusal(answer, messages=not taken) or next((each for each in said if isinstance(each, Declined)), None)
    if taken and (declined or len(taken) > 1):
        beside = cause(CauseKind.ERROR_BESIDE_REFILL, raw=declined.raw) if declined else cause(CauseKind.TWO_REFILLS)
        return NoAnswer(beside)
    if taken:
        return taken.pop()
    return _certain(answer, declined) if declined and objects else _STRANGE


def _taken(value: Any) -> Taken | Declined | None:
    """Reads what stands for a request: an id, a yes, or an object with an error."""
    if isinstance(value, dict):
        return refusal(value)
    found = read_id(value)
    return Taken(found or "") if found or read_flag(value) else None


def refill_status(answer: Any) -> UpstreamRefill | Declined | NoAnswer:
    """Reads what is said of one refill. Its error may stand inside `status`."""
    return _known([said for level in levels(answer) if (said := _refill_of(level))])


def _refill_of(item: Any) -> UpstreamRefill | Declined | None:
    if not isinstance(item, dict):
        return None
    word = item.get("status")
    raw = read_text(word, LONGEST_WORD)
    said = UpstreamRefill(read_refill_status(word), raw) if raw else None
    if says(item, False) and (declined := refusal(item, messages=True)):
        return declined
    return refusal(item) or refusal(word) or said


def refill_statuses(answer: Any, ids: Sequence[str]) -> dict[str, UpstreamRefill | Declined] | NoAnswer:
    """Reads the answer of a batch `refill_status`."""
    if len(ids) == 1 and isinstance(answer, dict) and not isinstance(alone := refill_status(answer), NoAnswer):
        return {ids[0]: alone}
    return _batch(answer, ids, "refill", _refill_of)


def cancels(answer: Any, ids: Sequence[str]) -> dict[str, Taken | Declined] | NoAnswer:
    """Reads the answer of `cancel`: a list, an object by id, or one `cancel`, `ok` or `success` for all that was asked.

    Taken is all that it says; what came of it `status` says later.
    """
    for level in levels(answer, of_one=False):
        if isinstance(level, dict) and (flat := _cancel_of(level)):
            named = read_id(level.get("order"))
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
    wanted, torn = set(ids), set()
    if not (isinstance(answer, dict) and wanted.intersection(answer)):
        answer = levels(answer, of_one=False)[-1]
    items = _pairs(answer, id_field)
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
