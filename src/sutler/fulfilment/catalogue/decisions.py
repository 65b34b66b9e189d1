"""What staff decide about prices that jumped."""

from datetime import datetime

from sutler.catalogue.models import Service
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.catalogue import repricing
from sutler.fulfilment.catalogue.sync import close_prices_alarm
from sutler.fulfilment.models import CatalogueChange, Provider
from sutler.storage.transactions import durable


def decide(change_id: int, accept: bool, actor: str, now: datetime) -> CatalogueChange | Refusal:
    """Accepts a price that waits, or dismisses it; the services that depend on it follow at once.

    An accepted price holds: our prices follow by their rules, routes that were off for it are on again. Of a dismissed
    one that had risen the routes stay off until the provider asks less; one that had fallen is as if it had not.
    Refuses with INCORRECT_FIELD for `change` if there is none, MOVE_NOT_ALLOWED if it does not wait (any more).
    """
    catalogue_change = CatalogueChange.objects.filter(pk=change_id).select_related("upstream_service").first()
    if catalogue_change is None:
        return Refusal(Reason.INCORRECT_FIELD, "change")
    provider_id = catalogue_change.upstream_service.provider_id
    with durable():
        # The provider's row is what a sync locks too.
        Provider.objects.locked().get(pk=provider_id)
        change = CatalogueChange.objects.select_related("upstream_service").get(pk=change_id)
        upstream = change.upstream_service
        if change.state != CatalogueChange.State.WAITING or upstream.offered_micros is None:
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        services = Service.objects.filter(routes__upstream_service=upstream)
        before = repricing.bounds(services)
        if accept:
            upstream.rate_micros, upstream.offered_micros = upstream.offered_micros, None
            upstream.save(update_fields=["rate_micros", "offered_micros"])
        change.state = CatalogueChange.State.ACCEPTED if accept else CatalogueChange.State.DISMISSED
        change.decided_by = actor[:60]
        change.save(update_fields=["state", "decided_by"])
        repricing.adjust(services, before, now, accept_rises=accept)
        close_prices_alarm(provider_id, actor, now)
    return change


def waiting_and_recent(provider_id: int, limit: int = 200) -> list[CatalogueChange]:
    """Returns the changes that wait for staff, then the newest others, at most so many in all."""
    changes = CatalogueChange.objects.filter(upstream_service__provider=provider_id).select_related("upstream_service")
    wait = list(changes.filter(state=CatalogueChange.State.WAITING).order_by("-pk")[:limit])
    others = changes.exclude(state=CatalogueChange.State.WAITING).order_by("-pk")
    return wait + list(others[: limit - len(wait)])
