"""Whether orders can be written: tried with one durable write, at most one at a time and one in a second.

On a full disk SQLite still takes what fits into the log that it has, now and then. So the probe writes about as much as
a list of orders does.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.core.cache import caches
from django.db import Error, connection, transaction

from sutler.accounts.models import Shared
from sutler.storage.statements import is_postgres

WAIT_SECONDS = 1
_GOOD_FOR_SECONDS = 1
_CHARACTERS = 262_144
_NAME = "write-probe"
_one_at_a_time = threading.Lock()


def obstacle(now: datetime) -> str:
    """Returns that nothing can be written (full, locked, read-only, away), within a few seconds; empty if it can."""
    kept = caches["process"]
    if kept.get(_NAME):
        return ""
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        return "writing takes too long"
    try:
        if not kept.get(_NAME):
            _write(now)
            kept.set(_NAME, True, _GOOD_FOR_SECONDS)
    except Error:
        return "nothing can be written to the database"
    finally:
        _one_at_a_time.release()
    return ""


def _write(now: datetime) -> None:
    row = Shared(cache_key=_NAME, value=now.isoformat().ljust(_CHARACTERS), expires=now + timedelta(days=1))
    with _impatient(), transaction.atomic():
        if is_postgres():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
                cursor.execute(f"SET LOCAL statement_timeout = '{2 * WAIT_SECONDS}s'")
        Shared.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["cache_key"], update_fields=["value", "expires"]
        )


@contextmanager
def _impatient() -> Iterator[None]:
    """Has SQLite wait for a lock no longer than the probe may take."""
    if is_postgres():
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        patience = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
