"""Urgent announcements, which stand above every page of customers."""

from django.core.cache import caches

from sutler.core.clock import SystemClock
from sutler.support import announcements
from sutler.support.models import Announcement

# For so long a process shows what it has read: what staff announce or end is everywhere after this.
KEPT_SECONDS = 15


def urgent() -> list[Announcement]:
    """Returns the urgent announcements of now, the newest first, kept for KEPT_SECONDS."""
    found: list[Announcement] | None = caches["process"].get_or_set("urgent", _read, KEPT_SECONDS)
    return found or []


def _read() -> list[Announcement]:
    shown = announcements.current(SystemClock().now())
    return [each for each in shown if each.level == Announcement.Level.DANGER]
