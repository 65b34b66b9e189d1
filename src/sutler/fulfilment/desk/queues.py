"""What lies at the desk: orders to take, by service, and orders, refills and requests to cancel to report on."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from sutler.catalogue.models import Service
from sutler.core.attempts import LIVE, AttemptState
from sutler.core.events import EventKind
from sutler.core.lifecycle import RefillStatus
from sutler.fulfilment.desk.desk import IN_INDEX_UNDER_WAY, for_the_desk, is_upstream
from sutler.fulfilment.models import Attempt, Provider
from sutler.orders.hand_out import OPEN_CANCELS
from sutler.orders.models import CancelRequest, Order, OrderEvent, Refill

# So many waiting orders are looked at, the oldest; a queue that is longer is told as "at least".
MOST_COUNTED = 1000
MOST_LISTED = 100


@dataclass(slots=True)
class Queue:
    """The orders of one service that wait at the desk: how many, and since when the oldest of them."""

    service: Service
    count: int
    oldest_at: datetime


def waiting() -> list[Queue]:
    """Returns what waits to be taken, of the oldest 1,000 orders, by service; the longest waiting first."""
    rows = for_the_desk(None).order_by("pk").values_list("service_id", "created_at")[:MOST_COUNTED]
    counts: dict[int, tuple[int, datetime]] = {}
    for service_id, at in rows:
        count, oldest = counts.get(service_id, (0, at))
        counts[service_id] = (count + 1, min(oldest, at))
    services = Service.objects.select_related("category").in_bulk(counts)
    return [Queue(services[pk], *found) for pk, found in counts.items()]


def under_way(service_id: int | None = None, taken_by: str = "") -> QuerySet[Order]:
    """Returns the orders that were taken at the desk and have not ended, oldest first, with customer and service.

    Those of one service, and those that one actor took, if these are given.
    """
    at_provider = Attempt.objects.filter(order=OuterRef("pk"), action=Attempt.Action.ADD, state__in=LIVE)
    followed = Exists(at_provider.exclude(provider__state=Provider.State.OFF))
    found = Order.objects.filter(IN_INDEX_UNDER_WAY, ~followed, kind=Order.Kind.SINGLE)
    if service_id is not None:
        found = found.filter(service=service_id)
    if taken_by:
        moved = OrderEvent.objects.filter(order=OuterRef("pk"), actor=taken_by).exclude(kind=EventKind.PROGRESS)
        found = found.filter(Exists(moved))
    return found.select_related("customer", "service").order_by("pk")


def refills(limit: int = MOST_LISTED) -> list[Refill]:
    """Returns the open refills that staff have to deliver or to answer, oldest first, with order, customer, service.

    Those too that were sent to a provider and of which nobody knows what became.
    """
    attempts = Attempt.objects.filter(refill=OuterRef("pk"), action=Attempt.Action.REFILL, state=AttemptState.STAFF)
    is_open = [RefillStatus.PENDING, RefillStatus.IN_PROGRESS]
    found = Refill.objects.filter(~is_upstream() | Exists(attempts), status__in=is_open)
    return list(found.select_related("order__customer", "order__service").order_by("pk")[:limit])


def cancels(limit: int = MOST_LISTED) -> list[CancelRequest]:
    """Returns the open requests to cancel that staff have to answer, oldest first, with order, customer, service."""
    cancel_requests = CancelRequest.objects.filter(~is_upstream(), status__in=OPEN_CANCELS)
    return list(cancel_requests.select_related("order__customer", "order__service").order_by("pk")[:limit])
