"""Figures of the days: the same whether the worker has added them up or not."""

from datetime import date, timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.books import figures
from sutler.books.figures import Kind
from sutler.books.models import DayFigure
from sutler.books.post import adjust, deposit
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.fulfilment.providers import costs
from tests.conftest import NOW, START_MICROS
from tests.fulfilment.upstream import accepted, make_provider, make_upstream_service
from tests.orders.ordering import placed, reported

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
DAY = timedelta(days=1)
FIRST, LAST = date(2026, 11, 20), date(2026, 11, 24)


def live(alice: Customer, bob: Customer, service: Service) -> None:
    reported(placed(alice, service, NOW, link="a"), Status.COMPLETED, NOW + DAY)
    reported(placed(alice, service, NOW, link="b"), Status.PARTIAL, NOW + DAY, remains=500)
    placed(bob, service, NOW + DAY)
    adjust(alice.pk, -1_000_000, "adjust:1", "x", NOW + 2 * DAY)
    deposit(bob.pk, 3_000_000, "deposit:1", "x", NOW + 2 * DAY)


def told(days: list[figures.Day]) -> dict[int, dict[str, tuple[int, int]]]:
    return {each.day.day: {str(kind): value for kind, value in each.kinds.items()} for each in days if each.kinds}


@pytest.mark.parametrize("at_once", [0, 1, 3, 100])
def test_every_day_has_its_figures(alice: Customer, bob: Customer, service: Service, at_once: int) -> None:
    live(alice, bob, service)
    later = NOW + 9 * DAY
    while at_once and figures.keep_up(later, limit=at_once):
        if at_once == 3:
            break
    assert told(figures.of_customer(alice.pk, FIRST, LAST)) == {
        21: {"deposits": (START_MICROS, 1), "orders": (1_800_000, 2)},
        22: {"returns": (450_000, 1)},
        23: {"adjustments": (-1_000_000, 1)},
    }
    assert told(figures.of_house(FIRST, LAST)["USD"]) == {
        21: {"deposits": (2 * START_MICROS, 2), "orders": (1_800_000, 2)},
        22: {"orders": (900_000, 1), "returns": (450_000, 1), "revenue": (1_350_000, 2)},
        23: {"adjustments": (-1_000_000, 1), "deposits": (3_000_000, 1)},
    }
    assert DayFigure.objects.exists() is bool(at_once)


def test_a_day_without_anything_is_there_too(alice: Customer) -> None:
    days = figures.of_customer(alice.pk, FIRST, LAST)
    assert [each.day for each in days] == [FIRST + number * DAY for number in range(5)]
    assert (days[0].spent_micros, days[0].count(Kind.ORDERS)) == (0, 0)
    assert figures.of_house(FIRST, FIRST) == {}


def test_what_is_young_is_left_for_later(alice: Customer, bob: Customer, service: Service) -> None:
    placed(alice, service, NOW + timedelta(minutes=5))
    assert figures.keep_up(NOW + timedelta(minutes=1)) == 0
    assert figures.keep_up(NOW + timedelta(minutes=6)) == 2
    assert figures.keep_up(NOW + timedelta(minutes=6)) == 0
    assert figures.keep_up(NOW + timedelta(minutes=7)) == 1


def test_what_was_spent_is_less_what_came_back(alice: Customer, service: Service) -> None:
    reported(placed(alice, service), Status.PARTIAL, remains=100)
    [today] = figures.of_customer(alice.pk, NOW.date(), NOW.date())
    assert today.spent_micros == 810_000


@pytest.mark.parametrize("is_kept", [False, True])
def test_what_orders_cost_upstream_is_a_figure_of_the_house(alice: Customer, service: Service, is_kept: bool) -> None:
    there = accepted(placed(alice, service), make_upstream_service(make_provider()), "1")
    back = costs.Costed(there.pk, there.order_id, there.cost_micros, there.cost_micros - 200_000)
    costs.finish(there.provider_id, "USD", [back], NOW)
    if is_kept:
        assert figures.keep_up(NOW + DAY)
    [today] = figures.of_house(NOW.date(), NOW.date())["USD"]
    assert (today.amount(Kind.COST), today.count(Kind.COST)) == (300_000, 2)
    assert Kind.COST not in figures.of_customer(alice.pk, NOW.date(), NOW.date())[0].kinds
