"""The account behind a provider's row: ids, charges and the balance belong to it, whichever of our rows speaks to it.

Rows with one address and key are of one account. No second one is taken in (`providers`); those that got in before are
joined as a worker starts, and staff join rows whose keys differ. Joined rows have one `account_id`, the first row's.
Whoever claims an id locks all of them (docs/decisions/0020).
"""

import re
from collections import defaultdict
from datetime import datetime
from urllib.parse import unquote

import httpx2

from sutler.accounts import secret_key
from sutler.core.attempts import UNSETTLED, AttemptState
from sutler.fulfilment.models import Attempt, Orphan, Provider, ProviderState, UpstreamOrder, account_rows
from sutler.fulfilment.providers import ledger
from sutler.storage.sealed import Unreadable, unseal
from sutler.storage.transactions import durable

_UNDECIDED = (AttemptState.SENDING, *UNSETTLED)


def lock(provider_id: int) -> Provider:
    """Locks all rows of the provider's account, in the caller's transaction, and returns the provider."""
    locked = Provider.objects.filter(pk__in=account_rows(provider_id)).locked()
    return next(each for each in locked if each.pk == provider_id)


def twin(url: str, key: str, *, besides: int | None = None) -> Provider | None:
    """Returns another provider with this address and key, as far as their keys can be unsealed, or None."""
    others = Provider.objects.exclude(pk=besides or 0).order_by("pk")
    return next((each for each in others if _identity(each) == (address(url), key)), None)


def address(url: str) -> str:
    """Returns the address by which panels are compared: without scheme, default port, case and slashes at its end."""
    read = httpx2.URL(url)
    host = read.host.rstrip(".") + (f":{read.port}" if read.port else "")
    return host.lower() + re.sub("/+", "/", unquote(read.path)).rstrip("/").lower()


def has_open_orders(provider_id: int) -> bool:
    """Returns True while ids at the provider are followed, or it may have orders that nobody knows of."""
    followed = UpstreamOrder.objects.filter(provider=provider_id, finished_at=None, ask_time__isnull=False)
    undecided = Attempt.objects.filter(provider=provider_id, action=Attempt.Action.ADD, state__in=_UNDECIDED)
    return followed.exists() or undecided.exists()


def join_twins(now: datetime) -> int:
    """Joins the rows that have one address and key; returns how many were joined.

    Raises storage.transactions.Busy or CommitUnclear; repeating is safe.
    """
    rows: dict[tuple[str, str], list[Provider]] = defaultdict(list)
    for each in Provider.objects.order_by("pk"):
        if (identity := _identity(each)) is not None:
            rows[identity].append(each)
    apart = [
        (first, each) for first, *others in rows.values() for each in others if each.account_id != first.account_id
    ]
    for first, each in apart:
        with durable():
            join(first, each, now)
    return len(apart)


def join(first: Provider, second: Provider, now: datetime) -> None:
    """Makes the accounts of two providers one, in the caller's transaction. Joined already, nothing changes.

    What the second's books were opened with is taken back: it is the same money. What was measured of either alone says
    nothing of both.
    """
    accounts = sorted({first.account_id or first.pk, second.account_id or second.pk})
    rows = list(Provider.objects.filter(account__in=accounts).locked())
    if len(accounts) == 1:
        return
    account_id = accounts[0]
    for each in rows:
        if each.account_id != account_id:
            ledger.close_opening(each, now)
    Provider.objects.filter(pk__in=[each.pk for each in rows]).update(account=account_id)
    highest = max(each.live_state.highest_id for each in rows)
    states = ProviderState.objects.filter(provider__in=rows)
    states.update(highest_id=highest, gap_micros=None, suspect_gap_micros=None, suspect_at=None)
    Attempt.objects.filter(provider__in=rows, state__in=_UNDECIDED).update(gap_micros=None)
    Orphan.objects.filter(provider__in=rows).delete()  # whose they are shows anew, by what all rows have claimed


def key_of(provider: Provider) -> str | None:
    """Returns the provider's key, or None if it cannot be unsealed: then nothing is known of whose account it is."""
    try:
        return unseal(provider.sealed_key, *secret_key.keys())
    except Unreadable:
        return None


def _identity(provider: Provider) -> tuple[str, str] | None:
    key = key_of(provider)
    return None if key is None else (address(provider.url), key)
