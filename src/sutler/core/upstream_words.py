"""The words and numbers of upstream panels, read into ours: errors, statuses, types, flags, ids, amounts.

An upstream answers as it likes, and any value may come in any place, so every function here takes any decoded JSON
value and raises nothing. The rules are those of the protocol page, section 5.
"""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from enum import Enum, auto
from functools import lru_cache

from sutler.core.decline_words.reading import DECLINES, PASSING, UNSURE, plain_words
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import LARGEST_MICROS, Micros, parse_amount
from sutler.core.order_types import ORDER_TYPES
from sutler.core.text import text_input

LONGEST_RAW = 500
LARGEST_WHOLE = 2**63 - 1


class DeclineKind(Enum):
    """What an upstream's error is about."""

    AUTH = auto()
    FUNDS = auto()
    SERVICE = auto()
    LINK = auto()
    QUANTITY = auto()
    FIELD = auto()
    # The same link is still active there: worth asking again later.
    DUPLICATE = auto()
    RATE = auto()
    # The order or the refill that was asked about is not known there.
    NOT_FOUND = auto()
    # A refill or a cancel that this order may not have.
    NOT_AVAILABLE = auto()
    OTHER = auto()


# The known list: after one of these an `add` has certainly placed nothing. After any other its outcome is unknown.
REFUSES_ADD = frozenset(DeclineKind) - {DeclineKind.NOT_FOUND, DeclineKind.NOT_AVAILABLE, DeclineKind.OTHER}
# The same for `refill` and `cancel`.
REFUSES_REQUEST = frozenset(DeclineKind) - {DeclineKind.OTHER}
_SAYS_WHEN = frozenset({DeclineKind.RATE, DeclineKind.DUPLICATE})


class UnknownStatus(Enum):
    """A status that is none of ours. It changes nothing of the order."""

    # The upstream says that it failed: what was delivered only a person can find out.
    STAFF = auto()
    UNKNOWN = auto()


_STATUSES: dict[str, Status | UnknownStatus] = {
    "pending": Status.PENDING,
    "processing": Status.PROCESSING,
    "inprogress": Status.IN_PROGRESS,
    "active": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "complete": Status.COMPLETED,
    "partial": Status.PARTIAL,
    "canceled": Status.CANCELED,
    "cancelled": Status.CANCELED,
    "refunded": Status.CANCELED,
    "fail": UnknownStatus.STAFF,
    "failed": UnknownStatus.STAFF,
    "error": UnknownStatus.STAFF,
}
_REFILL_STATUSES: dict[str, RefillStatus] = {
    "pending": RefillStatus.PENDING,
    "processing": RefillStatus.IN_PROGRESS,
    "inprogress": RefillStatus.IN_PROGRESS,
    "completed": RefillStatus.COMPLETED,
    "complete": RefillStatus.COMPLETED,
    "rejected": RefillStatus.REJECTED,
    "canceled": RefillStatus.REJECTED,
    "cancelled": RefillStatus.REJECTED,
}
_BETWEEN_WORDS = str.maketrans("", "", " _-")

_TYPES = {name.lower(): name for name in ORDER_TYPES}
_TRUE = frozenset({"true", "1", "yes"})

_NUMBER = re.compile(
    r"-?(?:[0-9]{1,30}|[0-9]{1,3}(?:,[0-9]{3}){1,9}|(?=\.))(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII
)
_LONGEST_NUMBER = 80
# A count with its thousands grouped, and no more than zeros after a decimal mark.
_GROUPED = re.compile(
    r"(-?[1-9][0-9]{0,2}(?:([,. '\u00a0\u2009\u202f\u2019])[0-9]{3})(?:\2[0-9]{3}){0,8})"
    r"(?:(?!\2)[.,]0{1,30})?",
    re.ASCII,
)
_BY_ONE_DOT, _BY_ONE_COMMA = (re.compile(rf"-?[1-9][0-9]{{0,2}}{mark}[0-9]{{3}}", re.ASCII) for mark in (r"\.", ","))
_ONLY_GROUPS = re.compile(
    r"-?[1-9][0-9]{0,2}\.(?:(?!000)[0-9]{3}|[0-9]{3}(?:\.[0-9]{3}){1,8}(?:,0{1,30})?|[0-9]{3},0{1,30})", re.ASCII
)
_NO_DIGIT = re.compile(r"[^0-9-]")
# Wide enough that nothing which _NUMBER lets through is rounded by the way.
_EXACT = Context(prec=200)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#=+-]{0,63}", re.ASCII)
# As many digits as an id in quotes may have; str() of a huge number raises.
_IDS_BELOW = 10**64
# What programs write where there is no id, and what they write of an order in the place of its id.
_NO_IDS = frozenset({"null", "none", "nil", "undefined", "nan", "false", "true", "ok", "success"}) | _STATUSES.keys()

# Control characters, lone surrogates, and the marks that turn the direction of the text after them.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]+")


def read_text(value: object, longest: int) -> str:
    """Returns a text or a number as one printable line of at most `longest` characters; "" for anything else.

    Still hostile: whoever shows it escapes it.
    """
    if isinstance(value, str):
        text = value[: 4 * longest]
    else:
        number = read_decimal(value)
        text = "" if number is None else str(number)
    if not text.isprintable():
        text = _UNPRINTABLE.sub(" ", text)
    return " ".join(text.split())[:longest]


# Panels say the same few texts over and over.
@lru_cache(maxsize=1024)
def read_decline(text: str) -> DeclineKind:
    """Returns what an error text is about, in plain words or as a key; OTHER if it is not on the known list.

    Words that leave open what was done are OTHER, whatever stands beside them. What passes (`try again later`) proves
    nothing either, but for a refusal that itself says when.
    """
    words = plain_words(text[:LONGEST_RAW])
    if UNSURE.search(words):
        return DeclineKind.OTHER
    kind = next((DeclineKind[name] for name, pattern in DECLINES if pattern.search(words)), DeclineKind.OTHER)
    return DeclineKind.OTHER if kind not in _SAYS_WHEN and PASSING.search(words) else kind


def is_unsure(text: str) -> bool:
    """Returns whether an error text tells of a fault, or of something that was placed: then it refuses nothing."""
    return UNSURE.search(plain_words(text[:LONGEST_RAW])) is not None


def read_status(value: object) -> Status | UnknownStatus:
    """Returns the status of an order that the word stands for."""
    return _status(value[:LONGEST_RAW]) if isinstance(value, str) else UnknownStatus.UNKNOWN


# Panels say the same few words over and over, a hundred to an answer.
@lru_cache(maxsize=256)
def _status(word: str) -> Status | UnknownStatus:
    return _STATUSES.get(_plain(word), UnknownStatus.UNKNOWN)


def read_refill_status(value: object) -> RefillStatus | UnknownStatus:
    """Returns the status of a refill that the word stands for."""
    return _REFILL_STATUSES.get(_plain(value), UnknownStatus.UNKNOWN)


def _plain(value: object) -> str:
    return value[:LONGEST_RAW].strip().lower().translate(_BETWEEN_WORDS) if isinstance(value, str) else ""


def read_type(value: object) -> str | None:
    """Returns the order type, in the wire's own writing, that `custom_comments` or `Custom  comments` stands for."""
    if not isinstance(value, str):
        return None
    return _TYPES.get(" ".join(value[:LONGEST_RAW].replace("_", " ").lower().split()))


def read_flag(value: object) -> bool:
    """Returns True for true, 1, "1", "true" and "yes"; False for everything else."""
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    return isinstance(value, (bool, int)) and value == 1


def read_id(value: object) -> str | None:
    """Returns an id as text: a number above 0, or a bounded opaque string without blanks and commas.

    None for 0, "", null, false and for words that stand where an id should.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 < value < _IDS_BELOW else None
    if isinstance(value, (float, Decimal)):
        number = read_count(value)
        return str(number) if number and number > 0 else None
    if not isinstance(value, str):
        return None
    text = value.strip() if len(value) <= LONGEST_RAW else ""
    if not _ID.fullmatch(text) or not text.strip("0") or text.lower() in _NO_IDS:
        return None
    return text


def read_decimal(value: object) -> Decimal | None:
    """Returns the exact number: int, float, Decimal, "1.23", "1,234.5". None for anything else.

    NaN, infinities, booleans, `0,90`, more than 30 digits before or after the dot, and exponents of three digits are
    something else.
    """
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return None
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        return None  # str() of a huge number raises
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        return None
    text = str(value).strip()
    return Decimal(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def read_count(value: object, *, dots_group: bool = False) -> int | None:
    """Returns a whole number, of at most 63 bits and a sign; None for anything else, 1.5 too.

    Thousands may be grouped by commas, blanks or apostrophes. Grouped by a dot (`"1.000"`) a count may mean 1 as well:
    it is None unless `dots_group` says that the rest of the answer proves its meaning (see `proves_dots_group`).
    """
    if value is None:
        return None
    if isinstance(value, str) and (digits := text_input.number(value)) is not None:
        return digits  # what nearly all panels send, read in a tenth of the time
    text = value.strip() if isinstance(value, str) and len(value) <= _LONGEST_NUMBER else ""
    if isinstance(value, Decimal):
        text = str(value)
    if _BY_ONE_DOT.fullmatch(text) and not (dots_group or proves_dots_group(value)):
        return None
    if _BY_ONE_COMMA.fullmatch(text) and dots_group:
        return None  # where dots group a comma is a decimal mark
    grouped = _GROUPED.fullmatch(text)
    number = Decimal(_NO_DIGIT.sub("", grouped[1])) if grouped else read_decimal(value)
    if number is None or number != (whole := number.to_integral_value()):
        return None
    return int(whole) if abs(whole) <= LARGEST_WHOLE else None


def proves_dots_group(*values: object) -> bool:
    """Returns whether one of these counts of an answer can only be read with dots that group: "5.000.000", "1.500"."""
    return any(isinstance(each, str) and _ONLY_GROUPS.fullmatch(each[:_LONGEST_NUMBER].strip()) for each in values)


def read_limits(low: object, high: object, *, dots_group: bool = False) -> tuple[int, int] | None:
    """Returns the min and max of a service as counts; None where one is none, or they cross, or min is below 0.

    They prove each other's dots: of `"100"` and `"50.000"` the second is 50,000, or it would be less than the first.
    """
    dots_group = dots_group or proves_dots_group(low, high)
    least, most = read_count(low, dots_group=dots_group), read_count(high, dots_group=dots_group)
    if most is None and least is not None and least > (read_decimal(high) or least):
        most = read_count(high, dots_group=True)
    return (least, most) if least is not None and most is not None and 0 <= least <= most else None


def read_cost_micros(value: object) -> Micros | None:
    """Returns a rate or a charge, rounded up to a whole micro. None if it is no number, negative or out of range."""
    if isinstance(value, str) and len(value) < 19 and (micros := _amount(value)) is not None:
        return micros  # what nearly all panels send, read in a tenth of the time
    number = read_decimal(value)
    return None if number is None or number < 0 else _micros(number, ROUND_CEILING)


# What is told again and again: orders of one service and quantity cost the same, at every look.
_amount = lru_cache(maxsize=1 << 14)(parse_amount)


def read_balance_micros(value: object) -> Micros | None:
    """Returns a balance, below 0 where there is credit, rounded down to a whole micro. None if it is no number."""
    number = read_decimal(value)
    return None if number is None else _micros(number, ROUND_FLOOR)


def _micros(number: Decimal, rounding: str) -> Micros | None:
    micros = _EXACT.scaleb(number, 6).to_integral_value(rounding)
    return Micros(int(micros)) if abs(micros) <= LARGEST_MICROS else None
