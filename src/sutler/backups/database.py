"""The database of a panel as a backup sees it: SQLite or PostgreSQL behind one set of verbs."""

from pathlib import Path
from typing import Protocol

from sutler.backups.postgres import Postgres
from sutler.backups.sqlite import Sqlite


class Database(Protocol):
    """A database that can be dumped to a file and loaded from one. Every verb raises BackupFault where it cannot."""

    engine: str
    dump_name: str

    def version(self) -> str:
        """Returns the version of the engine."""

    def migrations(self) -> tuple[str, ...]:
        """Returns the migrations the database has had, as `orders.0001_tables`, sorted; empty if it has no tables."""

    def key_digest(self) -> str:
        """Returns the digest of the panel's secret key; empty if no key has claimed the database."""

    def size_bytes(self) -> int | None:
        """Returns how large a dump will be; None if that cannot be known before."""

    def is_empty(self) -> bool:
        """Returns True if nothing is there that a restore would write over."""

    def dump(self, file: Path) -> None:
        """Writes one consistent state of the database into an empty file, while others work with the database."""

    def load(self, file: Path) -> None:
        """Fills the empty database from a dump: whole or not at all."""


def database_of(data_dir: Path, database_url: str) -> Database:
    """Returns the database of a panel with this data folder and SUTLER_DATABASE_URL (empty: SQLite)."""
    return Postgres(database_url) if database_url else Sqlite(data_dir / "sutler.sqlite3")
