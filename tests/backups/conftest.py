"""A panel to back up on the engine of the suite, and one good archive of it to break."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sutler.accounts.secret_key import digest
from sutler.backups import archive as archives
from sutler.backups.archive import Source
from tests.blank import Blank, fresh_database
from tests.conftest import NOW

PASSPHRASE = "correct horse battery staple"
KEYS = ("the newest key", "an older key")
SALT = "5a" * 32


@dataclass(frozen=True)
class Sample:
    """A panel, and an archive of it."""

    source: Source
    archive: Path


def execute(source: Source, statement: str) -> None:
    """Runs one statement on a panel's database, in a transaction of its own."""
    if source.database_url:
        with psycopg.connect(source.database_url, autocommit=True) as server:
            server.execute(statement.encode())
        return
    with closing(sqlite3.connect(source.data_dir / "sutler.sqlite3")) as file, file:
        file.execute(statement)


def rows(source: Source, query: str) -> list[Any]:
    """Returns the rows of one query on a panel's database."""
    if source.database_url:
        with psycopg.connect(source.database_url) as server:
            return server.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(source.data_dir / "sutler.sqlite3")) as file:
        return file.execute(query).fetchall()


def break_the_books(source: Source) -> None:
    """Books a transfer for an order that is not there."""
    execute(
        source,
        "INSERT INTO books_transfer (cause, debit_id, credit_id, amount_micros, order_id, reason, created_at)"
        " VALUES ('order:4711', 998, 999, 1, 4711, '', '2026-11-21 12:00:00')",
    )


@pytest.fixture(scope="module")
def sample(blank: Blank, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("sample")
    with fresh_database(f"sutler_backup_{os.getpid()}", blank.database) as url:
        if not url:
            shutil.copyfile(blank.file, folder / "sutler.sqlite3")
        source = Source(folder, url, tuple(key.replace(" ", "-") for key in KEYS))
        execute(source, f"INSERT INTO accounts_panelkey (id, digest) VALUES (1, '{digest(source.keys[0])}')")
        with archives.held(folder / "backups"):
            made = archives.create(source, folder / "backups", NOW, passphrase=PASSPHRASE, salt=SALT)
        yield Sample(source, made)


@pytest.fixture
def archive(sample: Sample, tmp_path: Path) -> Path:
    """A copy of the good archive, to be broken."""
    copy = tmp_path / "backups" / sample.archive.name
    shutil.copytree(sample.archive, copy)
    return copy


@pytest.fixture
def elsewhere(blank: Blank) -> Iterator[str]:
    """The URL of another, empty database on PostgreSQL; nothing on SQLite."""
    with fresh_database(f"sutler_restored_{os.getpid()}") as url:
        yield url
