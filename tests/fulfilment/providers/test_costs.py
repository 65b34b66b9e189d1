"""What orders cost upstream, reckoned and booked, and the margin that is left of their prices."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from sutler.accounts.models import Customer
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.lifecycle import Status
from sutler.core.pricing import charge, give_back
from sutler.fulfilment.providers import costs
from sutler.fulfilment.providers.costs import Costed, Margin
from tests.conftest import NOW, make_customer
from tests.fulfilment.upstream import There, accepted, make_provider, make_upstream_service
from tests.orders.ordering import demand_sound_books, placed, transfers

pytestmark = pytest.mark.postgresql

DAY = timedelta(days=1)


@given(
    rate=st.integers(1, 10**10),
    quantity=st.integers(1, 10**6),
    remains=st.integers(-10, 10**6),
    per=st.sampled_from([1, 1000]),
)
def test_what_is_reckoned_is_what_a_panel_of_ours_keeps(rate: int, quantity: int, remains: int, per: int) -> None:
    """To the micro while the rate is as it was; within one where it has changed since."""
    expected = charge(rate, quantity, per)
    left = min(max(remains, 0), quantity)
    kept = expected - give_back(expected, rate, quantity, left, per)
    assert costs.reckoned(expected, rate, quantity, per, Status.PARTIAL, remains) == kept
    assert abs(costs.reckoned(expected, rate * 3 + 7, quantity, per, Status.PARTIAL, remains) - kept) <= 1
    assert costs.reckoned(expected, rate, quantity, per, Status.COMPLETED, remains) == expected
    assert costs.reckoned(expected, rate, quantity, per, Status.CANCELED, remains) == 0


@pytest.mark.parametrize(
    ("cost", "transfer"),
    [
        (500_000, {}),
        (300_000, {"cost-back": 200_000}),
        (0, {"cost-back": 500_000}),
        (600_000, {"cost-more": 100_000}),
    ],
)
def test_an_end_is_booked_once(there: There, cost: int, transfer: dict[str, int]) -> None:
    ours, _ = there.sent()
    ended = [Costed(ours.pk, ours.order_id, ours.cost_micros, cost)]
    for _ in range(2):
        with transaction.atomic():
            costs.finish(there.provider.pk, "USD", ended, NOW)
    booked = {cause: micros for cause, micros in transfers(ours.order_id).items() if cause.startswith("cost")}
    assert booked == {f"cost:{ours.pk}": 500_000} | {f"{name}:{ours.pk}": micros for name, micros in transfer.items()}


@pytest.mark.django_db
def test_the_margin_is_in_the_base_currency(service: Service) -> None:
    """An order in one currency, delivered for another: 0.90 EUR kept at 1.08, less 0.50 GBP at 1.25."""
    ExchangeRate.objects.create(currency="EUR", base=1_080_000, units=1_000_000)
    ExchangeRate.objects.create(currency="GBP", base=1_250_000, units=1_000_000)
    eve = make_customer("Eve", "EUR")
    order = placed(eve, service)
    there = accepted(order, make_upstream_service(make_provider(currency="GBP")), "1")
    assert costs.margins([order.pk, 999]) == {
        order.pk: Margin(order.charge_micros * 1_080_000 // 1_000_000, 625_000),
    }
    assert there.cost_micros == 500_000
    ExchangeRate.objects.filter(currency="GBP").delete()
    [margin] = costs.margins([order.pk]).values()
    assert (margin.cost_micros, margin.margin_micros) == (None, None)
    demand_sound_books()


@pytest.mark.django_db
def test_an_order_of_the_desk_costs_nothing(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    assert costs.margins([order.pk]) == {order.pk: Margin(900_000, 0)}
    assert costs.margins([order.pk])[order.pk].margin_micros == 900_000
