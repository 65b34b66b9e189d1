"""A database that is full, locked or read-only: not ready, "unavailable" instead of a failure, then all goes on."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from sqlite3 import SQLITE_BUSY, SQLITE_ERROR, SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY

import psycopg
import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test import Client

from sutler.accounts import write_probe
from sutler.accounts.models import Customer, Shared
from sutler.storage.transactions import is_fault
from tests.conftest import NOW
from tests.live.caller import until
from tests.live.panel import Panel
from tests.pages.conftest import PASSWORD, make_person

pytestmark = pytest.mark.postgresql

LOGIN = "/account/login/"


def fault(code: int) -> OperationalError:
    """What Django raises for an error of SQLite."""
    error, cause = OperationalError("as it says"), sqlite3.OperationalError("as it says")
    cause.sqlite_errorcode = code
    error.__cause__ = cause
    return error


@contextmanager
def failing(code: int, words: str = "INSERT|UPDATE|DELETE|BEGIN|SAVEPOINT") -> Iterator[None]:
    """Has every statement with such a word fail as SQLite does with this code."""

    def execute(run: Callable[..., object], sql: str, *rest: object) -> object:
        if re.match(words, sql.lstrip()):
            raise fault(code)
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.django_db
@pytest.mark.parametrize("code", [SQLITE_FULL, SQLITE_BUSY, SQLITE_READONLY, SQLITE_IOERR])
@pytest.mark.parametrize(
    ("path", "form"),
    [
        (LOGIN, {"login": "alice@example.com", "password": PASSWORD}),
        (LOGIN, {"login": "alice@example.com", "password": "wrong"}),
        ("/account/signup/", {"email": "c@example.com", "name": "C", "password1": PASSWORD}),
        ("/account/password/reset/", {"email": "alice@example.com"}),
        ("/report", {"email": "a@example.com", "subject": "s", "text": "t", "about": "t"}),
    ],
)
def test_who_writes_on_a_full_disk_is_told_that_the_panel_is_busy(
    alice: Customer, code: int, path: str, form: dict[str, str]
) -> None:
    make_person("alice@example.com", alice)
    browser = Client(raise_request_exception=False)
    with failing(code):
        answer = browser.post(path, form)
    if path == "/report" and answer.status_code == 200:
        pytest.skip("the form was refused before anything was written")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "cannot be saved right now" in answer.content.decode()


@pytest.mark.django_db
def test_a_wrong_statement_stays_a_failure(alice: Customer) -> None:
    make_person("alice@example.com", alice)
    browser = Client(raise_request_exception=False)
    with failing(SQLITE_ERROR, "INSERT INTO .accounts_letter"):
        answer = browser.post("/account/password/reset/", {"email": "alice@example.com"})
    assert answer.status_code == 500


@pytest.mark.parametrize(
    ("error", "is_one"),
    [(fault(1), False), (fault(5), True), (fault(13 | 256), True), (ValueError(), False), (None, False)],
)
def test_which_errors_are_the_databases(error: Exception | None, is_one: bool) -> None:
    assert is_fault(error) is is_one


@pytest.mark.django_db
def test_the_shared_cache_says_when_it_cannot_write() -> None:
    with failing(SQLITE_FULL), pytest.raises(OperationalError):
        caches["default"].add("name", 1)
    shared = caches["default"]
    assert shared.add("name", 1)
    assert not shared.add("name", 2)
    assert shared.get("name") == 1
    shared.set("name", 3, timeout=-1)
    assert (shared.get("name"), shared.add("name", 4), shared.get("name")) == (None, True, 4)
    assert (shared.touch("name", 60), shared.touch("another", 60)) == (True, False)
    shared.set("for-ever", 5, timeout=None)
    assert shared.get("for-ever") == 5


@pytest.mark.django_db
def test_what_has_expired_is_cleared_away_and_what_counts_is_kept() -> None:
    shared = caches["default"]
    shared.set("kept", 1, 600)
    for number in range(300):
        shared.set(f"old-{number}", 1, timeout=-10)
    assert Shared.objects.count() < 300
    for number in range(600):
        shared.set(f"new-{number}", 1, 600)
    assert shared.get("kept") == 1


@pytest.mark.django_db
def test_readiness_tries_to_write_but_not_at_every_question(client: Client) -> None:
    assert client.get("/readyz").status_code == 200
    first = Shared.objects.get(cache_key="write-probe").value
    client.get("/readyz")
    assert Shared.objects.get(cache_key="write-probe").value == first
    caches["process"].clear()
    with failing(SQLITE_FULL):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "nothing can be written to the database"})
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_the_probe_leaves_the_connection_as_patient_as_it_was() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own setting")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 4321")
        assert write_probe.obstacle(NOW) == ""
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone()[0] == 4321


@contextmanager
def unwritable(panel: Panel) -> Iterator[None]:
    """Keeps everybody from writing what the probe and signing in write."""
    if panel.is_postgres:
        with psycopg.connect(panel.database_url) as database:
            database.execute("LOCK TABLE accounts_shared, django_session IN EXCLUSIVE MODE")
            yield
            database.rollback()
        return
    file = next(panel.folder.glob("*.sqlite3"))
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.rollback()


def test_a_locked_panel_is_not_ready_and_is_again_afterwards(panel: Panel) -> None:
    def code() -> int:
        return panel.http.get(f"{panel.url}/readyz").status_code

    until(lambda: code() == 200)
    with unwritable(panel):
        until(lambda: code() == 503)
        assert panel.http.get(f"{panel.url}/healthz").status_code == 200
    until(lambda: code() == 200)
