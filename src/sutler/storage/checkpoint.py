"""Copying SQLite's write-ahead log back into the database while others write.

Left to itself SQLite does this inside the commit that finds the log long, and on a large database that commit and all
who wait behind it stand still. Done beside, the commit finds nearly nothing left to copy.
"""

import threading

import structlog
from django.db import Error, connection

_log = structlog.get_logger()

PAUSE_SECONDS = 0.5


def keep_copying(stop: threading.Event) -> None:
    """Copies what can be copied without holding up anybody, again and again until told to stop."""
    while not stop.wait(PAUSE_SECONDS):
        try:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
                cursor.fetchall()
        except Error as error:
            _log.warning("checkpoint_failed", why=str(error))
            connection.close()
    connection.close()
