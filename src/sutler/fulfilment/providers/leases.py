"""Which worker speaks with which provider: one at a time, for as long as it keeps saying that it lives."""

from datetime import datetime, timedelta

from django.db.models import Q

from sutler.fulfilment.models import Provider
from sutler.storage.transactions import durable

LEASE = timedelta(seconds=30)
RENEW_SECONDS = 5.0


def hold(worker: str, now: datetime) -> list[Provider]:
    """Renews the worker's leases, takes one provider more that nobody holds, and returns all that are its own now.

    One more at a time, so that workers that start together share them. Switched-off providers are nobody's.
    """
    wanted = Provider.objects.exclude(state=Provider.State.OFF)
    if not wanted.exists():  # asking often must not take the write lock
        return []
    with durable():
        held = list(wanted.filter(worker=worker).select_for_update().order_by("pk"))
        free = wanted.filter(Q(leased_until=None) | Q(leased_until__lt=now)).exclude(worker=worker)
        held += free.select_for_update(skip_locked=True).order_by("pk")[:1]
        for each in held:
            each.worker, each.leased_until = worker, now + LEASE
        Provider.objects.bulk_update(held, ["worker", "leased_until"])
    return held


def release(worker: str) -> None:
    """Gives up all leases of a worker that ends."""
    Provider.objects.filter(worker=worker).update(worker="", leased_until=None)
