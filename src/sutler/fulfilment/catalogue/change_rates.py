"""Changing exchange rates: the one door, so that prices follow, alarms close, and the audit log knows."""

from datetime import datetime

from django.conf import settings

from sutler.accounts import audit_log
from sutler.accounts.models import Customer, User
from sutler.catalogue import exchange_rates
from sutler.catalogue.models import ExchangeRate
from sutler.core.events import CauseKind, cause
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.worth import Worth
from sutler.fulfilment.catalogue import exchange_source, repricing
from sutler.fulfilment.catalogue.exchange_source import Quotes
from sutler.fulfilment.models import Alarm, Provider
from sutler.fulfilment.providers import alarms
from sutler.storage.transactions import durable

ACTOR = "exchange rates"
# A fetched rate that moved further than this waits for staff.
LARGEST_STEP_PERCENT = 10


def set_by_hand(
    currency: str, worth: Worth, actor: User | None, now: datetime, *, accept_rises: bool = False
) -> Refusal | None:
    """Says what a currency is worth; it is not followed any more, and prices follow that are delivered in it.

    Prices that would rise by more than 30 % wait, unless staff `accept_rises`.

    Refuses with INCORRECT_FIELD `currency` (no code, or the base currency).
    """
    with durable():
        had = exchange_rates.put(currency, worth, now)
        if isinstance(had, Refusal):
            return had
        _changed(currency, now, accept_rises=accept_rises)
        _close(currency, now, SubjectType.RATE_JUMP, SubjectType.RATE_QUOTE)
        after = {"worth": worth.show(currency, _base())}
        _write_down("exchange rate set", currency, had, after, actor, now)
    return None


def follow(currency: str, actor: User | None, now: datetime) -> Refusal | None:
    """Lets the source change a rate from now on. Refuses with INCORRECT_FIELD `currency` that has no rate yet.

    The first one by hand is the measure for the source: one that is told the wrong way round waits for staff.
    """
    with durable():
        exchange_rate = ExchangeRate.objects.select_for_update().filter(currency=currency).first()
        if exchange_rate is None:
            return Refusal(Reason.INCORRECT_FIELD, "currency")
        exchange_rate.is_followed, exchange_rate.dated = True, exchange_rate.dated or now
        exchange_rate.save()
        exchange_rates.fetch_soon(now)
        audit_log.write(actor, "exchange rate followed", Subject(SubjectType.CURRENCY, currency), now)
    return None


def accept(currency: str, actor: User | None, now: datetime, *, accept_rises: bool = False) -> Refusal | None:
    """Takes the rate that jumped. Refuses with NOT_FOUND if none waits.

    Prices that would rise by more than 30 % wait, unless staff `accept_rises`.
    """
    with durable():
        exchange_rate = ExchangeRate.objects.select_for_update().filter(currency=currency).first()
        if exchange_rate is None or exchange_rate.offered is None:
            return Refusal(Reason.NOT_FOUND)
        had, offered = exchange_rate.worth, exchange_rate.offered
        asked = exchange_source.source(settings.SUTLER)
        source, dated = asked.name if asked else exchange_rate.source, exchange_rate.offered_dated or now
        _take(exchange_rate, offered, source, dated, now, accept_rises=accept_rises)
        after = {"worth": offered.show(currency, _base())}
        _write_down("exchange rate accepted", currency, had, after, actor, now)
    return None


def apply_quotes(quotes: Quotes, source: str, now: datetime) -> int:
    """Gives the followed currencies the rates of the source; returns how many changed, in the caller's transaction.

    A rate of an earlier day than the one that is kept changes nothing; one that jumped waits for staff.
    """
    changed = 0
    for kept in ExchangeRate.objects.select_for_update().filter(is_followed=True).order_by("currency"):
        worth = quotes.worth(kept.currency, _base())
        if worth is None:
            why = cause(CauseKind.NOT_QUOTED, source=source, currency=kept.currency)
            alarms.sound(None, Alarm.Kind.EXCHANGE, Subject(SubjectType.RATE_QUOTE, kept.currency), why, now)
            continue
        _close(kept.currency, now, SubjectType.RATE_QUOTE)
        dated = min(quotes.dated or now, now)
        if kept.source == source and kept.dated is not None and dated < kept.dated:
            continue
        if worth.jumps(kept.worth, LARGEST_STEP_PERCENT):
            _offer(kept, worth, dated, source, now)
        else:
            _take(kept, worth, source, dated, now)
            changed += 1
    return changed


class Watch:
    """Notices rates that grow too old: what is delivered in their currency is taken off sale, and back on."""

    def __init__(self) -> None:
        self._old: set[str] = set()

    def watch(self, now: datetime) -> int:
        """Brings services in step with rates that have grown old or young since it last looked; a job of the worker.

        Returns how many there were.
        """
        old = exchange_rates.outdated(now)
        flipped = old.keys() ^ self._old
        for currency in sorted(flipped):
            with durable():
                _changed(currency, now)
                if currency in old and _is_used(currency):
                    why = cause(CauseKind.RATE_OUT_OF_DATE, currency=currency)
                    alarms.sound(None, Alarm.Kind.EXCHANGE, Subject(SubjectType.RATE_AGE, currency), why, now)
        self._old = set(old)
        return len(flipped)


def _take(
    kept: ExchangeRate, worth: Worth, source: str, dated: datetime, now: datetime, *, accept_rises: bool = False
) -> None:
    kept.base, kept.units, kept.source, kept.dated = *worth, source, dated
    kept.offered_base = kept.offered_units = kept.offered_dated = None
    kept.save()
    _close(kept.currency, now, SubjectType.RATE_JUMP)
    _changed(kept.currency, now, accept_rises=accept_rises)


def _offer(kept: ExchangeRate, worth: Worth, dated: datetime, source: str, now: datetime) -> None:
    kept.offered_base, kept.offered_units, kept.offered_dated = *worth, dated
    kept.save()
    then, offered = (each.show(kept.currency, _base()) for each in (kept.worth, worth))
    why = cause(CauseKind.RATE_JUMPED, currency=kept.currency, before=then, after=offered, source=source)
    alarms.sound(None, Alarm.Kind.EXCHANGE, Subject(SubjectType.RATE_JUMP, kept.currency), why, now)


def _changed(currency: str, now: datetime, *, accept_rises: bool = False) -> None:
    repricing.follow_exchange(currency, now, accept_rises=accept_rises)
    if currency not in exchange_rates.outdated(now):
        _close(currency, now, SubjectType.RATE_AGE)


def _close(currency: str, now: datetime, *types: SubjectType) -> None:
    for each in types:
        alarms.close(None, Alarm.Kind.EXCHANGE, Subject(each, currency), ACTOR, now)


def _is_used(currency: str) -> bool:
    return Customer.objects.filter(currency=currency).exists() or Provider.objects.filter(currency=currency).exists()


def _write_down(
    action: str, currency: str, had: Worth | None, after: dict[str, str], actor: User | None, now: datetime
) -> None:
    before = {"worth": had.show(currency, _base())} if had else None
    audit_log.write(actor, action, Subject(SubjectType.CURRENCY, currency), now, before=before, after=after)


def _base() -> str:
    return str(settings.SUTLER["SUTLER_BASE_CURRENCY"])
