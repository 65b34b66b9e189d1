"""The brake: a provider that answers too much unclearly is sent nothing for a while; orders wait as Pending."""

from datetime import datetime, timedelta

from django.db.models import Q, Sum

from sutler.fulfilment import alarms
from sutler.fulfilment.models import Alarm, Attempt, Provider, ProviderMinute
from sutler.fulfilment.models.attempt import IN_INDEX_UNSETTLED

WINDOW = timedelta(minutes=5)
# One time-out among ten orders is no reason to stop a small panel's sales.
FEWEST_UNKNOWN = 3
REST = timedelta(minutes=1)
FUNDS_REST = timedelta(minutes=5)


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
    unsettled = Attempt.objects.filter(IN_INDEX_UNSETTLED, provider=provider, action=Attempt.Action.ADD).count()
    if unsettled > provider.brake_open:
        return f"{unsettled} unknown outcomes are open"
    lately = ProviderMinute.objects.filter(Q(minute__gt=now - WINDOW), provider=provider)
    sums = lately.aggregate(adds=Sum("adds"), unknown=Sum("unknown_adds"))
    adds, unknown = sums["adds"] or 0, sums["unknown"] or 0
    if unknown >= FEWEST_UNKNOWN and unknown * 100 > adds * provider.brake_percent:
        return f"{unknown} of {adds} orders of the last five minutes are unknown"
    return ""
