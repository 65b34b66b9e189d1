"""Claiming what a provider is sent next: SENDING is stored before the first byte leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from sutler.core.attempts import AttemptState
from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES, order_fields
from sutler.fulfilment import attempts, brake
from sutler.fulfilment.attempts import Outcome
from sutler.fulfilment.journal import Said
from sutler.fulfilment.models import Attempt, Provider
from sutler.fulfilment.models.attempt import IN_INDEX_UNSETTLED
from sutler.orders import handing
from sutler.storage.statements import Statement, moment, read_json, run
from sutler.storage.transactions import durable

# Longer than a call may take (panel_v2); after that the worker that claimed it has died or hangs.
LEASE = timedelta(seconds=180)
# Above this share of what is planned, the charge lock would stand still more than it protects (reliability page).
MOST_HELD_PERCENT = 20
_LOOKED_AT = 1000
_READ = Statement(
    "SELECT {answer} FROM {rows} JOIN fulfilment_attempt attempt ON attempt.id = rows.id"
    " JOIN orders_order ON orders_order.id = attempt.order_id"
    " JOIN fulfilment_upstreamservice service ON service.id = attempt.upstream_service_id",
    {"id": "bigint"},
    (
        *("attempt.id", "orders_order.id", "orders_order.type", "orders_order.link", "orders_order.quantity"),
        *("orders_order.details", "service.upstream_id"),
    ),
)
_SEND = Statement(
    "UPDATE fulfilment_attempt SET state = 'sending', worker = rows.worker, sent_at = rows.sent_at,"
    " lease_until = rows.lease_until, floor_id = rows.floor_id, gap_micros = rows.gap_micros, due_at = NULL"
    " FROM {rows} WHERE fulfilment_attempt.id = rows.id AND fulfilment_attempt.state = 'planned'",
    {
        "id": "bigint",
        "worker": "text",
        "sent_at": "timestamptz",
        "lease_until": "timestamptz",
        "floor_id": "bigint",
        "gap_micros": "bigint",
    },
)


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
        return take(Provider.objects.select_for_update().get(pk=provider_id), count, worker, now)


def settle_and_claim(
    provider_id: int, outcomes: Sequence[Outcome], calls: Sequence[Said], count: int, worker: str, now: datetime
) -> list[Claim]:
    """Does what `attempts.settle` does, and then what `claim` does, in one durable transaction: half the commits.

    Raises storage.transactions.Busy or CommitUnclear, as both say: then nothing may be sent, and the outcomes are to be
    settled again.
    """
    with durable():
        provider = Provider.objects.select_for_update().get(pk=provider_id)
        attempts.take(provider, outcomes, calls, now)
        return take(provider, count, worker, now)


def take(provider: Provider, count: int, worker: str, now: datetime) -> list[Claim]:
    """Does what `claim` does inside the caller's transaction, which has locked the provider's row."""
    is_ours = provider.worker == worker and provider.leased_until is not None and provider.leased_until > now
    if not is_ours or provider.state != Provider.State.ON or brake.rests(provider, now):
        return []
    free = _unlocked(provider.pk, now).select_for_update(skip_locked=True).order_by("pk")
    planned = run(_READ, [(pk,) for pk in free.values_list("pk", flat=True)[:count]])
    notes = {order_id: f"Sent to {provider.name}, attempt {pk}" for pk, order_id, *_ in planned}
    handed_out = handing.hand_out_named(notes, "worker", now)
    if lost := [pk for pk, order_id, *_ in planned if order_id not in handed_out]:
        _give_up_ended(lost, now)
    claimed = sorted(each for each in planned if each[1] in handed_out)
    sent = worker, moment(now), moment(now + LEASE), provider.highest_id, provider.gap_micros
    run(_SEND, [(pk, *sent) for pk, *_ in claimed])
    return [Claim(pk, order_id, _fields(*fields)) for pk, order_id, *fields in claimed]


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


def _fields(type_name: str, link: str, quantity: int, details: Any, upstream_id: str) -> dict[str, str]:
    return {"service": upstream_id} | order_fields(ORDER_TYPES[type_name], link, quantity, read_json(details) or {})
