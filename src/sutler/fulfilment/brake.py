"""The brake: a provider that answers too much unclearly is sent nothing for a while; orders wait as Pending."""

from datetime import datetime, timedelta

from sutler.fulfilment import alarms
from sutler.fulfilment.models import Alarm, Provider
from sutler.storage.statements import Statement, moment, select

WINDOW = timedelta(minutes=5)
# One time-out among ten orders is no reason to stop a small panel's sales.
FEWEST_UNKNOWN = 3
REST = timedelta(minutes=1)
FUNDS_REST = timedelta(minutes=5)
_UNSETTLED = Statement(
    "SELECT {answer} FROM (SELECT COUNT(*) AS open FROM fulfilment_attempt WHERE state IN ('unknown', 'staff')"
    " AND provider_id = ? AND action = 'add') AS found",
    {},
    ("open",),
)
_LATELY = Statement(
    "SELECT {answer} FROM (SELECT COALESCE(SUM(adds), 0) AS adds, COALESCE(SUM(unknown_adds), 0) AS unknown"
    " FROM fulfilment_providerminute WHERE provider_id = ? AND minute > ?) AS found",
    {},
    ("adds", "unknown"),
)


def rests(provider: Provider, now: datetime) -> bool:
    """Returns True if nothing may be sent to this provider, whose row the caller's transaction has locked.

    It rests while more than `brake_percent` of the adds of the last five minutes are unknown, at least three of them,
    or more than `brake_open` unknown outcomes are open; each look at it says so for another minute.
    """
    if provider.rests_until is not None and now < provider.rests_until:
        return True
    reason = _reason(provider, now)
    if reason:
        rest(provider, reason, REST, Alarm.Kind.BRAKE, now)
        return True
    if provider.rests_until is not None:
        provider.rests_until, provider.rest_reason = None, ""
        provider.save(update_fields=["rests_until", "rest_reason"])
        for kind in (Alarm.Kind.BRAKE, Alarm.Kind.KEY_OR_FUNDS):
            alarms.close(provider.pk, kind, "", "worker", now)
    return False


def rest(provider: Provider, reason: str, length: timedelta, kind: Alarm.Kind, now: datetime) -> None:
    """Stops sending to the provider for so long and raises the alarm. Belongs into a transaction of the caller's."""
    provider.rests_until, provider.rest_reason = now + length, reason[:200]
    provider.save(update_fields=["rests_until", "rest_reason"])
    alarms.sound(provider.pk, kind, "", f"Nothing is sent: {reason}", now)


def _reason(provider: Provider, now: datetime) -> str:
    [(unsettled,)] = select(_UNSETTLED, provider.pk)
    if unsettled > provider.brake_open:
        return f"{unsettled} unknown outcomes are open"
    [(adds, unknown)] = select(_LATELY, provider.pk, moment(now - WINDOW))
    if unknown >= FEWEST_UNKNOWN and unknown * 100 > adds * provider.brake_percent:
        return f"{unknown} of {adds} orders of the last five minutes are unknown"
    return ""
