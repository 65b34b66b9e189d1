"""Handing orders out and taking them back: nobody's order moves twice, and a customer's cancel is honoured."""

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.events import remark
from sutler.core.lifecycle import CancelStatus, Status
from sutler.orders import cancel, drip, hand_out
from sutler.orders.models import CancelRequest, Order
from sutler.storage.transactions import durable
from tests.conftest import NOW, START_MICROS
from tests.orders.ordering import balance, demand_sound_books, moves, notes, placed, reported

pytestmark = pytest.mark.postgresql

OTHER_LINK = "https://example.com/other"


def handed_out(*orders: Order) -> list[int]:
    with durable():
        waiting = Order.objects.filter(pk__in=[each.pk for each in orders], status=Status.PENDING)
        return [each.pk for each in hand_out.hand_out(waiting, 100, "worker", NOW)]


def handed_back(*orders: Order) -> set[int]:
    with durable():
        return hand_out.hand_back({each.pk: remark("Not placed") for each in orders}, "worker", NOW)


def canceled(*orders: Order) -> set[int]:
    with durable():
        return set(hand_out.cancel({each.pk: remark("Nobody takes it") for each in orders}, "worker", NOW))


def status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def test_an_order_is_handed_out_once_with_its_note(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    with durable():
        first = hand_out.hand_out(
            Order.objects.filter(status=Status.PENDING), 5, "worker", NOW, {order.pk: remark("Sent")}
        )
    assert [each.pk for each in first] == [order.pk]
    assert handed_out(order) == []
    assert moves(order) == [("Pending", "Processing")]
    assert notes(order, to_status="Processing") == ["Sent"]


def test_a_run_of_a_drip_feed_is_handed_out_and_back(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=2, interval=10)
    drip.place_due_runs(NOW)
    run = Order.objects.get(parent=parent)
    assert handed_out(run) == [run.pk]
    assert handed_back(run) == {run.pk}
    assert status(run) == "Pending"
    demand_sound_books()


def test_what_was_handed_back_waits_again(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    handed_out(order)
    assert handed_back(order) == {order.pk}
    assert moves(order) == [("Pending", "Processing"), ("Processing", "Pending")]
    assert balance(alice) == START_MICROS - order.charge_micros


@pytest.mark.parametrize("request_status", [CancelStatus.OPEN, CancelStatus.TAKEN])
def test_an_order_that_its_customer_wants_canceled_is_canceled_instead_of_handed_back(
    alice: Customer, service: Service, request_status: CancelStatus
) -> None:
    order, other = placed(alice, service), placed(alice, service, link=OTHER_LINK)
    handed_out(order, other)
    cancel.request_cancels(alice.pk, [order.pk], NOW)
    CancelRequest.objects.update(status=request_status)
    assert handed_back(order, other) == {other.pk}
    assert (status(order), status(other)) == ("Canceled", "Pending")
    assert CancelRequest.objects.get().status == CancelStatus.DONE
    assert balance(alice) == START_MICROS - other.charge_micros
    demand_sound_books()


def test_a_request_that_was_turned_down_cancels_nothing(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    handed_out(order)
    CancelRequest.objects.create(order=order, requested_at=NOW, status=CancelStatus.REJECTED)
    assert handed_back(order) == {order.pk}


@pytest.mark.parametrize("left_as", [Status.PENDING, Status.IN_PROGRESS, Status.COMPLETED, Status.CANCELED])
def test_only_what_is_processing_is_taken_back(alice: Customer, service: Service, left_as: Status) -> None:
    order = placed(alice, service)
    if left_as is not Status.PENDING:
        reported(order, left_as)
    before = moves(order)
    assert handed_back(order) == set()
    assert moves(order) == before


def test_an_order_that_nobody_takes_is_canceled_and_refunded(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    assert canceled(order) == {order.pk}
    assert balance(alice) == START_MICROS
    assert notes(order, to_status="Canceled") == ["Nobody takes it"]
    demand_sound_books()


@pytest.mark.parametrize("left_as", [Status.PROCESSING, Status.IN_PROGRESS, Status.COMPLETED])
def test_what_somebody_was_handed_meanwhile_is_never_canceled(
    alice: Customer, service: Service, left_as: Status
) -> None:
    order = placed(alice, service)
    reported(order, left_as)
    assert canceled(order) == set()
    assert status(order) == left_as
