"""Claiming what a provider is sent next: SENDING is stored before the first byte leaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from sutler.core.attempts import AttemptState
from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES, order_fields
from sutler.fulfilment import brake
from sutler.fulfilment.models import Attempt, Provider, UpstreamService
from sutler.fulfilment.models.attempt import IN_INDEX_UNSETTLED
from sutler.orders import family, handing, schedules
from sutler.orders.models import Order
from sutler.storage.transactions import durable

# Longer than a call may take (panel_v2); after that the worker that claimed it has died or hangs.
LEASE = timedelta(seconds=180)
# Above this share of what is planned, the charge lock would stand still more than it protects (reliability page).
MOST_HELD_PERCENT = 20
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that is SENDING: what to send."""

    attempt_id: int
    order_id: int
    fields: Mapping[str, str]


def claim(provider_id: int, count: int, worker: str, now: datetime) -> list[Claim]:
    """Claims up to `count` planned attempts for this worker, in one durable transaction; they must be sent at once.

    None while the provider is stopped, rests, or is not leased to the worker. What an unknown outcome locks is passed
    over: the same expected charge at this provider (unless more than a fifth of what is planned would be held), and the
    same service and link anywhere. An order that was canceled meanwhile is not sent.
    Raises storage.transactions.Busy or CommitUnclear: then nothing may be sent either.
    """
    if not _due(provider_id, now).exists():  # asking often must not take the write lock
        return []
    with durable():
        provider = Provider.objects.select_for_update().get(pk=provider_id)
        is_ours = provider.worker == worker and provider.leased_until is not None and provider.leased_until > now
        if not is_ours or provider.state != Provider.State.ON or brake.rests(provider, now):
            return []
        free = _unlocked(provider_id, now).select_for_update(skip_locked=True).order_by("pk")
        planned = list(free.values_list("pk", "order_id", "upstream_service_id")[:count])
        return _claim([_Planned._make(each) for each in planned], provider, worker, now)


class _Planned(NamedTuple):
    """An attempt that is locked and may be claimed, and of which service there."""

    attempt_id: int
    order_id: int
    upstream_service_id: int


def _claim(planned: list[_Planned], provider: Provider, worker: str, now: datetime) -> list[Claim]:
    notes = {each.order_id: f"Sent to {provider.name}, attempt {each.attempt_id}" for each in planned}
    waiting = Order.objects.filter(pk__in=notes, status=Status.PENDING)
    orders = {each.pk: each for each in handing.hand_out(waiting, len(notes), "worker", now, notes)}
    if lost := [each.attempt_id for each in planned if each.order_id not in orders]:
        _give_up_ended(lost, now)
    claimed = [each for each in planned if each.order_id in orders]
    Attempt.objects.filter(pk__in=[each.attempt_id for each in claimed], state=AttemptState.PLANNED).update(
        state=AttemptState.SENDING,
        worker=worker,
        sent_at=now,
        lease_until=now + LEASE,
        floor_id=provider.highest_id,
        gap_micros=provider.gap_micros,
        due_at=None,
    )
    services = UpstreamService.objects.filter(pk__in={each.upstream_service_id for each in claimed})
    upstream_ids = dict(services.values_list("pk", "upstream_id"))
    return [
        Claim(each.attempt_id, each.order_id, _fields(orders[each.order_id], upstream_ids[each.upstream_service_id]))
        for each in claimed
    ]


def _due(provider_id: int, now: datetime) -> QuerySet[Attempt]:
    return Attempt.objects.filter(
        provider=provider_id, action=Attempt.Action.ADD, state=AttemptState.PLANNED, due_at__lte=now
    )


def _unlocked(provider_id: int, now: datetime) -> QuerySet[Attempt]:
    due = _due(provider_id, now)
    unsettled = Attempt.objects.filter(IN_INDEX_UNSETTLED, action=Attempt.Action.ADD)
    if not unsettled.exists():
        return due
    same_link = unsettled.filter(service_id=OuterRef("service_id"), link_digest=OuterRef("link_digest"))
    same_charge = unsettled.filter(provider=provider_id, expected_micros=OuterRef("expected_micros"))
    unlocked = due.filter(~Exists(same_link))
    looked_at = due.order_by("pk").values("pk")[:_LOOKED_AT]
    some = unlocked.filter(pk__in=looked_at)
    held, total = some.filter(Exists(same_charge)).count(), len(looked_at)
    if held * 100 > total * MOST_HELD_PERCENT:
        return unlocked
    return unlocked.filter(~Exists(same_charge))


def _give_up_ended(attempt_ids: list[int], now: datetime) -> None:
    """Gives up planned attempts whose order is no longer Pending; one that is only held by another waits."""
    ended = Attempt.objects.filter(pk__in=attempt_ids, state=AttemptState.PLANNED).exclude(order__status=Status.PENDING)
    ended.update(state=AttemptState.NOT_SENT, answered_at=now, why="the order was canceled before")


def _fields(order: Order, upstream_id: str) -> dict[str, str]:
    if family.is_parent(order):
        return {"service": upstream_id} | schedules.fields(order)
    fields = order_fields(ORDER_TYPES[order.type], order.link, order.quantity, order.details or {})
    return {"service": upstream_id} | fields
