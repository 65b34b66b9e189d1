"""Whether an order is accepted, decided without I/O: the service, its fields, the quantity, the link, the funds.

The checks stand in the protocol's order; the first that fails answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import msgspec

from sutler.core.link_rules import LinkRules
from sutler.core.money import Micros
from sutler.core.order_types import Measure, OrderInput, OrderType, read_order
from sutler.core.pricing import charge
from sutler.core.refusals import Reason, Refusal
from sutler.core.worth import Worth


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised of a service that is on sale. The rates are in the panel's base currency.

    Nobody is quoted less than the floor rate, whatever the discount.
    """

    service_id: int
    type: OrderType
    rate_micros: int
    min: int
    max: int
    dripfeed: bool
    one_active_order_per_link: bool
    floor_rate_micros: int = 0
    # Acceptable use: what links are taken, whether staff must approve, where it is not sold.
    link_rules: LinkRules | None = None
    needs_approval: bool = False
    closed_countries: frozenset[str] = frozenset()


class WalletSnapshot(msgspec.Struct, gc=False):
    """A customer's means, as they stand while a list of requests is decided; `balance_micros` falls as it goes."""

    customer_id: int
    wallet_id: int
    in_hand_id: int
    scheduled_id: int
    currency: str
    balance_micros: int
    credit_limit_micros: int
    suspended: bool
    repeat_window_seconds: int
    discount_basis_points: int
    country: str = ""


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An order that is well-formed and within its service's limits: what is left is whether it can be paid."""

    terms: Terms
    input: OrderInput
    quantity: int
    rate_micros: int
    exchange: Worth
    charge_micros: Micros


def draft(terms: Terms, form: Mapping[str, str], rate: Micros, exchange: Worth, today: date) -> Draft | Refusal:
    """Reads an order and prices it by the quoted rate (micros), in the currency worth `exchange`.

    Refuses with INCORRECT_FIELD, QUANTITY_BELOW_MINIMUM or QUANTITY_ABOVE_MAXIMUM.
    """
    if terms.link_rules is not None and not terms.link_rules.allow(form.get("link", "")):
        return Refusal(Reason.INCORRECT_FIELD, "link")
    read = read_order(terms.type, form)
    if isinstance(read, Refusal):
        return read
    refusal = _against_terms(terms, read, today)
    if refusal is not None:
        return refusal
    if terms.type.measure is Measure.POSTS:
        return Draft(terms, read, read.posts or 0, rate, exchange, Micros(0))
    quantity = read.quantity * (read.runs or 1)
    return Draft(terms, read, quantity, rate, exchange, charge(rate, quantity, terms.type.per))


def _against_terms(terms: Terms, read: OrderInput, today: date) -> Refusal | None:
    if read.runs and not terms.dripfeed:
        return Refusal(Reason.INCORRECT_FIELD, "runs")
    if read.expiry is not None and read.expiry < today:
        return Refusal(Reason.INCORRECT_FIELD, "expiry")
    if terms.type.measure is Measure.ONE:
        return None
    posts = terms.type.measure is Measure.POSTS
    least, most = (read.minimum, read.maximum) if posts else (read.quantity, read.quantity)
    if least < terms.min:
        return Refusal(Reason.QUANTITY_BELOW_MINIMUM, bound=terms.min)
    if most > terms.max:
        return Refusal(Reason.QUANTITY_ABOVE_MAXIMUM, bound=terms.max)
    return None


def admit(
    asked: Draft, wallet: WalletSnapshot, *, link_in_use: bool, spent_today: int = 0, cap: int | None = None
) -> Refusal | None:
    """Takes the charge out of the wallet, or refuses with LINK_IN_USE, SPEND_CAP_REACHED or NOT_ENOUGH_FUNDS."""
    if link_in_use:
        return Refusal(Reason.LINK_IN_USE)
    if cap is not None and spent_today + asked.charge_micros > cap:
        return Refusal(Reason.SPEND_CAP_REACHED)
    if asked.charge_micros > wallet.balance_micros + wallet.credit_limit_micros:
        return Refusal(Reason.NOT_ENOUGH_FUNDS)
    wallet.balance_micros -= asked.charge_micros
    return None
