"""Faults under load: the server killed, the database locked, its connections cut. Never a lie, and no hand needed."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.live.caller import Caller, said, until
from tests.live.journal import Journal
from tests.live.panel import Panel, Server

LINK = "https://example.com/fault"
pytestmark = [pytest.mark.usefixtures("books_in_order"), pytest.mark.postgresql]


@pytest.fixture
def journal(panel: Panel, twin: Server) -> Iterator[Journal]:
    """A program at work through the second server."""
    yield Journal(panel.customer("Journal").via(twin), panel.service(max=2_000_000_000, rate_micros=1000))


@pytest.mark.long
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(twin: Server, journal: Journal) -> None:
    with journal:
        for _ in range(2):
            journal.wait_for(15)
            twin.kill()
            twin.start()
        journal.wait_for(15)
    journal.demand_the_truth()
    assert journal.unknown


@pytest.mark.long
def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(twin: Server, journal: Journal) -> None:
    assert twin.process is not None
    with journal:
        for _ in range(3):
            journal.wait_for(15)
            for child in children(twin.process.pid):
                os.kill(child, signal.SIGKILL)
        journal.wait_for(15)
    journal.demand_the_truth()


@pytest.mark.long
def test_a_spare_writer_stands_ready(panel: Panel) -> None:
    server = panel.server()
    caller = panel.customer("Spare").via(server)
    assert server.process is not None
    pid = server.process.pid
    caller.simple(panel.shelf["Default"])
    until(lambda: len(children(pid)) == 2)
    first, spare = sorted(children(pid), key=lambda each: int(state_of(each)[19]))
    os.kill(first, signal.SIGKILL)
    until(lambda: state_of(first)[0] == "Z")
    caller.simple(panel.shelf["Default"])
    until(lambda: len(children(pid)) == 2)
    assert spare in children(pid)
    assert len(caller.orders()) == 2


def state_of(pid: int) -> list[str]:
    """State, ..., when it was started: what the system tells of a process behind its name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def children(pid: int) -> list[int]:
    """The processes that a server has started: its writer and the spare one."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(each) for task in tasks for each in (task / "children").read_text().split()]


@pytest.mark.long
def test_a_request_id_finds_the_order_again_after_a_kill(panel: Panel, twin: Server) -> None:
    caller = panel.customer("Again").via(twin)
    form = {"action": "add", "service": panel.shelf["Default"], "link": LINK, "quantity": 100, "request_id": "once"}
    first = caller.post(form).content
    twin.kill()
    twin.start()
    assert caller.post(form).content == first
    assert len(caller.orders()) == 1


@contextmanager
def locked(panel: Panel) -> Iterator[Callable[[], None]]:
    """Keeps every writer out of the database; gives what lets them in again."""
    if panel.is_postgres:
        with psycopg.connect(panel.database_url) as database:
            database.execute("LOCK TABLE orders_order IN EXCLUSIVE MODE")
            yield database.rollback
        return
    file = next(panel.folder.glob("*.sqlite3"))
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database.rollback


def test_a_locked_database_is_a_503_and_all_goes_on_when_it_is_free(panel: Panel, untouched: Caller) -> None:
    form: dict[str, Any] = {"action": "add", "service": panel.shelf["Default"], "link": LINK, "quantity": 100}
    with locked(panel) as release:
        sent = untouched.post(form)
        assert sent.status_code == 503
        assert list(said(sent)) == ["error"]
        assert untouched.ask("balance")["balance"] == "10000.00"
        release()
    assert untouched.orders() == []
    panel.customer("Afterwards").place(**{each: form[each] for each in ("service", "link", "quantity")})


def test_a_lock_that_is_soon_released_is_waited_for(panel: Panel, caller: Caller) -> None:
    with locked(panel) as release:
        soon = threading.Timer(0.3, release)
        soon.start()
        caller.simple(panel.shelf["Default"])
        soon.join()
    assert len(caller.orders()) == 1


@pytest.mark.skipif(not os.environ.get("SUTLER_DATABASE_URL"), reason="SQLite has no connections to cut")
def test_connections_cut_by_the_database_are_no_lie_and_come_back(panel: Panel, journal: Journal) -> None:
    with psycopg.connect(panel.database_url, autocommit=True) as database, journal:
        for _ in range(5):
            journal.wait_for(10)
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        journal.wait_for(20)
        for door in (journal.caller, panel.customer("Main server")):
            wait_until_all_is_answered(door)
    journal.demand_the_truth()


def wait_until_all_is_answered(caller: Caller) -> None:
    """Waits until no action is put off any more: each may have a connection of its own to the database."""
    actions = ("services", "add", "status", "refill", "refill_status", "cancel", "balance")
    forms = [{"action": action, "order": 1, "refill": 1} for action in actions]
    until(lambda: all(caller.post(form).status_code == 200 for form in forms))
