"""Numbers and amounts as old panels keep them: as text, as floats, with more digits than ours."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from sutler.core.money import LARGEST_MICROS, UNIT_MICROS, Micros

_EXACT = Context(prec=60)
_LONGEST = 60
# A thousands separator or spaces inside are not guessed at: 1,234 is a thousand to one and a fraction to another.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)


def micros(text: str | None) -> Micros | None:
    """Returns an amount in micros; None for what is none, or is larger than the books hold.

    What is finer than a micro is rounded to the nearest, halves away from zero as MySQL does: a float's
    0.30000000000000004 is the 0.3 it stands for. Nothing and blank are 0.
    """
    number = _decimal(text)
    if number is None or abs(number) > LARGEST_MICROS:  # of an exponent, too large to be rounded
        return None
    rounded = int((number * UNIT_MICROS).quantize(Decimal(1), rounding=ROUND_HALF_UP, context=_EXACT))
    return Micros(rounded) if abs(rounded) <= LARGEST_MICROS else None


def whole(text: str | None) -> int | None:
    """Returns a whole number, such as `1000`, ` 1000 ` or `1000.00`; None for what is none. Blank is 0."""
    number = _decimal(text)
    if number is None or number != number.to_integral_value() or abs(number) >= 2**63:
        return None
    return int(number)


def _decimal(text: str | None) -> Decimal | None:
    plain = (text or "").strip()
    if not plain:
        return Decimal(0)
    if len(plain) > _LONGEST or not _NUMBER.fullmatch(plain):
        return None
    try:
        return _EXACT.create_decimal(plain)
    except InvalidOperation:
        return None
