"""Alarms about what is sold: services that no route is left for, prices that wait. One of each kind for a provider."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import QuerySet

from sutler.catalogue.models import Service
from sutler.core.events import CauseKind, cause
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.models import Alarm, Route
from sutler.fulfilment.providers import alarms

ACTOR = "catalogue"
PAUSED, HELD = Subject(SubjectType.PAUSED_SERVICES), Subject(SubjectType.HELD_PRICES)
MOST_NAMED = 20


def sound_or_close(
    paused: Mapping[int, bool],
    held: Mapping[int, bool],
    routes: Mapping[int, Collection[Route]],
    now: datetime,
) -> None:
    """Tells of the services that are paused now or no longer, and of those whose price waits now or no longer."""
    for provider_id, is_new in _by_provider(paused, routes).items():
        services = _services(provider_id).filter(state=Service.State.PAUSED).exclude(pause_reason="")
        ids = list(services.values_list("pk", flat=True))
        _tell(provider_id, PAUSED, CauseKind.SERVICES_PAUSED, ids, now, is_new=is_new)
    for provider_id, is_new in _by_provider(held, routes).items():
        ids = list(_services(provider_id).filter(held_rate_micros__isnull=False).values_list("pk", flat=True))
        _tell(provider_id, HELD, CauseKind.RISES_WAIT, ids, now, is_new=is_new)


def close_held(service_id: int, now: datetime) -> None:
    """Closes the alarms of the providers of a service about prices that wait."""
    providers = Route.objects.filter(service=service_id).values_list("upstream_service__provider", flat=True)
    for provider_id in set(providers):
        alarms.close(provider_id, Alarm.Kind.CATALOGUE, HELD, ACTOR, now)


def _by_provider(services: Mapping[int, bool], routes: Mapping[int, Collection[Route]]) -> dict[int, bool]:
    """Returns the providers of these services, and whether one of the services is in the state that is told of."""
    found: dict[int, bool] = {}
    for service_id, is_so in services.items():
        for route in routes.get(service_id, ()):
            provider_id = route.upstream_service.provider_id
            found[provider_id] = found.get(provider_id, False) or is_so
    return found


def _services(provider_id: int) -> QuerySet[Service]:
    routed = Route.objects.filter(upstream_service__provider=provider_id).values("service")
    return Service.objects.filter(pk__in=routed).order_by("pk")


def _tell(
    provider_id: int, subject: Subject, kind: CauseKind, services: list[int], now: datetime, *, is_new: bool
) -> None:
    if not services:
        alarms.close(provider_id, Alarm.Kind.CATALOGUE, subject, ACTOR, now)
    elif is_new:
        why = cause(kind, count=len(services), services=services[:MOST_NAMED])
        alarms.sound(provider_id, Alarm.Kind.CATALOGUE, subject, why, now)
