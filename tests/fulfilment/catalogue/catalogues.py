"""Providers and their catalogues, as the tests of the sync, the routes and the import start from."""

from typing import Any

from sutler.catalogue.models import Service
from sutler.core.money import Micros
from sutler.core.service_row import ServiceRow as Said
from sutler.fulfilment.catalogue import sync
from sutler.fulfilment.catalogue.sync import Report
from sutler.fulfilment.models import AlarmSubject, PriceRule, Provider, Route, UpstreamService
from sutler.panels.results import Catalogue
from tests.conftest import NOW, make_service


def make_provider(name: str = "Wholesale", currency: str = "USD", **fields: object) -> Provider:
    values: dict[str, object] = {"url": "https://panel.example/api/v2", "sealed_key": "sealed", "created_at": NOW}
    return Provider.objects.create(**({"name": name, "currency": currency} | values | fields))


def said(upstream_id: str = "1", **fields: Any) -> Said:
    """An entry of a catalogue: Default, 0.50 a thousand, 50 to 10,000, with whatever fields are given instead."""
    values: dict[str, Any] = {"name": f"Likes {upstream_id}", "category": "Likes", "type": "Default"}
    values |= {"raw_type": fields.get("type", "Default") or "Telepathy", "rate_micros": 500_000}
    values |= {"min": 50, "max": 10_000, "dripfeed": False, "refill": True, "cancel": True}
    return Said(
        upstream_id=upstream_id, **(values | fields | {"rate_micros": Micros(fields.get("rate_micros", 500_000))})
    )


# What else the provider sells, so that one service more or less is not half of its catalogue.
OTHERS = tuple(said(str(number)) for number in range(101, 105))


def take(provider: Provider, *services: Said, **more: Any) -> Report:
    """The provider answers with these services and the four others."""
    return sync.apply_catalogue(provider.pk, Catalogue((*services, *OTHERS)), NOW, **more)


def upstream(upstream_id: str = "1") -> UpstreamService:
    return UpstreamService.objects.get(upstream_id=upstream_id)


def route_to(service: Service, upstream_id: str = "1", **fields: Any) -> Route:
    return Route.objects.create(service=service, upstream_service=upstream(upstream_id), **fields)


def sold(provider: Provider, entry: Said | None = None, *, markup: int | None = 5_000, **fields: Any) -> Service:
    """A service that is sold by the provider's only, for half as much again as it costs."""
    entry = entry or said()
    take(provider, entry)
    service = make_service(**({"min": entry.min, "max": entry.max} | fields))
    route_to(service, entry.upstream_id)
    if markup is not None:
        PriceRule.objects.create(service=service, markup_basis_points=markup)
    take(provider, entry)
    service.refresh_from_db()
    return service


def open_alarms() -> set[tuple[str, ...]]:
    """The kinds of open alarms, and the types and ids (if they have any) of what they are about."""
    rows = AlarmSubject.objects.filter(alarm__closed_at=None).values_list("alarm__kind", "subject_type", "subject_id")
    return {row if row[-1] else row[:-1] for row in rows}
