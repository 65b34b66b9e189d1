"""Services from a file, the JSON of a `services` answer or CSV: hostile until every row is read.

Pure: touches no database. The names of the columns are the wire's; rows are read as those of providers are
(`core.service_row`), and beside that come the columns that are ours.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sutler.core import service_row
from sutler.core.order_types import LARGEST_NUMBER, read_number
from sutler.core.service_row import RowFault, ServiceRow, read_description, read_row, unwrapped
from sutler.core.text import charset, json_text
from sutler.core.text.charset import UnknownCharset
from sutler.core.text.json_text import NotJson
from sutler.core.upstream_words import read_text

LARGEST_FILE_BYTES = 64 * 1024 * 1024
MOST_ROWS = 200_000
NO_HEADING = "Other"

_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_SHOWN = 60

RawRow = Any


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


# What is wrong with a row, and what it is called.
Fault = tuple[str, str]


def text_of(content: bytes, content_type: str = "") -> str:
    """Returns the text of a file (see `charset.decode`). Raises Unreadable if its charset is not known."""
    try:
        return charset.decode(content, content_type)
    except UnknownCharset as error:
        raise Unreadable(f"the file's charset is not known: {error}") from error


def read_json(text: str) -> list[RawRow]:
    """Returns the rows of a `services` answer, wrapped in any way that panels know. Raises Unreadable otherwise."""
    try:
        found = json_text.loads(text)
    except NotJson as error:
        raise Unreadable(
            f"the file is not JSON: it begins with {error}" if str(error) else "the file is empty"
        ) from error
    if isinstance(found, dict) and "error" in found:
        raise Unreadable(f"the file is a refusal, not a list of services: {_shown(found['error'])}")
    rows = unwrapped(found)
    if rows is None or (rows and not any(isinstance(each, dict) for each in rows)):
        raise Unreadable("the file is not a list of services")
    return rows


def read_csv(text: str) -> list[RawRow]:
    """Returns the rows of CSV whose first line names the columns. Raises Unreadable otherwise."""
    try:
        reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        rows: list[RawRow] = list(reader)
    except csv.Error as error:
        raise Unreadable(f"line {reader.reader.line_num} is not CSV: {error}") from error
    missing = [name for name in _REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise Unreadable(f"the first line must name the columns; missing: {', '.join(missing)}")
    return rows


def check(rows: Sequence[RawRow]) -> tuple[list[Offer], list[Fault]]:
    """Reads every row. Returns the offers, and of each row that is left out what it is called and why.

    Of two rows with one id the dearer counts.
    """
    by_id: dict[int, tuple[str, ServiceRow]] = {}
    offers: dict[str, Offer] = {}
    faults: list[Fault] = []
    for place, raw in enumerate(rows, 1):
        row = read_row(raw)
        name = _name(place, raw)
        offer = row if isinstance(row, RowFault) else _offer(raw, row)
        if isinstance(offer, str) or isinstance(row, RowFault):
            faults.append((name, str(offer)))
            continue
        if offer.service_id in by_id:
            other, kept = by_id[offer.service_id]
            loser = name if service_row.dearer(kept, row) is kept else other
            faults.append((loser, str(RowFault.DEARER_TWIN)))
            if loser == name:
                continue
            del offers[other]
        if offer.service_id:
            by_id[offer.service_id] = name, row
        offers[name] = offer
    return list(offers.values()), faults


def _name(place: int, raw: RawRow) -> str:
    named = read_text(raw.get("service"), _SHOWN) if isinstance(raw, dict) else ""
    return f"row {place}" + (f" (service {named})" if named else "")


def _offer(raw: Mapping[Any, Any], row: ServiceRow) -> Offer | str:
    """Returns the offer of a row, or what is wrong with it."""
    if None in raw:
        return "it has more columns than the first line names"
    if row.type is None:
        return f"its type {_shown(row.raw_type)} is none of the protocol's" if row.raw_type else "it has no type"
    service_id = _id(raw.get("service"), row.upstream_id)
    if service_id is None:
        return RowFault.NO_ID
    fields: dict[str, Any] = {"name": row.name, "type": row.type, "rate_micros": row.rate_micros}
    fields |= {"min": row.min, "max": row.max}
    fields |= {name: getattr(row, name) for name in ("dripfeed", "refill", "cancel") if name in raw}
    if "desc" in raw or "description" in raw:
        fields["description"] = read_description(raw.get("desc") or raw.get("description"))
    for name, (read, wanted) in _OURS.items():
        if name in raw:
            value = read(_plain(raw[name]))
            if value is None:
                return f"its {name} is not {wanted}"
            fields[name] = None if value == _FOR_EVER else value
    return Offer(service_id or None, row.category or NO_HEADING, fields)


def _id(raw: object, read: str) -> int | None:
    """Returns the id of a row, 0 where it has none, None where it is none of ours."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return 0
    number = read_number(read)
    return number if number and number <= LARGEST_NUMBER else None


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else read_text(value, _SHOWN) or "?"


def _shown(raw: object) -> str:
    text = raw if isinstance(raw, str) else str(raw)
    return ascii(text[:_SHOWN]) + ("..." if len(text) > _SHOWN else "")


def _flag(text: str) -> bool | None:
    return _FLAGS.get(text.lower())


def _number(text: str) -> int | None:
    number = read_number(text)
    return number if number is not None and number <= LARGEST_NUMBER else None


def _days(text: str) -> int | str | None:
    return _FOR_EVER if not text else _number(text)


_FOR_EVER = "for ever"
_WHOLE = f"a whole number up to {LARGEST_NUMBER}"
_REQUIRED: Iterable[str] = ("name", "type", "category", "rate", "min", "max")
_OURS: dict[str, tuple[Callable[[str], Any], str]] = {
    "one_active_order_per_link": (_flag, "true or false"),
    "refill_days": (_days, _WHOLE),
    "refill_wait_hours": (_number, _WHOLE),
}
