"""Claiming what a provider is sent next: SENDING is stored before the first byte leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum

from sutler.core.attempts import AttemptState
from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES, order_fields
from sutler.fulfilment import attempts, brake
from sutler.fulfilment.attempts import Outcome
from sutler.fulfilment.journal import Said
from sutler.fulfilment.models import Attempt, Provider, ProviderMinute
from sutler.fulfilment.models.attempt import IN_INDEX_UNSETTLED
from sutler.orders import handing
from sutler.storage.statements import Statement, moment, read_json, run, select
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
# What outcomes on the way or unknown should be charged. One with staff is judged no more, and what is sent from now on
# lies above its window.
_UNDECIDED = Statement(
    "SELECT {answer} FROM (SELECT expected_micros FROM fulfilment_attempt"
    " WHERE state = 'sending' AND provider_id = ? AND action = 'add'"
    " UNION SELECT expected_micros FROM fulfilment_attempt"
    " WHERE state IN ('unknown', 'staff') AND provider_id = ? AND action = 'add' AND state = 'unknown') AS found",
    {},
    ("expected_micros",),
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

    None while the provider is stopped, rests, or is not leased to the worker. What an open outcome locks is passed
    over: the same expected charge at this provider, on the way or unknown (unless more than a fifth of the last hour's
    orders would be held), and the same service and link anywhere, unknown or with staff. An order that was canceled
    meanwhile is not sent.
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
    if not is_ours or provider.state != Provider.State.ON:
        return []
    count = brake.allowed(provider, count, now)
    planned = run(_READ, [(pk,) for pk in _choose(provider.pk, count, now)])
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


def _choose(provider_id: int, count: int, now: datetime) -> list[int]:
    """Returns up to `count` of the attempts that are due and not held back, locked."""
    adds = Attempt.objects.filter(action=Attempt.Action.ADD)
    unsettled = adds.filter(IN_INDEX_UNSETTLED)
    same_link = unsettled.filter(service_id=OuterRef("service_id"), link_digest=OuterRef("link_digest"))
    due = _due(provider_id, now)
    free = due.filter(~Exists(same_link)) if unsettled.exists() else due
    charges = {micros for (micros,) in select(_UNDECIDED, provider_id, provider_id)}
    first = _lock(free, count)
    if len(charges.union(first.values())) == len(charges) + len(first):
        return list(first)
    most = _most_held(provider_id, now)
    looked_at = due.order_by("pk").values("pk")[:_LOOKED_AT]
    held = free.filter(pk__in=looked_at, expected_micros__in=charges).count()
    if 0 < held <= most:
        first = _lock(free.exclude(expected_micros__in=charges), count)
    return _apart(first, most)


def _lock(free: QuerySet[Attempt], count: int) -> dict[int, int]:
    """Returns up to `count` of the attempts, oldest first, with what each should be charged."""
    rows = free.select_for_update(skip_locked=True).order_by("pk")
    return dict(rows.values_list("pk", "expected_micros")[:count])


def _apart(planned: Mapping[int, int], most_held: int) -> list[int]:
    """Returns the first of each charge; all of them where that would hold too many."""
    firsts: dict[int, int] = {}
    for pk, micros in planned.items():
        firsts.setdefault(micros, pk)
    held = len(planned) - len(firsts)
    return list(firsts.values()) if 0 < held <= most_held else list(planned)


def _most_held(provider_id: int, now: datetime) -> int:
    """Returns how many may be held for their charge: a share of what was to be sent in the last hour. What waits now is
    no measure of it, since those that are not held do not wait."""
    lately = ProviderMinute.objects.filter(provider=provider_id, minute__gt=now - timedelta(hours=1))
    sent = lately.aggregate(sum=Sum("adds"))["sum"] or 0
    return (sent + _due(provider_id, now)[:_LOOKED_AT].count()) * MOST_HELD_PERCENT // 100


def _give_up_ended(attempt_ids: list[int], now: datetime) -> None:
    """Gives up planned attempts whose order is no longer Pending; one that is only held by another waits."""
    ended = Attempt.objects.filter(pk__in=attempt_ids, state=AttemptState.PLANNED).exclude(order__status=Status.PENDING)
    ended.update(state=AttemptState.NOT_SENT, answered_at=now, why="the order was canceled before")


def _fields(type_name: str, link: str, quantity: int, details: Any, upstream_id: str) -> dict[str, str]:
    return {"service": upstream_id} | order_fields(ORDER_TYPES[type_name], link, quantity, read_json(details) or {})
