"""Drip-feed: runs are placed on time, and the family's money adds up whatever becomes of them."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.core.pricing import charge
from sutler.orders.cancel import stop
from sutler.orders.drip import place_due_runs
from sutler.orders.models import Drip, Order
from tests.conftest import NOW, START_MICROS, make_customer, make_service
from tests.orders.ordering import balance, demand_sound_books, held, moves, placed, reported, transfers

pytestmark = pytest.mark.postgresql

MINUTE = timedelta(minutes=1)


def children(parent: Order) -> list[Order]:
    return list(Order.objects.filter(parent=parent).order_by("pk"))


def all_runs(parent: Order) -> list[Order]:
    """Places every run of a drip-feed with an interval of ten minutes."""
    for run in range(parent.drip.runs):
        place_due_runs(NOW + run * 10 * MINUTE)
    return children(parent)


def test_the_whole_charge_is_taken_at_once_and_scheduled(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=3, interval=10)
    assert (parent.status, parent.remains, parent.charge_micros) == ("Pending", 300, 270_000)
    assert balance(alice) == START_MICROS - 270_000
    assert (held("scheduled"), held("in hand")) == (270_000, 0)


def test_the_first_run_is_due_at_once_and_is_a_child_like_its_parent(alice: Customer) -> None:
    service = make_service(type="Web Traffic")
    traffic: dict[str, Any] = {"country": "DE", "device": 1, "type_of_traffic": 3}
    parent = placed(alice, service, quantity=100, runs=3, interval=10, **traffic)
    assert place_due_runs(NOW) == 1
    [child] = children(parent)
    copied = (
        "customer_id",
        "service_id",
        "type",
        "link",
        "details",
        "currency",
        "rate_micros",
        "exchange_base",
        "exchange_units",
    )
    assert [getattr(child, name) for name in copied] == [getattr(parent, name) for name in copied]
    assert child.details == {"country": "DE", "device": "1", "type_of_traffic": "3"}
    assert (child.kind, child.status, child.quantity, child.remains) == ("single", "Pending", 100, 100)
    assert child.pk > parent.pk
    assert transfers(child) == {f"run:{parent.pk}:1": 90_000}
    assert (held("scheduled"), held("in hand")) == (180_000, 90_000)
    parent.refresh_from_db()
    assert (parent.status, parent.remains) == ("In progress", 300)
    assert moves(parent) == [("Pending", "In progress")]


def test_orders_placed_after_a_run_get_ids_of_their_own(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=2, interval=10)
    place_due_runs(NOW)
    later = placed(alice, service)
    place_due_runs(NOW + 10 * MINUTE)
    first, second = children(parent)
    assert parent.pk < first.pk < later.pk < second.pk


@pytest.mark.parametrize(
    ("minutes_of_passes", "placed_after_each"),
    [
        ([0, 9, 10, 19, 20, 30, 100], [1, 1, 2, 2, 3, 3, 3]),  # on time, and no fourth of three
        ([0, 12, 19, 20], [1, 2, 2, 3]),  # a late pass does not shift the schedule
        ([0, 45, 46, 54, 55], [1, 2, 2, 2, 3]),  # after a long stop the next is counted from now
        ([0, 20, 29, 30], [1, 2, 2, 3]),  # an interval late to the minute counts as a long stop
    ],
)
def test_runs_keep_their_interval(
    alice: Customer, service: Service, minutes_of_passes: list[int], placed_after_each: list[int]
) -> None:
    parent = placed(alice, service, quantity=100, runs=3, interval=10)
    counts = []
    for minutes in minutes_of_passes:
        place_due_runs(NOW + minutes * MINUTE)
        counts.append(len(children(parent)))
    assert counts == placed_after_each


def test_one_pass_places_one_run_of_each_and_at_most_the_limit(alice: Customer, service: Service) -> None:
    for _ in range(3):
        placed(alice, service, quantity=100, runs=3, interval=1)
    assert [place_due_runs(NOW, limit=2) for _ in range(3)] == [2, 1, 0]


def test_after_the_last_run_nothing_is_scheduled(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=3, interval=10)
    all_runs(parent)
    assert Drip.objects.get(order=parent).next_run_at is None
    assert (held("scheduled"), held("in hand")) == (0, 270_000)


def test_a_run_whose_share_rounds_to_nothing_makes_no_transfer(alice: Customer) -> None:
    parent = placed(alice, make_service(rate_micros=1), quantity=400, runs=3, interval=10)
    runs = all_runs(parent)
    assert [each.charge_micros for each in runs] == [1, 0, 1]
    assert transfers(*runs) == {f"run:{parent.pk}:1": 1, f"run:{parent.pk}:3": 1}
    for each in runs:
        reported(each, Status.COMPLETED)
    demand_sound_books()


@pytest.mark.parametrize(
    ("outcomes", "status", "remains", "returned"),
    [
        ([], "In progress", 300, 0),
        (["Completed"], "In progress", 200, 0),
        (["Completed", "Canceled"], "In progress", 200, 90_000),
        (["Completed", "Completed", "Completed"], "Completed", 0, 0),
        (["Canceled", "Canceled", "Canceled"], "Canceled", 300, 270_000),
        (["Completed", "Canceled", "Completed"], "Partial", 100, 90_000),
        (["Partial", "Completed", "Completed"], "Partial", 40, 36_000),
        (["Partial", "Partial", "Canceled"], "Partial", 180, 162_000),
    ],
)
def test_the_parent_follows_from_its_children(
    alice: Customer, service: Service, outcomes: list[str], status: str, remains: int, returned: int
) -> None:
    parent = placed(alice, service, quantity=100, runs=3, interval=10)
    for child, outcome in zip(all_runs(parent), outcomes, strict=False):
        reported(child, Status(outcome), remains=40 if outcome == "Partial" else 0)
    parent.refresh_from_db()
    assert (parent.status, parent.remains, parent.returned_micros) == (status, remains, returned)
    assert (parent.finished_at is None) == (status == "In progress")
    assert balance(alice) == START_MICROS - 270_000 + returned
    demand_sound_books()


@pytest.mark.parametrize(
    ("reports", "status", "remains"),
    [
        ([("Completed", -5), ("Completed", -7)], "Completed", -12),
        ([("Completed", -5), ("Partial", 20)], "Partial", 20),  # too much here does not make up for too little there
        ([("Completed", -5), ("In progress", 30)], "In progress", 30),
    ],
)
def test_over_delivery_shows_on_the_parent_only_when_all_is_delivered(
    alice: Customer, service: Service, reports: list[tuple[str, int]], status: str, remains: int
) -> None:
    parent = placed(alice, service, quantity=100, runs=2, interval=10)
    for child, (word, left) in zip(all_runs(parent), reports, strict=True):
        reported(child, Status(word), remains=left)
    parent.refresh_from_db()
    assert (parent.status, parent.remains) == (status, remains)


def test_the_parent_stays_open_while_a_run_is_still_to_come(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=2, interval=10)
    place_due_runs(NOW)
    reported(children(parent)[0], Status.COMPLETED)
    parent.refresh_from_db()
    assert (parent.status, parent.remains) == ("In progress", 100)


OUTCOMES = st.tuples(st.sampled_from(["Completed", "Partial", "Canceled"]), st.integers(-50, 1200))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.integers(1, 3_000_000),
    quantity=st.integers(50, 1000),
    outcomes=st.lists(OUTCOMES, min_size=1, max_size=6),
    stopped_after=st.integers(0, 8),
)
@pytest.mark.long
def test_the_money_of_a_family_adds_up_whatever_becomes_of_its_runs(
    db: None, rate: int, quantity: int, outcomes: list[tuple[str, int]], stopped_after: int
) -> None:
    customer = make_customer(f"Customer {Customer.objects.count()}")
    runs = len(outcomes)
    parent = placed(customer, make_service(rate_micros=rate), quantity=quantity, runs=runs, interval=10)
    settled = 0
    for number, (outcome, remains) in enumerate(outcomes):
        if number == stopped_after:
            stop([parent.pk], "staff 1", NOW)
        if place_due_runs(NOW + number * 10 * MINUTE):
            settled += 1
            told = min(max(remains, 0), quantity) if outcome == "Partial" else remains
            reported(children(parent)[-1], Status(outcome), remains=told)
    parent.refresh_from_db()
    kept = sum(each.charge_micros - each.returned_micros for each in children(parent))
    unrun = charge(rate, quantity * runs) - charge(rate, quantity * settled)
    assert parent.status in {"Completed", "Partial", "Canceled"}
    assert settled == min(runs, stopped_after)
    assert parent.charge_micros - parent.returned_micros == kept
    assert sum(each.charge_micros for each in children(parent)) + unrun == parent.charge_micros
    assert START_MICROS - balance(customer) == kept
    assert (held("scheduled"), held("in hand")) == (0, 0)
    demand_sound_books()
