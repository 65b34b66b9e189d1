"""Subscriptions: a child for each reported post, charged when it is placed, paused when it cannot be paid."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sutler.accounts import customers
from sutler.accounts.models import Customer
from sutler.books.post import deposit
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.clock import seeded
from sutler.core.events import EventKind
from sutler.core.lifecycle import Status
from sutler.core.pricing import charge
from sutler.core.refusals import Reason, Refusal
from sutler.core.worth import Worth
from sutler.orders.cancel import stop
from sutler.orders.models import Order, OrderEvent, Post, Subscription
from sutler.orders.subscriptions import end_expired, place_due_posts, report_post
from tests.conftest import NOW, START_MICROS, make_customer, make_service
from tests.orders.ordering import balance, demand_sound_books, held, moves, placed, reported, transfers

pytestmark = pytest.mark.postgresql

MINUTE = timedelta(minutes=1)
ENDED = Refusal(Reason.MOVE_NOT_ALLOWED)


@pytest.fixture
def likes(db: None) -> Service:
    return make_service(type="Subscriptions", rate_micros=2_000_000, min=10, max=1000)


def subscribed(customer: Customer, likes: Service, **fields: object) -> Order:
    """A subscription of exactly 100 for each post, without delay or end unless given."""
    asked: dict[str, Any] = {"username": "someone", "min": 100, "max": 100, "delay": 0}
    return placed(customer, likes, **(asked | fields))


def post(subscription: Order, number: int = 1, now: datetime = NOW, seed: int = 1) -> Refusal | None:
    return report_post(subscription.pk, f"https://example.com/p/{number}", now, seeded(seed), "executor")


def children(parent: Order) -> list[Order]:
    return list(Order.objects.filter(parent=parent).order_by("pk"))


def is_paused(parent: Order) -> bool:
    return Subscription.objects.get(order=parent).paused_at is not None


def test_nothing_is_charged_before_the_first_post(alice: Customer, likes: Service) -> None:
    parent = subscribed(alice, likes)
    assert place_due_posts(NOW) == 0
    assert (parent.status, parent.charge_micros, balance(alice)) == ("Pending", 0, START_MICROS)


def test_a_post_becomes_a_child_that_is_charged_when_it_is_placed(alice: Customer, likes: Service) -> None:
    parent = subscribed(alice, likes, posts=2)
    assert post(parent) is None
    assert (place_due_posts(NOW), place_due_posts(NOW)) == (1, 0)
    [child] = children(parent)
    assert (child.type, child.link, child.quantity, child.remains) == ("Default", "https://example.com/p/1", 100, 100)
    assert (child.kind, child.status, child.details) == ("single", "Pending", {"username": "someone"})
    assert (child.rate_micros, child.charge_micros) == (2_000_000, 200_000)
    assert transfers(child) == {f"order:{child.pk}": 200_000}
    assert (balance(alice), held("in hand")) == (START_MICROS - 200_000, 200_000)
    parent.refresh_from_db()
    assert (parent.status, parent.remains, parent.charge_micros) == ("In progress", 1, 0)
    assert Post.objects.get().child_id == child.pk


def test_the_rate_is_the_one_of_the_day_the_subscription_was_placed(likes: Service) -> None:
    exchange = ExchangeRate.objects.create(currency="EUR", base=1_250_000, units=1_000_000)
    claire = make_customer("Claire", "EUR")
    parent = subscribed(claire, likes)
    likes.rate_micros = 9_000_000
    likes.save()
    exchange.base = 1_000_000
    exchange.save()
    post(parent)
    place_due_posts(NOW)
    [child] = children(parent)
    assert (child.currency, child.rate_micros, child.exchange) == ("EUR", 1_600_000, Worth(1_250_000, 1_000_000))
    assert balance(claire) == START_MICROS - 160_000


@pytest.mark.parametrize(("delay", "minutes", "count"), [(0, 0, 1), (30, 29, 0), (30, 30, 1), (600, 599, 0)])
def test_a_post_waits_for_the_delay(alice: Customer, likes: Service, delay: int, minutes: int, count: int) -> None:
    post(subscribed(alice, likes, delay=delay))
    assert place_due_posts(NOW + minutes * MINUTE) == count


def test_the_quantity_is_drawn_between_the_bounds(alice: Customer, likes: Service) -> None:
    parent = subscribed(alice, likes, min=10, max=13)
    for number in range(60):
        post(parent, number, seed=number)
    assert set(Post.objects.values_list("quantity", flat=True)) == {10, 11, 12, 13}


def test_a_link_counts_once_for_each_subscription(alice: Customer, likes: Service) -> None:
    one, other = subscribed(alice, likes, posts=1), subscribed(alice, likes)
    assert [post(one), post(one), post(other)] == [None, None, None]
    assert report_post(one.pk, "  https://example.com/p/1 ", NOW, seeded(1), "executor") is None
    assert place_due_posts(NOW) == 2
    assert (len(children(one)), len(children(other))) == (1, 1)


@pytest.mark.parametrize("link", ["", "   ", "a\x00b", "x" * 2049, "\ud800"])
def test_a_malformed_link_is_refused(alice: Customer, likes: Service, link: str) -> None:
    parent = subscribed(alice, likes)
    answer = report_post(parent.pk, link, NOW, seeded(1), "executor")
    assert answer == Refusal(Reason.INCORRECT_FIELD, "link")
    assert not Post.objects.exists()


def test_what_is_no_subscription_takes_no_post(alice: Customer, likes: Service, service: Service) -> None:
    plain = placed(alice, service)
    answers = [report_post(each, "https://x", NOW, seeded(1), "executor") for each in (plain.pk, 2**31 - 1)]
    assert answers == [Refusal(Reason.INCORRECT_ORDER)] * 2


@pytest.mark.parametrize(
    ("posts", "old_posts", "taken"),
    [(1, 0, 1), (3, 0, 3), (2, 1, 3), (None, 0, 5), (None, 2, 5), (0, 2, 2)],
)
def test_after_the_last_post_no_more_are_taken(
    alice: Customer, likes: Service, posts: int | None, old_posts: int, taken: int
) -> None:
    limits = {name: value for name, value in (("posts", posts), ("old_posts", old_posts)) if value is not None}
    parent = subscribed(alice, likes, **limits)
    assert [post(parent, number) for number in range(5)] == [None] * taken + [ENDED] * (5 - taken)
    assert post(parent, 0) is None  # reported again, a post that was taken stays taken
    assert place_due_posts(NOW) == taken
    for each in children(parent):
        reported(each, Status.COMPLETED)
    parent.refresh_from_db()
    assert (parent.status == "Completed", parent.remains) == (taken < 5, 0)


def test_a_subscription_is_completed_when_its_last_child_ends(alice: Customer, likes: Service) -> None:
    parent = subscribed(alice, likes, posts=2, delay=10)
    post(parent, 1)
    place_due_posts(NOW + 10 * MINUTE)
    post(parent, 2, NOW + 10 * MINUTE)
    states = []
    for step in ("first", "place", "second"):
        if step == "place":
            place_due_posts(NOW + 20 * MINUTE)
        else:
            reported(children(parent)[-1], Status.COMPLETED if step == "first" else Status.CANCELED)
        parent.refresh_from_db()
        states.append(parent.status)
    assert states == ["In progress", "In progress", "Completed"]
    assert moves(parent) == [("Pending", "In progress"), ("In progress", "Completed")]
    demand_sound_books()


@pytest.mark.parametrize(
    ("now", "ended"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), 0),
        (datetime(2026, 12, 1, tzinfo=UTC), 1),
    ],
)
def test_the_last_day_belongs_to_the_subscription(alice: Customer, likes: Service, now: datetime, ended: int) -> None:
    parent = subscribed(alice, likes, expiry="30/11/2026", posts=4)
    subscribed(alice, likes)
    assert Subscription.objects.get(order=parent).expiry == date(2026, 11, 30)
    assert (end_expired(now), end_expired(now)) == (ended, 0)
    parent.refresh_from_db()
    assert (parent.status, parent.remains) == ("Canceled" if ended else "Pending", 4)
    assert post(parent, 1, now) == (ENDED if ended else None)


def test_a_post_reported_before_the_end_is_still_placed(alice: Customer, likes: Service) -> None:
    parent = subscribed(alice, likes, expiry="22/11/2026", delay=600)
    late = datetime(2026, 11, 22, 20, tzinfo=UTC)
    post(parent, 1, late)
    assert end_expired(late + 300 * MINUTE) == 1
    parent.refresh_from_db()
    assert parent.status == "Pending"
    assert place_due_posts(late + 600 * MINUTE) == 1
    reported(children(parent)[0], Status.PARTIAL, remains=50)
    parent.refresh_from_db()
    assert (parent.status, balance(alice)) == ("Completed", START_MICROS - 100_000)
    demand_sound_books()


def test_a_subscription_is_paused_while_the_wallet_cannot_pay(likes: Service) -> None:
    poor = make_customer("Poor", balance_micros=300_000)
    parent = subscribed(poor, likes)
    for number in (1, 2):
        post(parent, number)
    later = NOW + 5 * MINUTE
    assert place_due_posts(later) == 1
    assert (balance(poor), is_paused(parent)) == (100_000, True)
    assert place_due_posts(later) == 0
    deposit(poor.pk, 100_000, "deposit:more", "more", later)
    assert place_due_posts(later) == 1
    assert (balance(poor), is_paused(parent)) == (0, False)
    notes = OrderEvent.objects.filter(order=parent, kind=EventKind.PAUSED)
    assert [(each.at, each.actor) for each in notes] == [(later, "worker")]
    demand_sound_books()


def test_who_cannot_pay_does_not_hold_up_who_can(alice: Customer, likes: Service) -> None:
    poor = make_customer("Poor", balance_micros=0)
    for number in range(3):
        post(subscribed(poor, likes), number)
    rich = subscribed(alice, likes)
    post(rich)
    assert place_due_posts(NOW, limit=1) == 1
    assert len(children(rich)) == 1
    for _ in range(3):
        place_due_posts(NOW, limit=1)
    assert Subscription.objects.filter(paused_at=NOW).count() == 3


def test_a_credit_limit_pays_too(likes: Service) -> None:
    trusted = make_customer("Trusted", balance_micros=0)
    type(trusted.wallet).objects.filter(customer=trusted).update(
        credit_limit_micros=200_000, largest_credit_limit_micros=200_000
    )
    parent = subscribed(trusted, likes)
    for number in (1, 2):
        post(parent, number)
    assert place_due_posts(NOW) == 1
    assert balance(trusted) == -200_000


def test_a_suspended_customer_is_not_charged(alice: Customer, likes: Service) -> None:
    parent = subscribed(alice, likes)
    post(parent)
    customers.suspend(alice.pk, NOW)
    assert (place_due_posts(NOW), balance(alice), is_paused(parent)) == (0, START_MICROS, False)
    customers.resume(alice.pk, NOW)
    assert place_due_posts(NOW) == 1


def test_a_price_beyond_any_wallet_stops_nobody_else(alice: Customer, likes: Service) -> None:
    dear = subscribed(alice, likes, min=1000, max=1000)
    Order.objects.filter(pk=dear.pk).update(rate_micros=2**63 - 1)
    cheap = subscribed(alice, likes)
    for each in (dear, cheap):
        post(each)
    assert place_due_posts(NOW) == 1
    assert (is_paused(dear), is_paused(cheap)) == (True, False)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.integers(1, 5_000_000),
    bounds=st.tuples(st.integers(10, 1000), st.integers(10, 1000)).map(sorted),
    money=st.integers(1, 5_000_000),
    outcomes=st.lists(st.sampled_from(["Completed", "Partial", "Canceled"]), min_size=1, max_size=6),
)
def test_a_wallet_never_pays_what_it_does_not_hold_and_the_rest_is_accounted_for(
    db: None, rate: int, bounds: list[int], money: int, outcomes: list[str]
) -> None:
    customer = make_customer(f"Customer {Customer.objects.count()}", balance_micros=money)
    likes = make_service(type="Subscriptions", rate_micros=rate, min=10, max=1000)
    parent = subscribed(customer, likes, min=bounds[0], max=bounds[1], posts=len(outcomes))
    for number in range(len(outcomes)):
        post(parent, number, seed=rate + number)
    place_due_posts(NOW)
    held_back = Post.objects.filter(subscription=parent.pk, due_at__isnull=False)
    assert all(charge(rate, each.quantity) > balance(customer) for each in held_back)
    for child, outcome in zip(children(parent), outcomes, strict=False):
        reported(child, Status(outcome), remains=7)
    kept = sum(each.charge_micros - each.returned_micros for each in children(parent))
    assert 0 <= balance(customer) == money - kept
    assert is_paused(parent) == held_back.exists()
    stop([parent.pk], "staff 1", NOW)
    assert held("in hand") == 0
    demand_sound_books()
