"""Transactions whose outcome is known: committed, not committed, or honestly unclear."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection, transaction

from sutler.storage.statements import is_postgres

_LOOK_AGAIN_SECONDS = 0.05
_LOOKS = 60
# It may not have noticed the loss, and then holds its locks; a COMMIT that it is in the middle of is finished first.
_END_BACKEND = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s"


class Busy(Exception):
    """The database could not do it now (locked, full, away). Nothing was committed; trying again later is right."""


class ConnectionLost(Busy):
    """The connection had been lost before COMMIT. Nothing was committed; on a new one it may be done at once."""


class CommitUnclear(Exception):
    """The connection was lost during COMMIT, and it could not be found out whether it took effect."""


@contextmanager
def durable() -> Iterator["Receipt"]:
    """One transaction. When the block ends without an error, all of it is durable.

    Raises Busy (or ConnectionLost) if nothing was committed because the database was locked, full or away, and
    CommitUnclear if the connection was lost during COMMIT. Then, if the block had named a row that it writes
    (`Receipt.wrote`), that row is looked up first, on a new connection and after the old one has ended: found, the
    transaction is done after all.
    """
    receipt = Receipt()
    atomic = transaction.atomic()
    try:
        with atomic:
            yield receipt
            receipt.committing = is_postgres()
            if receipt.committing:
                receipt.backend = connection.connection.info.backend_pid
    except (OperationalError, InterfaceError) as error:
        busy = busy_after(error)
        if not receipt.committing:
            raise busy from error
        if not _took_effect(receipt):
            raise Busy(str(error)) from error


def busy_after(error: Exception) -> Busy:
    """Closes this thread's connection after an error of the database; returns what the error means for the caller."""
    driver = connection.connection
    is_lost = is_postgres() and driver is not None and bool(driver.closed)
    connection.close()
    return ConnectionLost(str(error)) if is_lost else Busy(str(error))


def is_fault(error: BaseException | None) -> bool:
    """Returns True for what is raised where the database is full, locked, read-only or away: no bug of ours."""
    if isinstance(error, Busy | CommitUnclear | InterfaceError):
        return True
    cause = error.__cause__ if error else None
    if isinstance(error, OperationalError):
        # SQLite says so too of a statement that is wrong: its code is then 1.
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF != 1
    return isinstance(error, InternalError) and type(cause).__name__ == "ReadOnlySqlTransaction"


class Receipt:
    """What a transaction leaves behind to find out later whether it took effect."""

    def __init__(self) -> None:
        self.committing = False
        self.backend = 0
        self.row: tuple[str, int] | None = None

    def wrote(self, table: str, row_id: int) -> None:
        """Names one row that exists if and only if this transaction has committed."""
        self.row = (table, row_id)


def _took_effect(receipt: Receipt) -> bool:
    """Looks up, never repeats. Raises CommitUnclear if it cannot be known."""
    if receipt.row is None:
        raise CommitUnclear
    table, row_id = receipt.row
    for _ in range(_LOOKS):
        try:
            with connection.cursor() as cursor:
                cursor.execute(_END_BACKEND, (receipt.backend,))
                if cursor.fetchone() is None:
                    cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s", (row_id,))  # noqa: S608
                    return cursor.fetchone() is not None
        except DatabaseError:
            connection.close()
        time.sleep(_LOOK_AGAIN_SECONDS)
    raise CommitUnclear
