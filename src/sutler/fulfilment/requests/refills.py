"""Refills upstream: claimed, settled, followed, and handed to staff where nobody knows whether one was taken."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from sutler.core import poll_interval
from sutler.core.attempts import AttemptState
from sutler.core.events import Cause, CauseKind, EventKind, cause, declined
from sutler.core.lifecycle import REFILL_FINAL, RefillStatus
from sutler.core.subjects import Subject, SubjectType
from sutler.core.upstream_words import UnknownStatus
from sutler.fulfilment.models import Alarm, Attempt, Provider, UpstreamOrder
from sutler.fulfilment.providers import alarms, call_log
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.requests.attempts import ACTOR, RequestClaim, claimed, judge, lock_sending, move, not_forwarded
from sutler.fulfilment.requests.attempts import unsettled as unsettled_attempts
from sutler.orders import refill
from sutler.orders.change import event, write_events
from sutler.orders.models import Refill
from sutler.panels.client import BATCH_SIZE
from sutler.panels.results import Declined, Failure, Taken, UpstreamRefill
from sutler.storage.transactions import durable

# As in the index, word for word: SQLite does not find it behind parameters.
_IN_INDEX_OPEN = RawSQL("orders_refill.status IN ('Pending', 'In progress')", [], BooleanField())


def claim(provider_id: int, count: int, worker: str, now: datetime) -> list[RequestClaim]:
    """Claims up to `count` refills of orders that were delivered there, in one durable transaction; send them at once.

    Raises storage.transactions.Busy or CommitUnclear: then nothing may be sent either.
    """
    delivered = UpstreamOrder.objects.filter(provider=provider_id, finished_at__isnull=False)
    waiting = not_forwarded(Refill.objects.filter(_IN_INDEX_OPEN), delivered, now)
    if not waiting.exists():  # asking often must not take the write lock
        return []
    with durable():
        refills = list(waiting.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:count])
        there = {each.order_id: each for each in delivered.filter(order__in=[each.order_id for each in refills])}
        attempts = Attempt.objects.bulk_create(
            claimed(Attempt.Action.REFILL, there[each.order_id], worker, now, each) for each in refills
        )
        refill.apply_reports([(each.pk, RefillStatus.IN_PROGRESS) for each in refills], ACTOR, now)
    return [RequestClaim(each.pk, each.order_id, there[each.order_id].upstream_id) for each in attempts]


def record_answer(
    provider_id: int, attempt_id: int, said: Taken | Failure, calls: Sequence[LoggedExchange], now: datetime
) -> None:
    """Writes what came of asking for a refill, in one durable transaction; safe to repeat.

    Taken: it is followed from now on. Refused: the refill is Rejected. Not sent: it is asked for again later. Unknown:
    never again; after the settle window staff must find out.
    """
    with durable():
        provider = Provider.objects.get(pk=provider_id)
        state, why = judge(said)
        for attempt in lock_sending([attempt_id]):
            if isinstance(said, Taken):
                attempt.upstream_id = _free_id(provider_id, said.upstream_id)
            move(attempt, state, why, provider, now)
            if state is AttemptState.DECLINED and attempt.refill_id is not None:
                refill.apply_reports([(attempt.refill_id, RefillStatus.REJECTED)], ACTOR, now)
            if state is AttemptState.ACCEPTED and attempt.upstream_id is None:
                _ask_staff(provider, attempt, cause(CauseKind.REFILL_WITHOUT_ID), now)
            _note(provider, attempt, now, EventKind.REFILL_FORWARDED, state=state, cause=why)
        call_log.write(provider_id, calls)


def due(provider_id: int, now: datetime) -> dict[int, str]:
    """Returns the refills that are to be asked about now, at most a batch: their ids upstream by attempt."""
    followed = Attempt.objects.filter(
        provider=provider_id, action=Attempt.Action.REFILL, state=AttemptState.ACCEPTED, due_at__lte=now
    )
    rows = followed.order_by("due_at", "pk").values_list("pk", "upstream_id")[:BATCH_SIZE]
    return {pk: upstream_id for pk, upstream_id in rows if upstream_id is not None}


def ask(
    provider_id: int,
    answers: Mapping[int, UpstreamRefill | Declined | None],
    calls: Sequence[LoggedExchange],
    now: datetime,
) -> None:
    """Applies what the provider says of refills, by attempt, in one durable transaction. Silence changes nothing."""
    with durable():
        provider = Provider.objects.get(pk=provider_id)
        followed = Attempt.objects.filter(pk__in=answers, due_at__isnull=False).select_for_update().order_by("pk")
        moves: list[tuple[int, RefillStatus]] = []
        for attempt in followed:
            _hear(attempt, answers[attempt.pk], provider, moves, now)
        Attempt.objects.bulk_update(followed, ["due_at"])
        refill.apply_reports(moves, ACTOR, now)
        call_log.write(provider_id, calls)


def look_after_unknown(provider_id: int, now: datetime) -> None:
    """Hands refills to staff whose outcome is still unknown after the settle window; takes note of their verdicts."""
    unsettled = unsettled_attempts(provider_id, Attempt.Action.REFILL)
    decided = unsettled.filter(refill__status__in=REFILL_FINAL)
    ripe = unsettled.filter(state=AttemptState.UNKNOWN, due_at__lte=now)
    if not (decided.exists() or ripe.exists()):
        return
    with durable():
        provider = Provider.objects.get(pk=provider_id)
        for attempt in decided.select_related("refill").select_for_update(of=("self",)):
            assert attempt.refill is not None  # noqa: S101 - the query joins it
            was_done = attempt.refill.status == RefillStatus.COMPLETED
            move(attempt, AttemptState.ACCEPTED if was_done else AttemptState.ABSENT, attempt.cause, provider, now)
            alarms.close(provider_id, Alarm.Kind.VERDICT, _subject(attempt), ACTOR, now)
        for attempt in ripe.select_for_update():
            move(attempt, AttemptState.STAFF, attempt.cause, provider, now)
            _ask_staff(provider, attempt, cause(CauseKind.REFILL_UNKNOWN, cause=attempt.cause), now)


def _free_id(provider_id: int, upstream_id: str) -> str | None:
    """Returns the id if it is one and no other refill has it."""
    others = Attempt.objects.filter(provider=provider_id, action=Attempt.Action.REFILL, upstream_id=upstream_id)
    return upstream_id if upstream_id and not others.exists() else None


def _hear(
    attempt: Attempt,
    said: UpstreamRefill | Declined | None,
    provider: Provider,
    moves: list[tuple[int, RefillStatus]],
    now: datetime,
) -> None:
    age = (now - (attempt.sent_at or now)).total_seconds()
    attempt.due_at = now + timedelta(seconds=poll_interval.retry_seconds(age / 10))
    if isinstance(said, UpstreamRefill) and isinstance(said.status, RefillStatus) and attempt.refill_id is not None:
        moves.append((attempt.refill_id, said.status))
        if said.status in REFILL_FINAL:
            attempt.due_at = None
    subject = _subject(attempt)
    if isinstance(said, UpstreamRefill) and isinstance(said.status, UnknownStatus):
        odd = _odd(provider, attempt, cause(CauseKind.STATUS_UNKNOWN, word=said.raw))
        alarms.sound(provider.pk, Alarm.Kind.UNKNOWN_STATUS, subject, odd, now)
    elif isinstance(said, Declined) and age > provider.settle_minutes * 60:
        odd = _odd(provider, attempt, declined(said.kind, said.raw))
        alarms.sound(provider.pk, Alarm.Kind.NOT_FOUND, subject, odd, now)


def _subject(attempt: Attempt) -> Subject:
    return Subject(SubjectType.REFILL, attempt.refill_id or "")


def _odd(provider: Provider, attempt: Attempt, why: Cause) -> Cause:
    about = {"refill": attempt.refill_id, "id": attempt.upstream_id, "provider": provider.name}
    return cause(CauseKind.REFILL_ODD, **about, cause=why)


def _ask_staff(provider: Provider, attempt: Attempt, why: Cause, now: datetime) -> None:
    about = {"refill": attempt.refill_id, "order": attempt.order_id, "provider": provider.name}
    needed = cause(CauseKind.REFILL_REPORT_NEEDED, **about, cause=why)
    if alarms.sound(provider.pk, Alarm.Kind.VERDICT, _subject(attempt), needed, now):
        _note(provider, attempt, now, EventKind.REFILL_UNCLEAR, cause=why)


def _note(provider: Provider, attempt: Attempt, now: datetime, kind: EventKind, **data: Any) -> None:
    data |= {"refill": attempt.refill_id, "provider": provider.name}
    write_events([event(attempt.order_id, ACTOR, now, kind, **data)])
