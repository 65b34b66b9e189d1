"""Up to which ID a table is complete: so that a reader who goes on from the last ID that it saw never misses a row.

PostgreSQL draws an ID when a row is inserted and shows the row when its transaction commits: row 6 may be seen while
row 5 is still to come, and a reader that remembers 6 never sees 5 (docs/decisions/0042).
"""

import time
from typing import Any, NamedTuple

from django.db import connection

from sutler.storage.statements import is_postgres
from sutler.storage.transactions import Busy

_LOOK_AGAIN_SECONDS = 0.01
# Whether a transaction of this database that is older than the one given has not ended. Each holds a lock on its own
# number until after its rows can be seen. Those of other databases on the server do not matter.
_IS_OLDER_OPEN = """
    SELECT EXISTS (
        SELECT 1 FROM pg_locks held LEFT JOIN pg_stat_activity session USING (pid)
        WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted
        AND (session.datname IS NULL OR session.datname = current_database())
        AND age(held.transactionid) > age(%s::xid)
    )
"""


class _Pending(NamedTuple):
    """The IDs up to `last_id` were drawn by transactions older than `transaction`."""

    last_id: int
    transaction: str


class SettledIds:
    """Follows one table whose key the engine counts up and whose rows keep their key. One for each thread.

    Whoever inserts into the table must have a transaction number before it draws an ID (`{begun}` in a `Statement`).
    """

    def __init__(self, table: str, patience_seconds: float = 5.0) -> None:
        """The first call waits so long, if it must, for transactions that are open then."""
        self._table = table
        self._patience = patience_seconds
        self._settled = 0
        self._pending: _Pending | None = None

    def up_to(self) -> int:
        """Returns an ID at or below which no row will appear any more. Rises from call to call as transactions end.

        Must be called outside a transaction. On PostgreSQL a transaction of this database that writes and stays open
        holds it back; the first call raises transactions.Busy then, since it knows nothing. Raises what the database
        raises.
        """
        if not is_postgres():  # one writer at a time: IDs are in the order of commits
            return self.drawn()
        settled = self._look()
        for _ in range(int(self._patience / _LOOK_AGAIN_SECONDS)):
            if settled or self._pending is None:
                break
            time.sleep(_LOOK_AGAIN_SECONDS)
            settled = self._look()
        if not settled and self._pending is not None:
            raise Busy("transactions that write have been open for long")
        return settled

    def _look(self) -> int:
        if self._pending is None:
            last_id = self.drawn()
            if last_id <= self._settled:
                return self._settled
            # After the ID was read: whoever drew it, or an earlier one, has a lower number than this.
            (number,) = _one("SELECT pg_current_xact_id()::xid::text")
            self._pending = _Pending(last_id, number)
        if _one(_IS_OLDER_OPEN, self._pending.transaction) == (False,):
            self._settled, self._pending = self._pending.last_id, None
        return self._settled

    def drawn(self) -> int:
        """Returns the last ID that was drawn, 0 if none was."""
        if not is_postgres():
            row = _one("SELECT seq FROM sqlite_sequence WHERE name = %s", self._table)
            return int(row[0]) if row else 0
        last_id, is_drawn = _one(f"SELECT last_value, is_called FROM {self._table}_id_seq")  # noqa: S608 - our own
        return int(last_id) if is_drawn else 0


def _one(sql: str, *parameters: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found or ()
