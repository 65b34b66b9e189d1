"""What a service is sold for, reckoned from what it costs upstream: exact, in whole micros, always rounded up."""

from sutler.core.money import Micros
from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS
from sutler.core.worth import Worth

# A price that moved further than this waits for staff (reliability page, hostile catalogues).
LARGEST_STEP_PERCENT = 30


def cost_in_base(cost: int, worth: Worth) -> Micros:
    """Returns a provider's rate in the base currency, in which the provider's is worth `worth`."""
    return Micros(-(-cost * worth.base // worth.units))


def rate_from_cost(cost: int, markup_basis_points: int, fixed: int, step: int) -> Micros:
    """Returns the cost, raised by the markup, plus a fixed amount, rounded up to a whole number of steps.

    All amounts are micros of the base currency; `step` is at least 1.
    """
    exact = cost * (WHOLE_PRICE_BASIS_POINTS + markup_basis_points) + fixed * WHOLE_PRICE_BASIS_POINTS
    return Micros(-(-exact // (WHOLE_PRICE_BASIS_POINTS * step)) * step)


def floor_rate(cost: int, floor_basis_points: int) -> Micros:
    """Returns the least that may be asked for what costs this much, in micros of the base currency."""
    return rate_from_cost(cost, floor_basis_points, 0, 1)


def jumps(before: int, after: int) -> bool:
    """Returns True if a price went up or down by more than 30 %."""
    return abs(after - before) * 100 > before * LARGEST_STEP_PERCENT


def rises_too_far(before: int, after: int, step: int = 1) -> bool:
    """Returns True if a price rises by more than 30 %, and by more than rounding it up to a step can make it."""
    return (after - (step - 1) - before) * 100 > before * LARGEST_STEP_PERCENT
