"""What an order costs and what comes back: whole micros, a charge rounds up, a return rounds down."""

from sutler.core.money import Micros
from sutler.core.worth import Worth

# A rate is the price of a thousand; a package's rate is the price of one (protocol page, section 3).
PER_THOUSAND = 1000
PER_PIECE = 1

WHOLE_PRICE_BASIS_POINTS = 10_000


def charge(rate: int, quantity: int, per: int = PER_THOUSAND) -> Micros:
    """Returns rate x quantity / per in micros, rounded up, so that no order is free."""
    return Micros(-(-rate * quantity // per))


def give_back(charged: int, rate: int, quantity: int, remains: int, per: int = PER_THOUSAND) -> Micros:
    """Returns how much of `charged` (micros) goes back when `remains` of `quantity` was not delivered.

    Rounded down, never below zero and never more than was charged; all of it when nothing was delivered.
    """
    if remains >= quantity:
        return Micros(charged)
    return Micros(min(charged, rate * max(remains, 0) // per))


def run_share(rate: int, quantity_per_run: int, run: int) -> Micros:
    """Returns the part of a drip-feed order's charge that belongs to its run number `run` (from 1).

    The shares of all runs add up to the charge of the whole order, to the micro.
    """
    return Micros(charge(rate, quantity_per_run * run) - charge(rate, quantity_per_run * (run - 1)))


def quoted_rate(base_rate: int, discount_basis_points: int, exchange: Worth) -> Micros:
    """Returns a rate kept in the base currency as a customer is quoted it, in micros of the customer's currency.

    `exchange` is what the customer's currency is worth. Rounded up to the micro; the quoted rate is what the charge is
    reckoned from.
    """
    numerator = base_rate * (WHOLE_PRICE_BASIS_POINTS - discount_basis_points) * exchange.units
    return Micros(-(-numerator // (WHOLE_PRICE_BASIS_POINTS * exchange.base)))


def in_base(micros: int, exchange: Worth) -> Micros:
    """Returns an amount of the currency worth `exchange` in micros of the base currency, rounded down."""
    return Micros(micros * exchange.base // exchange.units)


def keeps_margin(rate: int, exchange: Worth, cost_rate: int, cost_exchange: Worth, floor_basis_points: int) -> bool:
    """Returns True if selling at `rate` leaves at least the floor above `cost_rate`, each in its own currency.

    Rates in micros, for the same quantity; `exchange` and `cost_exchange` are what those currencies are worth.
    """
    sold = rate * exchange.base * cost_exchange.units * WHOLE_PRICE_BASIS_POINTS
    return sold >= cost_rate * cost_exchange.base * exchange.units * (WHOLE_PRICE_BASIS_POINTS + floor_basis_points)
