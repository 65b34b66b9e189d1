"""The worker's part of backups: makes and checks the one of the day, as `sutler backup --check` does."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from sutler.backups import runs
from sutler.backups.runs import Plan

_log = structlog.get_logger(__name__)


class Nightly:
    """Runs the command as a process of its own, so that a large database holds up nothing else of the worker.

    `run` runs a `sutler` command until it ends or `stop` is set, and returns its exit code.
    """

    def __init__(self, plan: Plan, stop: threading.Event, run: Callable[[Sequence[str], threading.Event], int]) -> None:
        self._plan, self._stop, self._run = plan, stop, run
        self._not_before: datetime | None = None

    def make_due(self, now: datetime) -> int:
        """Makes the backup of the day if it is due; returns 1, or 0 if it is not. A job of the worker.

        One that could not even begin is tried again after an hour, as one that failed.
        """
        if (self._not_before is not None and now < self._not_before) or not runs.is_due(self._plan, now):
            return 0
        self._not_before = now + runs.RETRY_AFTER
        code = self._run(("backup", "--check"), self._stop)
        if code and not self._stop.is_set():
            _log.warning("backup.failed", code=code)
        return 1
