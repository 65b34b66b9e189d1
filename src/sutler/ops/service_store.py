"""Storing services that come from a file or the command line."""

from collections.abc import Sequence

from django.core.management.color import no_style
from django.db import connection, transaction
from rich.console import Console
from rich.progress import Progress

from sutler.catalogue import version
from sutler.catalogue.models import Category, Service
from sutler.catalogue.sale import headings
from sutler.ops.service_file import Offer

BATCH = 500


def store(offers: Sequence[Offer]) -> list[tuple[int, bool]]:
    """Stores the offers in one transaction, with progress on stderr; an offer whose id there is changes that service.

    Returns, for each stored service, its id and whether it is new.
    """
    stored: list[tuple[int, bool]] = []
    with transaction.atomic(), Progress(console=Console(stderr=True), disable=len(offers) < BATCH) as progress:
        categories = headings(offer.category for offer in offers)
        # First those that bring an id: the ids given to the others must come after them.
        named = [offer for offer in offers if offer.service_id]
        nameless = [offer for offer in offers if not offer.service_id]
        for start in progress.track(range(0, len(named), BATCH), description="Services with an id"):
            stored += _store_named(named[start : start + BATCH], categories)
        _count_on_after_given_ids()
        made = Service.objects.bulk_create([_filled(Service(), offer, categories) for offer in nameless], BATCH)
        version.renew()
    return stored + [(service.pk, True) for service in made]


def _store_named(offers: Sequence[Offer], categories: dict[str, Category]) -> list[tuple[int, bool]]:
    there = Service.objects.in_bulk([offer.service_id for offer in offers])
    Service.objects.bulk_create(
        [
            _filled(there.get(offer.service_id or 0, Service(pk=offer.service_id)), offer, categories)
            for offer in offers
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[field.name for field in Service._meta.concrete_fields if not field.primary_key],
    )
    return [(offer.service_id or 0, offer.service_id not in there) for offer in offers]


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
