"""Measuring how long services take: from placing an order to its completion."""

from collections import defaultdict
from datetime import datetime

from sutler.catalogue import delivery_times
from sutler.core.lifecycle import Status
from sutler.orders.models import Order, OrderEvent, PaceMark
from sutler.storage.transactions import durable


def measure(now: datetime, limit: int = 2000) -> int:
    """Takes in at most `limit` events that have not been looked at; returns how many.

    Only what was completed as one order counts: a drip-feed's time is its schedule's. On PostgreSQL an event whose
    transaction ends late may be missed, which a mean can bear. Several workers may call this at once.
    Raises storage.transactions.Busy or CommitUnclear.
    """
    mark = PaceMark.objects.filter(pk=1).values_list("last_event_id", flat=True).first() or 0
    if not OrderEvent.objects.filter(pk__gt=mark).exists():  # asking often must not take the write lock
        return 0
    with durable():
        PaceMark.objects.get_or_create(pk=1)
        pace_mark = PaceMark.objects.select_for_update().get(pk=1)
        events = OrderEvent.objects.filter(pk__gt=pace_mark.last_event_id).order_by("pk")
        looked_at = list(events.values_list("pk", flat=True)[:limit])
        if looked_at:
            completed = events.filter(pk__lte=looked_at[-1], to_status=Status.COMPLETED)
            delivery_times.add(_taken_seconds(list(completed.values_list("order_id", "at"))))
            PaceMark.objects.filter(pk=1).update(last_event_id=looked_at[-1])
    return len(looked_at)


def _taken_seconds(completed: list[tuple[int, datetime]]) -> dict[int, list[int]]:
    """Returns the seconds by service of the orders that are no parents, in the order given."""
    singles = Order.objects.filter(pk__in=[order_id for order_id, _ in completed], kind=Order.Kind.SINGLE)
    orders = {each[0]: each[1:] for each in singles.values_list("pk", "service_id", "created_at")}
    taken: dict[int, list[int]] = defaultdict(list)
    for order_id, at in completed:
        if order_id in orders:
            service_id, created_at = orders[order_id]
            taken[service_id].append(int((at - created_at).total_seconds()))
    return taken
