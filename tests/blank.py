"""The tests' databases: copies of one that is migrated once for all runs and kept by the digest of the migrations."""

import contextlib
import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import Style
from django.db import connection
from pytest_django import DjangoDbBlocker

ROOT = Path(__file__).parent.parent
# Of this checkout alone: another may have other migrations.
_TEMPLATES = f"sutler_template_{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}_"


@dataclass(frozen=True)
class Blank:
    """A migrated database with nothing in it: a panel that is copied from it starts seconds earlier."""

    file: Path
    database: str


def digest() -> str:
    """Returns what changes with whatever makes the tables: our migrations and the libraries'."""
    made_by = [ROOT / "requirements.txt", *sorted((ROOT / "src").rglob("migrations/*.py"))]
    return hashlib.sha256(b"".join(each.read_bytes() for each in made_by)).hexdigest()[:16]


@contextlib.contextmanager
def fresh_database(name: str, template: str = "template1") -> Iterator[str]:
    """Gives the URL of a new PostgreSQL database where the suite runs on PostgreSQL, nothing on SQLite."""
    url = os.environ.get("SUTLER_DATABASE_URL", "")
    if not url:
        yield ""
        return
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, pytestconfig: pytest.Config
) -> Iterator[Blank]:
    """The tests' own database, and the template that panels of tests are copied from."""
    assert pytestconfig.cache is not None
    blank = Blank(pytestconfig.cache.mkdir("blank") / f"{digest()}.sqlite3", _TEMPLATES + digest())
    is_sqlite = connection.vendor == "sqlite"
    name = "file:sutler_test?mode=memory&cache=shared" if is_sqlite else f"sutler_test_{os.getpid()}"
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    with django_db_blocker.unblock(), (blank.file.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several runs of the suite begin together
        if is_sqlite:
            _begin_on_sqlite(blank)
        else:
            _make_template(blank.database)
            connection.ops.sql_flush = _delete_rows  # type: ignore[method-assign, assignment]
    with fresh_database(name, blank.database):
        yield blank
        with django_db_blocker.unblock():
            connection.close()


def _begin_on_sqlite(blank: Blank) -> None:
    connection.ensure_connection()
    if blank.file.exists():
        with contextlib.closing(sqlite3.connect(blank.file)) as file:
            file.backup(connection.connection)
        return
    call_command("migrate", verbosity=0, interactive=False)
    for old in blank.file.parent.glob("*.sqlite3"):
        old.unlink()
    new = blank.file.with_suffix(".new")
    with contextlib.closing(sqlite3.connect(new)) as file:
        connection.connection.backup(file)
    new.replace(blank.file)


def _make_template(name: str) -> None:
    url = os.environ["SUTLER_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as server:
        old = {
            row[0]
            for row in server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_TEMPLATES])
        }
        if name in old:
            return
        new = f"{name}_{os.getpid()}"
        server.execute(f'CREATE DATABASE "{new}"'.encode())
        own, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], new
        call_command("migrate", verbosity=0, interactive=False)
        connection.close()
        connection.settings_dict["NAME"] = own
        server.execute(f'ALTER DATABASE "{new}" RENAME TO "{name}"'.encode())
        for each in old:
            server.execute(f'DROP DATABASE IF EXISTS "{each}"'.encode())


def _delete_rows(style: Style, tables: list[str], *, reset_sequences: bool, allow_cascade: bool) -> list[str]:
    """Empties tables after a test that committed: to truncate a hundred, PostgreSQL makes a hundred new files."""
    sequences = [each for each in connection.introspection.sequence_list() if each["table"] in tables]
    deletes = [f"DELETE FROM {connection.ops.quote_name(each)}" for each in tables]
    return deletes + (connection.ops.sequence_reset_by_name_sql(style, sequences) if reset_sequences else [])


@pytest.fixture(scope="session")
def blank(django_db_setup: Blank) -> Blank:
    return django_db_setup
