"""The database of a panel as a backup sees it: SQLite or PostgreSQL behind one set of verbs."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any


class Database(ABC):
    """A database that can be dumped to a file and loaded from one. Every verb raises BackupFault where it cannot."""

    engine: str
    dump_name: str

    @abstractmethod
    def version(self) -> str:
        """Returns the version of the engine."""

    def migrations(self) -> tuple[str, ...]:
        """Returns the migrations the database has had, as `orders.0001_tables`, sorted; empty if it has no tables."""
        rows = self._rows("django_migrations", "SELECT app || '.' || name FROM django_migrations")
        return tuple(sorted(row[0] for row in rows))

    def key_digest(self) -> str:
        """Returns the digest of the panel's secret key; empty if no key has claimed the database."""
        rows = self._rows("accounts_panelkey", "SELECT digest FROM accounts_panelkey WHERE id = 1")
        return str(rows[0][0]) if rows else ""

    @abstractmethod
    def size_bytes(self) -> int | None:
        """Returns how large a dump will be; None if that cannot be known before."""

    @abstractmethod
    def is_empty(self) -> bool:
        """Returns True if nothing is there that a restore would write over."""

    @abstractmethod
    def dump(self, file: Path) -> None:
        """Writes one consistent state of the database into an empty file, while others work with the database."""

    @abstractmethod
    def load(self, file: Path) -> None:
        """Fills the empty database from a dump: whole or not at all."""

    @abstractmethod
    def _rows(self, table: str, query: str) -> list[Any]:
        """Returns the rows of a query of this table; none if there is no such table."""
