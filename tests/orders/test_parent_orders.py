"""Families under concurrency: nothing is placed twice, no end is lost, nobody waits for each other in a ring."""

from datetime import timedelta
from functools import partial

import pytest

from sutler.accounts.models import Customer
from sutler.core.clock import seeded
from sutler.core.lifecycle import Status
from sutler.orders.cancel import request_cancels, stop
from sutler.orders.drip import place_due_runs
from sutler.orders.models import Order
from sutler.orders.move import Report, report
from sutler.orders.subscriptions import place_due_posts, report_post
from tests.conftest import NOW, START_MICROS, make_customer, make_service
from tests.orders.ordering import at_once, balance, demand_sound_books, held, moves, placed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def drip_feed(customer: Customer, runs: int, runs_placed: int) -> tuple[Order, list[int]]:
    parent = placed(customer, make_service(), quantity=100, runs=runs, interval=10)
    for run in range(runs_placed):
        place_due_runs(NOW + timedelta(minutes=10 * run))
    return parent, list(Order.objects.filter(parent=parent).order_by("pk").values_list("pk", flat=True))


def test_children_that_end_at_once_end_their_parent() -> None:
    parent, runs = drip_feed(make_customer("Alice"), 4, 4)
    at_once(*[partial(report, [Report(run, Status.COMPLETED)], "executor", NOW) for run in runs])
    parent.refresh_from_db()
    assert (parent.status, parent.remains) == ("Completed", 0)
    assert moves(parent) == [("Pending", "In progress"), ("In progress", "Completed")]


def test_two_lists_of_children_in_opposite_order_both_get_through() -> None:
    alice = make_customer("Alice")
    families = [drip_feed(alice, 3, 3) for _ in range(3)]
    runs = [run for _, of_one in families for run in of_one]
    said = [Report(run, Status.PARTIAL, remains=50) for run in runs]
    at_once(
        lambda: report(said, "executor", NOW),
        lambda: report(said[::-1], "executor", NOW),
        lambda: request_cancels(alice.pk, [parent.pk for parent, _ in families], NOW),
        lambda: stop([parent.pk for parent, _ in families[::-1]], "staff 1", NOW),
    )
    assert set(Order.objects.values_list("kind", "status")) <= {
        ("drip-feed", "Partial"),
        ("drip-feed", "Canceled"),
        ("single", "Partial"),
        ("single", "Canceled"),
    }
    assert (held("in hand"), held("scheduled")) == (0, 0)
    demand_sound_books()


def test_several_workers_place_each_run_once() -> None:
    parents = [drip_feed(make_customer(f"Customer {number}"), 3, 0)[0] for number in range(5)]
    counts = at_once(*[lambda: place_due_runs(NOW)] * 4)
    counts.append(place_due_runs(NOW))  # what all of them passed over
    assert sum(counts) == 5
    placed_for = Order.objects.filter(kind="single").values_list("parent", flat=True)
    assert (len(placed_for), set(placed_for)) == (5, {each.pk for each in parents})
    demand_sound_books()


def test_a_run_and_a_cancel_at_once_leave_nothing_scheduled() -> None:
    alice = make_customer("Alice")
    parents = [drip_feed(alice, 3, 0)[0].pk for _ in range(4)]
    at_once(lambda: request_cancels(alice.pk, parents, NOW), lambda: place_due_runs(NOW))
    assert set(Order.objects.values_list("status", flat=True)) == {"Canceled"}
    assert (balance(alice), held("scheduled"), held("in hand")) == (START_MICROS, 0, 0)
    demand_sound_books()


def test_several_workers_charge_each_post_once_and_never_beyond_the_wallet() -> None:
    alice = make_customer("Alice", balance_micros=500_000)
    likes = make_service(type="Subscriptions", rate_micros=1_000_000, min=10, max=1000)
    for number in range(4):
        parent = placed(alice, likes, username="someone", min=100, max=100, delay=0)
        for each in range(2):
            report_post(parent.pk, f"https://example.com/{number}/{each}", NOW, seeded(1), "executor")
    counts = at_once(*[lambda: place_due_posts(NOW)] * 4)
    counts.append(place_due_posts(NOW))
    assert (sum(counts), balance(alice)) == (5, 0)
    demand_sound_books()


def test_a_link_reported_many_times_at_once_is_one_post() -> None:
    alice = make_customer("Alice")
    parent = placed(alice, make_service(type="Subscriptions"), username="x", min=100, max=200, delay=0, posts=2)
    answers = at_once(*[lambda: report_post(parent.pk, "https://example.com/1", NOW, seeded(1), "executor")] * 4)
    assert answers == [None] * 4
    assert place_due_posts(NOW) == 1
