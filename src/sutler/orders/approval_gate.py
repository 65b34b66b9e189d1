"""Orders that wait for approval: how whoever hands out work passes over them."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from sutler.core.lifecycle import Status
from sutler.orders.models import Approval, Drip, Order

# Looked up by its key for each order that the queue is walked past.
_WAITING = Exists(Approval.objects.filter(pk=OuterRef("pk"), state=Approval.State.WAITING))


def free_orders(queue: QuerySet[Order]) -> QuerySet[Order]:
    """Returns the queue without what waits for approval. Whoever takes Pending orders takes them from here."""
    return queue.filter(~_WAITING)


def free_drips(due: QuerySet[Drip]) -> QuerySet[Drip]:
    """Returns the schedules without those whose drip-feed waits for approval."""
    return due.filter(~_WAITING)


def waiting_among(orders: Collection[Order]) -> set[int]:
    """Returns the ids of those of the orders that wait for approval; reads nothing where no order is Pending."""
    pending = [each.pk for each in orders if each.status == Status.PENDING]
    if not pending:
        return set()
    waiting = Approval.objects.filter(pk__in=pending, state=Approval.State.WAITING)
    return set(waiting.values_list("pk", flat=True))


def drop(orders: Collection[Order], now: datetime) -> None:
    """Closes the question for orders that have ended before it was decided."""
    waiting = waiting_among(orders)
    if waiting:
        Approval.objects.filter(pk__in=waiting, state=Approval.State.WAITING).update(
            state=Approval.State.DROPPED, decided_at=now
        )
