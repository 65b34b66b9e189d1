"""The worker: keeps time. It does what is due and keeps no state of its own, so several may run at once.

What speaks with providers runs beside it (`supervisor`).
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from sutler.core.clock import Clock, Random
from sutler.fulfilment.sending import outcome, plan_parents
from sutler.orders import subscriptions
from sutler.storage.transactions import Busy, CommitUnclear

Job = Callable[[datetime], int]

# Each does a bounded part of what is due, in transactions of its own, and returns how much that was.
JOBS: tuple[Job, ...] = (
    plan_parents.place_due_runs,
    subscriptions.end_expired,
    subscriptions.place_due_posts,
    outcome.expire_leases,
)

# Between two passes of which the first found something.
BREATH_SECONDS = 0.2
# While nobody writes to the database a pass would find only what its time has come for: that waits so long at most.
LONGEST_REST_SECONDS = 10.0

_log = structlog.get_logger(__name__)


def work(
    clock: Clock,
    chance: Random,
    stop: threading.Event,
    interval_seconds: float,
    jobs: Sequence[Job] = JOBS,
    mark: Callable[[], object] = object,
) -> None:
    """Does what is due, pass after pass, until `stop` is set; the pass under way is finished first.

    After a pass that found nothing it waits about `interval_seconds`, a little more or less by chance, so that several
    workers do not ask in step; and then on, at most 10 s, while `mark` stays what it was before (`storage.changes`).
    A job that fails is logged and tried again in the next pass; the others go on.
    A database that is locked or away is an ordinary condition, said once until it has passed.
    """
    waiting: set[Job] = set()
    while not stop.is_set():
        before, began = _marked(mark), clock.monotonic()
        done = sum(_attempt(job, clock.now(), waiting) for job in jobs)
        # One that found little to do would else begin again at once, and take time and the database from all others.
        stop.wait((BREATH_SECONDS if done else interval_seconds) * chance.uniform(0.9, 1.1))
        while not (done or waiting) and clock.monotonic() < began + LONGEST_REST_SECONDS and _marked(mark) == before:
            if stop.wait(interval_seconds):
                break


def _marked(mark: Callable[[], object]) -> object:
    """Returns the mark; one that is like no other where the database does not answer."""
    try:
        return mark()
    except (DatabaseError, InterfaceError):
        connection.close()
        return object()


def _attempt(job: Job, now: datetime, waiting: set[Job]) -> int:
    """Does the job once; returns how much it did, 0 if it could not. `waiting` holds the jobs the database kept off."""
    try:
        done = job(now)
    except (Busy, CommitUnclear, OperationalError, InterfaceError) as error:
        connection.close()  # it may be broken; the next query opens another
        if job not in waiting:
            _log.warning("worker.waits_for_the_database", job=job.__name__, error=str(error))
        waiting.add(job)
        return 0
    except Exception:  # noqa: BLE001 - one job's bug must not stop the others
        _log.exception("worker.job_failed", job=job.__name__)
        return 0
    waiting.discard(job)
    return done
