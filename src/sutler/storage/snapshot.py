"""One state of the database, however long it is read, without a lock that anybody waits for."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from sutler.storage.statements import is_postgres


@contextmanager
def snapshot() -> Iterator[None]:
    """One reading transaction that sees no later commit; inside a transaction of the caller's, that one.

    On SQLite `transaction.atomic` would take the write lock and hold up every order.
    """
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if is_postgres() else "BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
