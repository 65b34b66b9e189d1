"""Nobody is quoted less than a service's floor: not by discount, by an override, in another currency, on any way in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.accounts.models import Customer, CustomerGroup
from sutler.catalogue import services_answer
from sutler.catalogue.models import ExchangeRate, PriceOverride
from sutler.catalogue.price_book import PriceBook
from sutler.core.money import parse_amount
from sutler.core.order_types import ORDER_TYPES
from sutler.core.placing import Terms
from sutler.core.pricing import keeps_margin, quoted_rate
from sutler.core.worth import EVEN, Worth
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place
from tests.conftest import NOW, make_customer, make_service

rates = st.integers(1, 10**12)
worths = st.builds(Worth, st.integers(1, 10**10), st.integers(1, 10**18))


@given(rates, st.integers(0, 10**12), st.none() | rates, st.integers(0, 9_999), worths)
def test_a_quote_is_the_dearer_of_price_and_floor(
    rate: int, floor: int, override: int | None, discount: int, exchange: Worth
) -> None:
    terms = Terms(1, ORDER_TYPES["Default"], rate, 1, 10, False, False, floor)
    book = PriceBook("t", {1: terms}, {}, {} if override is None else {(7, 1): override})
    plain = quoted_rate(rate, discount, exchange) if override is None else quoted_rate(override, 0, exchange)
    quoted = book.quote(7, terms, discount, exchange)
    assert quoted == max(plain, quoted_rate(floor, 0, exchange))
    assert keeps_margin(quoted, exchange, floor, EVEN, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("discount", "override", "currency", "rate"),
    [
        (0, None, "USD", "0.90"),
        (1_000, None, "USD", "0.81"),
        (5_000, None, "USD", "0.60"),
        (0, "0.10", "USD", "0.60"),
        (0, "0.70", "USD", "0.70"),
        (5_000, None, "EUR", "0.50"),
        (0, "0.10", "EUR", "0.50"),
    ],
)
def test_the_catalogue_and_an_order_show_the_same_price_not_below_the_floor(
    discount: int, override: str | None, currency: str, rate: str
) -> None:
    ExchangeRate.objects.create(currency="EUR", base=1_200_000, units=1_000_000)
    group = CustomerGroup.objects.create(name="Resellers", discount_basis_points=discount)
    customer: Customer = make_customer("Carol", currency, group=group)
    service = make_service(floor_rate_micros=600_000)
    if override is not None:
        PriceOverride.objects.create(customer=customer, service=service, rate_micros=parse_amount(override) or 0)
    shown = json.loads(services_answer.feeds([(customer.pk, False)])[0].plain)
    assert [each["rate"] for each in shown] == [rate]
    form = {"service": str(service.pk), "link": "https://example.com/a", "quantity": "1000"}
    (placed,) = place([PlaceRequest(customer.pk, form)], NOW)
    assert isinstance(placed, Placed)
    assert Order.objects.get(pk=placed.order_id).rate_micros == parse_amount(rate)
