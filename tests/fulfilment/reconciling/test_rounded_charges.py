"""A provider that rounds what it charges: no alarm, what it charged in the books, and outcomes settled as elsewhere."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.fulfilment.models import Attempt, Provider, ProviderMinute, ProviderState, UpstreamOrder
from sutler.fulfilment.providers import ledger
from tests.conftest import NOW
from tests.fulfilment.upstream import There, alarms, demand_that_orders_are_as_upstream, to_the_end
from tests.fulfilment.upstream import there as there  # noqa: PLC0414 - a fixture
from tests.fulfilment.upstream_world import TIMED_OUT, World, claim, plan_all, route, send, states, world
from tests.orders.ordering import demand_sound_books, placed

CENT, TENTH, WHOLE = 10_000, 100_000, 1_000_000


@pytest.mark.parametrize("step", [1_000, CENT])
def test_fifty_orders_raise_no_alarm_and_cost_what_was_charged(there: There, step: int) -> None:
    there.lie(charge_step_micros=step)
    for number in range(50):
        there.sent(f"https://example.com/{number}", 1003 + 37 * number)
    to_the_end(there)
    assert alarms() == []
    provider = Provider.objects.get()
    assert provider.live_state.rounding.within_micros == step - 1
    for each in UpstreamOrder.objects.all():
        theirs = there.upstream.panel.orders[each.upstream_id]
        assert abs(each.cost_micros - (theirs.charge_micros - theirs.refunded_micros)) <= 10
    demand_sound_books()


def test_one_that_charges_more_than_its_rounding_makes_is_told(there: There) -> None:
    there.lie(charge_step_micros=CENT)
    there.sent("https://example.com/rounded", 1003)
    there.lie(charge_step_micros=CENT, overcharge=1.0)
    dearer, _ = there.sent("https://example.com/dearer", 1003)
    to_the_end(there)
    assert alarms() == [f"order {dearer.order_id}"]


def test_without_rounding_nothing_is_learnt(there: There) -> None:
    for number in range(5):
        there.sent(f"https://example.com/{number}", 1003 + number)
    to_the_end(there)
    assert ProviderState.objects.get().charge_digits is None
    demand_that_orders_are_as_upstream(there)


@pytest.fixture
def rounded(service: Service) -> Iterator[World]:
    with world(service, charge_digits=2, charges_rounded=10) as found:
        ledger.open_with(found.provider, 10_000_000_000, NOW)
        ProviderState.objects.update(gap_micros=0)
        yield found


@pytest.mark.parametrize(("fault", "state"), [("answer_lost", "accepted"), ("request_lost", "absent")])
@pytest.mark.long
def test_a_lost_answer_is_settled_by_the_rounded_charge(
    alice: Customer, rounded: World, fault: str, state: str
) -> None:
    def lie(**faults: float) -> None:
        rounded.lie(charge_step_micros=CENT, only=frozenset({"add"}), **faults)

    def known(link: str) -> None:
        placed(alice, rounded.service, rounded.now(), link=f"https://example.com/{link}", quantity=2011)
        lie()
        rounded.live(20)
        rounded.look(300)

    known("before")
    order = placed(alice, rounded.service, rounded.now(), link="https://example.com/lost", quantity=1003)
    lie(**{fault: 1.0})
    rounded.live(130)
    assert states(order) == ["unknown"]
    lie()
    rounded.look(16 * 60)
    known("after")
    rounded.look(10 * 60)
    assert states(order)[0] == state
    if state == "accepted":
        assert UpstreamOrder.objects.get(order=order).upstream_id == rounded.upstream.orders_for(order.link)[0].id


def test_charges_that_are_told_alike_wait_for_each_other(alice: Customer, service: Service) -> None:
    provider = route(service).upstream_service.provider
    ProviderMinute.objects.create(provider=provider, minute=NOW, calls=200, adds=200)
    send(placed(alice, service, link="https://example.com/1", quantity=1000), TIMED_OUT)
    near = placed(alice, service, link="https://example.com/2", quantity=1010)
    plan_all()
    ProviderState.objects.update(charge_digits=2, charges_rounded=10)
    assert claim(provider) == []
    ProviderState.objects.update(charge_digits=None)
    assert [each.order_id for each in claim(provider, NOW + timedelta(seconds=1))] == [near.pk]
    assert Attempt.objects.filter(state="sending").count() == 1
