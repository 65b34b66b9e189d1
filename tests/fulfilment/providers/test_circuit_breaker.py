"""The brake: when a provider rests, and when it is sent to again."""

from datetime import timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.fulfilment.models import Alarm, Attempt, Provider, ProviderMinute
from sutler.fulfilment.providers import circuit_breaker
from sutler.orders.models import Order
from sutler.panels.results import Accepted
from tests.conftest import NOW
from tests.fulfilment.upstream import alarms
from tests.fulfilment.upstream_world import TIMED_OUT, UNKNOWN_WORDS, claim, plan_all, route, send, settle
from tests.orders.ordering import placed

MINUTE = timedelta(minutes=1)


@pytest.fixture
def provider(service: Service) -> Provider:
    return route(service).upstream_service.provider


def counted(provider: Provider, adds: int, unknown: int, ago: timedelta = MINUTE) -> None:
    ProviderMinute.objects.create(provider=provider, minute=NOW - ago, calls=adds, adds=adds, unknown_adds=unknown)


def unsettled(provider: Provider, order: Order, count: int, state: str = "unknown", **fields: object) -> None:
    locks = {"service_id": 1, "link_digest": "", "expected_micros": 1}
    for number in range(count):
        values = {"action": "add", "state": state, "provider": provider, "order_id": order.pk + 1 + number}
        Attempt.objects.create(**(values | locks | fields))


@pytest.mark.parametrize(
    ("adds", "unknown", "rests"),
    [
        (0, 0, False),
        (2, 2, False),
        (3, 3, True),
        (10, 2, False),
        (150, 3, False),
        (149, 3, True),
        (1000, 20, False),
        (1000, 21, True),
    ],
)
def test_more_than_two_percent_unknown_and_at_least_three(
    provider: Provider, adds: int, unknown: int, rests: bool
) -> None:
    counted(provider, adds, unknown)
    assert circuit_breaker.allowed(provider, 8, NOW) == (0 if rests else 8)
    provider.refresh_from_db()
    assert provider.live_state.rests_until == (NOW + MINUTE if rests else None)
    assert alarms(Alarm.Kind.BRAKE) == (["whole"] if rests else [])


def test_only_the_last_five_minutes_count(provider: Provider) -> None:
    counted(provider, 10, 10, 5 * MINUTE)
    assert circuit_breaker.allowed(provider, 8, NOW) == 8
    counted(provider, 10, 10, 4 * MINUTE)
    assert circuit_breaker.allowed(provider, 8, NOW) == 0


def test_several_minutes_are_added_up(provider: Provider) -> None:
    for ago in (1, 2, 3):
        counted(provider, 20, 1, ago * MINUTE)
    assert circuit_breaker.allowed(provider, 8, NOW) == 0


@pytest.mark.parametrize(("count", "rests"), [(20, False), (21, True)])
@pytest.mark.parametrize("state", ["unknown", "staff"])
def test_more_than_twenty_open_outcomes(
    alice: Customer, service: Service, provider: Provider, count: int, rests: bool, state: str
) -> None:
    unsettled(provider, placed(alice, service), count, state, sent_at=NOW - MINUTE)
    assert circuit_breaker.allowed(provider, 8, NOW) == (0 if rests else 8)


@pytest.mark.parametrize(
    ("state", "ago_minutes", "count"), [("unknown", 14, 0), ("unknown", 15, 1), ("unknown", 100, 1), ("staff", 100, 0)]
)
def test_one_is_let_through_a_settle_window_after_the_last_for_the_sake_of_its_id(
    alice: Customer, service: Service, provider: Provider, state: str, ago_minutes: int, count: int
) -> None:
    unsettled(provider, placed(alice, service), 21, state, sent_at=NOW - ago_minutes * MINUTE)
    assert circuit_breaker.allowed(provider, 8, NOW) == count
    assert circuit_breaker.allowed(provider, 8, NOW) == 0


def test_no_second_one_while_the_first_is_on_the_way_or_was_taken(
    alice: Customer, service: Service, provider: Provider
) -> None:
    orders = [placed(alice, service, link=f"https://example.com/{one}", quantity=500 + one) for one in range(2)]
    plan_all()
    unsettled(provider, orders[-1], 21, expected_micros=7, sent_at=NOW - 15 * MINUTE)
    [first] = claim(provider, NOW)
    assert claim(provider, NOW + MINUTE) == []
    settle(first, Accepted("11"), NOW + MINUTE)
    assert claim(provider, NOW + 2 * MINUTE) == []
    assert len(claim(provider, NOW + 15 * MINUTE)) == 1


def test_what_was_refused_in_unknown_words_stops_nobody(alice: Customer, service: Service, provider: Provider) -> None:
    for number in range(4):
        order = placed(alice, service, link=f"https://example.com/{number}", quantity=500 + number)
        send(order, UNKNOWN_WORDS)
    unsettled(provider, order, 30, refusal="What?", sent_at=NOW)
    assert circuit_breaker.allowed(provider, 8, NOW) == 8
    assert alarms(Alarm.Kind.BRAKE) == []


def test_nor_does_it_take_the_place_of_the_one_that_is_let_through(
    alice: Customer, service: Service, provider: Provider
) -> None:
    order = placed(alice, service)
    unsettled(provider, order, 21, sent_at=NOW - 15 * MINUTE)
    Attempt.objects.create(
        action="add",
        state="unknown",
        provider=provider,
        order=order,
        service_id=1,
        link_digest="",
        expected_micros=1,
        refusal="What?",
        sent_at=NOW,
    )
    assert circuit_breaker.allowed(provider, 8, NOW) == 1


def test_another_providers_outcomes_do_not_count(alice: Customer, service: Service, provider: Provider) -> None:
    other = route(service, "Other").upstream_service.provider
    unsettled(other, placed(alice, service), 30)
    counted(other, 30, 30)
    assert circuit_breaker.allowed(provider, 8, NOW) == 8


def test_each_provider_has_its_own_measure(provider: Provider) -> None:
    counted(provider, 20, 5)
    provider.brake_percent = 25
    assert circuit_breaker.allowed(provider, 8, NOW) == 8


def test_while_it_rests_orders_wait_as_pending_and_go_once_it_is_over(
    alice: Customer, service: Service, provider: Provider
) -> None:
    order = placed(alice, service)
    plan_all()
    counted(provider, 10, 10)
    assert claim(provider) == []
    assert Order.objects.get(pk=order.pk).status == "Pending"
    assert claim(provider, NOW + MINUTE) == []
    assert Alarm.objects.get().times == 2
    assert len(claim(provider, NOW + 5 * MINUTE)) == 1
    assert alarms() == []
    provider.refresh_from_db()
    assert (provider.live_state.rests_until, provider.live_state.rest_cause) == (None, None)


def test_what_staff_have_settled_lets_the_brake_go(alice: Customer, service: Service, provider: Provider) -> None:
    Provider.objects.update(brake_open=0)
    send(placed(alice, service), TIMED_OUT)
    order = placed(alice, service, link="https://example.com/2", quantity=500)
    plan_all()
    assert claim(provider, NOW) == []
    Attempt.objects.filter(state="unknown").update(state="absent")
    assert [each.order_id for each in claim(provider, NOW + MINUTE)] == [order.pk]
