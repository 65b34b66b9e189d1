"""What a currency is worth in the base currency: an exact fraction of two integers, told either way round."""

import re
from typing import NamedTuple

MOST_DIGITS = 10
MOST_DECIMALS = 18

_NUMBER = re.compile(rf"(0|[1-9][0-9]{{0,{MOST_DIGITS - 1}}})(?:\.([0-9]{{1,{MOST_DECIMALS}}}))?", re.ASCII)

_EQUATION = re.compile(r"1 *(?P<of>[A-Z]{3,5}) *= *(?P<number>[0-9.]+) *(?P<in>[A-Z]{3,5})", re.ASCII)


class Worth(NamedTuple):
    """`units` of a currency are worth `base` units of the base currency; both above 0 and within a BIGINT.

    A number as somebody wrote it stays whole: 1 IDR = 0.0000612 USD is 612 for 10,000,000, and
    1 USD = 16345.5 IDR is 10 for 163,455.
    """

    base: int
    units: int

    def show(self, currency: str, base_currency: str) -> str:
        """Returns it as it was written: `1 EUR = 1.08 USD` or `1 USD = 16345.5 IDR`."""
        fits = self.base < 10**MOST_DIGITS or not _is_power_of_ten(self.base)
        if _is_power_of_ten(self.units) and fits:
            return f"1 {currency} = {_decimal(self.base, self.units)} {base_currency}"
        return f"1 {base_currency} = {_decimal(self.units, self.base)} {currency}"

    def jumps(self, before: "Worth", percent: int) -> bool:
        """Returns True if it is more than so many percent above or below what it was before."""
        now, then = self.base * before.units, before.base * self.units
        return abs(now - then) * 100 > then * percent


EVEN = Worth(1, 1)


def of_one(number: str) -> Worth | None:
    """Reads what one unit of the currency is worth; None if it is no number above 0 of at most ten digits.

    Zeros in front and at the end of the decimals do not count as digits; at most 18 decimals; no sign, no exponent.
    """
    match = _NUMBER.fullmatch(number)
    if match is None:
        return None
    whole, decimals = match.groups(default="")
    decimals = decimals.rstrip("0")
    digits = int(whole + decimals)
    return Worth(digits, 10 ** len(decimals)) if 0 < digits < 10**MOST_DIGITS else None


def read(text: str, base_currency: str) -> tuple[str, Worth] | None:
    """Reads `1 EUR = 1.08 USD` or `1 USD = 16345.5 IDR`, in capitals or not: the other currency and what it is worth.

    None if it is anything else, or not about the base currency and another one.
    """
    match = _EQUATION.fullmatch(text.upper()) if text.isascii() else None
    if match is None or (match["of"] == base_currency) == (match["in"] == base_currency):
        return None
    is_of_base = match["of"] == base_currency
    worth = of_base(match["number"]) if is_of_base else of_one(match["number"])
    return worth and (match["in"] if is_of_base else match["of"], worth)


def of_base(number: str) -> Worth | None:
    """Reads how many units of the currency one of the base currency is worth; None as `of_one` says."""
    inverse = of_one(number)
    return inverse and Worth(inverse.units, inverse.base)


def rounded(base: int, units: int) -> Worth:
    """Returns the worth nearest to base / units that is written with ten digits, half rounded up.

    Written the way round that gives a number of 1 or more. Both are above 0, and neither is 10**10 times the other.
    """
    large, small = max(base, units), min(base, units)
    decimals = MOST_DIGITS - len(str(large // small))
    scale = 10**decimals
    digits = (2 * large * scale + small) // (2 * small)
    while scale > 1 and digits % 10 == 0:
        digits, scale = digits // 10, scale // 10
    return Worth(digits, scale) if base >= units else Worth(scale, digits)


def _is_power_of_ten(number: int) -> bool:
    return str(number).rstrip("0") == "1"


def _decimal(digits: int, scale: int) -> str:
    whole, part = divmod(digits, scale)
    decimals = f"{part:0{len(str(scale)) - 1}d}".rstrip("0") if part else ""
    return f"{whole}.{decimals}" if decimals else str(whole)
