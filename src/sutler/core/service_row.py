"""One row of a `services` answer, read in one way: from a provider, for an import from it, and from a file. Pure."""

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sutler.core.money import Micros
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.upstream_words import read_cost_micros, read_flag, read_id, read_limits, read_text, read_type

LONGEST_NAME, LONGEST_CATEGORY, LONGEST_TYPE, LONGEST_DESCRIPTION = 500, 200, 60, 10_000


class RowFault(StrEnum):
    """Why a row is left out."""

    NO_OBJECT = "it is no object"
    NO_ID = "its id cannot be read"
    NO_NAME = "it has no name"
    LOST_NAME = "its name was lost in a wrong charset"
    NO_RATE = "its rate is no amount above 0"
    NO_LIMITS = "its min and max are no limits"
    DEARER_TWIN = "another row with its id is dearer or the same"


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service of a catalogue that is not ours. Its texts are bounded and hostile: escape them.

    `type` is one of ours, or None where it is unknown, and then the service cannot be sold; `raw_type` is their word.
    """

    upstream_id: str
    name: str
    category: str
    type: str | None
    raw_type: str
    rate_micros: Micros
    min: int
    max: int
    dripfeed: bool
    refill: bool
    cancel: bool


# With its semicolon only: "R&B" and "a&copy=1" are no entities.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});", re.ASCII)
_LONGEST_ENTITY = 12
# What stands where a character was lost; two in a row are a word that was.
_LOST = "\ufffd"
# Letters to Unicode, and nothing to the eye.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_SEEN = frozenset("LNPS")
_WRAPPERS = ("services", "data")
_DEEPEST = 3
# Marks that nobody sees and that turn the text around them, or hide in it. The joiners of emoji and scripts stay.
_HIDDEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u2060-\u2064\ufeff\ufff9-\ufffb]+")


def read_row(entry: object) -> ServiceRow | RowFault:
    """Returns the service that a row offers, or why it is left out; takes any decoded value.

    The rate is rounded up to a whole micro; the limits are cut to what can be sold. `upstream_id` is "" where the row
    names none.
    """
    if not isinstance(entry, dict):
        return RowFault.NO_OBJECT
    get = entry.get
    name = read_name(get("name"), LONGEST_NAME)
    if isinstance(name, RowFault):
        return name
    rate_micros = read_cost_micros(get("rate"))
    if not rate_micros:
        return RowFault.NO_RATE
    limits = _limits(entry)
    if limits is None:
        return RowFault.NO_LIMITS
    category = read_name(get("category"), LONGEST_CATEGORY)
    return ServiceRow(
        upstream_id=read_id(get("service")) or "",
        name=name,
        category="" if isinstance(category, RowFault) else category,
        type=read_type(get("type")),
        raw_type=read_text(get("type"), LONGEST_TYPE),
        rate_micros=rate_micros,
        min=limits[0],
        max=limits[1],
        dripfeed=read_flag(get("dripfeed")),
        refill=read_flag(get("refill")),
        cancel=read_flag(get("cancel")),
    )


def read_name(value: object, longest: int) -> str | RowFault:
    """Returns a name as one line, its entities decoded once, without the marks that turn or hide text around them."""
    text = read_text(_decoded(value, longest), longest)
    if _LOST in text:
        if _LOST * 2 in text:
            return RowFault.LOST_NAME
        text = " ".join(text.replace(_LOST, "").split())
    if text.isascii():
        return text or RowFault.NO_NAME
    shows = any(unicodedata.category(each)[0] in _SEEN and each not in _BLANK_LETTERS for each in text)
    return text if shows else RowFault.NO_NAME


def read_description(value: object) -> str:
    """Returns a description of at most 10,000 characters, its entities decoded once, its lines kept."""
    text = _decoded(value, LONGEST_DESCRIPTION)
    if not isinstance(text, str):
        return ""
    lines = (read_text(line, LONGEST_DESCRIPTION) for line in text.splitlines())
    return "\n".join(lines).replace(_LOST, "").strip()[:LONGEST_DESCRIPTION]


def dearer(one: ServiceRow, other: ServiceRow) -> ServiceRow:
    """Returns which of two rows with one id counts, in whichever order they came: the dearer first of all."""
    return max(one, other, key=lambda row: (row.rate_micros, -row.max, row.min, str(row)))


def _decoded(value: object, longest: int) -> object:
    """Returns a text with its entities decoded once and without hidden marks; what is no text as it is."""
    if not isinstance(value, str):
        return value
    text = value[: _LONGEST_ENTITY * longest]
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return text if text.isascii() else _HIDDEN.sub("", text)


def _limits(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Returns min and max, within what this panel can sell; None if they are no numbers or cross."""
    limits = read_limits(entry.get("min"), entry.get("max"))
    if limits is None:
        return None
    low, high = max(limits[0], 1), min(limits[1], LARGEST_NUMBER)
    return (low, high) if low <= high else None


def unwrapped(answer: Any) -> list[Any] | None:
    """Returns what stands where rows should: in a list, or by id in an object, under `services` or `data` or not.

    None for anything else.
    """
    for _ in range(_DEEPEST):
        inner = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
        if isinstance(inner, dict) and "rate" not in inner:
            under = next((inner[name] for name in _WRAPPERS if isinstance(inner.get(name), (list, dict))), None)
            answer = answer if under is None else under
        elif isinstance(inner, list):
            answer = inner
    return list(answer.values()) if isinstance(answer, dict) else answer if isinstance(answer, list) else None
