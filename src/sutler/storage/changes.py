"""Whether anything was committed to the database since: asked by whoever has nothing to do until something is."""

from django.db import connection

from sutler.storage.statements import is_postgres


def mark() -> object:
    """Returns what is another value once somebody else has committed, for this thread's connection. Costs next to
    nothing. On PostgreSQL whatever the server writes counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text" if is_postgres() else "PRAGMA data_version")
        value: object = cursor.fetchone()[0]
        return value
