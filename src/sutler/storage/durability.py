"""What the database must promise before the panel starts: a commit that was answered survives a power cut."""

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

# What each engine answers for a setting, and the answers that will do.
_SQLITE = {
    "journal_mode": {"wal"},
    "synchronous": {"2"},  # FULL; NORMAL loses the last commits in a power cut
    "foreign_keys": {"1"},
    "busy_timeout": {"5000"},
}
_POSTGRESQL = {
    "synchronous_commit": {"on", "remote_apply"},
    "fsync": {"on"},
    "full_page_writes": {"on"},
}


class NotDurable(Exception):
    """The database may lose what it has acknowledged. The message names the setting, fit to be shown."""


def check_every_connection() -> None:
    """Checks this thread's connection now, and each that this process opens from now on as it is opened.

    Raises NotDurable, as does whatever opens one that is not as promised; it is closed and never used.
    """
    connection.close()
    connection_created.connect(check_opened, dispatch_uid="durability")
    connection.ensure_connection()


def check_opened(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Receives Django's signal of a new connection; closes what is not as promised and raises NotDurable."""
    try:
        check(connection)
    except NotDurable:
        connection.close()
        raise


def check(database: BaseDatabaseWrapper | None = None) -> None:
    """Reads the settings back from the engine, by default over this thread's connection.

    Raises NotDurable for the first one that is not as promised.
    """
    asked = database or connection
    query, wanted = ("PRAGMA", _SQLITE) if asked.vendor == "sqlite" else ("SHOW", _POSTGRESQL)
    with asked.cursor() as cursor:
        for setting, good in wanted.items():
            cursor.execute(f"{query} {setting}")
            found = str(cursor.fetchone()[0])
            if found not in good:
                raise NotDurable(
                    f"the database may lose what it has acknowledged: {setting} is {found}, must be {min(good)}"
                )
