"""Orders that wait for approval: nobody may take them, staff let them go on or give everything back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.clock import seeded
from sutler.core.events import EventKind
from sutler.core.lifecycle import Status
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.desk import desk
from sutler.orders import approval, cancel, drip, move, subscriptions
from sutler.orders.models import Approval, Order, OrderEvent
from tests.conftest import NOW, START_MICROS, make_service
from tests.orders.ordering import at_once, balance, demand_sound_books, placed, reported

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
NO = Refusal(Reason.MOVE_NOT_ALLOWED)


@pytest.fixture
def careful(db: None) -> Service:
    return make_service(needs_approval=True)


def pulled() -> list[int]:
    return [each.pk for each in desk.pull(None, 10, "staff 1", NOW)]


def test_an_order_waits_until_it_is_approved(alice: Customer, careful: Service, service: Service) -> None:
    waits, goes = placed(alice, careful, link="a"), placed(alice, service, link="b")
    assert [each.order.pk for each in approval.waiting()] == [waits.pk]
    assert pulled() == [goes.pk]
    assert move.report([move.Report(waits.pk, Status.IN_PROGRESS)], "executor", NOW) == [NO]
    assert approval.approve([waits.pk, goes.pk], "staff 1", NOW) == [None, Refusal(Reason.NOT_FOUND)]
    assert approval.waiting() == []
    assert pulled() == [waits.pk]
    assert approval.approve([waits.pk], "staff 2", NOW) == [None]
    assert approval.reject([waits.pk], "late", "staff 2", NOW) == [NO]
    assert OrderEvent.objects.filter(order=waits, kind=EventKind.APPROVED).count() == 1


def test_a_rejected_order_is_given_back_in_full(alice: Customer, careful: Service) -> None:
    order = placed(alice, careful)
    assert approval.reject([order.pk], " ", "staff 1", NOW) == [Refusal(Reason.INCORRECT_FIELD, "reason")]
    assert [approval.reject([order.pk], "no such thing", "staff 1", NOW) for _ in range(2)] == [[None], [None]]
    order.refresh_from_db()
    assert (order.status, balance(alice)) == (Status.CANCELED, START_MICROS)
    asked = Approval.objects.get()
    assert (asked.state, asked.reason, asked.decided_by) == ("rejected", "no such thing", "staff 1")
    assert approval.approve([order.pk], "staff 1", NOW) == [NO]
    demand_sound_books()


@pytest.mark.parametrize("by_customer", [True, False])
def test_an_order_that_ends_by_itself_waits_no_longer(alice: Customer, careful: Service, by_customer: bool) -> None:
    order = placed(alice, careful)
    if by_customer:
        assert cancel.request_cancels(alice.pk, [order.pk], NOW) == [None]
    else:
        reported(order, Status.CANCELED)
    assert Approval.objects.get().state == Approval.State.DROPPED
    assert approval.approve([order.pk], "staff 1", NOW) == [NO]
    assert balance(alice) == START_MICROS


def test_a_drip_feed_begins_when_it_is_approved(alice: Customer, careful: Service) -> None:
    order = placed(alice, careful, quantity=100, runs=2, interval=5)
    assert drip.place_due_runs(NOW) == 0
    approval.approve([order.pk], "staff 1", NOW)
    assert drip.place_due_runs(NOW) == 1
    assert pulled() == list(Order.objects.filter(parent=order).values_list("pk", flat=True))


def test_a_rejected_drip_feed_is_given_back_in_full(alice: Customer, careful: Service) -> None:
    order = placed(alice, careful, quantity=100, runs=2, interval=5)
    assert approval.reject([order.pk], "no", "staff 1", NOW) == [None]
    order.refresh_from_db()
    assert (order.status, balance(alice)) == (Status.CANCELED, START_MICROS)
    assert drip.place_due_runs(NOW + timedelta(days=1)) == 0
    demand_sound_books()


def test_a_subscription_takes_no_posts_before(alice: Customer) -> None:
    follow = make_service(type="Subscriptions", needs_approval=True)
    order = placed(alice, follow, username="x", min=50, max=50, delay=0)
    assert subscriptions.report_post(order.pk, "https://a.b/1", NOW, seeded(1), "staff 1") == NO
    approval.approve([order.pk], "staff 1", NOW)
    assert subscriptions.report_post(order.pk, "https://a.b/1", NOW, seeded(1), "staff 1") is None


def test_placing_writes_nothing_more_for_other_services(alice: Customer, service: Service) -> None:
    placed(alice, service, link="warm")
    with CaptureQueriesContext(
        connection,
    ) as seen:
        placed(alice, service, link="a")
    assert not [each for each in seen.captured_queries if "approval" in each["sql"]]
    assert not Approval.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_who_approves_and_who_cancels_at_once_both_are_done_or_one(alice: Customer) -> None:
    careful = make_service(needs_approval=True)
    for number in range(10):
        order = placed(alice, careful, link=str(number))
        at_once(
            lambda order=order: approval.approve([order.pk], "staff 1", NOW),  # type: ignore[misc]
            lambda order=order: approval.reject([order.pk], "no", "staff 2", NOW),  # type: ignore[misc]
            lambda order=order: cancel.request_cancels(alice.pk, [order.pk], NOW),  # type: ignore[misc]
        )
        order.refresh_from_db()
        state = Approval.objects.get(order=order).state
        assert order.status == Status.CANCELED
        assert state in {"approved", "rejected", "dropped"}
    assert balance(alice) == START_MICROS
    demand_sound_books()
