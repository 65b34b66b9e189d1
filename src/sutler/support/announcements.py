"""Announcements: what staff say to all customers on their dashboards."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line, paragraphs
from sutler.support.models import Announcement

LONGEST_TITLE, LONGEST_TEXT = 200, 5000
MOST_SHOWN, MOST_LISTED = 5, 200


def save(
    title: str,
    text: str,
    level: str,
    shown_from: datetime,
    shown_until: datetime | None,
    actor: User,
    now: datetime,
    *,
    announcement_id: int | None = None,
) -> Announcement | Refusal:
    """Makes an announcement, or changes one.

    Refuses with NOT_FOUND, or INCORRECT_FIELD `title`, `text`, `level` or `until` (not after its beginning).
    """
    called, said = one_line(title, LONGEST_TITLE), paragraphs(text, LONGEST_TEXT)
    faults = {
        "title": not called,
        "text": said is None,
        "level": level not in Announcement.Level.values,
        "until": shown_until is not None and shown_until <= shown_from,
    }
    for name, is_wrong in faults.items():
        if is_wrong:
            return Refusal(Reason.INCORRECT_FIELD, name)
    with transaction.atomic():
        found = Announcement.objects.select_for_update().filter(pk=announcement_id or 0)
        made = found.first() if announcement_id else Announcement(written_by=actor)
        if made is None:
            return Refusal(Reason.NOT_FOUND)
        made.title, made.text, made.level = called or "", said or "", level
        made.shown_from, made.shown_until = shown_from, shown_until
        made.save()
        audit_log.write(
            actor, "announcement saved", Subject(SubjectType.ANNOUNCEMENT, made.pk), now, after={"title": made.title}
        )
        return made


def take_back(announcement_id: int, actor: User, now: datetime) -> Refusal | None:
    """Shows an announcement no longer. Refuses with NOT_FOUND."""
    with transaction.atomic():
        shown = Announcement.objects.filter(pk=announcement_id).filter(Q(shown_until=None) | Q(shown_until__gt=now))
        if not shown.update(shown_until=now) and not Announcement.objects.filter(pk=announcement_id).exists():
            return Refusal(Reason.NOT_FOUND)
        audit_log.write(actor, "announcement taken back", Subject(SubjectType.ANNOUNCEMENT, announcement_id), now)
    return None


def current(now: datetime) -> list[Announcement]:
    """Returns what customers are shown now, the newest five first."""
    shown = Announcement.objects.filter(Q(shown_until=None) | Q(shown_until__gt=now), shown_from__lte=now)
    return list(shown.order_by("-shown_from", "-pk")[:MOST_SHOWN])


def of_all() -> list[Announcement]:
    """Returns the newest two hundred announcements, those to come and those past among them, for staff."""
    return list(Announcement.objects.select_related("written_by").order_by("-pk")[:MOST_LISTED])
