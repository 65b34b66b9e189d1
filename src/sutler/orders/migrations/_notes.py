"""How notes and causes were written before kinds were kept, and what they become. Frozen: only migrations read it."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

_GAP = re.compile(r"\{(\w+)\}")
_STATE = "planned|sending|accepted|not sent|declined|absent|unknown|staff"
_REFILL = "Pending|In progress|Completed|Rejected"
_NUMBERS = {"attempt", "order", "refill", "placed", "runs", "count", "remains", "quantity", "code"}
_WORDS = {"state": _STATE, "before_refill": _REFILL, "after_refill": _REFILL, "id": r"\S+"}
_DECLINES = "AUTH|FUNDS|SERVICE|LINK|QUANTITY|FIELD|DUPLICATE|RATE|NOT_FOUND|NOT_AVAILABLE|OTHER"

# Those that name more first: the others would take theirs.
_BY_WORKER = (
    ("Unknown whether {provider} has placed it: {cause}", "unconfirmed"),
    ("Staff must say whether {provider} has placed it: {cause}", "verdict needed"),
    ("Not placed at {provider} ({state}): {cause}", "not placed"),
    ("Sent to {provider}, attempt {attempt}", "sent"),
    ("Placed at {provider} as {id}, {cause}", "placed"),
    ("Placed at {provider} as {id}", "placed"),
    ("Made by {provider} as {id}", "made by provider"),
    ("The id {id} at {provider} was never ours", "disowned"),
    ("Upstream order {id}: {word}", "upstream status"),
    ("Not named upstream", "run not named"),
    ("No provider will take it: it waits at the desk", "to desk"),
    ("Every provider refused it", "refused by all"),
    ("Cancel at {provider}: {state}: {cause}", "cancel forwarded"),
    ("Cancel at {provider}: {state}", "cancel forwarded"),
    ("To be cancelled at {provider}: not paid", "cancel unpaid"),
    ("Refill {refill} at {provider}: {state}: {cause}", "refill forwarded"),
    ("Refill {refill} at {provider}: {state}", "refill forwarded"),
    ("Refill {refill} at {provider}: {cause}", "refill unclear"),
    ("Paused: not enough funds", "paused"),
    ("Expired", "expired"),
)
# What is written by whoever does it, staff too, whose own words only begin alike.
_BY_ANYBODY = (
    ("Order {order} is {state} and was then answered with id {id}", "late answer"),
    ("The provider refused it", "refused"),
    ("Approved", "approved"),
    ("Not approved: {reason}", "not approved"),
    ("Staff wait: {reason}", "staff wait"),
    ("Request to cancel rejected", "cancel rejected"),
    ("Refill {refill}: {before_refill} -> {after_refill}", "refill moved"),
    ("Stopped after {placed} of {runs} runs", "runs stopped"),
    ("New post {link}", "post reported"),
)
_BY_STAFF = re.compile(r"Placed at (?P<provider>.+) as (?P<id>\S+), placed, as staff found", re.DOTALL)
_ODD = (
    ("It has ended as Partial there without saying what remains", "partial without remains"),
    ("It has ended as Partial there with {remains} of {quantity} not delivered", "partial out of range"),
    ("It costs {charge_micros} there, expected was {expected_micros}", "charge differs"),
    ("Its charge there was {before_micros} as it ended and is {after_micros} now", "charge changed"),
    ("It had ended as {before} there and is {after} now", "status changed"),
    ("Its status there is unknown to us: {word}", "status unknown"),
    ("It has failed there: {word}", "status failed"),
    ("Its status could not be read {count} times: {cause}", "status unread"),
    ("It is not found there any more", "not found"),
)
_CAUSES = (
    ("it refused in unknown words: {raw}", "unknown words"),
    ("the answer does not speak of it", "not in answer"),
    ("it could not leave in time", "not in time"),
    ("the worker that sent it did not say what came of it", "worker silent"),
    ("the provider was stopped", "provider stopped"),
    ("the order was canceled before", "order canceled"),
    ("the id {id} belongs to another order", "another's id"),
    ("the id {id} is older than the order", "old id"),
    ("the id that was answered is not this order's", "disowned id"),
    ("placed, as staff found", "staff: placed"),
    ("never placed, as staff found", "staff: absent"),
    ("refused, as staff found", "staff: refused"),
    ("made by the provider for order {order}", "made for"),
    ("found by asking about the ids since", "found by scan"),
    ("ids may not be asked about at this provider", "no scans"),
    ("{id} fits, but people order with the account by hand", "shared account"),
    ("no order of ours among all ids since, and the balance agrees", "absent by balance"),
    ("no order of ours among all ids since, asked about again and again", "absent by scans"),
    (
        "no order of ours was found, but less is left at the provider, as if it had been placed",
        "charged, not found",
    ),
    ("nothing was found in a day, and it could not be proven that nothing is there", "nothing found"),
    ("an order was found that another attempt may have placed as well", "another attempt"),
    ("several orders were found that it may have placed", "several found"),
    ("an order was found with another charge than expected", "other charge"),
    ("orders were found that it may have placed, and it costs nothing by which to tell", "costs nothing"),
    ("it was taken, under no id that could be followed", "refill without id"),
    ("it is not known whether it was taken: {cause}", "refill unknown"),
    ("HTTP {code}: {cause}", "http"),
    ("the answer is not JSON", "not JSON"),
    ("the answer is not JSON: it begins with {text}", "not JSON: text"),
    ("the answer is empty", "empty"),
    ("the answer has no known shape", "no shape"),
    ("the answer names no order, or more than one", "no order id"),
    ("an error beside an order id: {raw}", "error beside id"),
    ("an error beside a success: {raw}", "error beside success"),
    ("an error that leaves open what was done: {raw}", "unsure error"),
    ("an error beside a refill: {raw}", "error beside refill"),
    ("the answer names two refills", "two refills"),
    ("the answer is longer than {count} bytes", "too long"),
    ("the answer is packed as {how}", "packed"),
    ("the answer's gzip is broken", "gzip broken"),
    ("the answer's gzip is cut off or too long", "gzip cut"),
    ("the answer's charset is not known: {charset}", "charset unknown"),
    ("redirected to {address}", "redirected"),
    ("the answer is no list of services", "no list"),
    ("the answer has more than {count} services", "too many services"),
    ("the process that calls does not start: {error}", "caller not started"),
    ("the process that calls has ended or failed", "caller ended"),
    ("the process that calls hangs", "caller hangs"),
)
_DECLINED = re.compile(rf"(?P<decline_kind>{_DECLINES}): (?P<raw>.*)", re.DOTALL)
_Texts = tuple[tuple[str, str], ...]


def event_of(actor: str, text: str) -> tuple[str, dict[str, Any]]:
    """Returns the kind and the data of a note: what a person wrote wherever it is not certain that we did."""
    if match := _BY_STAFF.fullmatch(text):
        return "placed", {**match.groupdict(), "cause": {"kind": "staff: placed"}}
    for kind, data in _read(_BY_WORKER + _BY_ANYBODY if actor == "worker" else _BY_ANYBODY, text):
        return kind, data
    provider, _, odd = text.partition(": ")
    if actor == "worker" and (cause := odd_of(odd)):
        return "odd status", {"provider": provider, "cause": cause}
    return "remark", {"text": text}


def odd_of(text: str) -> dict[str, Any] | None:
    """Returns what was odd about an answer; None where the text is none of those."""
    return next(({"kind": kind, **data} for kind, data in _read(_ODD, text)), None)


def cause_of(text: str) -> dict[str, Any] | None:
    """Returns the cause that a text was; None for no text."""
    if not text:
        return None
    for kind, data in _read(_CAUSES, text):
        return {"kind": kind, **data}
    match = _DECLINED.fullmatch(text)
    return {"kind": "declined", **match.groupdict()} if match else {"kind": "text", "text": text}


def _read(texts: _Texts, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for pattern, kind in _patterns(texts):
        if match := pattern.fullmatch(text):
            yield kind, _data(match.groupdict())


@cache
def _patterns(texts: _Texts) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_pattern(text), kind) for text, kind in texts)


def _pattern(text: str) -> re.Pattern[str]:
    pattern = ""
    for place, part in enumerate(_GAP.split(text)):
        pattern += f"(?P<{part}>{_gap(part)})" if place % 2 else re.escape(part)
    return re.compile(pattern, re.DOTALL)


def _gap(name: str) -> str:
    if name in _NUMBERS:
        return "-?[0-9]{1,18}"
    return "[0-9]{1,12}[.][0-9]{1,6}" if name.endswith("_micros") else _WORDS.get(name, ".+?")


def _data(gaps: Mapping[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, value in gaps.items():
        if name == "cause":
            data[name] = cause_of(value)
        elif name in _NUMBERS:
            data[name] = int(value)
        elif name.endswith("_micros"):
            data[name] = int(Decimal(value) * 1_000_000)
        else:
            data[name.removesuffix("_refill")] = value
    return data
