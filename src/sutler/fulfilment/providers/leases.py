"""Which worker speaks with which provider: one at a time, for as long as it keeps saying that it lives."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from sutler.fulfilment.models import Provider, ProviderState
from sutler.storage.transactions import durable

LEASE = timedelta(seconds=60)
# How often is looked, and what is left of a lease when it is renewed: each renewal is a write to the disk.
RENEW_SECONDS = 5.0
RENEWED_WITH_LEFT = 0.4
_STATE = ("live_state",)


def hold(worker: str, now: datetime) -> list[Provider]:
    """Renews the worker's leases, takes one provider more that nobody holds, and returns all that are its own now.

    One more at a time, so that workers that start together share them. Switched-off providers are nobody's.
    """
    wanted = Provider.objects.exclude(state=Provider.State.OFF)
    if not wanted.exists():  # asking often must not take the write lock
        return []
    wanted = wanted.select_related("live_state").order_by("pk")
    held = wanted.filter(live_state__worker=worker)
    is_free = Q(live_state__leased_until=None) | Q(live_state__leased_until__lt=now)
    free = wanted.filter(is_free).exclude(live_state__worker=worker)
    if not free.exists() and _lasts(providers := list(held), now):
        return providers
    with durable():
        providers = list(held.select_for_update(of=_STATE))
        providers += free.select_for_update(of=_STATE, skip_locked=True)[:1]
        for provider in providers:
            provider.live_state.worker, provider.live_state.leased_until = worker, now + LEASE
        ProviderState.objects.bulk_update([each.live_state for each in providers], ["worker", "leased_until"])
    return providers


def _lasts(providers: Sequence[Provider], now: datetime) -> bool:
    """Returns True if none of the leases needs to be renewed yet."""
    ends = [each.live_state.leased_until for each in providers]
    return bool(ends) and all(each is not None and each - now > RENEWED_WITH_LEFT * LEASE for each in ends)


def release(worker: str) -> None:
    """Gives up all leases of a worker that ends."""
    ProviderState.objects.filter(worker=worker).update(worker="", leased_until=None)
