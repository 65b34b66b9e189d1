"""Providers, categories, services and routes; those that are here already are brought up to date."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings

from sutler.catalogue import version
from sutler.catalogue.models import Category, Service
from sutler.fulfilment.models import Provider, Route, UpstreamService
from sutler.move_in.reading.catalogue import CategoryRecord, ProviderRecord, ServiceRecord, UpstreamRecord
from sutler.move_in.reading.known import Known
from sutler.storage.sealed import seal

GONE_CATEGORY = "Old services"
_LARGEST = 2**31 - 1
# Pairs of a provider and the id of its service, to our row of it.
UpstreamIds = dict[tuple[int, str], int]


def write_providers(records: Sequence[ProviderRecord], now: datetime) -> None:
    """Writes providers, switched off until the cut-over, their keys sealed."""
    names = set(Provider.objects.values_list("name", flat=True))
    here = set(Provider.objects.filter(pk__in=[each.id for each in records]).values_list("pk", flat=True))
    for each in records:
        if each.id in here:
            continue
        name = each.name if each.name not in names else f"{each.name} ({each.id})"
        names.add(name)
        Provider(
            pk=each.id,
            name=name,
            url=each.url,
            sealed_key=seal(each.key, settings.SECRET_KEY),
            currency=each.currency,
            state=Provider.State.OFF,
            created_at=now,
        ).save(force_insert=True)


def write_categories(records: Sequence[CategoryRecord]) -> None:
    """Writes categories."""
    Category.objects.bulk_create(
        (Category(pk=each.id, name=each.name, position=each.position) for each in records), ignore_conflicts=True
    )


def write_services(records: Sequence[ServiceRecord], now: datetime) -> None:
    """Writes services with their routes; rate, limits and state as they stand there now."""
    Service.objects.bulk_create(
        [
            Service(
                pk=each.id,
                category_id=each.category or _gone_category(),
                name=each.name,
                type=each.type,
                rate_micros=each.rate_micros,
                min=each.min,
                max=each.max,
                dripfeed=each.dripfeed,
                refill=each.refill,
                cancel=each.cancel,
                refill_days=each.refill_days,
                state=Service.State.ACTIVE if each.is_on_sale else Service.State.HIDDEN,
                position=each.position,
                description=each.description,
            )
            for each in records
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["name", "rate_micros", "min", "max", "state"],
    )
    routed = [each for each in records if each.upstream is not None]
    there = write_upstream_services([each.upstream for each in routed if each.upstream], routed, now, gone=False)
    Route.objects.bulk_create(
        (
            Route(service_id=each.id, upstream_service_id=there[each.upstream.provider, each.upstream.upstream_id])
            for each in routed
            if each.upstream
        ),
        ignore_conflicts=True,
    )
    version.renew()


def write_upstream_services(
    wanted: Sequence[UpstreamRecord], services: Sequence[ServiceRecord], now: datetime, *, gone: bool
) -> UpstreamIds:
    """Writes services of providers that are not here yet, and returns the rows of all that are wanted.

    What only an old order names is `gone`; if the provider has it still, its next catalogue says so.
    """
    found = upstream_ids(wanted)
    details = {(each.upstream.provider, each.upstream.upstream_id): each for each in services if each.upstream}
    missing = {(each.provider, each.upstream_id): each for each in wanted}
    UpstreamService.objects.bulk_create(
        _upstream_row(record, details.get(key), now, gone=gone) for key, record in missing.items() if key not in found
    )
    return upstream_ids(wanted)


def upstream_ids(wanted: Iterable[UpstreamRecord]) -> UpstreamIds:
    """Returns our rows of providers' services, as far as they are here."""
    ids = {each.upstream_id for each in wanted}
    rows = UpstreamService.objects.filter(upstream_id__in=ids).values_list("provider_id", "upstream_id", "pk")
    return {(provider, upstream_id): pk for provider, upstream_id, pk in rows}


def write_gone_services(known: Known) -> None:
    """Writes the services that only orders name: hidden, under their old ids."""
    gone = {pk: each for pk, each in known.services.items() if each.is_gone}
    if not gone:
        return
    category = _gone_category()
    Service.objects.bulk_create(
        (
            Service(
                pk=pk,
                category_id=category,
                name=each.name,
                type=each.type,
                rate_micros=1,
                min=1,
                max=_LARGEST,
                state=Service.State.HIDDEN,
            )
            for pk, each in gone.items()
        ),
        ignore_conflicts=True,
    )


def _gone_category() -> int:
    return Category.objects.get_or_create(name=GONE_CATEGORY, defaults={"position": _LARGEST})[0].pk


def _upstream_row(
    record: UpstreamRecord, service: ServiceRecord | None, now: datetime, *, gone: bool
) -> UpstreamService:
    return UpstreamService(
        provider_id=record.provider,
        upstream_id=record.upstream_id,
        name=service.name if service else f"Service {record.upstream_id}",
        category="",
        type=service.type if service else None,
        raw_type=service.type if service else "",
        rate_micros=record.rate_micros,
        min=service.min if service else 1,
        max=service.max if service else _LARGEST,
        dripfeed=bool(service and service.dripfeed),
        refill=bool(service and service.refill),
        cancel=bool(service and service.cancel),
        seen_at=now,
        gone_at=now if gone else None,
    )
