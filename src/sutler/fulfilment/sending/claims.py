"""Claiming what a provider is sent next: SENDING is stored before the first byte leaves."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from sutler.core.attempts import AttemptState
from sutler.core.events import CauseKind, EventKind, cause, note
from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES, order_fields
from sutler.fulfilment.models import Attempt, Provider, ProviderState, account_rows
from sutler.fulfilment.providers import circuit_breaker
from sutler.fulfilment.providers.account import lock
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.sending import outcome
from sutler.fulfilment.sending.outcome import Outcome
from sutler.orders import delegation, hand_out, restoration
from sutler.orders.models import Order
from sutler.storage.statements import Statement, moment, read_json, run, select
from sutler.storage.transactions import durable

# Longer than a call may take (`panels.client`); after that the worker that claimed it has died or hangs.
LEASE = timedelta(seconds=180)
# Above this share of what is planned, the charge lock would stand still more than it protects (reliability page).
MOST_HELD_PERCENT = 20
_LOOKED_AT = 1000
_Kept = ProviderState.RequestIds
_READ = Statement(
    "SELECT {answer} FROM {rows} JOIN fulfilment_attempt attempt ON attempt.id = rows.id"
    " JOIN orders_order ON orders_order.id = attempt.order_id"
    " JOIN fulfilment_upstreamservice service ON service.id = attempt.upstream_service_id",
    {"id": "bigint"},
    (
        "attempt.id",
        "orders_order.id",
        "orders_order.kind",
        "orders_order.type",
        "orders_order.link",
        "orders_order.quantity",
        "orders_order.details",
        "service.upstream_id",
    ),
)
_UNSETTLED = Statement(
    "SELECT {answer} FROM (SELECT id FROM fulfilment_attempt WHERE state IN ('unknown', 'staff') AND action = 'add'"
    " LIMIT 1) AS found",
    {},
    ("id",),
)
_UNKNOWN = Statement(
    "SELECT {answer} FROM (SELECT id FROM fulfilment_attempt WHERE provider_id IN"
    " (SELECT id FROM fulfilment_provider WHERE account_id = ?)"
    " AND state IN ('unknown', 'staff') AND state = 'unknown' AND action = 'add' AND refusal = '' LIMIT 1) AS found",
    {},
    ("id",),
)
_SEND = Statement(
    "UPDATE fulfilment_attempt SET state = 'sending', worker = rows.worker, sent_at = rows.sent_at,"
    " lease_until = rows.lease_until, floor_id = rows.floor_id, gap_micros = rows.gap_micros,"
    " request_id = rows.request_id, due_at = NULL"
    " FROM {rows} WHERE fulfilment_attempt.id = rows.id AND fulfilment_attempt.state = 'planned'",
    {
        "id": "bigint",
        "worker": "text",
        "sent_at": "timestamptz",
        "lease_until": "timestamptz",
        "floor_id": "bigint",
        "gap_micros": "bigint",
        "request_id": "text",
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

    None while the provider is stopped, rests, or is not leased to the worker, nor
    after a restore until that is settled. What an open outcome locks is passed
    over: the same service and link anywhere, unknown or with staff; and the same expected charge as an unknown one at
    this provider, unless more than a fifth of the last hour's orders would be held. Of these one is let through in each
    settle window in which nothing else was sent. An order that was canceled meanwhile is not sent.
    Raises storage.transactions.Busy or CommitUnclear: then nothing may be sent either.
    """
    if not _due(provider_id, now).exists():  # asking often must not take the write lock
        return []
    with durable():
        return claim_locked(lock(provider_id), count, worker, now)


def settle_and_claim(
    provider_id: int,
    outcomes: Sequence[Outcome],
    calls: Sequence[LoggedExchange],
    count: int,
    worker: str,
    now: datetime,
) -> list[Claim]:
    """Does what `outcome.settle` does, and then what `claim` does, in one durable transaction: half the commits.

    Raises storage.transactions.Busy or CommitUnclear, as both say: then nothing may be sent, and the outcomes are to be
    settled again.
    """
    with durable():
        provider = lock(provider_id)
        outcome.apply_outcomes(provider, outcomes, calls, now)
        return claim_locked(provider, count, worker, now)


def waited_for(attempt: Attempt) -> int | None:
    """Returns the order of the same service and link whose open outcome a planned attempt waits for, if any."""
    if attempt.state != AttemptState.PLANNED:
        return None
    holding = _holding(attempt.service_id, attempt.link_digest).order_by("pk")
    return holding.values_list("order_id", flat=True).first()


def claim_locked(provider: Provider, count: int, worker: str, now: datetime) -> list[Claim]:
    """Does what `claim` does inside the caller's transaction, which has locked the provider's row."""
    state = provider.live_state
    is_ours = state.worker == worker and state.leased_until is not None and state.leased_until > now
    if not is_ours or provider.state != Provider.State.ON or restoration.is_open():
        return []
    count = circuit_breaker.allowed(provider, count, now)
    if not count:
        return []
    planned = run(_READ, [(pk,) for pk in _choose(provider, count, now)])
    notes = {order_id: note(EventKind.SENT, provider=provider.name, attempt=pk) for pk, order_id, *_ in planned}
    handed_out = hand_out.hand_out_named(notes, "worker", now)
    if lost := [pk for pk, order_id, *_ in planned if order_id not in handed_out]:
        _give_up_ended(lost, now)
    claimed = sorted(each for each in planned if each[1] in handed_out)
    sent = worker, moment(now), moment(now + LEASE), state.highest_id, state.gap_micros
    named = {pk: _request_id(pk, now) for pk, *_ in claimed} if state.request_ids in {_Kept.CLAIMED, _Kept.KEPT} else {}
    run(_SEND, [(pk, *sent, named.get(pk, "")) for pk, *_ in claimed])
    return [
        Claim(pk, order_id, _fields(order_id, *fields) | ({"request_id": named[pk]} if pk in named else {}))
        for pk, order_id, *fields in claimed
    ]


def _request_id(attempt_id: int, now: datetime) -> str:
    """Returns what no other attempt is sent with, not even by a panel that was restored and counts from there again."""
    named = f"add:{attempt_id}:{moment(now)}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), named, "sha256").hexdigest()[:32]


def _holding(service_id: Any, link_digest: Any) -> QuerySet[Attempt]:
    """Returns the attempts that hold back what is for the same service and link, whichever the provider."""
    adds = Attempt.objects.unconfirmed_adds()
    return adds.filter(service_id=service_id, link_digest=link_digest)


def _due(provider_id: int, now: datetime) -> QuerySet[Attempt]:
    return Attempt.objects.filter(
        provider=provider_id, action=Attempt.Action.ADD, state=AttemptState.PLANNED, due_at__lte=now
    )


def _choose(provider: Provider, count: int, now: datetime) -> list[int]:
    """Returns up to `count` of the attempts that are due and not held back, locked."""
    due = _due(provider.pk, now)
    free = due.filter(~Exists(_holding(OuterRef("service_id"), OuterRef("link_digest")))) if select(_UNSETTLED) else due
    first = _lock(free, count)
    if not select(_UNKNOWN, provider.account_id):
        return first
    alike = _like_unknown(provider)
    looked_at = due.order_by("pk").values("pk")[:_LOOKED_AT]
    held = free.filter(alike, pk__in=looked_at).count()
    if held > _most_held(provider.pk, now):
        return first
    others = _lock(free.filter(~alike), count)
    return others or (first[:1] if circuit_breaker.needs_later_id(provider, now) else [])


def _lock(free: QuerySet[Attempt], count: int) -> list[int]:
    """Returns up to `count` of the attempts, oldest first."""
    rows = free.select_for_update(skip_locked=True).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:count])


def _like_unknown(provider: Provider) -> Exists:
    """Tells whether an attempt will be charged as an unknown outcome at the account should have been, as told there.

    Not as one with staff: it is judged no more, and what is sent from now on lies above its window. Nor as one that was
    refused in unknown words: links that a provider does not take are anybody's to send. Nor as one with a
    request ID, where the provider has shown that it finds orders by it.
    """
    unknown = Attempt.objects.unconfirmed_adds().filter(state=AttemptState.UNKNOWN, refusal="")
    if provider.live_state.request_ids == _Kept.KEPT:
        unknown = unknown.filter(request_id="")
    # What is told of either may be that far from what it should be.
    rounding = provider.live_state.rounding
    near = 2 * rounding.within_micros if rounding.is_coarse else 0
    charge = OuterRef("expected_micros")
    adds = unknown.filter(provider__in=account_rows(provider.pk))
    return Exists(adds.filter(expected_micros__range=(charge - near, charge + near)))


def _most_held(provider_id: int, now: datetime) -> int:
    """Returns how many may be held for their charge: a share of what was to be sent in the last hour. What waits now is
    no measure of it, since those that are not held do not wait."""
    sent, _ = circuit_breaker.adds_since(provider_id, now - timedelta(hours=1))
    return (sent + _due(provider_id, now)[:_LOOKED_AT].count()) * MOST_HELD_PERCENT // 100


def _give_up_ended(attempt_ids: list[int], now: datetime) -> None:
    """Gives up planned attempts whose order is no longer Pending; one that is only held by another waits."""
    ended = Attempt.objects.filter(pk__in=attempt_ids, state=AttemptState.PLANNED).exclude(order__status=Status.PENDING)
    ended.update(state=AttemptState.NOT_SENT, answered_at=now, cause=cause(CauseKind.ORDER_CANCELED))


def _fields(
    order_id: int, kind: str, type_name: str, link: str, quantity: int, details: Any, upstream_id: str
) -> dict[str, str]:
    if kind != Order.Kind.SINGLE:
        return {"service": upstream_id} | delegation.fields(Order.objects.get(pk=order_id))
    return {"service": upstream_id} | order_fields(ORDER_TYPES[type_name], link, quantity, read_json(details) or {})
