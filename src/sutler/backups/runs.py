"""The runs of `sutler backup`, when the next is due, and the alarms when one failed or none succeeded for too long."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError

from sutler.backups.archive import Manifest
from sutler.backups.models import BackupRun
from sutler.config import ConfigError
from sutler.core.events import CauseKind, cause, failure
from sutler.core.subjects import WHOLE
from sutler.fulfilment.models import Alarm
from sutler.fulfilment.providers import alarms
from sutler.storage.transactions import durable

State = BackupRun.State
Kind = Alarm.Kind
ACTOR = "backup"
OLDEST = timedelta(hours=26)
RETRY_AFTER = timedelta(hours=1)
# No run takes so long: whoever had begun it is gone.
LONGEST = timedelta(hours=9)
MOST_KEPT = 400
WATCH_EVERY = timedelta(minutes=1)
STOPPED = "the process that had begun it was stopped"


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of backups. Without a folder none is made by the worker."""

    folder: str
    keep: int
    hour: int

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Plan":
        """Reads the settings. Raises ConfigError for a number out of its range."""
        plan = cls(values["SUTLER_BACKUP_DIR"], values["SUTLER_BACKUP_KEEP"], values["SUTLER_BACKUP_HOUR"])
        if not 1 <= plan.keep <= 10_000:
            raise ConfigError("SUTLER_BACKUP_KEEP must be between 1 and 10000")
        if not 0 <= plan.hour <= 23:
            raise ConfigError("SUTLER_BACKUP_HOUR must be between 0 and 23 (UTC)")
        return plan


@dataclass(frozen=True, slots=True)
class Status:
    """How backups do: the newest run, the newest that is done, and how old that one's data is."""

    last: BackupRun | None
    done: BackupRun | None
    age_seconds: float

    @property
    def is_ok(self) -> bool:
        """Whether the newest run that has ended is done, and not longer ago than 26 hours."""
        has_failed = self.last is not None and self.last.state == State.FAILED
        return not has_failed and self.age_seconds <= OLDEST.total_seconds()


def begin(now: datetime) -> BackupRun | None:
    """Begins a run; returns None while another is under way. Gives up one that has been under way for 9 hours."""
    try:
        with durable():
            _give_up(now)
            return BackupRun.objects.create(started_at=now)
    except IntegrityError:
        return None


def end(run: BackupRun, archive: str, manifest: Manifest, now: datetime, *, is_checked: bool) -> None:
    """Ends a run as done, and closes the alarms about backups."""
    with durable():
        ended = BackupRun.objects.filter(pk=run.pk, state=State.RUNNING)
        ended.update(
            state=State.DONE,
            finished_at=now,
            archive=archive[:1000],
            size_bytes=manifest.size_bytes,
            has_key=manifest.has_key,
            is_checked=is_checked,
        )
        for kind in (Kind.BACKUP_FAILED, Kind.BACKUP_MISSED):
            alarms.close(None, kind, WHOLE, ACTOR, now)
        _forget_old()


def fail(run: BackupRun, fault: str, now: datetime) -> None:
    """Ends a run as failed, and raises the alarm."""
    with durable():
        _fail(run, fault, now)
        _forget_old()


def status(now: datetime) -> Status:
    """Returns how backups do. One under way is not the newest run yet."""
    last = BackupRun.objects.exclude(state=State.RUNNING).order_by("-pk").first()
    done = BackupRun.objects.filter(state=State.DONE).order_by("-started_at").first()
    return Status(last, done, (now - done.started_at).total_seconds() if done else math.inf)


def is_due(plan: Plan, now: datetime) -> bool:
    """Returns True if the worker is to make a backup: none is done since the hour of the day last came round.

    Not while one is under way, nor within an hour after one that failed.
    """
    if not plan.folder:
        return False
    hour = now.replace(hour=plan.hour, minute=0, second=0, microsecond=0)
    since = hour if hour <= now else hour - timedelta(days=1)
    newest = BackupRun.objects.order_by("-pk").first()
    if newest is None:
        return True
    if newest.state == State.RUNNING:
        return newest.started_at < now - LONGEST
    if newest.state == State.FAILED and newest.started_at > now - RETRY_AFTER:
        return False
    return not BackupRun.objects.filter(state=State.DONE, started_at__gte=since).exists()


class Watch:
    """Notices that no backup has succeeded for 26 hours: the one that failed, and the one that never ran."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._first_at: datetime | None = None
        self._next_at: datetime | None = None

    def watch(self, now: datetime) -> int:
        """Looks once a minute where backups are configured, and raises the alarm; a job of the worker.

        Returns how many alarms it raised.
        """
        if not self._plan.folder or (self._next_at is not None and now < self._next_at):
            return 0
        self._next_at = now + WATCH_EVERY
        self._first_at = self._first_at or now
        if BackupRun.objects.filter(state=State.RUNNING, started_at__lt=now - LONGEST).exists():
            with durable():
                _give_up(now)
        since = self._since()
        if now - since <= OLDEST or alarms.last_sounded(None, Kind.BACKUP_MISSED, WHOLE) is not None:
            return 0
        with durable():
            hours = int((now - since).total_seconds()) // 3600
            alarms.sound(None, Kind.BACKUP_MISSED, WHOLE, cause(CauseKind.BACKUP_MISSED, count=hours), now)
        return 1

    def _since(self) -> datetime:
        """Returns the start of the last run that is done; else of the first run, else the moment of the first look."""
        done = BackupRun.objects.filter(state=State.DONE).order_by("-started_at").first()
        first = done or BackupRun.objects.order_by("pk").first()
        assert self._first_at is not None  # noqa: S101 - `watch` has set it
        return first.started_at if first else self._first_at


def _give_up(now: datetime) -> None:
    for run in BackupRun.objects.filter(state=State.RUNNING, started_at__lt=now - LONGEST):
        _fail(run, STOPPED, now)


def _fail(run: BackupRun, fault: str, now: datetime) -> None:
    under_way = BackupRun.objects.filter(pk=run.pk, state=State.RUNNING)
    if under_way.update(state=State.FAILED, finished_at=now, fault=fault[:1000]):
        alarms.sound(None, Kind.BACKUP_FAILED, WHOLE, cause(CauseKind.BACKUP_FAILED, cause=failure(fault)), now)


def _forget_old() -> None:
    """Deletes what is beyond the newest 400 runs."""
    oldest = BackupRun.objects.order_by("-pk").values_list("pk", flat=True)[MOST_KEPT : MOST_KEPT + 1].first()
    if oldest is not None:
        BackupRun.objects.filter(pk__lte=oldest).delete()
