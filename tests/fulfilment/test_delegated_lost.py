"""Drip-feeds and subscriptions whose answer was lost, and what providers make by themselves beside lost orders."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.fulfilment.models import Alarm, AskTime, Attempt, NamedOrder, Orphan, ProviderState, UpstreamOrder
from sutler.fulfilment.polling import children
from sutler.fulfilment.polling.poll import poll
from sutler.fulfilment.reconciling import reconcile
from sutler.fulfilment.reconciling.orphans import audit, read_stretch
from sutler.fulfilment.sending import outcome
from sutler.fulfilment.sending.outcome import Verdict
from sutler.orders import cancel
from sutler.orders.models import Order
from tests.conftest import make_service
from tests.fulfilment.delegated_world import children as made
from tests.fulfilment.delegated_world import (
    demand_that_all_is_as_upstream,
    dripped,
    live_on,
    sell_posts,
    subscribed,
    whole_world,
)
from tests.fulfilment.upstream import alarms
from tests.fulfilment.upstream_world import World, states
from tests.orders.ordering import demand_sound_books, placed

pytestmark = pytest.mark.django_db
HOUR = 3600.0


@pytest.fixture
def one(alice: Customer, service: Service) -> Iterator[World]:
    """A world whose provider has confirmed an order."""
    with whole_world(service) as found:
        confirmed(alice, found, "known")
        yield found


@pytest.fixture
def likes(one: World) -> Service:
    service = make_service(type="Subscriptions", rate_micros=2_000_000, min=10, max=1000)
    sell_posts(one, service)
    return service


def confirmed(alice: Customer, one: World, link: str) -> Order:
    """A plain order that the provider has accepted and confirmed."""
    order = placed(alice, one.service, one.now(), link=f"https://example.com/{link}", quantity=700)
    one.lie()
    one.live(3)
    one.skip(60)
    AskTime.objects.filter(upstream_order__order=order).update(ask_at=one.now())
    one.run(poll)
    assert UpstreamOrder.objects.get(order=order).confirmed_at is not None
    return order


def lose(one: World, fault: str) -> None:
    """Sends what waits, and loses the answers."""
    one.lie(**{fault: 1.0}, only=frozenset({"add"}))
    one.live(130)
    one.lie()


def search(one: World, minutes: int) -> None:
    """Has a worker look for what was lost, and follow what it has, every two minutes for so long."""
    for _ in range(minutes // 2):
        one.skip(120)
        for step in (reconcile.reconcile, poll, children.adopt):
            one.run(step)


def test_a_drip_feed_that_was_made_is_found_beside_its_runs_and_goes_on(alice: Customer, one: World) -> None:
    parent = dripped(one, alice)
    lose(one, "answer_lost")
    assert (states(parent), made(parent)) == (["unknown"], [])
    search(one, 26)
    assert states(parent) == ["accepted"]
    live_on(one, 2)
    assert len(made(parent)) == 3
    demand_that_all_is_as_upstream(one)
    assert not Orphan.objects.exists()


@pytest.mark.long
def test_a_drip_feed_that_was_not_made_is_absent_and_then_sent_again(alice: Customer, one: World) -> None:
    parent = dripped(one, alice)
    lose(one, "request_lost")
    search(one, 16)
    confirmed(alice, one, "later")
    search(one, 20)
    live_on(one, 2)
    assert (states(parent), len(made(parent))) == (["absent", "accepted"], 3)
    demand_that_all_is_as_upstream(one)


@pytest.mark.long
def test_a_subscription_that_was_made_is_left_to_staff_and_goes_on_once_they_know(
    alice: Customer, one: World, likes: Service
) -> None:
    parent = subscribed(one, alice, likes)
    lose(one, "answer_lost")
    search(one, 60)
    assert states(parent) == ["unknown"]
    search(one, 90)
    assert (states(parent), alarms(Alarm.Kind.VERDICT)) == (["staff"], [f"order {parent.pk}"])
    [theirs] = one.upstream.panel.orders_for("someone")
    assert outcome.resolve(parent.pk, Verdict.PLACED, "staff 1", one.now(), theirs.id) is None
    live_on(one, 2)
    assert len(made(parent)) == 2
    demand_that_all_is_as_upstream(one)


@pytest.mark.long
def test_a_subscription_that_was_not_made_is_absent_after_three_scans(
    alice: Customer, one: World, likes: Service
) -> None:
    parent = subscribed(one, alice, likes)
    lose(one, "request_lost")
    search(one, 16)
    confirmed(alice, one, "later")
    search(one, 20)
    assert states(parent)[0] == "absent"
    live_on(one, 2)
    assert len(made(parent)) == 2
    demand_that_all_is_as_upstream(one)


def test_a_cancel_of_a_lost_drip_feed_is_kept_until_it_is_known_that_nothing_was_made(
    alice: Customer, one: World
) -> None:
    parent = dripped(one, alice)
    lose(one, "request_lost")
    assert cancel.request_cancels(alice.pk, [parent.pk], one.now()) == [None]
    parent.refresh_from_db()
    assert parent.status == "Processing"
    search(one, 16)
    confirmed(alice, one, "later")
    search(one, 20)
    parent.refresh_from_db()
    assert (states(parent), parent.status, parent.returned_micros) == (["absent"], "Canceled", parent.charge_micros)
    demand_sound_books()


@pytest.mark.long
def test_a_run_nobody_has_heard_of_yet_is_not_taken_for_a_lost_order(alice: Customer, one: World) -> None:
    """A lost order of 100 was never made; a run of 100, which the provider has made meanwhile, is not it."""
    parent = dripped(one, alice, interval=5)
    one.live(60)
    AskTime.objects.filter(upstream_order__order=parent).update(ask_at=one.now() + timedelta(hours=3))
    lost = placed(alice, one.service, one.now(), link="https://example.com/lost", quantity=100)
    lose(one, "request_lost")
    search(one, 30)
    assert (states(lost), Orphan.objects.exists()) == (["unknown"], True)
    AskTime.objects.filter(upstream_order__order=parent).update(ask_at=one.now())
    search(one, 6)
    assert not Orphan.objects.exists()
    confirmed(alice, one, "later")
    search(one, 20)
    assert states(lost)[0] == "absent"
    live_on(one, 2)
    assert len(one.upstream.orders_for(lost.link)) == 1
    demand_that_all_is_as_upstream(one)


@pytest.mark.long
def test_the_nightly_audit_passes_over_what_a_provider_makes_by_itself(alice: Customer, one: World) -> None:
    """Runs that were named, and all ids since the parents were last asked."""
    parent = dripped(one, alice, runs=40, interval=60)
    live_on(one, 10)
    confirmed(alice, one, "plain")
    one.skip(HOUR)
    assert one.run(audit) > 0
    assert (alarms(Alarm.Kind.ORPHAN), len(made(parent)) > 8) == ([], True)
    AskTime.objects.filter(upstream_order__order=parent).update(ask_at=one.now() + timedelta(days=9))
    heard = AskTime.objects.get(upstream_order__order=parent).asked_at
    ProviderState.objects.update(audited_at=None)
    one.skip(5 * HOUR)
    confirmed(alice, one, "after")
    one.skip(HOUR)
    stretch = read_stretch(one.provider.pk, one.now())
    assert stretch is not None
    assert heard is not None
    unheard_of = one.upstream.panel.orders.keys() - set(UpstreamOrder.objects.values_list("upstream_id", flat=True))
    assert unheard_of
    assert stretch.last < min(map(int, unheard_of))


def test_an_id_given_before_we_heard_of_it_bounds_no_window(alice: Customer, one: World) -> None:
    parent = dripped(one, alice, runs=3, interval=1)
    live_on(one, 1)
    [first, *_] = made(parent)
    horizon = one.now() - timedelta(days=1)
    ours = UpstreamOrder.objects.filter(provider=one.provider, placed_at__gte=horizon)
    assert first.pk in set(ours.values_list("order", flat=True))
    assert first.pk not in set(children.sent_by_us(ours).values_list("order", flat=True))
    ids = {int(each) for each in NamedOrder.objects.values_list("upstream_id", flat=True)}
    assert reconcile.claimed_ids(one.provider.pk, ids) == ids
    assert Attempt.objects.filter(order=first).get().state == "accepted"
