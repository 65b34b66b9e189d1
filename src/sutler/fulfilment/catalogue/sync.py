"""Keeping in step with what a provider sells: its catalogue is fetched, compared with the last good one, taken over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q

from sutler.core import skipped_rows
from sutler.core.events import Cause, CauseKind, cause, declined
from sutler.core.skipped_rows import LeftOut
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.catalogue import repricing, rows
from sutler.fulfilment.catalogue.diff import Difference, Known, compare, unfit
from sutler.fulfilment.catalogue.price_alarms import ACTOR
from sutler.fulfilment.catalogue.repricing import Adjusted
from sutler.fulfilment.models import Alarm, CatalogueChange, Provider, ProviderState
from sutler.fulfilment.providers import alarms, call_log
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.results import Catalogue, Declined, Failure
from sutler.storage.transactions import durable

EVERY = timedelta(minutes=60)
# How soon a provider whose catalogue was not good is asked again.
AGAIN_AFTER = timedelta(minutes=10)

# How many services an alarm names.
MOST_NAMED = 50
# The subjects of the alarms, one of each for a provider at most.
REJECTED, PRICES = Subject(SubjectType.SERVICE_LIST), Subject(SubjectType.PRICES)
UNREADABLE, BROKEN = Subject(SubjectType.UNREADABLE_ROWS), Subject(SubjectType.PROMISES)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a sync. With a `fault` nothing was changed: the last good catalogue holds."""

    fault: Cause | None = None
    services: int = 0
    left_out: tuple[LeftOut, ...] = ()
    difference: Difference | None = None
    adjusted: Adjusted = field(default_factory=Adjusted)


async def keep_in_step(session: ProviderSession) -> Report | None:
    """Syncs the provider if that is due: every hour, ten minutes after a catalogue that was not good, and once its
    changes feed says that it has changed. None if not.
    """
    is_due_now = await session.database.run(is_due, session.provider.pk, session.clock.now())
    if not (is_due_now or session.catalogue_changed):
        return None
    session.catalogue_changed = False
    return await sync(session)


async def sync(session: ProviderSession) -> Report:
    """Fetches the provider's catalogue and takes it over (see `take`)."""
    answer = await session.ask(lambda panel: panel.services())
    calls = session.take_calls()
    return await session.database.run_until_done(
        apply_catalogue, session.provider.pk, answer, session.clock.now(), calls
    )


def is_due(provider_id: int, now: datetime) -> bool:
    """Returns True if the provider is not switched off and its catalogue is to be fetched now."""
    on = Provider.objects.exclude(state=Provider.State.OFF)
    is_old = Q(live_state__catalogue_at=None) | Q(live_state__catalogue_at__lte=now - EVERY)
    if not on.filter(is_old, pk=provider_id).exists():
        return False
    last = alarms.last_sounded(provider_id, Alarm.Kind.CATALOGUE, REJECTED)
    return last is None or last <= now - AGAIN_AFTER


def apply_catalogue(
    provider_id: int,
    answer: Catalogue | Failure,
    now: datetime,
    calls: Sequence[LoggedExchange] = (),
    *,
    trust: bool = False,
) -> Report:
    """Takes over what the provider answered, in one transaction; one that differs in nothing writes nothing of it.

    No answer, an empty catalogue, or one without half of what there was (unless staff `trust` it) changes nothing and
    raises an alarm. Services with routes (`repricing.adjust`): a price that moved by up to 30 % holds at once. One that
    jumped waits for staff (`decisions.decide`); if it rose, its routes are off until then. What is gone, or of
    another type, switches its routes off until it is back. An entry that cannot be read changes nothing.
    Raises storage.transactions.Busy or CommitUnclear, as `durable` says; it may be repeated.
    """
    with durable():
        provider = Provider.objects.locked().get(pk=provider_id)
        call_log.write(provider_id, calls)
        there = rows.known(provider_id)
        fault = _fault(there, answer, trust=trust)
        if fault or not isinstance(answer, Catalogue):
            rejected = cause(CauseKind.CATALOGUE_REJECTED, cause=fault)
            alarms.sound(provider_id, Alarm.Kind.CATALOGUE, REJECTED, rejected, now)
            return Report(fault)
        alarms.close(provider_id, Alarm.Kind.CATALOGUE, REJECTED, ACTOR, now)
        difference = compare(there, answer)
        before = repricing.bounds(repricing.services_of(provider_id))
        rows.write(provider_id, there, difference, now)
        adjusted = repricing.adjust(repricing.services_of(provider_id), before, now)
        _tell(provider_id, there, answer, difference, now)
        ProviderState.objects.filter(provider=provider).update(catalogue_at=now)
    return Report(None, len(answer.services), _left_out(answer), difference, adjusted)


def preview(provider_id: int, answer: Catalogue | Failure, *, trust: bool = False) -> Report:
    """Returns what `take` would report, and changes nothing; what follows for our own services is not reckoned."""
    there = rows.known(provider_id)
    fault = _fault(there, answer, trust=trust)
    if fault or not isinstance(answer, Catalogue):
        return Report(fault)
    return Report(None, len(answer.services), _left_out(answer), compare(there, answer))


def waiting(provider_id: int) -> int:
    """Returns how many changes of the provider wait for staff."""
    changes = CatalogueChange.objects.filter(upstream_service__provider=provider_id)
    return changes.filter(state=CatalogueChange.State.WAITING).count()


def close_prices_alarm(provider_id: int, actor: str, now: datetime) -> None:
    """Closes the alarm about prices if none waits any more. Belongs into the transaction of what decided them."""
    if not waiting(provider_id):
        alarms.close(provider_id, Alarm.Kind.CATALOGUE, PRICES, actor, now)


def _fault(there: Mapping[str, Known], answer: Catalogue | Failure, *, trust: bool) -> Cause | None:
    if isinstance(answer, Catalogue):
        return None if trust and answer.services else unfit(there, answer)
    return declined(answer.kind, answer.raw) if isinstance(answer, Declined) else answer.cause


def _tell(
    provider_id: int, there: Mapping[str, Known], answer: Catalogue, difference: Difference, now: datetime
) -> None:
    """Sounds and closes the alarms about a good catalogue. What is already known sounds no alarm again."""
    if any(each.waits for each in difference.notes):
        why = cause(CauseKind.PRICES_WAIT, count=waiting(provider_id))
        alarms.sound(provider_id, Alarm.Kind.CATALOGUE, PRICES, why, now)
    elif difference.overtaken:
        close_prices_alarm(provider_id, ACTOR, now)
    if difference.broken:
        why = cause(CauseKind.PROMISES_BROKEN, count=len(difference.broken), services=difference.broken[:MOST_NAMED])
        alarms.sound(provider_id, Alarm.Kind.CATALOGUE, BROKEN, why, now)
    read = {each.upstream_id for each in answer.services}
    unread = [each for each in answer.dropped if each.upstream_id not in read and _is_sold(there, each.upstream_id)]
    if unread:
        services = [cause(CauseKind.ROW_UNREADABLE, id=each.upstream_id, fault=str(each.why)) for each in unread]
        why = cause(CauseKind.SERVICES_UNREADABLE, count=len(unread), services=services[:MOST_NAMED])
        alarms.sound(provider_id, Alarm.Kind.CATALOGUE, UNREADABLE, why, now)
    else:
        alarms.close(provider_id, Alarm.Kind.CATALOGUE, UNREADABLE, ACTOR, now)


def _left_out(answer: Catalogue) -> tuple[LeftOut, ...]:
    return tuple(skipped_rows.by_reason(answer.left_out()))


def _is_sold(there: Mapping[str, Known], upstream_id: str) -> bool:
    return upstream_id in there and there[upstream_id].is_sold
