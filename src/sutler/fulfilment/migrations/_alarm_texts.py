"""How alarms were written before kinds were kept, and what they become. Frozen: only a migration reads it."""

import re
from typing import Any

from sutler.orders.migrations._notes import cause_of, odd_of

_MICROS = 1_000_000
_AMOUNT, _NUMBER = r"-?[0-9]{1,12}[.][0-9]{1,6}", r"[0-9]{1,18}"
# A gap: its name, and what it holds; of `n` a number, of `c` a cause, of `m` an amount, else a text.
_GAP = re.compile(r"\{(\w+)(?::(\w))?\}")
_HELD = {"n": _NUMBER, "m": _AMOUNT, "c": ".+", "": ".+?", "w": r"\S+"}
_TEXTS = (
    ("Nothing is sent: {cause:c}", "nothing sent"),
    ("{count:n} unknown outcomes are open", "outcomes open"),
    ("{unknown:n} of {adds:n} orders of the last five minutes are unknown", "outcomes unclear"),
    ("Order {order:n} is {state} and was then answered with id {id:w}", "answered late"),
    ("order {order:n}, {id:w} at {provider}: {cause:c}", "order odd"),
    ("refill {refill:n} of order {order:n} at {provider}: {cause:c}. Staff must report what becomes of it",
     "refill report needed"),
    ("No status of an order has been read for {minutes:n} minutes: {cause:c}", "none read"),
    ("{id:w} was made for order {order:n}, which does not want it (any more)", "order unwanted"),
    ("Order {order:n}: its customer cannot pay for a post that {provider} has made ({id:w})", "post unpaid"),
    ("{id:w} ({word}, an unknown charge) is an order of ours that nobody here has placed", "orphan, charge unknown"),
    ("{id:w} ({word}, {charge_micros:m}) is an order of ours that nobody here has placed", "orphan"),
    ("Its address leads to {address:w}: orders are not sent there. Set this address.", "address moved"),
    ("The API key cannot be unsealed with the panel's secret key: nothing is asked. Enter the key anew.",
     "key unreadable"),
    ("Orders wait at the desk: no provider takes them", "at desk"),
    ("Its balance is not told: {raw}", "balance refused"),
    ("It tells its balance in {theirs}; the account was added in {ours:w}", "balance currency"),
    ("told in {theirs}, not in {ours:w}", "balance currency"),
    ("It says {balance_micros:m} {currency:w}, {gap_micros:m} less than our books ({held_micros:m}): "
     "something was taken that no order explains", "balance less"),
    ("It says {balance_micros:m} {currency:w}, {gap_micros:m} more than our books ({held_micros:m}): "
     "a top-up or a refund is not in the books", "balance more"),
    ("It holds {held_micros:m} {currency:w}, less than {low_micros:m}", "balance low"),
    ("The catalogue was not taken over: {cause:c}", "catalogue rejected"),
    ("{gone:n} of {there:n} services are gone at once", "catalogue shrunk"),
    ("no service can be read, {count:n} rows were left out: {reasons}", "catalogue unreadable"),
    ("{count:n} prices jumped and wait for a decision", "prices wait"),
    ("Services that are sold on promise less ({count:n}): {services}", "promises broken"),
    ("{count:n} services that are sold on cannot be read, what was known of them holds: {services}",
     "services unreadable"),
    ("Paused, for no route is left: {count:n} services, {services}", "services paused"),
    ("Prices would rise by more than 30 % and wait: {count:n} services, {services}", "rises wait"),
    ("{source} does not quote {currency:w}", "not quoted"),
    ("Sales in {currency:w} are stopped: its exchange rate is out of date", "rate out of date"),
    ("{currency:w} jumped from {before} to {after} by {source}: accept it, or set another", "rate jumped"),
    ("No exchange rates from {source}, {count:n} times: {cause:c}", "rates unread"),
    ("The backup failed: {cause:c}", "backup failed"),
    ("No backup has succeeded for {count:n} hours", "backup missed"),
)


def alarm_of(text: str) -> dict[str, Any] | None:
    """Returns the cause that the text of an alarm was, the text itself where that is not certain; None for no text."""
    for pattern, kinds, kind in _PATTERNS:
        if match := pattern.fullmatch(text):
            return {"kind": kind, **{name: _value(value, kinds[name]) for name, value in match.groupdict().items()}}
    return odd_of(text) or cause_of(text)


def _value(text: str, held: str) -> Any:
    if held == "n":
        return int(text)
    if held == "m":
        whole, _, part = text.partition(".")
        micros = int(whole.lstrip("-")) * _MICROS + int(part.ljust(6, "0"))
        return -micros if text.startswith("-") else micros
    return alarm_of(text) if held == "c" else text


def _pattern(text: str) -> tuple[re.Pattern[str], dict[str, str]]:
    kinds, pattern, end = {}, "", 0
    for gap in _GAP.finditer(text):
        name, held = gap.group(1), gap.group(2) or ""
        kinds[name] = held
        pattern += re.escape(text[end : gap.start()]) + f"(?P<{name}>{_HELD[held]})"
        end = gap.end()
    return re.compile(pattern + re.escape(text[end:]), re.DOTALL), kinds


_PATTERNS = tuple((*_pattern(text), kind) for text, kind in _TEXTS)
