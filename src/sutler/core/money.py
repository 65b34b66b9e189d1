"""Amounts of money: whole millionths of a currency unit, exact, never a float."""

import re
from typing import NewType

Micros = NewType("Micros", int)

UNIT_MICROS = 1_000_000
# 9 thousand million units: a rate times a quantity of such an amount still fits a BIGINT.
LARGEST_MICROS = Micros(9_000_000_000 * UNIT_MICROS)

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,6}))?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3,5}", re.ASCII)


def parse_amount(text: str) -> Micros | None:
    """Returns the amount written as `12` or `12.345678` in micros, or None if the text is anything else.

    At most ten digits before the dot and six after it; no sign, no exponent, no separator, ASCII digits only.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    whole, fraction = match.groups(default="")
    micros = int(whole) * UNIT_MICROS + int(fraction.ljust(6, "0"))
    return Micros(micros) if micros <= LARGEST_MICROS else None


def is_currency(text: str) -> bool:
    """Returns True if the text is a currency code as the panel writes them: three to five capital letters."""
    return _CURRENCY.fullmatch(text) is not None


def show_rate(micros: int) -> str:
    """Returns a rate with all its decimals, at least two: `0.90`, `1.2345`."""
    return _decimal(micros, 6)


def show_charge(micros: int) -> str:
    """Returns a charge with two to five decimals. The sixth is rounded up, as charges are."""
    return _decimal(-(-micros // 10), 5)


def show_balance(micros: int) -> str:
    """Returns a balance with two to five decimals. The sixth is rounded down: never more than there is."""
    return _decimal(micros // 10, 5)


def show_total(micros: int) -> str:
    """Returns a sum for the eye with two decimals; what is below a hundredth is left off."""
    return _decimal(micros // 10_000 if micros >= 0 else -(-micros // 10_000), 2)


def _decimal(value: int, places: int) -> str:
    digits = f"{abs(value):0{places + 1}d}"
    fraction = digits[-places:].rstrip("0").ljust(2, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{fraction}"
