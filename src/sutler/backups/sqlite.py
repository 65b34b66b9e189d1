"""SQLite: copied by its online backup API, which sees one commit and holds up no other."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sutler.backups import files
from sutler.backups.database import Database
from sutler.backups.fault import BackupFault, reason

_WAIT_SECONDS = 30.0
_HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"


class Sqlite(Database):
    """A database file, of a panel or of a scratch folder."""

    engine = "sqlite"
    dump_name = "database.sqlite3"

    def __init__(self, file: Path) -> None:
        self.file = file

    def version(self) -> str:
        """Returns the version of the library that this program uses."""
        return sqlite3.sqlite_version

    def size_bytes(self) -> int | None:
        """Returns the size of the file."""
        return self.file.stat().st_size if self.file.is_file() else None

    def is_empty(self) -> bool:
        """Returns True if there is no such file."""
        return not self.file.exists()

    def dump(self, file: Path) -> None:
        """Copies the file by the online backup API in one step: a step in parts would begin anew with each commit."""
        with self._opened() as live, closing(sqlite3.connect(file)) as copy:
            live.backup(copy)

    def load(self, file: Path) -> None:
        """Copies the dump to the file's place, by a temporary name, and reads every page of it."""
        new = self.file.with_name(self.file.name + ".new")
        try:
            new.unlink(missing_ok=True)
            files.new_file(new)
            shutil.copyfile(file, new)
            Sqlite(new).demand_integrity()
            files.sync(new)
            new.rename(self.file)
            files.sync(self.file.parent)
        except OSError as error:
            raise BackupFault(reason(error)) from error
        finally:
            for left in (new, *(new.with_name(new.name + end) for end in ("-wal", "-shm"))):
                left.unlink(missing_ok=True)

    def demand_integrity(self) -> None:
        """Raises BackupFault if a page, an index or a row of the file is damaged."""
        with self._opened() as connection:
            [first, *_] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if first != "ok":
            raise BackupFault(f"the database is damaged: {first}")

    def _rows(self, table: str, query: str) -> list[Any]:
        with self._opened() as connection:
            return connection.execute(query).fetchall() if connection.execute(_HAS_TABLE, [table]).fetchone() else []

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if not self.file.is_file():
            raise BackupFault(f"there is no database {self.file}")
        address = f"file:{quote(str(self.file.absolute()))}?mode=rw"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise BackupFault(f"{self.file}: {error}") from error
