"""Service updates: what customers should know of changes to the services on sale, newest first."""

from collections.abc import Iterable
from datetime import datetime

from sutler.catalogue.models import Service, ServiceUpdate

MOST_LISTED = 500


def recent(limit: int = 100, before_id: int | None = None) -> list[ServiceUpdate]:
    """Returns the newest updates of services that are not hidden, at most 500, with their services.

    With `before_id`, those that came before the update of this id: so one pages through them.
    """
    found = ServiceUpdate.objects.exclude(service__state=Service.State.HIDDEN).select_related("service__category")
    if before_id is not None:
        found = found.filter(pk__lt=before_id)
    return list(found.order_by("-pk")[: max(0, min(limit, MOST_LISTED))])


def note(service: Service, kind: ServiceUpdate.Kind, now: datetime, before: str = "", after: str = "") -> ServiceUpdate:
    """Returns the update, not stored yet; `before` and `after` are as a customer reads them."""
    return ServiceUpdate(service=service, kind=kind, before=before, after=after, at=now)


def publish(updates: Iterable[ServiceUpdate]) -> None:
    """Stores updates. Belongs into the transaction of the changes that they tell of."""
    ServiceUpdate.objects.bulk_create(updates)
