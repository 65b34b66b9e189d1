"""What an answer, a silence or a verdict makes of an attempt to place an order, and of the order with it.

Each verb is one durable transaction and safe to repeat: whatever has moved on meanwhile is left as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from sutler.core import poll_interval
from sutler.core.attempts import ATTEMPT_MOVES, UNSETTLED, AttemptState
from sutler.core.events import Cause, CauseKind, EventKind, Note, cause, declined, note
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text import text_input
from sutler.core.upstream_words import REFUSES_ADD, DeclineKind, read_id
from sutler.fulfilment.models import Alarm, Attempt, Provider
from sutler.fulfilment.providers import alarms, call_log, circuit_breaker, costs
from sutler.fulfilment.providers.account import lock
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.sending import plan
from sutler.orders import hand_out
from sutler.orders.change import Event, event, write_events
from sutler.panels.results import Accepted, Declined, Failure, NotSent
from sutler.storage.statements import Statement, moment, moment_or_none, new_ids, read_moment, run, run_together
from sutler.storage.transactions import durable

ACTOR = "worker"


class Verdict(StrEnum):
    """What staff may find that became of an unknown outcome.

    PLACED: followed from now on. ABSENT: never placed, so it is sent again by the next route. REFUSED: never placed
    and not to be sent again, so the order is canceled and refunded.
    """

    PLACED = "placed"
    ABSENT = "absent"
    REFUSED = "refused"


# How the audit log calls each of them.
DEEDS = {
    Verdict.PLACED: "outcome settled: placed",
    Verdict.ABSENT: "outcome settled: never placed",
    Verdict.REFUSED: "outcome settled: refused",
}
_encode = msgspec.json.Encoder().encode
FIRST_LOOK = timedelta(minutes=1)
_S = AttemptState
_KEEP = Statement(
    "UPDATE fulfilment_attempt SET state = rows.state, cause = rows.cause, refusal = rows.refusal,"
    " decided_by = rows.decided_by, upstream_id = rows.upstream_id, answered_at = rows.answered_at,"
    " due_at = rows.due_at"
    " FROM {rows} WHERE fulfilment_attempt.id = rows.id",
    {
        "id": "bigint",
        "state": "text",
        "cause": "jsonb",
        "refusal": "text",
        "decided_by": "text",
        "upstream_id": "text",
        "answered_at": "timestamptz",
        "due_at": "timestamptz",
    },
)

_FOLLOW = Statement(
    "INSERT INTO fulfilment_upstreamorder (id, attempt_id, order_id, provider_id, upstream_service_id, upstream_id,"
    " expected_micros, cost_micros, word, placed_at, misses)"
    " SELECT id, attempt_id, order_id, provider_id, upstream_service_id, upstream_id,"
    " expected_micros, cost_micros, '', placed_at, 0 FROM {rows} WHERE 1 = 1",
    {
        "id": "bigint",
        "attempt_id": "bigint",
        "order_id": "bigint",
        "provider_id": "bigint",
        "upstream_service_id": "bigint",
        "upstream_id": "text",
        "expected_micros": "bigint",
        "cost_micros": "bigint",
        "placed_at": "timestamptz",
    },
)
_ASK = Statement(
    "INSERT INTO fulfilment_asktime (upstream_order_id, provider_id, ask_at)"
    " SELECT id, provider_id, ask_at FROM {rows} WHERE 1 = 1",
    {"id": "bigint", "provider_id": "bigint", "ask_at": "timestamptz"},
)
_SENT = Statement(
    "SELECT {answer} FROM {rows} JOIN fulfilment_attempt attempt ON attempt.id = rows.id"
    " JOIN fulfilment_upstreamservice service ON service.id = attempt.upstream_service_id",
    {"id": "bigint"},
    (
        "attempt.id",
        "attempt.order_id",
        "attempt.upstream_service_id",
        "attempt.expected_micros",
        "attempt.floor_id",
        "service.usual_seconds",
        "attempt.state",
        "attempt.refusal",
        "attempt.decided_by",
        "attempt.upstream_id",
        "attempt.sent_at",
        "attempt.answered_at",
    ),
    locks="attempt",
)
_CLAIMED = Statement(
    "SELECT {answer} FROM {rows} JOIN fulfilment_provider twin ON twin.account_id = rows.account_id"
    " JOIN fulfilment_upstreamorder there ON there.provider_id = twin.id AND there.upstream_id = rows.upstream_id",
    {"account_id": "bigint", "upstream_id": "text"},
    ("there.upstream_id",),
)
_FORGET_ORPHANS = Statement(
    "DELETE FROM fulfilment_orphan WHERE EXISTS (SELECT 1 FROM {rows} WHERE rows.account_id ="
    " fulfilment_orphan.provider_id AND rows.upstream_id = fulfilment_orphan.upstream_id)",
    {"account_id": "bigint", "upstream_id": "bigint"},
)


@dataclass(slots=True)
class _Sent:
    """An attempt to place an order as it stands, locked. The fields are the columns of `_SENT`, in this order."""

    pk: int
    order_id: int
    upstream_service_id: int
    expected_micros: int
    floor_id: int
    usual_seconds: int | None
    state: str
    refusal: str
    decided_by: str
    upstream_id: str | None
    sent_at: datetime | None
    answered_at: datetime | None
    due_at: datetime | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt: its new state, the id it was given upstream if it has one, and why.

    `refusal` is what a provider said that refused in unknown words. With `ends_order` the order, of which nothing was
    placed, is canceled and refunded instead of being planned anew.
    """

    attempt_id: int
    state: AttemptState
    upstream_id: str | None = None
    cause: Cause | None = None
    decided_by: str = ""
    refusal: str = ""
    ends_order: bool = False


def outcome_of(attempt_id: int, answer: Accepted | Failure) -> Outcome:
    """Returns what an answer to `add` means; whatever does not prove anything is UNKNOWN."""
    match answer:
        case Accepted(upstream_id):
            return Outcome(attempt_id, _S.ACCEPTED, upstream_id)
        case NotSent(why):
            return Outcome(attempt_id, _S.NOT_SENT, cause=why)
        case Declined(kind, raw) if kind in REFUSES_ADD:
            return Outcome(attempt_id, _S.DECLINED, cause=declined(kind, raw))
        case Declined(kind, raw):
            refusal = raw or kind.name
            unknown = cause(CauseKind.UNKNOWN_WORDS, raw=refusal)
            return Outcome(attempt_id, _S.UNKNOWN, cause=unknown, refusal=refusal)
        case _:
            return Outcome(attempt_id, _S.UNKNOWN, cause=answer.cause)


def settle(provider_id: int, outcomes: Sequence[Outcome], calls: Sequence[LoggedExchange], now: datetime) -> list[int]:
    """Writes what became of attempts at one provider, and the calls that told so. Returns the attempts that moved.

    Accepted: the order upstream is followed from now on, its cost is in the books. Nothing placed: the order is Pending
    again (or canceled, where the customer has asked for it) and is planned anew. Unknown: it waits for `reconcile`.
    An id that another attempt has claimed, or that is older than the attempt, makes it unknown too. An answer that
    comes after the verdict changes nothing and raises an alarm.
    Raises storage.transactions.Busy or CommitUnclear; repeating is safe.
    """
    with durable():
        return apply_outcomes(lock(provider_id), outcomes, calls, now)


def apply_outcomes(
    provider: Provider, outcomes: Sequence[Outcome], calls: Sequence[LoggedExchange], now: datetime
) -> list[int]:
    """Does what `settle` does inside the caller's transaction, which has locked the provider's account."""
    moved = _Moves(provider, now)
    sent = _lock([each.attempt_id for each in outcomes])
    claimed = _claimed(provider, outcomes)
    for each in outcomes:
        moved.take(sent[each.attempt_id], _checked(each, sent[each.attempt_id], provider, claimed))
    moved.write()
    call_log.write(provider.pk, calls)
    return [each.pk for each in moved.changed]


def expire_leases(now: datetime) -> int:
    """Makes attempts unknown whose worker has not said in time what came of them; returns how many."""
    expired = Attempt.objects.filter(state=_S.SENDING, lease_until__lt=now, action=Attempt.Action.ADD)
    found: dict[int, list[int]] = {}
    for pk, provider_id in expired.values_list("pk", "provider_id"):
        found.setdefault(provider_id, []).append(pk)
    for provider_id, ids in found.items():
        silent = cause(CauseKind.WORKER_SILENT)
        settle(provider_id, [Outcome(each, _S.UNKNOWN, cause=silent) for each in ids], (), now)
    return sum(map(len, found.values()))


def resolve(
    order_id: int, verdict: Verdict, actor: str, now: datetime, upstream_id: str | None = None
) -> Refusal | None:
    """Settles an unknown outcome by the verdict of staff; `upstream_id` goes with PLACED.

    Refuses with INCORRECT_ORDER where the order has no unknown outcome, with INCORRECT_FIELD `upstream_id` where it
    is no id or another order has claimed it.
    """
    attempt = Attempt.objects.filter(order=order_id, action=Attempt.Action.ADD, state__in=UNSETTLED).first()
    if attempt is None:
        return Refusal(Reason.INCORRECT_ORDER)
    match verdict:
        case Verdict.ABSENT:
            outcome = Outcome(attempt.pk, _S.ABSENT, cause=cause(CauseKind.STAFF_ABSENT), decided_by=actor)
        case Verdict.REFUSED:
            refused = cause(CauseKind.STAFF_REFUSED)
            outcome = Outcome(attempt.pk, _S.ABSENT, cause=refused, decided_by=actor, ends_order=True)
        case Verdict.PLACED if upstream_id is not None and read_id(upstream_id) == upstream_id:
            outcome = Outcome(attempt.pk, _S.ACCEPTED, upstream_id, cause(CauseKind.STAFF_PLACED), actor)
        case _:
            return Refusal(Reason.INCORRECT_FIELD, "upstream_id")
    if settle(attempt.provider_id, [outcome], (), now):
        return None
    return Refusal(Reason.INCORRECT_FIELD, "upstream_id")


def _claimed(provider: Provider, outcomes: Sequence[Outcome]) -> set[str]:
    """Returns those of the ids that orders of ours have already at the provider's account."""
    ids = [(provider.account_id, each.upstream_id) for each in outcomes if each.upstream_id is not None]
    return {upstream_id for (upstream_id,) in run(_CLAIMED, ids)}


def _lock(attempt_ids: Sequence[int]) -> dict[int, _Sent]:
    rows = run(_SENT, [(pk,) for pk in sorted(attempt_ids)])
    return {row[0]: _Sent(*[*row[:-2], *map(read_moment, row[-2:])]) for row in rows}


def _checked(told: Outcome, attempt: _Sent, provider: Provider, claimed: set[str]) -> Outcome:
    """Returns what was told, or that it is unknown where the id cannot be this attempt's; claims a good one."""
    if told.upstream_id is None:
        return told
    fault = None
    if told.upstream_id in claimed:
        fault = CauseKind.ANOTHERS_ID
    elif provider.may_scan and not told.decided_by and _is_older(told.upstream_id, attempt.floor_id):
        # Where ids may be asked about, they are known to rise.
        fault = CauseKind.OLD_ID
    if fault is not None:
        return Outcome(
            told.attempt_id,
            _S.STAFF if attempt.state == _S.STAFF else _S.UNKNOWN,
            cause=cause(fault, id=told.upstream_id),
        )
    claimed.add(told.upstream_id)
    return told


def _is_older(upstream_id: str, floor_id: int) -> bool:
    number = text_input.number(upstream_id)
    return number is not None and number <= floor_id


@dataclass(slots=True)
class _Moves:
    """The attempts that move, gathered to be written together."""

    provider: Provider
    now: datetime
    changed: list[_Sent] = field(default_factory=list)
    accepted: list[_Sent] = field(default_factory=list)
    back: dict[int, Note] = field(default_factory=dict)
    # Of those that go back, the orders that end with it, and who has decided that.
    ended: dict[int, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def take(self, attempt: _Sent, told: Outcome) -> None:
        """Moves the attempt if the table allows it."""
        before = AttemptState(attempt.state)
        # No answer and no end of a lease takes back what was accepted; only `settle` disowns an id.
        if told.state not in ATTEMPT_MOVES[before] or before is _S.ACCEPTED:
            self._refuse(attempt, told)
            return
        if before is _S.UNKNOWN and attempt.refusal:
            alarms.close(self.provider.pk, Alarm.Kind.REFUSED, _subject(attempt), told.decided_by or ACTOR, self.now)
        attempt.state, attempt.cause, attempt.decided_by = told.state, told.cause, told.decided_by
        attempt.refusal = told.refusal or attempt.refusal
        attempt.upstream_id, attempt.due_at = told.upstream_id, None
        attempt.answered_at = attempt.answered_at or self.now
        self.changed.append(attempt)
        if before is _S.STAFF:
            alarms.close(self.provider.pk, Alarm.Kind.VERDICT, _subject(attempt), told.decided_by or ACTOR, self.now)
        match told.state:
            case _S.ACCEPTED:
                self.accepted.append(attempt)
                self._note(attempt, EventKind.PLACED, id=attempt.upstream_id, cause=told.cause)
            case _S.UNKNOWN:
                attempt.due_at = self.now + FIRST_LOOK
                self._note(attempt, EventKind.UNCONFIRMED, cause=told.cause)
                if told.refusal:
                    self._sound(attempt, Alarm.Kind.REFUSED, told.cause)
            case _S.STAFF:
                self._note(attempt, EventKind.VERDICT_NEEDED, cause=told.cause)
                self._sound(attempt, Alarm.Kind.VERDICT, told.cause)
            case _:
                self.back[attempt.order_id] = note(
                    EventKind.NOT_PLACED, provider=self.provider.name, state=told.state, cause=told.cause
                )
                if told.ends_order:
                    self.ended[attempt.order_id] = told.decided_by
                self._mind_the_account(told)

    def write(self) -> None:
        """Writes everything, in the caller's transaction."""
        run(_KEEP, [_kept(each) for each in self.changed])
        if self.accepted:
            self._follow()
        write_events(self.events)
        if self.back:
            waiting = hand_out.hand_back(self.back, ACTOR, self.now)
            for order_id, actor in self.ended.items():
                hand_out.cancel({order_id: note(EventKind.REFUSED)}, actor, self.now)
            plan.plan(waiting.difference(self.ended), self.now)

    def _follow(self) -> None:
        """Has what was accepted followed from now on, and books its cost."""
        provider, now = self.provider, self.now
        accepted = list(zip(new_ids("fulfilment_upstreamorder", len(self.accepted)), self.accepted, strict=True))
        followed = [_followed(pk, provider.pk, each, now) for pk, each in accepted]
        asked = [(pk, provider.pk, moment(_first_ask(each, now))) for pk, each in accepted]
        run_together([(_FOLLOW, followed), (_ASK, asked)])
        booked = [costs.Costed(pk, each.order_id, 0, each.expected_micros) for pk, each in accepted]
        costs.accept(provider.pk, provider.currency, booked, now)
        numbers = [text_input.number(each.upstream_id or "") for each in self.accepted]
        run(_FORGET_ORPHANS, [(provider.account_id, each) for each in numbers if each is not None])

    def _refuse(self, attempt: _Sent, told: Outcome) -> None:
        """Leaves the attempt as it is. A second truth about it, after the verdict, is for staff."""
        is_news = told.state is _S.ACCEPTED and (attempt.state, attempt.upstream_id) != (told.state, told.upstream_id)
        if is_news and attempt.state != _S.PLANNED:
            answered = {"order": attempt.order_id, "state": attempt.state, "id": told.upstream_id}
            self._sound(attempt, Alarm.Kind.LATE_ANSWER, cause(CauseKind.ANSWERED_LATE, **answered))
            self._note(attempt, EventKind.LATE_ANSWER, **answered)

    def _mind_the_account(self, told: Outcome) -> None:
        """Rests where the account itself is refused: every next order would be too."""
        kind = (told.cause or {}).get("decline_kind")
        if told.state is _S.DECLINED and kind in {DeclineKind.FUNDS.name, DeclineKind.AUTH.name}:
            assert told.cause is not None  # noqa: S101 - its kind was just read
            circuit_breaker.rest(
                self.provider, told.cause, circuit_breaker.FUNDS_REST, Alarm.Kind.KEY_OR_FUNDS, self.now
            )

    def _sound(self, attempt: _Sent, kind: Alarm.Kind, why: Cause | None) -> None:
        why = cause(CauseKind.TEXT, text="") if why is None else why
        alarms.sound(self.provider.pk, kind, _subject(attempt), why, self.now)

    def _note(self, attempt: _Sent, kind: EventKind, **data: Any) -> None:
        actor, provider = attempt.decided_by or ACTOR, self.provider.name
        self.events.append(event(attempt.order_id, actor, self.now, kind, provider=provider, **data))


def _kept(attempt: _Sent) -> tuple[object, ...]:
    moments = moment_or_none(attempt.answered_at), moment_or_none(attempt.due_at)
    cause = None if attempt.cause is None else _encode(attempt.cause).decode()
    texts = attempt.state, cause, attempt.refusal, attempt.decided_by, attempt.upstream_id
    return attempt.pk, *texts, *moments


def _followed(pk: int, provider_id: int, attempt: _Sent, now: datetime) -> tuple[object, ...]:
    ids = pk, attempt.pk, attempt.order_id, provider_id, attempt.upstream_service_id, attempt.upstream_id
    return *ids, attempt.expected_micros, attempt.expected_micros, moment(attempt.sent_at or now)


def _first_ask(attempt: _Sent, now: datetime) -> datetime:
    return now + timedelta(seconds=poll_interval.first_ask_seconds(attempt.usual_seconds))


def _subject(attempt: _Sent) -> Subject:
    return Subject(SubjectType.ORDER, attempt.order_id)
