"""Reading what gateways send, exactly: numbers keep the digits they came in."""

import hmac
import json
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qsl

from sutler.core.money import LARGEST_MICROS, UNIT_MICROS, show_rate
from sutler.payments.gateways.shape import CENT_MICROS, Failure, Reply

MOST_FIELDS = 200
_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,20}))?", re.ASCII)


class Number(str):
    """A number of a JSON text, as it was written there."""

    __slots__ = ()


def micros_of(text: object) -> int | None:
    """Returns a decimal text in micros, what is below a millionth left off; None for all else, and beyond the books."""
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    whole, fraction = match.groups(default="")
    micros = int(whole) * UNIT_MICROS + int(fraction[:6].ljust(6, "0"))
    return micros if micros <= LARGEST_MICROS else None


def amount_text(micros: int) -> str:
    """Returns an amount as gateways take it: a dot, and at least two decimals."""
    return show_rate(micros)


def read_json(body: bytes) -> dict[str, Any] | None:
    """Returns a JSON object, its numbers as `Number`; None for all else."""
    try:
        found = json.loads(body.decode(), parse_float=Number, parse_int=Number, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def read_list(body: bytes) -> list[dict[str, Any]] | None:
    """Returns the objects of a JSON list, its numbers as `Number`; None for all else."""
    found = read_json(b'{"list":' + body + b"}")
    rows = found.get("list") if found else None
    return [each for each in rows if isinstance(each, dict)] if isinstance(rows, list) else None


def read_form(body: bytes) -> dict[str, str] | None:
    """Returns the fields of a form; None for what is none, or names a field twice."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def text_of(fields: Mapping[str, Any], *path: str) -> str:
    """Returns the text or the number at a path of names, empty where there is none."""
    at: Any = fields
    for name in path:
        at = at.get(name) if isinstance(at, dict) else None
    return str(at) if isinstance(at, str) else ""


def object_of(reply: Reply | Failure, *code: str) -> dict[str, Any] | Failure:
    """Returns the JSON object of an answer with a status of success; else why not, with the code at a path of names."""
    if isinstance(reply, Failure):
        return reply
    found = read_json(reply.body)
    if found is None or reply.status not in {200, 201}:
        words = "".join(each for each in text_of(found or {}, *code)[:60] if each.isprintable()) if code else ""
        return Failure(f"it answered HTTP {reply.status} {words}".strip(), reply.status)
    return found


def share_of(amount: str, part: str, whole: str) -> int | None:
    """Returns `amount * part / whole` in micros, rounded to hundredths as prices are; None if one is no amount."""
    if not all(_DECIMAL.fullmatch(each) for each in (amount, part, whole)) or not Decimal(whole):
        return None
    cents = (Decimal(amount) * Decimal(part) / Decimal(whole) * 100).to_integral_value(ROUND_HALF_UP)
    micros = int(cents) * CENT_MICROS
    return micros if micros <= LARGEST_MICROS else None


def is_same(expected: str, given: str) -> bool:
    """Returns True if two signatures are the same, in a time that tells nothing."""
    return hmac.compare_digest(expected.encode(), given.encode())


def write_json(value: Any, *, is_sorted: bool = False, escapes_slashes: bool = False) -> str:
    """Returns what `read_json` read as compact JSON again, numbers as they came; PHP writes `/` as `\\/`."""
    if isinstance(value, dict):
        items = sorted(value.items()) if is_sorted else value.items()
        inner = (
            f"{write_json(name, escapes_slashes=escapes_slashes)}:"
            f"{write_json(each, is_sorted=is_sorted, escapes_slashes=escapes_slashes)}"
            for name, each in items
        )
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        inner = (write_json(each, is_sorted=is_sorted, escapes_slashes=escapes_slashes) for each in value)
        return "[" + ",".join(inner) + "]"
    if isinstance(value, Number):
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("/", "\\/") if escapes_slashes else text


def _refused(text: str) -> None:
    raise ValueError(text)
