"""The brake: a provider that answers too much unclearly is sent nothing for a while; orders wait as Pending."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from sutler.core.attempts import AttemptState
from sutler.core.events import Cause, CauseKind, cause
from sutler.core.subjects import WHOLE
from sutler.fulfilment.models import Alarm, Attempt, Provider, UpstreamOrder
from sutler.fulfilment.providers import alarms
from sutler.storage.statements import Statement, moment, select

WINDOW = timedelta(minutes=5)
# One time-out among ten orders is no reason to stop a small panel's sales.
FEWEST_UNKNOWN = 3
REST = timedelta(minutes=1)
FUNDS_REST = timedelta(minutes=5)
_OPEN = Statement(
    "SELECT {answer} FROM (SELECT COUNT(*) AS open FROM fulfilment_attempt WHERE state IN ('unknown', 'staff')"
    " AND provider_id = ? AND action = 'add' AND refusal = '') AS found",
    {},
    ("open",),
)
_LATELY = Statement(
    "SELECT {answer} FROM (SELECT COALESCE(SUM(adds), 0) AS adds, COALESCE(SUM(unknown_adds), 0) AS unknown"
    " FROM fulfilment_providerminute WHERE provider_id = ? AND minute > ?) AS found",
    {},
    ("adds", "unknown"),
)


def allowed(provider: Provider, count: int, now: datetime) -> int:
    """Returns how many of `count` orders may be sent to this provider, whose row the caller's transaction has locked.

    It rests while more than `brake_percent` of the adds of the last five minutes are unknown, at least three of them,
    or more than `brake_open` unknown outcomes are open; each look at it says so for another minute. A refusal in words
    that we do not know is no such outcome: whoever orders with bad links would stop everybody's sales. Where these
    outcomes need the id of a later order to be judged by, one is let through in each settle window.
    """
    state = provider.live_state
    if state.rests_until is not None and now < state.rests_until:
        return 0
    [(open_count,)] = select(_OPEN, provider.pk)
    is_full = open_count > provider.brake_open
    why = cause(CauseKind.OUTCOMES_OPEN, count=open_count) if is_full else _unclear_lately(provider, now)
    if why is not None:
        rest(provider, why, REST, Alarm.Kind.BRAKE, now)
        return min(count, 1) if is_full and needs_later_id(provider, now) else 0
    if state.rests_until is not None:
        state.rests_until, state.rest_cause = None, None
        state.save(update_fields=["rests_until", "rest_cause"])
        for kind in (Alarm.Kind.BRAKE, Alarm.Kind.KEY_OR_FUNDS):
            alarms.close(provider.pk, kind, WHOLE, "worker", now)
    return count


def rest(provider: Provider, why: Cause, length: timedelta, kind: Alarm.Kind, now: datetime) -> None:
    """Stops sending to the provider for so long and raises the alarm. Belongs into a transaction of the caller's."""
    state = provider.live_state
    state.rests_until, state.rest_cause = now + length, why
    state.save(update_fields=["rests_until", "rest_cause"])
    alarms.sound(provider.pk, kind, WHOLE, cause(CauseKind.NOTHING_SENT, cause=why), now)


def adds_since(provider_id: int, since: datetime) -> tuple[int, int]:
    """Returns how many orders the provider was sent in the minutes after a moment, and how many came to be unclear."""
    [(adds, unknown)] = select(_LATELY, provider_id, moment(since))
    return int(adds), int(unknown)


def _unsettled(provider: Provider) -> QuerySet[Attempt]:
    return Attempt.objects.unconfirmed_adds().filter(provider=provider)


def _unclear_lately(provider: Provider, now: datetime) -> Cause | None:
    adds, unknown = adds_since(provider.pk, now - WINDOW)
    if unknown >= FEWEST_UNKNOWN and unknown * 100 > adds * provider.brake_percent:
        return cause(CauseKind.OUTCOMES_UNCLEAR, unknown=unknown, adds=adds)
    return None


def needs_later_id(provider: Provider, now: datetime) -> bool:
    """Returns True if outcomes are looked into and nothing was sent for a settle window: without an id from after it
    none of them can be proven absent, and what waits for that would wait for ever (docs/decisions/0011)."""
    since = now - timedelta(minutes=provider.settle_minutes)
    unsettled = _unsettled(provider)
    on_the_way = Attempt.objects.adds_on_the_way().filter(provider=provider)
    is_tried = unsettled.filter(sent_at__gt=since, refusal="").exists() or on_the_way.exists()
    is_sent = UpstreamOrder.objects.filter(provider=provider, placed_at__gt=since).exists()
    return unsettled.filter(state=AttemptState.UNKNOWN).exists() and not (is_tried or is_sent)
