"""Django's database cache, which says so when it could not write: a limit that is not counted is no limit."""

import pickle
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connection

from sutler.core.clock import SystemClock

_SET = """
    INSERT INTO {table} (cache_key, value, expires) VALUES (%s, %s, %s)
    ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""
_ADD = _SET + "WHERE {table}.expires < %s"
_TOUCH = "UPDATE {table} SET expires = %s WHERE cache_key = %s"
# How many writes pass before what has expired is cleared away.
_CULL_EVERY = 256
_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


class SharedCache(DatabaseCache):
    """Raises OperationalError where the database is full, locked or away; Django's own goes on in silence.

    One statement a write, and rows are counted now and then: Django's own does so before each.
    """

    # Django's own, which its stubs do not know.
    _table: str
    _cull: Callable[..., None]
    _writes = count(1)
    _clock = SystemClock()

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        until = self.get_backend_timeout(timeout)
        expires = self._adapted(_FOR_EVER if until is None else datetime.fromtimestamp(until, tz=UTC))
        now = self._clock.now().replace(microsecond=0)
        with connection.cursor() as cursor:
            if next(self._writes) % _CULL_EVERY == 0:
                cursor.execute(f"SELECT COUNT(*) FROM {self._table}")  # noqa: S608 - our own table
                self._cull(connection.alias, cursor, now, max(cursor.fetchone()[0], self._max_entries + 1))
            if mode == "touch":
                cursor.execute(_TOUCH.format(table=self._table), [expires, key])
            else:
                text = b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii")
                statement, more = (_ADD, [self._adapted(now)]) if mode == "add" else (_SET, [])
                cursor.execute(statement.format(table=self._table), [key, text, expires, *more])
            return bool(cursor.rowcount)

    @staticmethod
    def _adapted(moment: datetime) -> Any:
        return connection.ops.adapt_datetimefield_value(moment.replace(microsecond=0))
