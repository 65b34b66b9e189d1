"""Cancelling: at once or as a request, single orders and whole families, and never somebody else's order."""

from datetime import timedelta
from typing import Any

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.clock import seeded
from sutler.core.lifecycle import CancelStatus, Status
from sutler.core.refusals import Reason, Refusal
from sutler.orders.cancel import request_cancels, stop
from sutler.orders.drip import place_due_runs
from sutler.orders.models import CancelRequest, LinkInUse, Order, OrderEvent, Post, Subscription
from sutler.orders.subscriptions import place_due_posts, report_post
from tests.conftest import NOW, START_MICROS, make_service
from tests.orders.ordering import balance, demand_sound_books, held, moves, notes, placed, reported, transfers

pytestmark = pytest.mark.postgresql

NOT_AVAILABLE = Refusal(Reason.CANCEL_NOT_AVAILABLE)
INCORRECT = Refusal(Reason.INCORRECT_ORDER)
LATER = NOW + timedelta(hours=1)


def children(parent: Order) -> list[Order]:
    return list(Order.objects.filter(parent=parent).order_by("pk"))


def requests(*orders: Order) -> list[str]:
    return list(CancelRequest.objects.filter(order__in=orders).order_by("pk").values_list("status", flat=True))


def test_a_pending_order_is_canceled_and_refunded_at_once(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    assert request_cancels(alice.pk, [order.pk], LATER) == [None]
    order.refresh_from_db()
    assert (order.status, order.remains, order.returned_micros) == ("Canceled", 1000, order.charge_micros)
    assert order.finished_at == LATER
    assert balance(alice) == START_MICROS
    assert OrderEvent.objects.get(order=order).actor == f"customer {alice.pk}"
    assert requests(order) == []
    demand_sound_books()


@pytest.mark.parametrize("status", [Status.PROCESSING, Status.IN_PROGRESS])
def test_an_order_that_was_handed_on_gets_one_open_request(alice: Customer, service: Service, status: Status) -> None:
    order = placed(alice, service)
    reported(order, status)
    for _ in range(2):
        assert request_cancels(alice.pk, [order.pk], LATER) == [None]
    order.refresh_from_db()
    assert (order.status, requests(order)) == (status, [CancelStatus.OPEN])
    assert balance(alice) == START_MICROS - order.charge_micros


def test_a_request_that_was_taken_still_counts_as_open(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    reported(order, Status.PROCESSING)
    CancelRequest.objects.create(order=order, status=CancelStatus.TAKEN, requested_at=NOW)
    assert request_cancels(alice.pk, [order.pk], LATER) == [None]
    assert requests(order) == [CancelStatus.TAKEN]


def test_after_a_rejection_it_may_be_asked_again(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    reported(order, Status.PROCESSING)
    CancelRequest.objects.create(order=order, status=CancelStatus.REJECTED, requested_at=NOW, finished_at=NOW)
    assert request_cancels(alice.pk, [order.pk], LATER) == [None]
    assert requests(order) == [CancelStatus.REJECTED, CancelStatus.OPEN]


def test_work_handed_back_is_canceled_at_once(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    reported(order, Status.PROCESSING)
    request_cancels(alice.pk, [order.pk], LATER)
    reported(order, Status.PENDING)
    assert request_cancels(alice.pk, [order.pk], LATER) == [None]
    assert requests(order) == [CancelStatus.DONE]
    assert balance(alice) == START_MICROS


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.PARTIAL, Status.CANCELED])
def test_a_final_order_stays_as_it_is(alice: Customer, service: Service, status: Status) -> None:
    order = placed(alice, service)
    reported(order, status, remains=10)
    before = transfers(order)
    assert request_cancels(alice.pk, [order.pk], LATER) == [NOT_AVAILABLE]
    assert (transfers(order), requests(order)) == (before, [])


@pytest.mark.parametrize("status", [None, Status.PROCESSING, Status.IN_PROGRESS])
def test_a_service_without_cancel_refuses_customers(alice: Customer, status: Status | None) -> None:
    order = placed(alice, make_service(cancel=False))
    if status:
        reported(order, status)
    assert request_cancels(alice.pk, [order.pk], LATER) == [NOT_AVAILABLE]
    assert requests(order) == []
    demand_sound_books()


def test_another_customers_order_is_as_unknown_as_none(alice: Customer, bob: Customer, service: Service) -> None:
    order = placed(alice, service)
    assert request_cancels(bob.pk, [order.pk, 2**31 - 1], LATER) == [INCORRECT, INCORRECT]
    order.refresh_from_db()
    assert order.status == "Pending"


def test_each_of_a_list_stands_alone_in_the_order_given(alice: Customer, bob: Customer, service: Service) -> None:
    pending, handed_on, done, foreign = (placed(each, service) for each in (alice, alice, alice, bob))
    reported(handed_on, Status.PROCESSING)
    reported(done, Status.COMPLETED)
    asked = [done.pk, handed_on.pk, foreign.pk, pending.pk, done.pk]
    answers = request_cancels(alice.pk, asked, LATER)
    assert answers == [NOT_AVAILABLE, None, INCORRECT, None, NOT_AVAILABLE]
    assert request_cancels(alice.pk, [], LATER) == []
    demand_sound_books()


def test_canceling_sets_the_link_free(alice: Customer) -> None:
    order = placed(alice, make_service(one_active_order_per_link=True))
    request_cancels(alice.pk, [order.pk], LATER)
    assert not LinkInUse.objects.exists()


def test_a_drip_feed_before_its_first_run_gives_everything_back(alice: Customer) -> None:
    parent = placed(alice, make_service(one_active_order_per_link=True), quantity=100, runs=3, interval=10)
    assert request_cancels(alice.pk, [parent.pk], LATER) == [None]
    parent.refresh_from_db()
    assert (parent.status, parent.remains, parent.returned_micros) == ("Canceled", 300, 270_000)
    assert transfers(parent) == {f"order:{parent.pk}": 270_000, f"return:{parent.pk}": 270_000}
    assert (balance(alice), held("scheduled"), place_due_runs(LATER)) == (START_MICROS, 0, 0)
    assert not LinkInUse.objects.exists()


def test_a_drip_feed_under_way_stops_and_its_children_are_canceled_likewise(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=5, interval=10)
    for run in range(4):
        place_due_runs(NOW + timedelta(minutes=10 * run))
    done, handed_on, under_way, pending = children(parent)
    reported(done, Status.COMPLETED)
    reported(handed_on, Status.PROCESSING)
    reported(under_way, Status.IN_PROGRESS, remains=60)
    assert request_cancels(alice.pk, [parent.pk], LATER) == [None]
    assert [each.status for each in children(parent)] == ["Completed", "Processing", "In progress", "Canceled"]
    assert requests(done, pending, parent) == []
    assert requests(handed_on, under_way) == [CancelStatus.OPEN, CancelStatus.OPEN]
    parent.refresh_from_db()
    # 100 of the run that never came, 100 of the canceled one, 100 and 60 still to come.
    assert (parent.status, parent.remains, parent.returned_micros) == ("In progress", 360, 180_000)
    assert (balance(alice), held("scheduled"), held("in hand")) == (START_MICROS - 270_000, 0, 180_000)
    assert notes(parent) == ["Stopped after 4 of 5 runs"]

    # Asked again it changes nothing; the executors' answers end the family.
    assert request_cancels(alice.pk, [parent.pk], LATER) == [None]
    assert place_due_runs(LATER) == 0
    reported(handed_on, Status.CANCELED)
    reported(under_way, Status.PARTIAL, remains=40)
    parent.refresh_from_db()
    assert (parent.status, parent.remains, parent.returned_micros) == ("Partial", 340, 306_000)
    assert (balance(alice), held("in hand")) == (START_MICROS - 450_000 + 306_000, 0)
    assert requests(handed_on, under_way) == [CancelStatus.DONE, CancelStatus.DONE]
    assert moves(parent) == [("Pending", "In progress"), ("In progress", "Partial")]
    demand_sound_books()


def test_a_single_run_may_be_canceled_and_the_others_go_on(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=3, interval=10)
    place_due_runs(NOW)
    [child] = children(parent)
    assert request_cancels(alice.pk, [child.pk], LATER) == [None]
    parent.refresh_from_db()
    assert (parent.status, parent.remains, parent.returned_micros) == ("In progress", 300, 90_000)
    assert place_due_runs(LATER) == 1


def test_a_family_in_one_list_with_its_children(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=2, interval=10)
    place_due_runs(NOW)
    [child] = children(parent)
    assert request_cancels(alice.pk, [child.pk, parent.pk], LATER) == [None, None]
    parent.refresh_from_db()
    assert (parent.status, parent.returned_micros, balance(alice)) == ("Canceled", 180_000, START_MICROS)
    demand_sound_books()


def test_a_subscription_ends_and_what_is_queued_is_dropped(alice: Customer) -> None:
    fields: dict[str, Any] = {"username": "someone", "min": 100, "max": 100, "delay": 5}
    parent = placed(alice, make_service(type="Subscriptions"), **fields)
    chance = seeded(1)
    for number in range(2):
        report_post(parent.pk, f"https://example.com/{number}", NOW, chance, "executor")
    place_due_posts(NOW + timedelta(minutes=5))
    handed_on, _ = children(parent)
    reported(handed_on, Status.PROCESSING)
    report_post(parent.pk, "https://example.com/queued", LATER, chance, "executor")
    assert request_cancels(alice.pk, [parent.pk], LATER) == [None]
    subscription = Subscription.objects.get(order=parent)
    assert (subscription.ended_at, subscription.paused_at) == (LATER, None)
    assert not Post.objects.filter(due_at__isnull=False).exists()
    assert place_due_posts(LATER + timedelta(hours=1)) == 0
    assert [each.status for each in children(parent)] == ["Processing", "Canceled"]
    assert requests(handed_on) == [CancelStatus.OPEN]
    parent.refresh_from_db()
    assert parent.status == "In progress"
    reported(handed_on, Status.CANCELED)
    parent.refresh_from_db()
    assert (parent.status, balance(alice)) == ("Completed", START_MICROS)
    assert report_post(parent.pk, "https://example.com/3", LATER, chance, "x") == Refusal(Reason.MOVE_NOT_ALLOWED)
    demand_sound_books()


def test_a_subscription_without_a_post_is_canceled_at_once(alice: Customer) -> None:
    fields: dict[str, Any] = {"username": "someone", "min": 100, "max": 200, "delay": 0, "posts": 5}
    parent = placed(alice, make_service(type="Subscriptions"), **fields)
    assert request_cancels(alice.pk, [parent.pk], LATER) == [None]
    parent.refresh_from_db()
    assert (parent.status, parent.remains, parent.finished_at) == ("Canceled", 5, LATER)


@pytest.mark.parametrize(
    ("type_", "form"),
    [
        ("Default", {"quantity": 100, "runs": 3, "interval": 10}),
        ("Subscriptions", {"username": "someone", "min": 100, "max": 200, "delay": 0}),
        ("Default", {}),
    ],
)
def test_staff_stop_what_a_customer_may_not(alice: Customer, type_: str, form: dict[str, Any]) -> None:
    order = placed(alice, make_service(type=type_, cancel=False), **form)
    assert request_cancels(alice.pk, [order.pk], LATER) == [NOT_AVAILABLE]
    assert stop([order.pk, 2**31 - 1], "staff 1", LATER) == [None, INCORRECT]
    order.refresh_from_db()
    assert (order.status, balance(alice)) == ("Canceled", START_MICROS)
    assert OrderEvent.objects.filter(order=order).last().actor == "staff 1"  # type: ignore[union-attr]
    assert stop([order.pk], "staff 1", LATER) == [NOT_AVAILABLE]
    demand_sound_books()


def test_staff_stop_families_of_several_customers_at_once(alice: Customer, bob: Customer, service: Service) -> None:
    parents = [placed(each, service, quantity=100, runs=3, interval=10) for each in (bob, alice)]
    place_due_runs(NOW)
    assert stop([each.pk for each in parents], "staff 1", LATER) == [None, None]
    assert [balance(each) for each in (alice, bob)] == [START_MICROS, START_MICROS]
    assert (held("scheduled"), held("in hand")) == (0, 0)
    demand_sound_books()
