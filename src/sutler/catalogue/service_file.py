"""Services as they come in from outside, the JSON of a `services` answer or CSV: hostile until every row is read.

Pure: reads bytes, touches no database. The names of the columns are the wire's.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sutler.core.money import parse_amount
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES, read_number

LARGEST_FILE_BYTES = 64 * 1024 * 1024
MOST_ROWS = 200_000
LONGEST_NAME, LONGEST_CATEGORY, LONGEST_DESCRIPTION = 500, 200, 10_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TYPES = {name.lower(): name for name in ORDER_TYPES}
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_SHOWN = 60

RawRow = Mapping[str, Any]


class Unreadable(ValueError):
    """The file as a whole is not what it should be. The message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One service as the file has it. Without an id it is a new one.

    `fields` are columns of Service and their values; optional columns that the file lacks are not among them.
    """

    service_id: int | None
    category: str
    fields: dict[str, Any]


def read_json(content: bytes) -> list[RawRow]:
    """Returns the rows of a `services` answer: a list, a list under `data`, or an object of objects.

    Numbers are kept as the text that stands there. Raises Unreadable if it is anything else.
    """
    try:
        found = json.loads(content, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the file is not JSON: {error}") from error
    if isinstance(found, dict):
        if "error" in found:
            raise Unreadable(f"the file is a refusal, not a list of services: {_shown(found['error'])}")
        found = found.get("data", list(found.values()))
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unreadable("the file is not a list of services")
    return found


def read_csv(content: bytes) -> list[RawRow]:
    """Returns the rows of a CSV file in UTF-8 whose first line names the columns. Raises Unreadable otherwise."""
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        rows: list[RawRow] = list(reader)
    except UnicodeDecodeError as error:
        raise Unreadable(f"the file is not UTF-8: byte {error.start}") from error
    except csv.Error as error:
        raise Unreadable(f"line {reader.reader.line_num} is not CSV: {error}") from error
    missing = [name for name in _REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise Unreadable(f"the first line must name the columns; missing: {', '.join(missing)}")
    return rows


def check(rows: Sequence[RawRow]) -> tuple[list[Offer], list[str]]:
    """Reads every row. Returns the offers, and one line for each row that is wrong."""
    offers, faults = [], []
    seen: set[int] = set()
    for place, row in enumerate(rows, 1):
        offer = _read(row)
        if isinstance(offer, Offer) and offer.service_id in seen:
            offer = "its id stands in an earlier row already"
        if isinstance(offer, Offer):
            offers.append(offer)
            if offer.service_id:
                seen.add(offer.service_id)
        else:
            named = f" (service {_shown(row['service'])})" if row.get("service") else ""
            faults.append(f"row {place}{named}: {offer}")
    return offers, faults


def _read(row: RawRow) -> Offer | str:
    """Returns the offer of a row, or what is wrong with it."""
    if None in row:
        return "it has more columns than the first line names"
    values: dict[str, Any] = {}
    for name, (read, wanted) in (_REQUIRED | _OPTIONAL).items():
        raw = row.get(name)
        if raw is None and name in _REQUIRED:
            return f"{name} is missing"
        if name in row:
            values[name] = read(str(raw or "").strip()) if isinstance(raw, (str, bool, type(None))) else None
            if values[name] is None:
                return f"{name} {_shown(raw)} is not {wanted}"
    if not 1 <= values["min"] <= values["max"]:
        return f"min {values['min']} and max {values['max']} must be in order and at least 1"
    return Offer(values.pop("service", 0) or None, values.pop("category"), _as_columns(values))


def _as_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_COLUMNS.get(name, name): None if value == _FOR_EVER else value for name, value in values.items()}


def _shown(raw: Any) -> str:
    text = raw if isinstance(raw, str) else str(raw)
    return ascii(text[:_SHOWN]) + ("..." if len(text) > _SHOWN else "")


def _line(longest: int) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        joined = " ".join(text.split())
        return joined if joined and len(joined) <= longest and not _CONTROL.search(joined) else None

    return read


def _description(text: str) -> str | None:
    if len(text) > LONGEST_DESCRIPTION:
        return None
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return None if any(map(_CONTROL.search, lines)) else "\n".join(lines)


def _type(text: str) -> str | None:
    return _TYPES.get(text.lower().replace("_", " "))


def _rate(text: str) -> int | None:
    return parse_amount(text) or None


def _flag(text: str) -> bool | None:
    return _FLAGS.get(text.lower())


def _number(text: str) -> int | None:
    number = read_number(text)
    return number if number is not None and number <= LARGEST_NUMBER else None


def _id(text: str) -> int | None:
    return 0 if not text else _number(text) or None


def _days(text: str) -> int | str | None:
    return _FOR_EVER if not text else _number(text)


_FOR_EVER = "for ever"
_WHOLE = f"a whole number up to {LARGEST_NUMBER}"
_YES_OR_NO = "true or false"
_Reader = tuple[Callable[[str], Any], str]
_REQUIRED: dict[str, _Reader] = {
    "name": (_line(LONGEST_NAME), f"a printable line of at most {LONGEST_NAME} characters"),
    "type": (_type, "one of the protocol's types"),
    "category": (_line(LONGEST_CATEGORY), f"a printable line of at most {LONGEST_CATEGORY} characters"),
    "rate": (_rate, "an amount above 0 such as 0.90"),
    "min": (_number, _WHOLE),
    "max": (_number, _WHOLE),
}
_OPTIONAL: dict[str, _Reader] = {
    "service": (_id, f"an id from 1 to {LARGEST_NUMBER}"),
    "dripfeed": (_flag, _YES_OR_NO),
    "refill": (_flag, _YES_OR_NO),
    "cancel": (_flag, _YES_OR_NO),
    "one_active_order_per_link": (_flag, _YES_OR_NO),
    "refill_days": (_days, _WHOLE),
    "refill_wait_hours": (_number, _WHOLE),
    "desc": (_description, f"a printable text of at most {LONGEST_DESCRIPTION} characters"),
}
_COLUMNS = {"rate": "rate_micros", "desc": "description"}
