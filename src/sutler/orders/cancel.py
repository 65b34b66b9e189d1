"""Cancelling: at once where an order has not been handed on, else as a request to whoever fulfils it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum, auto

from sutler.catalogue.models import Service
from sutler.core.events import EventKind
from sutler.core.lifecycle import FINAL, CancelStatus, Status
from sutler.core.refusals import Reason, Refusal
from sutler.orders import delegation, move, parent_orders
from sutler.orders.change import event, write_events
from sutler.orders.hand_out import OPEN_CANCELS
from sutler.orders.models import CancelRequest, Order
from sutler.storage.transactions import durable


class Hindrance(Enum):
    """Why an order may not be cancelled by its customer now."""

    NOT_OFFERED = auto()
    ENDED = auto()
    UNDER_WAY = auto()


def hindrance(order: Order, *, is_open: bool) -> Hindrance | None:
    """Returns what stands in the way of cancelling the order (read with its service), None if nothing does.

    `is_open` says whether a request to cancel it, or a child of it, is open.
    """
    if order.status in FINAL:
        return Hindrance.ENDED
    if not order.service.cancel:
        return Hindrance.NOT_OFFERED
    return Hindrance.UNDER_WAY if is_open else None


def request_cancels(customer_id: int, order_ids: Sequence[int], now: datetime) -> list[Refusal | None]:
    """Cancels the customer's orders as far as can be; each on its own, answered in the order given (None: taken).

    A Pending order is canceled and refunded at once, an order that was handed on gets an open CancelRequest; asking
    again while one is open changes nothing. A drip-feed places no more runs and gives the unplaced ones back, a
    subscription takes no more posts, and the children of both are canceled likewise (the protocol, section 4). One that
    was handed on whole gets an open CancelRequest itself.
    Refuses with INCORRECT_ORDER (not an order of the customer), CANCEL_NOT_AVAILABLE (the service has no cancel, or
    the order is final). Raises storage.transactions.Busy or CommitUnclear, as `durable` says.
    """
    with durable():
        orders = parent_orders.lock(Order.objects.filter(pk__in=order_ids, customer_id=customer_id))
        services = {each.service_id for each in orders.values()}
        with_cancel = set(Service.objects.filter(pk__in=services, cancel=True).values_list("pk", flat=True))
        allowed = {each.pk for each in orders.values() if each.service_id in with_cancel}
        return stop_locked(order_ids, orders, allowed, f"customer {customer_id}", now)


def stop(order_ids: Sequence[int], actor: str, now: datetime, *, at_once: Collection[int] = ()) -> list[Refusal | None]:
    """Does the same for staff: whoever's orders they are, and whether or not the service has cancel.

    Those of `at_once` end here, even where they were handed on whole.
    """
    with durable():
        orders = parent_orders.lock(Order.objects.filter(pk__in=order_ids))
        return stop_locked(order_ids, orders, orders.keys(), actor, now, at_once=at_once)


def reject(order_ids: Collection[int], actor: str, now: datetime) -> Collection[int]:
    """Turns down the open requests to cancel these orders, in the caller's transaction; returns whose they were."""
    requests = CancelRequest.objects.filter(order__in=set(order_ids), status__in=OPEN_CANCELS)
    found = dict(requests.select_for_update().order_by("pk").values_list("order_id", "pk"))
    CancelRequest.objects.filter(pk__in=found.values()).update(status=CancelStatus.REJECTED, finished_at=now)
    write_events(event(each, actor, now, EventKind.CANCEL_REJECTED) for each in sorted(found))
    return found.keys()


def stop_locked(
    order_ids: Sequence[int],
    orders: dict[int, Order],
    allowed: Collection[int],
    actor: str,
    now: datetime,
    *,
    at_once: Collection[int] = (),
) -> list[Refusal | None]:
    """Stops those of the orders, locked by `parent_orders.lock` in the caller's transaction, that are `allowed`."""
    answers = {
        each.pk: None if each.pk in allowed and each.status not in FINAL else Refusal(Reason.CANCEL_NOT_AVAILABLE)
        for each in orders.values()
    }
    stopped = {each.pk: each for each in orders.values() if answers[each.pk] is None}
    there = delegation.handed_on(stopped.values()) - set(at_once)
    parents = [each for each in stopped.values() if parent_orders.is_parent(each) and each.pk not in there]
    stopped |= {each.pk: each for each in parent_orders.lock_children(parents)}
    delegation.end(parents, actor, now)
    _end_orders(
        [each for each in stopped.values() if not parent_orders.is_parent(each) or each.pk in there], actor, now
    )
    parent_orders.refresh([each.pk for each in parents], actor, now)
    return [answers.get(each, Refusal(Reason.INCORRECT_ORDER)) for each in order_ids]


def _end_orders(orders: Collection[Order], actor: str, now: datetime) -> None:
    """Cancels those of the locked orders that are Pending, and keeps a request for the others."""
    handed_on = [each for each in orders if each.status != Status.PENDING]
    # The partial unique index lets a second open request fall away.
    CancelRequest.objects.bulk_create(
        [CancelRequest(order=each, requested_at=now) for each in handed_on], ignore_conflicts=True
    )
    move.apply([move.canceled(each) for each in orders if each.status == Status.PENDING], actor, now)
