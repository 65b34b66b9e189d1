"""How long services take, as measured from completed orders (`orders.delivery_times` does the measuring)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from sutler.catalogue.models import Service, ServicePace

# The mean is over about so many orders: from then on each new one counts for a hundredth.
ORDERS_REMEMBERED = 100


def of(service_ids: Collection[int] | None = None) -> dict[int, timedelta]:
    """Returns the mean time from placing to completion by service, of all services or of these; one small read."""
    paces = ServicePace.objects.all() if service_ids is None else ServicePace.objects.filter(service__in=service_ids)
    return {each.service_id: timedelta(seconds=each.mean_seconds) for each in paces}


def slowest(limit: int) -> list[ServicePace]:
    """Returns the active services that take longest, with their services, the slowest first."""
    found = ServicePace.objects.filter(service__state=Service.State.ACTIVE).select_related("service")
    return list(found.order_by("-mean_seconds")[:limit])


def add(taken: Mapping[int, Sequence[int]]) -> None:
    """Takes in how long newly completed orders took: seconds by service id, first to last."""
    known = {each.pk: each for each in ServicePace.objects.filter(pk__in=taken)}
    paces = [_after(known.get(service_id), service_id, seconds) for service_id, seconds in taken.items()]
    ServicePace.objects.bulk_create(
        paces, update_conflicts=True, unique_fields=["service"], update_fields=["mean_seconds", "orders"]
    )


def _after(pace: ServicePace | None, service_id: int, taken_seconds: Sequence[int]) -> ServicePace:
    orders = pace.orders if pace else 0
    mean = pace.mean_seconds if pace else 0
    for seconds in taken_seconds:
        orders += 1
        mean += (seconds - mean) // min(orders, ORDERS_REMEMBERED)
    return ServicePace(service_id=service_id, mean_seconds=max(mean, 0), orders=orders)
