"""Storing services that come from a file or the command line."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.core.management.color import no_style
from django.db import connection, transaction

from sutler.catalogue import updates, version
from sutler.catalogue.availability import headings
from sutler.catalogue.edit import told
from sutler.catalogue.models import Category, Service
from sutler.catalogue.service_file import Offer

BATCH = 500


def store(
    offers: Sequence[Offer], tell_at: datetime | None = None, track: Callable[[range], Iterable[int]] = iter
) -> list[tuple[int, bool]]:
    """Stores the offers in one transaction; one whose id there is changes that service.

    Customers are told what is new or otherwise as of `tell_at`; None, as in a first catalogue: they are told nothing.
    `track` goes over the batches, so that progress can be shown. Returns the id of each service, and whether it is new.
    """
    stored: list[tuple[int, bool]] = []
    with transaction.atomic():
        categories = headings(offer.category for offer in offers)
        # First those that bring an id: the ids given to the others must come after them.
        named = [offer for offer in offers if offer.service_id]
        nameless = [offer for offer in offers if not offer.service_id]
        for start in track(range(0, len(named), BATCH)):
            stored += _store_named(named[start : start + BATCH], categories, tell_at)
        _count_on_after_given_ids()
        made = Service.objects.bulk_create([_filled(Service(), offer, categories) for offer in nameless], BATCH)
        if tell_at:
            updates.publish(note for each in made for note in told(each, None, tell_at))
        version.renew()
    return stored + [(service.pk, True) for service in made]


def _store_named(
    offers: Sequence[Offer], categories: dict[str, Category], tell_at: datetime | None
) -> list[tuple[int, bool]]:
    there = Service.objects.in_bulk([offer.service_id for offer in offers])
    before = {pk: (each.rate_micros, each.min, each.max) for pk, each in there.items()}
    filled = [
        _filled(there.get(offer.service_id or 0, Service(pk=offer.service_id)), offer, categories) for offer in offers
    ]
    Service.objects.bulk_create(
        filled,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[field.name for field in Service._meta.concrete_fields if not field.primary_key],
    )
    if tell_at:
        updates.publish(note for each in filled for note in told(each, before.get(each.pk), tell_at))
    return [(offer.service_id or 0, offer.service_id not in before) for offer in offers]


def _filled(service: Service, offer: Offer, categories: dict[str, Category]) -> Service:
    service.category = categories[offer.category]
    for name, value in offer.fields.items():
        setattr(service, name, value)
    return service


def _count_on_after_given_ids() -> None:
    """PostgreSQL gives ids from a counter that does not see the ids that were given by hand."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Service]):
            cursor.execute(statement)
