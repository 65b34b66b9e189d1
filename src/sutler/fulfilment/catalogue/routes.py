"""Routes: by which upstream services a service is delivered, in order of preference."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max, QuerySet

from sutler.catalogue.models import Service
from sutler.core.money import Micros
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.catalogue import repricing
from sutler.fulfilment.catalogue.objections import Objection
from sutler.fulfilment.models import Attempt, Route, UpstreamService
from sutler.storage.transactions import durable

# Which field is refused for what the panel has against a route.
_FIELDS = {
    Objection.GONE: "upstream_service",
    Objection.TYPE: "type",
    Objection.RATE: "rate",
    Objection.CURRENCY: "currency",
    Objection.OLD_RATE: "currency",
    Objection.TOO_DEAR: "rate",
    Objection.LIMITS: "limits",
}
LARGEST_WEIGHT = 1_000_000


def add(
    service_id: int,
    upstream_service_id: int,
    now: datetime,
    *,
    preference: int | None = None,
    weight: int = 1,
    most_open: int | None = None,
    accept_rises: bool = False,
) -> Route | Refusal:
    """Lets a service be delivered by an upstream service too; its limits are narrowed to what that one takes.

    Without a `preference` it stands last, so that it moves no price. With one that raises the price by more than 30 %
    it is off, and the price waits, unless staff `accept_rises` (see `repricing.adjust`).
    Refuses with INCORRECT_SERVICE, and with INCORRECT_FIELD for `upstream_service` (unknown, gone, or routed to this
    service already), `type`, `limits` (they do not meet), `currency` (its worth is not known), `rate` (it waits for a
    decision), `preference`, `weight` and `most_open`.
    """
    fault = _fault(1 if preference is None else preference, weight, most_open)
    if fault is not None:
        return fault
    with durable():
        services = Service.objects.filter(pk=service_id)
        if not services.select_for_update().exists():
            return Refusal(Reason.INCORRECT_SERVICE)
        is_there = Route.objects.filter(service=service_id, upstream_service=upstream_service_id).exists()
        if is_there or not UpstreamService.objects.filter(pk=upstream_service_id).exists():
            return Refusal(Reason.INCORRECT_FIELD, "upstream_service")
        before = repricing.bounds(services)
        made = Route.objects.create(
            service_id=service_id,
            upstream_service_id=upstream_service_id,
            preference=_last(service_id) if preference is None else preference,
            weight=weight,
            most_open=most_open,
        )
        return _settled(made, services, before, now, accept_rises=accept_rises)


def change(
    route_id: int,
    now: datetime,
    *,
    preference: int | None = None,
    weight: int | None = None,
    most_open: int | None = None,
    is_unbounded: bool = False,
    is_on: bool | None = None,
    accept_rises: bool = False,
) -> Route | Refusal:
    """Changes what is given of a route; `is_unbounded` takes away its bound of open orders.

    What staff switch off stays off until they switch it on. Refuses as `add` does, and with INCORRECT_FIELD for `route`
    if there is none.
    """
    fault = _fault(1 if preference is None else preference, 1 if weight is None else weight, most_open)
    if fault is not None:
        return fault
    with durable():
        route = Route.objects.select_for_update().filter(pk=route_id).first()
        if route is None:
            return Refusal(Reason.INCORRECT_FIELD, "route")
        services = Service.objects.filter(pk=route.service_id)
        before = repricing.bounds(services)
        route.preference = route.preference if preference is None else preference
        route.weight = route.weight if weight is None else weight
        route.most_open = None if is_unbounded else most_open or route.most_open
        if is_on is not None:
            route.is_on, route.off_reason = is_on, ""
        route.save()
        return _settled(route, services, before, now, must_be_on=bool(is_on), accept_rises=accept_rises)


def remove(route_id: int, now: datetime, *, accept_rises: bool = False) -> bool | Refusal:
    """Removes a route; returns False if orders have used it, and then it is only switched off, by staff.

    Refuses with INCORRECT_FIELD for `route` if there is none.
    """
    with durable():
        route = Route.objects.select_for_update().filter(pk=route_id).first()
        if route is None:
            return Refusal(Reason.INCORRECT_FIELD, "route")
        services = Service.objects.filter(pk=route.service_id)
        before = repricing.bounds(services)
        is_used = Attempt.objects.filter(route=route_id).exists()
        if is_used:
            Route.objects.filter(pk=route_id).update(is_on=False, off_reason="")
        else:
            route.delete()
        repricing.adjust(services, before, now, accept_rises=accept_rises)
    return not is_used


def of_services(services: QuerySet[Service]) -> list[Route]:
    """Returns the routes of these services, by service and preference, each with its upstream service and provider."""
    routes = Route.objects.filter(service__in=services).select_related("service", "upstream_service__provider")
    return list(routes.order_by("service", "preference", "pk"))


def cost_micros(route: Route) -> Micros | None:
    """Returns what a thousand (for a package, one) costs by this route in the base currency, rounded up.

    None if nobody has said what the provider's currency is worth.
    """
    return repricing.prices().cost(route.upstream_service)


def _last(service_id: int) -> int:
    """Returns the preference behind those of all routes of a service."""
    last = Route.objects.filter(service=service_id).aggregate(last=Max("preference"))["last"] or 0
    return min(last + 1, LARGEST_NUMBER)


def _fault(preference: int, weight: int, most_open: int | None) -> Refusal | None:
    if not 1 <= preference <= LARGEST_NUMBER:
        return Refusal(Reason.INCORRECT_FIELD, "preference")
    if not 1 <= weight <= LARGEST_WEIGHT:
        return Refusal(Reason.INCORRECT_FIELD, "weight")
    if most_open is not None and not 1 <= most_open <= LARGEST_NUMBER:
        return Refusal(Reason.INCORRECT_FIELD, "most_open")
    return None


def _settled(
    route: Route,
    services: QuerySet[Service],
    before: dict[int, repricing.Bounds],
    now: datetime,
    *,
    must_be_on: bool = True,
    accept_rises: bool = False,
) -> Route | Refusal:
    """Brings the service in step; takes everything back if the panel has something against a route that must be on.

    One that is off for the price only waits.
    """
    repricing.adjust(services, before, now, accept_rises=accept_rises)
    route.refresh_from_db()
    if must_be_on and route.off_reason not in ("", Objection.RISE):
        transaction.set_rollback(True)
        return Refusal(Reason.INCORRECT_FIELD, _FIELDS[Objection(route.off_reason)])
    return route
