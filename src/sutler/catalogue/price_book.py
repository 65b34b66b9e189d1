"""A copy of all that pricing needs, kept in the process and renewed when the catalogue's token changes."""

from dataclasses import dataclass, field
from datetime import datetime

from sutler.catalogue import exchange_rates, version
from sutler.catalogue.models import PriceOverride, Service
from sutler.core import link_rules
from sutler.core.money import Micros
from sutler.core.order_types import ORDER_TYPES, Measure
from sutler.core.placing import Terms
from sutler.core.pricing import quoted_rate
from sutler.core.worth import Worth


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Services on sale by id, exchange rates by currency, overridden base rates by (customer, service)."""

    token: str
    terms: dict[int, Terms]
    exchange: dict[str, Worth]
    overrides: dict[tuple[int, int], int]
    # The countries that at least one service is closed to.
    closing_countries: frozenset[str] = frozenset()
    # When the exchange rate of a currency is too old to sell by; a currency without such a moment is missing.
    good_until: dict[str, datetime] = field(default_factory=dict)

    def is_paused(self, currency: str, now: datetime) -> bool:
        """Returns True while nothing is sold in this currency since its exchange rate is too old."""
        until = self.good_until.get(currency)
        return until is not None and until <= now

    def quote(self, customer_id: int, terms: Terms, discount_basis_points: int, worth: Worth) -> Micros:
        """Returns the rate that a customer is quoted, in micros of the currency that is worth so much.

        The customer's own rate for the service stands above the discount, and the floor below which the service does
        not pay stands above both.
        """
        override = self.overrides.get((customer_id, terms.service_id))
        if override is None:
            quoted = quoted_rate(terms.rate_micros, discount_basis_points, worth)
        else:
            quoted = quoted_rate(override, 0, worth)
        if terms.floor_rate_micros:
            return max(quoted, quoted_rate(terms.floor_rate_micros, 0, worth))
        return quoted


_kept = PriceBook("", {}, {}, {})


def current() -> PriceBook:
    """Returns the price book as the caller's transaction sees it: one small read, and a full one after a change."""
    return at(version.current())


def at(token: str) -> PriceBook:
    """Returns the price book for a token that the caller has just read in this transaction."""
    global _kept  # noqa: PLW0603 - one copy for the process, replaced whole, never changed
    if _kept.token != token or not token:
        _kept = _read(token)
    return _kept


def _read(token: str) -> PriceBook:
    on_sale = Service.objects.filter(state=Service.State.ACTIVE).order_by("pk")
    terms = {service.pk: _terms(service) for service in on_sale}
    rates = exchange_rates.rates()
    return PriceBook(
        token,
        terms,
        exchange_rates.worth(rates),
        {(each.customer_id, each.service_id): each.rate_micros for each in PriceOverride.objects.all()},
        frozenset[str]().union(*(each.closed_countries for each in terms.values())),
        exchange_rates.sold_until(rates),
    )


def _terms(service: Service) -> Terms:
    order_type = ORDER_TYPES[service.type]
    # A subscription has no link itself: each post's is looked at when it is reported.
    has_link = order_type.measure is not Measure.POSTS
    return Terms(
        service_id=service.pk,
        type=order_type,
        rate_micros=service.rate_micros,
        min=service.min,
        max=service.max,
        dripfeed=service.dripfeed,
        one_active_order_per_link=service.one_active_order_per_link,
        floor_rate_micros=service.floor_rate_micros,
        link_rules=link_rules.read(service.link_allowed, service.link_refused) if has_link else None,
        needs_approval=service.needs_approval,
        closed_countries=frozenset(service.closed_countries.split()),
    )
