"""The panel refuses to start on a database that may lose what it has acknowledged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from sutler import settings
from sutler.storage import durability
from sutler.storage.durability import NotDurable

PROMISED = settings.DATABASES["default"]
on_sqlite = pytest.mark.skipif("sqlite" not in PROMISED["ENGINE"], reason="about SQLite's own settings")
on_postgresql = pytest.mark.skipif("postgresql" not in PROMISED["ENGINE"], reason="about PostgreSQL's own settings")

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture
def opened(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Any]:
    """Opens a database as the panel does, with whatever is given added to its first statements."""
    connections: list[BaseDatabaseWrapper] = []

    def open_with(init_command: str = "", **options: object) -> BaseDatabaseWrapper:
        found: dict[str, Any] = {**PROMISED, "OPTIONS": PROMISED["OPTIONS"] | options}
        if "sqlite" in found["ENGINE"]:
            found["NAME"] = str(tmp_path / "panel.sqlite3")
            found["OPTIONS"]["init_command"] += init_command
        connections.append(ConnectionHandler({"default": found})["default"])
        return connections[-1]

    with django_db_blocker.unblock():
        yield open_with
    for each in connections:
        each.close()


def test_the_panels_own_settings_are_durable(opened: Any) -> None:
    durability.check(opened())


@on_sqlite
@pytest.mark.parametrize(
    ("weakened", "said"),
    [
        ("PRAGMA synchronous=NORMAL;", "synchronous is 1, must be 2"),
        ("PRAGMA synchronous=OFF;", "synchronous is 0, must be 2"),
        ("PRAGMA journal_mode=DELETE;", "journal_mode is delete, must be wal"),
        ("PRAGMA journal_mode=MEMORY;", "journal_mode is memory, must be wal"),
        ("PRAGMA foreign_keys=OFF;", "foreign_keys is 0, must be 1"),
        ("PRAGMA busy_timeout=0;", "busy_timeout is 0, must be 5000"),
    ],
)
def test_a_weaker_setting_of_sqlite_is_named(opened: Any, weakened: str, said: str) -> None:
    with pytest.raises(NotDurable, match=said):
        durability.check(opened(weakened))


@on_postgresql
@pytest.mark.parametrize("weaker", ["off", "local", "remote_write"])
def test_a_commit_that_waits_for_less_is_named(opened: Any, weaker: str) -> None:
    weak = opened(options=f"-c synchronous_commit={weaker}")
    with pytest.raises(NotDurable, match=f"synchronous_commit is {weaker}, must be on"):
        durability.check(weak)


@on_postgresql
def test_a_commit_that_waits_for_the_replica_too_will_do(opened: Any) -> None:
    durability.check(opened(options="-c synchronous_commit=remote_apply"))


@on_sqlite
@pytest.mark.django_db
def test_a_database_in_memory_is_not_durable() -> None:
    with pytest.raises(NotDurable, match="journal_mode is memory"):
        durability.check(connection)


@pytest.fixture
def every_connection_is_checked() -> Iterator[None]:
    connection_created.connect(durability.check_opened)
    yield
    connection_created.disconnect(durability.check_opened)


@on_sqlite
@pytest.mark.usefixtures("every_connection_is_checked")
def test_a_connection_that_is_not_durable_is_never_used(opened: Any) -> None:
    opened().ensure_connection()
    weak = opened("PRAGMA synchronous=NORMAL;")
    for _ in range(2):
        with pytest.raises(NotDurable, match="synchronous is 1"):
            weak.ensure_connection()
        assert weak.connection is None
