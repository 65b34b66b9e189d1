"""How finely a panel tells its charges: some round them to cents, or to whole units. Learnt from what it tells. Pure.

Where charges are compared, what rounding may have changed is no difference; what a panel says that an order costs
counts all the same.
"""

from collections.abc import Iterable
from typing import NamedTuple

# A charge is told with five decimals.
FINEST, SHOWN_WITHIN_MICROS = 5, 10
# Charges that are told in whole units, or in tenths, may be chance or dearer than agreed: so many must have been.
CENTS, ENOUGH = 2, 10
_MICRO_DIGITS = 6


class Rounding(NamedTuple):
    """The digits that a panel's charges have at most, None while none was seen to be rounded, and how many were."""

    digits: int | None = None
    times: int = 0

    @property
    def within_micros(self) -> int:
        """How far a told charge may be from the exact one and still be it."""
        if self.digits is None or self.digits >= FINEST:
            return SHOWN_WITHIN_MICROS
        digits = self.digits if self.times >= ENOUGH else max(self.digits, CENTS)
        return _unit(digits) - 1

    @property
    def is_coarse(self) -> bool:
        """Whether it tells its charges with fewer digits than usual."""
        return self.within_micros > SHOWN_WITHIN_MICROS


def learn(known: Rounding, charges: Iterable[tuple[int, int]]) -> Rounding:
    """Returns what is known after these charges of whole orders: what was told of each, and what was expected.

    One that has more digits proves that they are told. One that is another only by its rounding shows how it rounds.
    """
    digits, times = known
    for told, expected in charges:
        shown = digits_of(told)
        if digits is not None:
            digits = max(digits, shown)
        is_rounded = abs(told - expected) > SHOWN_WITHIN_MICROS and shown < digits_of(expected)
        if told and is_rounded and abs(told - expected) < _unit(shown):
            digits = shown if digits is None else digits
            times = min(times + 1, ENOUGH)
    return Rounding(digits, times)


def digits_of(micros: int) -> int:
    """Returns with how many decimals an amount is written."""
    return next(each for each in range(_MICRO_DIGITS + 1) if micros % _unit(each) == 0)


def _unit(digits: int) -> int:
    return int(10 ** (_MICRO_DIGITS - digits))
