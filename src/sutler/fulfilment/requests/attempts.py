"""Attempts to have a refill or a cancel done upstream: by the rules of an `add`, since doing them twice may do harm."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet

from sutler.core.attempts import AttemptState
from sutler.core.events import Cause, CauseKind, cause, declined
from sutler.core.upstream_words import REFUSES_REQUEST, DeclineKind
from sutler.fulfilment.models import Attempt, Provider, UpstreamOrder
from sutler.fulfilment.models.attempt import IN_INDEX_UNSETTLED
from sutler.fulfilment.sending.claims import LEASE
from sutler.orders.models import CancelRequest, Refill
from sutler.panels.results import Declined, Failure, NotSent, Taken
from sutler.storage.transactions import durable

ACTOR = "worker"
# After one that was not sent, or not taken for a reason that is not its own.
PAUSE = timedelta(minutes=1)
_NOT_NOW = frozenset({DeclineKind.RATE, DeclineKind.AUTH, DeclineKind.FUNDS})
_MAY_BE_SENT_AGAIN = (AttemptState.NOT_SENT, AttemptState.ABSENT)

Asked = TypeVar("Asked", Refill, CancelRequest)


@dataclass(frozen=True, slots=True)
class RequestClaim:
    """A request that is to be sent now, of the order with this id upstream."""

    attempt_id: int
    order_id: int
    upstream_id: str


def not_forwarded(requests: QuerySet[Asked], there: QuerySet[UpstreamOrder], now: datetime) -> QuerySet[Asked]:
    """Returns those of the requests that the worker is to forward now, to where their orders are `there`.

    The one that nobody has taken, and the one that was tried and certainly not done, once its pause is over.
    """
    name = "refill" if requests.model is Refill else "cancel_request"
    mine = Attempt.objects.filter(order=OuterRef("order_id"), **{name: OuterRef("pk")})
    under_way = mine.filter(~Q(state__in=_MAY_BE_SENT_AGAIN) | Q(due_at__gt=now))
    is_untaken = Q(status=requests.model._meta.get_field("status").default)
    upstream = there.filter(order=OuterRef("order_id"))
    return requests.filter(is_untaken | Exists(mine), ~Exists(under_way), Exists(upstream))


def claimed(action: Attempt.Action, there: UpstreamOrder, worker: str, now: datetime, request: Asked) -> Attempt:
    """Returns the attempt, not stored yet, of a request that is sent as soon as it is committed."""
    return Attempt(
        action=action,
        state=AttemptState.SENDING,
        order_id=there.order_id,
        refill=request if isinstance(request, Refill) else None,
        cancel_request=request if isinstance(request, CancelRequest) else None,
        provider_id=there.provider_id,
        upstream_service_id=there.upstream_service_id,
        service_id=there.order.service_id,
        link_digest="",
        expected_micros=0,
        worker=worker,
        sent_at=now,
        lease_until=now + LEASE,
    )


def judge(said: Taken | Failure | None) -> tuple[AttemptState, Cause | None]:
    """Returns what an answer, or an answer without a word of it (None), makes of an attempt, and why."""
    match said:
        case Taken():
            return AttemptState.ACCEPTED, None
        case Declined(kind, raw) if kind in REFUSES_REQUEST:
            return AttemptState.NOT_SENT if kind in _NOT_NOW else AttemptState.DECLINED, declined(kind, raw)
        case Declined(kind, raw):
            return AttemptState.UNKNOWN, declined(kind, raw)
        case NotSent(why):
            return AttemptState.NOT_SENT, why
        case None:
            return AttemptState.UNKNOWN, cause(CauseKind.NOT_IN_ANSWER)
        case _:
            return AttemptState.UNKNOWN, said.cause


def lock_sending(attempt_ids: Iterable[int]) -> list[Attempt]:
    """Locks those of the attempts that no verdict has been given on, in the caller's transaction."""
    sending = Attempt.objects.filter(pk__in=list(attempt_ids), state=AttemptState.SENDING)
    return list(sending.select_for_update().order_by("pk"))


def move(attempt: Attempt, state: AttemptState, why: Cause | None, provider: Provider, now: datetime) -> None:
    """Writes what has become of an attempt, and when it is looked at next."""
    attempt.state, attempt.cause, attempt.answered_at = state, why, attempt.answered_at or now
    pauses = {
        AttemptState.NOT_SENT: PAUSE,
        AttemptState.ABSENT: PAUSE,
        AttemptState.UNKNOWN: timedelta(minutes=provider.settle_minutes),
        # Only what is followed.
        AttemptState.ACCEPTED: PAUSE if attempt.upstream_id is not None else None,
    }
    pause = pauses.get(state)
    attempt.due_at = None if pause is None else now + pause
    attempt.save(update_fields=["state", "cause", "answered_at", "due_at", "upstream_id"])


def expire_leases(provider_id: int, now: datetime) -> None:
    """Makes requests unknown whose worker has not said in time what came of them, in one durable transaction."""
    sending = Attempt.objects.filter(provider=provider_id, state=AttemptState.SENDING, lease_until__lt=now)
    expired = sending.exclude(action=Attempt.Action.ADD)
    if not expired.exists():
        return
    with durable():
        provider = Provider.objects.get(pk=provider_id)
        for each in expired.select_for_update().order_by("pk"):
            move(each, AttemptState.UNKNOWN, cause(CauseKind.WORKER_SILENT), provider, now)


def unsettled(provider_id: int, action: Attempt.Action) -> QuerySet[Attempt]:
    """Returns the attempts at a provider of which nobody knows what came of them."""
    return Attempt.objects.filter(IN_INDEX_UNSETTLED, provider=provider_id, action=action)
