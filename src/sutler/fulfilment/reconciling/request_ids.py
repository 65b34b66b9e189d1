"""Unknown outcomes at providers that keep request IDs: one question tells what became of an `add`.

An ID that the provider names settles it at once. That it knows none proves nothing while the `add` may still be on its
way: only after the settle window, asked twice, and beside an order of ours that it does find (docs/decisions/0043).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from sutler.core.attempts import AttemptState
from sutler.core.events import CauseKind, EventKind, cause
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Attempt, Provider, ProviderState, UpstreamOrder
from sutler.fulfilment.providers.account import lock
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling.reconcile import AGAIN, CLEAN_SCANS, LOOKS, reconcile, ripe_at, settle_window
from sutler.fulfilment.sending import outcome
from sutler.fulfilment.sending.outcome import Outcome
from sutler.orders.models import OrderEvent
from sutler.panels.results import Accepted, Declined, Failure, is_not_found
from sutler.storage.transactions import durable

# A provider that does not keep them may do so one day.
ASK_AGAIN = timedelta(days=1)
MOST_AT_ONCE = 50
_S = AttemptState
_Kept = ProviderState.RequestIds
_NOT_ABOUT_IT = frozenset({DeclineKind.AUTH, DeclineKind.FUNDS, DeclineKind.RATE})


@dataclass(frozen=True, slots=True)
class _Question:
    """An attempt whose outcome is unknown and due to be looked at."""

    attempt_id: int
    order_id: int
    request_id: str
    is_ripe: bool
    next_look: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """An order that the provider has confirmed, and the request ID it was sent with."""

    request_id: str
    upstream_id: str


async def learn(session: ProviderSession) -> bool:
    """Asks a provider, once or once a day, whether it keeps request IDs; returns whether it has answered.

    One that says so is believed once it has named an order of ours by its ID: others answer anything with these words.
    """
    now = session.clock.now()
    state = session.provider.live_state
    if state.request_ids == _Kept.CLAIMED:
        known = await session.database.run(_newest, session.provider.pk)
        return known is not None and await _finds(session, known) is not None
    asked_at = state.request_ids_at
    is_due = asked_at is None or (state.request_ids == _Kept.NONE and asked_at + ASK_AGAIN <= now)
    if not is_due:
        return False
    answer = await session.ask(lambda panel: panel.find(f"{session.chance.getrandbits(128):032x}"))
    if _is_about_it(answer):
        await _remember(session, _Kept.CLAIMED if is_not_found(answer) else _Kept.NONE)
    return _is_about_it(answer)


def _is_about_it(answer: Accepted | Failure) -> bool:
    return isinstance(answer, Accepted) or (isinstance(answer, Declined) and answer.kind not in _NOT_ABOUT_IT)


async def _finds(session: ProviderSession, known: _Known) -> bool | None:
    """Asks for an order that the provider has, by its request ID, and remembers what that shows; None: no answer."""
    answer = await session.ask(lambda panel: panel.find(known.request_id))
    if not _is_about_it(answer):
        return None
    finds = isinstance(answer, Accepted) and answer.upstream_id == known.upstream_id
    kept = _Kept.KEPT if finds else _Kept.NONE
    if session.provider.live_state.request_ids != kept:
        await _remember(session, kept)
    return finds


async def _remember(session: ProviderSession, kept: ProviderState.RequestIds) -> None:
    now = session.clock.now()
    await session.database.run(_write, session.provider.pk, kept, now)
    state = session.provider.live_state
    state.request_ids, state.request_ids_at = kept, now


def _write(provider_id: int, kept: str, now: datetime) -> None:
    with durable():
        ProviderState.objects.filter(provider=provider_id).update(request_ids=kept, request_ids_at=now)


async def settle_unknown(session: ProviderSession) -> int:
    """Looks at the provider's unknown outcomes that are due, first by their request IDs; returns how many it did."""
    return await settle(session) + await reconcile(session)


async def settle(session: ProviderSession) -> int:
    """Asks once about each unknown outcome that is due and was sent with a request ID; returns how many it settled.

    What the answer leaves open stays due, for `reconcile`.
    """
    questions, known = await session.database.run(_read, session.provider.pk, session.clock.now())
    if not questions:
        return 0
    answers = [
        await session.ask(lambda panel, one=each: panel.find(one.request_id), each.order_id)  # type: ignore[misc]
        for each in questions
    ]
    # Whether "not found" means anything: an order that is there must be found by the same panel, in the same look.
    finds = False
    if known is not None and any(each.is_ripe for each in questions):
        finds = await _finds(session, known) is True
    named = [each.upstream_id if isinstance(each, Accepted) else None for each in answers]
    absent = [each.attempt_id for each, answer in zip(questions, answers, strict=True) if is_not_found(answer)]
    return await session.database.run_until_done(
        _decide, session.provider.pk, questions, named, absent, finds, session.clock.now()
    )


def _read(provider_id: int, now: datetime) -> tuple[list[_Question], _Known | None]:
    """Reads what is due, and the newest order that the provider must find by its request ID."""
    unknown = Attempt.objects.unconfirmed_adds().filter(provider=provider_id, state=_S.UNKNOWN)
    due = list(unknown.filter(due_at__lte=now).exclude(request_id="").order_by("pk")[:MOST_AT_ONCE])
    if not due:
        return [], None
    window = settle_window(Provider.objects.get(pk=provider_id), now)
    return [_question(each, window, now) for each in due], _newest(provider_id)


def _newest(provider_id: int) -> _Known | None:
    confirmed = UpstreamOrder.objects.filter(provider=provider_id, confirmed_at__isnull=False)
    newest = confirmed.exclude(attempt__request_id="").order_by("-placed_at")
    known = newest.values_list("attempt__request_id", "upstream_id").first()
    return _Known(*known) if known else None


def _question(attempt: Attempt, window: timedelta, now: datetime) -> _Question:
    ripe = ripe_at(attempt, window)
    assert attempt.sent_at is not None and ripe is not None  # noqa: S101 - what is unknown was sent
    looks = [attempt.sent_at + each for each in LOOKS if attempt.sent_at + each > now]
    next_look = min([*looks, ripe]) if ripe > now else now + AGAIN
    return _Question(attempt.pk, attempt.order_id, attempt.request_id, ripe <= now, next_look)


def _decide(
    provider_id: int,
    questions: Sequence[_Question],
    named: Sequence[str | None],
    absent: Sequence[int],
    finds: bool,
    now: datetime,
) -> int:
    """Writes what the answers prove. Raises storage.transactions.Busy or CommitUnclear: then nothing is written."""
    with durable():
        provider = lock(provider_id)
        found = [
            Outcome(each.attempt_id, _S.ACCEPTED, upstream_id, cause(CauseKind.FOUND_BY_REQUEST_ID))
            for each, upstream_id in zip(questions, named, strict=True)
            if upstream_id is not None and not _was_disowned(each.order_id, upstream_id)
        ]
        # Before the window is over there is nothing else to ask; afterwards only a panel that finds what is there.
        denied = [each for each in questions if each.attempt_id in absent and (finds or not each.is_ripe)]
        gone = [
            Outcome(each.attempt_id, _S.ABSENT, cause=cause(CauseKind.ABSENT_BY_REQUEST_ID))
            for each in denied
            if each.is_ripe and _is_denied_again(each)
        ]
        for each in denied:
            _look_again(each)
        return len(outcome.apply_outcomes(provider, [*found, *gone], (), now))


def _was_disowned(order_id: int, upstream_id: str) -> bool:
    """Whether the ID was this order's before and never answered as ours."""
    return OrderEvent.objects.filter(order=order_id, kind=EventKind.DISOWNED, data__id=upstream_id).exists()


def _is_denied_again(question: _Question) -> bool:
    return Attempt.objects.filter(pk=question.attempt_id, clean_scans__gte=CLEAN_SCANS - 1).exists()


def _look_again(question: _Question) -> None:
    denials = F("clean_scans") + 1 if question.is_ripe else 0
    unknown = Attempt.objects.filter(pk=question.attempt_id, state=_S.UNKNOWN)
    unknown.update(due_at=question.next_look, clean_scans=denials)
