"""Who runs a drip-feed or a subscription: decided once, before it begins, by the route that it would take."""

from datetime import timedelta
from typing import Any

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.events import failure
from sutler.core.refusals import Reason, Refusal
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment import provider_settings
from sutler.fulfilment.desk.desk import open_subscriptions
from sutler.fulfilment.models import Attempt, Provider, Route, UpstreamService
from sutler.fulfilment.sending import plan, plan_parents
from sutler.orders import cancel, delegation, drip, subscriptions
from sutler.orders.models import Drip, Order, Subscription
from sutler.panels.results import Accepted, Declined, NotSent
from tests.conftest import NOW, START_MICROS, make_customer, make_service
from tests.fulfilment.upstream import make_provider, make_upstream_service
from tests.fulfilment.upstream_world import claim, route, settle, states
from tests.orders.ordering import balance, demand_sound_books, moves, placed
from tests.orders.test_subscriptions import post

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
RUNS: dict[str, Any] = {"quantity": 100, "runs": 3, "interval": 10}
POSTS: dict[str, Any] = {"username": "someone", "min": 60, "max": 90, "posts": 2, "delay": 0}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def likes(db: None) -> Service:
    return make_service(type="Subscriptions", rate_micros=2_000_000, min=10, max=1000)


def taking(service: Service, name: str = "Whole", **more: Any) -> Route:
    """A route to a provider that runs by itself what its service takes."""
    there = make_provider(name=name, drip_feed_there=True, subscriptions_there=True)
    upstream: dict[str, Any] = {"dripfeed": True, "type": service.type}
    return route(service, there, **(upstream | more))


def is_there(order: Order) -> bool | None:
    for schedule in (Drip, Subscription):
        if found := schedule.objects.filter(order=order).first():
            return found.is_there
    raise AssertionError(order)


def runs(order: Order) -> int:
    return Order.objects.filter(parent=order).count()


def provider_of(way: Route) -> Provider:
    return way.upstream_service.provider


def test_what_the_route_takes_whole_is_planned_once_and_not_run_here(
    alice: Customer, service: Service, likes: Service
) -> None:
    taking(service)
    taking(likes, "Other")
    dripped, subscribed = placed(alice, service, **RUNS), placed(alice, likes, **POSTS)
    assert [plan_parents.place_due_runs(NOW) for _ in range(2)] == [2, 0]
    assert plan.Planner().plan_waiting(NOW) == 0
    assert (states(dripped), states(subscribed)) == (["planned"], ["planned"])
    assert [Attempt.objects.get(order=each).expected_micros for each in (dripped, subscribed)] == [150_000, 0]
    assert (is_there(dripped), is_there(subscribed), runs(dripped)) == (True, True, 0)
    assert drip.place_due_runs(NOW + 60 * MINUTE) == 0
    assert post(subscribed) == Refusal(Reason.MOVE_NOT_ALLOWED)
    assert open_subscriptions(10, posts_below=9, until=NOW) == []


@pytest.mark.parametrize(
    ("provider", "upstream"),
    [
        ({"drip_feed_there": False}, {}),
        ({}, {"dripfeed": False}),
        ({}, {"max": 99}),
        ({}, {"gone_at": NOW}),
        ({}, {"rate_micros": 5_000_000}),
        ({"state": Provider.State.OFF}, {}),
    ],
)
def test_what_no_route_takes_whole_runs_here(
    alice: Customer, service: Service, provider: dict[str, Any], upstream: dict[str, Any]
) -> None:
    way = taking(service)
    Provider.objects.update(**provider)
    UpstreamService.objects.filter(pk=way.upstream_service_id).update(**upstream)
    order = placed(alice, service, **RUNS)
    plan_parents.place_due_runs(NOW)
    assert (is_there(order), states(order), runs(order)) == (False, [], 1)


def test_an_unrouted_one_runs_here_and_a_decision_stands(alice: Customer, service: Service, likes: Service) -> None:
    dripped, subscribed = placed(alice, service, **RUNS), placed(alice, likes, **POSTS)
    assert plan_parents.decide(NOW) == 2
    taking(service)
    taking(likes, "Other")
    assert plan_parents.decide(NOW) == 0
    assert (is_there(dripped), is_there(subscribed)) == (False, False)


def test_what_has_begun_here_stays_here(alice: Customer, service: Service, likes: Service) -> None:
    dripped, subscribed = placed(alice, service, **RUNS), placed(alice, likes, **POSTS)
    drip.place_due_runs(NOW)
    post(subscribed)
    taking(service)
    taking(likes, "Other")
    assert plan_parents.decide(NOW) == 0
    assert (states(dripped), states(subscribed)) == ([], [])
    demand_sound_books()


def test_it_goes_where_an_order_would_go(alice: Customer, service: Service) -> None:
    """The route that is preferred does not take runs: nor does the other get the order for that."""
    route(service, make_provider(name="Plain"), preference=1)
    taking(service, preference=2)
    order = placed(alice, service, **RUNS)
    plan_parents.place_due_runs(NOW)
    assert (is_there(order), runs(order)) == (False, 1)


def test_of_a_subscription_posts_go_to_default_and_the_whole_to_its_own_type(alice: Customer, likes: Service) -> None:
    route(likes, make_provider(name="Plain"), preference=2)
    whole = taking(likes, preference=1)
    first = placed(alice, likes, **POSTS)
    plan_parents.decide(NOW)
    assert Attempt.objects.get(order=first).route_id == whole.pk
    Route.objects.filter(pk=whole.pk).update(preference=3)
    second = placed(alice, likes, **POSTS)
    plan_parents.decide(NOW)
    assert (is_there(second), states(second)) == (False, [])


def test_it_waits_while_its_route_is_stopped_and_is_planned_then(alice: Customer, service: Service) -> None:
    way = taking(service)
    Provider.objects.update(state=Provider.State.STOPPED)
    order = placed(alice, service, **RUNS)
    assert plan_parents.place_due_runs(NOW) == 0
    assert (is_there(order), runs(order)) == (None, 0)
    Provider.objects.update(state=Provider.State.ON)
    plan_parents.decide(NOW)
    assert Attempt.objects.get(order=order).route_id == way.pk


def test_what_was_planned_at_a_provider_that_is_stopped_is_decided_anew(alice: Customer, service: Service) -> None:
    way = taking(service)
    order = placed(alice, service, **RUNS)
    plan_parents.decide(NOW)
    Provider.objects.update(state=Provider.State.STOPPED)
    assert plan.take_back_stopped(NOW) == 1
    assert is_there(order) is None
    Route.objects.filter(pk=way.pk).update(is_on=False)
    plan_parents.place_due_runs(NOW)
    assert (is_there(order), states(order), runs(order)) == (False, ["not sent"], 1)


def test_what_waits_for_approval_is_not_decided(alice: Customer) -> None:
    service = make_service(needs_approval=True)
    taking(service)
    order = placed(alice, service, **RUNS)
    assert plan_parents.place_due_runs(NOW) == 0
    assert is_there(order) is None


def test_a_subscription_whose_first_posts_cannot_be_paid_is_not_handed_on(likes: Service) -> None:
    """Of 60 to 90 at 2.00 a thousand, with three old ones: 0.54 at most."""
    taking(likes)
    for cents, there in ((53, False), (54, True)):
        poor = make_customer(f"Poor {cents}", balance_micros=cents * 10_000)
        order = placed(poor, likes, **POSTS, old_posts=3)
        plan_parents.decide(NOW)
        assert is_there(order) is there


def test_what_is_sent_has_the_fields_of_the_protocol(alice: Customer, service: Service, likes: Service) -> None:
    ways = taking(service), taking(likes, "Other")
    placed(alice, service, **RUNS)
    placed(alice, likes, **POSTS, old_posts=1, expiry="24/12/2026")
    plan_parents.decide(NOW)
    sent = [dict(claim(provider_of(way))[0].fields) for way in ways]
    assert sent[0] == {
        "service": "1",
        "link": "https://example.com/post/1",
        "quantity": "100",
        "runs": "3",
        "interval": "10",
    }
    terms = {"min": "60", "max": "90", "posts": "2", "old_posts": "1", "delay": "0", "expiry": "24/12/2026"}
    assert sent[1] == {"service": "1", "username": "someone"} | terms


@pytest.mark.parametrize(
    ("answer", "status", "there", "made"),
    [
        (Declined(DeclineKind.SERVICE, "gone"), "In progress", False, 1),
        (Declined(DeclineKind.LINK, "bad link"), "Canceled", True, 0),
        (Declined(DeclineKind.FUNDS, "empty"), "Pending", True, 0),
        (NotSent(failure("no address")), "Pending", True, 0),
        (Accepted("77"), "Processing", True, 0),
    ],
)
def test_what_was_not_placed_goes_another_way_or_runs_here(
    alice: Customer, service: Service, answer: Any, status: str, there: bool, made: int
) -> None:
    way = taking(service)
    order = placed(alice, service, **RUNS)
    plan_parents.decide(NOW)
    settle(claim(provider_of(way))[0], answer)
    plan_parents.place_due_runs(NOW)
    order.refresh_from_db()
    assert (order.status, runs(order)) == (status, made)
    if status != "Canceled":
        assert is_there(order) is there
    assert balance(alice) == START_MICROS - (0 if status == "Canceled" else order.charge_micros)
    demand_sound_books()


def test_canceled_before_it_was_sent_it_is_given_back_and_never_sent(alice: Customer, service: Service) -> None:
    way = taking(service)
    order = placed(alice, service, **RUNS)
    plan_parents.decide(NOW)
    assert cancel.request_cancels(alice.pk, [order.pk], NOW) == [None]
    assert (claim(provider_of(way)), states(order), balance(alice)) == ([], ["not sent"], START_MICROS)
    assert moves(order) == [("Pending", "Canceled")]
    demand_sound_books()


def test_canceled_while_it_was_being_sent_it_is_given_back_once_nothing_was_placed(
    alice: Customer, service: Service
) -> None:
    way = taking(service)
    order = placed(alice, service, **RUNS)
    plan_parents.decide(NOW)
    claimed = claim(provider_of(way))[0]
    assert cancel.request_cancels(alice.pk, [order.pk], NOW) == [None]
    assert balance(alice) < START_MICROS
    settle(claimed, Declined(DeclineKind.SERVICE, "gone"))
    order.refresh_from_db()
    assert (order.status, balance(alice)) == ("Canceled", START_MICROS)
    assert plan_parents.decide(NOW) == 0
    demand_sound_books()


def test_an_expired_subscription_ends_here_only_before_it_was_sent(alice: Customer, likes: Service) -> None:
    way = taking(likes)
    orders = [placed(alice, likes, **POSTS, expiry="22/11/2026") for _ in range(2)]
    plan_parents.decide(NOW)
    settle(claim(provider_of(way), count=1)[0], Accepted("77"))
    assert subscriptions.end_expired(NOW + timedelta(days=3)) == 1
    assert [Order.objects.get(pk=each.pk).status for each in orders] == ["Processing", "Canceled"]
    demand_sound_books()


def test_a_service_of_type_subscriptions_follows_what_its_provider_runs(likes: Service) -> None:
    way = taking(likes)
    for runs_them in (False, True):
        provider_settings.change(provider_of(way).pk, NOW, subscriptions_there=runs_them)
        way.refresh_from_db()
        likes.refresh_from_db()
        assert (way.is_on, likes.state) == (runs_them, "active" if runs_them else "paused")


def test_two_that_decide_at_once_plan_one_attempt(alice: Customer, service: Service) -> None:
    """What the other has decided since the reading is found under the lock."""
    taking(service)
    order = placed(alice, service, **RUNS)
    stale = plan_parents._decisions(list(delegation.undecided().prefetch_related("drip")), NOW)
    assert isinstance(stale[order.pk], Attempt)
    plan_parents.decide(NOW)
    assert delegation.claim_undecided([order.pk]) == []
    assert states(order) == ["planned"]


def test_a_plain_order_of_the_same_service_is_planned_as_ever(alice: Customer, service: Service) -> None:
    taking(service)
    make_upstream_service(Provider.objects.get(), upstream_id="9")
    order = placed(alice, service)
    plan_parents.place_due_runs(NOW)
    plan.Planner().plan_waiting(NOW)
    assert states(order) == ["planned"]
