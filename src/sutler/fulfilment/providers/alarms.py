"""Alarms: what staff must look at. One is open for each kind and provider, with all that it is about."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import connection
from django.db.models import Count

from sutler.core.events import Cause
from sutler.core.subjects import Subject
from sutler.fulfilment.models import Alarm, AlarmSubject
from sutler.storage.statements import moment

MOST_ON_A_PAGE = 200
# How many things an alarm may be about that are shown with it, the newest first.
MOST_SUBJECTS = 100
LONGEST_ID = 100
_RAISE = """
    INSERT INTO fulfilment_alarm
        (provider_id, kind, subject_type, subject_id, cause, times, raised_at, last_at, closed_by)
    VALUES (%s, %s, %s, %s, %s, 1, %s, %s, '')
    ON CONFLICT {guard}
    DO UPDATE SET times = fulfilment_alarm.times + 1, last_at = excluded.last_at,
        subject_type = excluded.subject_type, subject_id = excluded.subject_id, cause = excluded.cause
    RETURNING id
"""
_RAISE_OF_PROVIDER = _RAISE.format(guard="(provider_id, kind) WHERE closed_at IS NULL")
# NULL conflicts with nothing: the panel's alarms have a guard of their own.
_RAISE_OF_PANEL = _RAISE.format(guard="(kind) WHERE closed_at IS NULL AND provider_id IS NULL")
_NAME = """
    INSERT INTO fulfilment_alarmsubject (alarm_id, subject_type, subject_id, cause, times, raised_at, last_at)
    VALUES (%s, %s, %s, %s, 1, %s, %s)
    ON CONFLICT (alarm_id, subject_type, subject_id)
    DO UPDATE SET times = fulfilment_alarmsubject.times + 1, last_at = excluded.last_at, cause = excluded.cause
    RETURNING times
"""


def sound(provider_id: int | None, kind: Alarm.Kind, subject: Subject, cause: Cause, now: datetime) -> bool:
    """Opens the alarm about this subject, or counts it where it is open already; returns True if it was not open.

    Belongs into the transaction of what caused it.
    """
    values = [subject.type.value, str(subject.id)[:LONGEST_ID], json.dumps(cause), moment(now), moment(now)]
    with connection.cursor() as cursor:
        raised = _RAISE_OF_PANEL if provider_id is None else _RAISE_OF_PROVIDER
        cursor.execute(raised, [provider_id, kind.value, *values])
        [alarm_id] = cursor.fetchone()
        cursor.execute(_NAME, [alarm_id, *values])
        return bool(cursor.fetchone()[0] == 1)


def close(provider_id: int | None, kind: Alarm.Kind, subject: Subject, actor: str, now: datetime) -> bool:
    """Takes off what has passed, and closes the alarm with the last of its subjects; returns False if it was not open.

    Belongs into the transaction of what has passed.
    """
    alarm = Alarm.objects.select_for_update().filter(provider=provider_id, kind=kind, closed_at=None).first()
    if alarm is None or not alarm.subjects.filter(subject_type=subject.type, subject_id=subject.id).delete()[0]:
        return False
    newest = alarm.subjects.order_by("-last_at", "-pk").first()
    if newest is None:
        alarm.closed_at, alarm.closed_by = now, actor
    else:
        alarm.subject_type, alarm.subject_id, alarm.cause = newest.subject_type, newest.subject_id, newest.cause
    alarm.save(update_fields=["closed_at", "closed_by", "subject_type", "subject_id", "cause"])
    return True


def close_by_id(alarm_id: int, actor: str, now: datetime) -> bool:
    """Closes an alarm that a member of staff has seen to; returns False if it is not open."""
    return bool(Alarm.objects.filter(pk=alarm_id, closed_at=None).update(closed_at=now, closed_by=actor))


def last_sounded(provider_id: int | None, kind: Alarm.Kind, subject: Subject) -> datetime | None:
    """Returns when the alarm of this kind about the subject was raised last; None if none is open."""
    about = AlarmSubject.objects.filter(alarm__provider=provider_id, alarm__kind=kind, alarm__closed_at=None)
    return about.filter(subject_type=subject.type, subject_id=subject.id).values_list("last_at", flat=True).first()


def recent(
    *,
    is_open: bool = True,
    kind: str | None = None,
    provider_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Alarm]:
    """Returns up to `limit` (at most 200) open (or closed) alarms below the id `before`, newest first, with providers.

    Only those of one kind or about one provider, if these are given. Each has `subject_count`.
    """
    conditions = {"kind": kind, "provider": provider_id, "pk__lt": before}
    found = Alarm.objects.filter(closed_at__isnull=is_open).select_related("provider")
    found = found.filter(**{name: value for name, value in conditions.items() if value is not None})
    counted = found.annotate(subject_count=Count("subjects"))
    return list(counted.order_by("-pk")[: max(1, min(limit, MOST_ON_A_PAGE))])


def subjects_of(alarm_ids: Collection[int]) -> Mapping[int, list[AlarmSubject]]:
    """Returns what these alarms are about, the newest first, up to 100 in all for each alarm that is asked about."""
    alarm_subjects = AlarmSubject.objects.filter(alarm__in=alarm_ids).order_by("-pk")[: MOST_SUBJECTS * len(alarm_ids)]
    subjects: dict[int, list[AlarmSubject]] = defaultdict(list)
    for each in alarm_subjects:
        subjects[each.alarm_id].append(each)
    return subjects


def count_open(most: int = 1000) -> int:
    """Returns how many alarms are open, `most` if there are as many or more."""
    return Alarm.objects.filter(closed_at=None)[:most].count()
