"""Alarms: what staff must look at. One is open for each subject, however often it is raised."""

from datetime import datetime

from django.db import connection
from django.db.models import F

from sutler.fulfilment.models import Alarm
from sutler.storage.statements import moment

MOST_ON_A_PAGE = 200
_RAISE = """
    INSERT INTO fulfilment_alarm (provider_id, kind, subject, text, times, raised_at, last_at, closed_by)
    VALUES (%s, %s, %s, %s, 1, %s, %s, '')
    ON CONFLICT (provider_id, kind, subject) WHERE closed_at IS NULL
    DO UPDATE SET times = fulfilment_alarm.times + 1, last_at = excluded.last_at, text = excluded.text
    RETURNING times
"""


def sound(provider_id: int | None, kind: Alarm.Kind, subject: str, text: str, now: datetime) -> bool:
    """Opens the alarm, or counts it where it is open already; returns True if it was not open.

    Belongs into the transaction of what caused it.
    """
    at = moment(now)
    if provider_id is None:  # NULL conflicts with nothing
        found = Alarm.objects.filter(provider=None, kind=kind, subject=subject[:100], closed_at=None)
        if found.update(times=F("times") + 1, last_at=now, text=text[:1000]):
            return False
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, [provider_id, kind.value, subject[:100], text[:1000], at, at])
        return bool(cursor.fetchone()[0] == 1)


def close(provider_id: int | None, kind: Alarm.Kind, subject: str, actor: str, now: datetime) -> bool:
    """Closes the alarm, whose cause has passed; returns False if none was open."""
    found = Alarm.objects.filter(provider=provider_id, kind=kind, subject=subject, closed_at=None)
    return bool(found.update(closed_at=now, closed_by=actor))


def close_by_id(alarm_id: int, actor: str, now: datetime) -> bool:
    """Closes an alarm that a member of staff has seen to; returns False if it is not open."""
    return bool(Alarm.objects.filter(pk=alarm_id, closed_at=None).update(closed_at=now, closed_by=actor))


def recent(
    *,
    is_open: bool = True,
    kind: str | None = None,
    provider_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Alarm]:
    """Returns up to `limit` (at most 200) open (or closed) alarms below the id `before`, newest first, with providers.

    Only those of one kind or about one provider, if these are given.
    """
    conditions = {"kind": kind, "provider": provider_id, "pk__lt": before}
    found = Alarm.objects.filter(closed_at__isnull=is_open).select_related("provider")
    found = found.filter(**{name: value for name, value in conditions.items() if value is not None})
    return list(found.order_by("-pk")[: max(1, min(limit, MOST_ON_A_PAGE))])


def count_open(most: int = 1000) -> int:
    """Returns how many alarms are open, `most` if there are as many or more."""
    return Alarm.objects.filter(closed_at=None)[:most].count()
