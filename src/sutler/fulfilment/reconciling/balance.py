"""Looking after a provider's account: what it holds there, by the provider's word and by our books.

A gap between the two is evidence where the outcome of an order is unknown, and an alarm where nothing explains it.
Orders that have ended there and were not asked about since explain a gap for a while (docs/decisions/0013).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, Sum

from sutler.core.events import Cause, CauseKind, cause
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Alarm, Attempt, Provider, ProviderState, UpstreamOrder, account_rows
from sutler.fulfilment.polling import children
from sutler.fulfilment.providers import alarms, call_log, ledger
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.results import Balance, Declined, Failure
from sutler.storage.transactions import durable

EVERY = timedelta(minutes=5)
ACTOR = "worker"
# The subjects of alarms: of the balance that is refused, and of the one that comes in another currency.
_REFUSED, _CURRENCY = Subject(SubjectType.BALANCE), Subject(SubjectType.BALANCE_CURRENCY)


@dataclass(frozen=True, slots=True)
class Standing:
    """How our books stand at a provider. `is_quiet` while no order is on the way there that may cost something yet."""

    held_micros: int
    transfers: int
    is_quiet: bool


async def care(session: ProviderSession) -> int:
    """Asks what the account holds if that is due, every five minutes, and keeps it; returns 0: nothing waits for more.

    Keeps the calls that nobody else has written down, too.
    """
    provider_id = session.provider.pk
    if not await session.database.run(is_due, provider_id, session.clock.now()):
        if session.calls:
            await session.database.run_until_done(_keep_calls, provider_id, session.take_calls())
        return 0
    before = await session.database.run(standing, provider_id)
    answer = await session.ask(lambda panel: panel.balance())
    await session.database.run_until_done(
        record, provider_id, before, answer, session.take_calls(), session.clock.now()
    )
    return 0


def is_due(provider_id: int, now: datetime) -> bool:
    """Returns True if the provider's balance is older than five minutes, or was never told."""
    return not ProviderState.objects.filter(provider=provider_id, balance_at__gt=now - EVERY).exists()


def standing(provider_id: int) -> Standing:
    """Returns how our books stand there: to be read before the provider is asked, and given to `take` afterwards."""
    adds = Attempt.objects.filter(provider__in=account_rows(provider_id), action=Attempt.Action.ADD)
    is_quiet = not (adds.adds_on_the_way().exists() or adds.unconfirmed_adds().exists())
    held = ledger.holding(provider_id)
    return Standing(held.micros, held.transfers, is_quiet)


def record(
    provider_id: int, before: Standing, answer: Balance | Failure, calls: Sequence[LoggedExchange], now: datetime
) -> Provider:
    """Keeps what the provider said of its balance, and the calls, in one transaction; returns the provider.

    The first balance opens the account in the books. The gap is measured only where the books stood still while it was
    asked, with no order on the way; otherwise the old one stays. Sounds and closes the alarms about the balance.
    Raises storage.transactions.Busy or CommitUnclear; repeating is safe.
    """
    with durable():
        provider = Provider.objects.locked().get(pk=provider_id)
        call_log.write(provider_id, calls)
        call_log.trim(provider_id, now)
        if _is_usable(provider, answer, now) and isinstance(answer, Balance):
            state = provider.live_state
            state.balance_micros, state.balance_at = answer.micros, now
            if before.is_quiet and standing(provider_id) == before:
                _measure(provider, before, answer.micros, now)
            _mind_low_balance(provider, answer.micros, now)
            state.save(update_fields=["balance_micros", "balance_at", "gap_micros", "suspect_gap_micros", "suspect_at"])
        ledger.renew_snapshot(provider, now)
    return provider


def _keep_calls(provider_id: int, calls: Sequence[LoggedExchange]) -> None:
    with durable():
        call_log.write(provider_id, calls)


def _is_usable(provider: Provider, answer: Balance | Failure, now: datetime) -> bool:
    """Returns True for a balance in the provider's currency; sounds or closes the alarms about any other answer."""
    if not isinstance(answer, Balance):
        if isinstance(answer, Declined) and answer.kind is DeclineKind.AUTH:
            why = cause(CauseKind.BALANCE_REFUSED, raw=answer.raw)
            alarms.sound(provider.pk, Alarm.Kind.KEY_OR_FUNDS, _REFUSED, why, now)
        return False
    alarms.close(provider.pk, Alarm.Kind.KEY_OR_FUNDS, _REFUSED, ACTOR, now)
    if answer.currency not in ("", provider.currency):
        why = cause(CauseKind.BALANCE_CURRENCY, theirs=answer.currency, ours=provider.currency)
        alarms.sound(provider.pk, Alarm.Kind.BALANCE, _CURRENCY, why, now)
        return False
    alarms.close(provider.pk, Alarm.Kind.BALANCE, _CURRENCY, ACTOR, now)
    return True


def _measure(provider: Provider, books: Standing, said_micros: int, now: datetime) -> None:
    state = provider.live_state
    if state.gap_micros is None:
        ledger.open_with(provider, said_micros, now)
        state.gap_micros = ledger.book_balance_micros(provider.pk) - said_micros
        return
    gap = state.gap_micros = books.held_micros - said_micros
    if not provider.is_shared:  # what people order there by hand is not in the books
        _suspect(provider, books, said_micros, gap, now)


def _suspect(provider: Provider, books: Standing, said_micros: int, gap: int, now: datetime) -> None:
    """Sounds the alarm about a gap that lasts once no order that was open when it was first seen can explain it."""
    # So much may hide behind the digits of each amount that the books took over.
    hidden = provider.live_state.rounding.within_micros * (1 + books.transfers)
    state = provider.live_state
    first, since = state.suspect_gap_micros, state.suspect_at
    if abs(gap) <= hidden:
        state.suspect_gap_micros = state.suspect_at = None
        alarms.close(provider.pk, Alarm.Kind.BALANCE, WHOLE, ACTOR, now)
    elif first is None or since is None or (first > 0) != (gap > 0):
        state.suspect_gap_micros, state.suspect_at = gap, now
    elif not _is_one_unasked(provider, since):
        if abs(first) - _explained(provider, since, is_missing=first > 0) > hidden:
            alarms.sound(provider.pk, Alarm.Kind.BALANCE, WHOLE, _difference(provider, books, said_micros), now)
        else:
            state.suspect_gap_micros, state.suspect_at = gap, now


def _is_one_unasked(provider: Provider, since: datetime) -> bool:
    """Returns True while an order that was open then has not been asked about: it may have ended before."""
    was_open = UpstreamOrder.objects.filter(
        provider__in=account_rows(provider.pk), placed_at__lte=since, finished_at=None
    )
    asked_before = Q(ask_time__asked_at=None) | Q(ask_time__asked_at__lt=since)
    return was_open.filter(asked_before, ask_time__isnull=False).exists()


def _explained(provider: Provider, since: datetime, *, is_missing: bool) -> int:
    """Returns how much of a gap the answers about orders that were open then have explained since.

    What is missing there: orders that cost more than the books had then, posts that it made by itself. What is over:
    those that cost less.
    """
    was_open = UpstreamOrder.objects.filter(provider__in=account_rows(provider.pk), placed_at__lte=since)
    ended = was_open.filter(finished_at__gt=since).annotate(more=F("cost_micros") - F("expected_micros"))
    told = was_open.filter(finished_at=None, reported_micros__isnull=False)
    running = told.annotate(more=F("reported_micros") - F("cost_micros"))
    side = Q(more__gt=0) if is_missing else Q(more__lt=0)
    explained = children.made_micros(provider.pk, since) if is_missing else 0
    for each in (ended, running):
        explained += abs(each.filter(side).aggregate(sum=Sum("more"))["sum"] or 0)
    return explained


def _difference(provider: Provider, books: Standing, said_micros: int) -> Cause:
    gap = books.held_micros - said_micros
    kind = CauseKind.BALANCE_LESS if gap > 0 else CauseKind.BALANCE_MORE
    amounts = {"balance_micros": said_micros, "gap_micros": abs(gap), "held_micros": books.held_micros}
    return cause(kind, currency=provider.currency, **amounts)


def _mind_low_balance(provider: Provider, said_micros: int, now: datetime) -> None:
    low = provider.low_balance_micros
    if low is not None and said_micros < low:
        why = cause(CauseKind.BALANCE_LOW, held_micros=said_micros, currency=provider.currency, low_micros=low)
        alarms.sound(provider.pk, Alarm.Kind.LOW_BALANCE, WHOLE, why, now)
    else:
        alarms.close(provider.pk, Alarm.Kind.LOW_BALANCE, WHOLE, ACTOR, now)
