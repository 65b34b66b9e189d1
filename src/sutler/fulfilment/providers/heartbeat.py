"""Whether a worker lives: while one does, it says so every few seconds."""

from datetime import datetime, timedelta

from sutler.fulfilment.models import Heartbeat

EVERY = timedelta(seconds=30)
# A worker that has been silent for so long is thought to be gone.
SILENT_FOR = timedelta(minutes=2)


def beat(now: datetime) -> int:
    """Says that a worker lives, if nobody has said so lately; returns 0: it is no work."""
    last = last_at()
    if last is None or last <= now - EVERY:
        Heartbeat.objects.update_or_create(pk=1, defaults={"at": now})
    return 0


def last_at() -> datetime | None:
    """Returns when a worker last said that it lives, None if none ever did."""
    return Heartbeat.objects.filter(pk=1).values_list("at", flat=True).first()


def is_alive(last: datetime | None, now: datetime) -> bool:
    """Returns True if a worker that was heard of at `last` is thought to live."""
    return last is not None and last > now - SILENT_FOR
