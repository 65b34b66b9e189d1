"""What happens to pages and the admin API when more is asked than can be answered: on a real server.

It has one thread for customers and one for staff; a write of a customer's holds the first while a lock makes it wait.
"""

import contextlib
import json
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx2
import psycopg
import pytest

from tests.live.caller import Caller, until
from tests.live.panel import Panel, Server

LINE, QUEUE = 2, 4
SETTINGS = {
    "SUTLER_PAGE_THREADS": "2",
    "SUTLER_PAGE_QUEUE": str(QUEUE),
    "SUTLER_PAGE_QUEUE_PER_SESSION": str(LINE),
    "SUTLER_PAGE_WAIT_SECONDS": "20",
}
TOKEN = "a" * 32


@dataclass
class Door:
    """A server with few threads, and who asks it."""

    panel: Panel
    server: Server
    alice: str
    bob: str
    staff: str
    customer: Caller
    service: int
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(16))

    def get(self, session: str, path: str = "/orders", **more: str) -> httpx2.Response:
        headers = {"Cookie": f"sessionid={session}"} | more
        return httpx2.get(self.server.url + path, headers=headers, timeout=20, trust_env=False)

    def later(self, session: str) -> "Future[httpx2.Response]":
        """Asks for a page and returns once it waits."""
        waiting = self.figure("sutler_page_queue_length")
        asked = self.pool.submit(self.get, session)
        until(lambda: asked.done() or self.figure("sutler_page_queue_length") > waiting)
        return asked

    def figure(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("", "/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Holds the customers' only thread: a write that waits for a lock, for seconds at most."""
        with self._locked():
            path = f"/services/{self.service}/favourite"
            writing = self.pool.submit(
                httpx2.post,
                self.server.url + path,
                headers={"Cookie": f"sessionid={self.alice}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN},
                timeout=20,
            )
            until(lambda: writing.done() or self.figure("sutler_pages_in_flight") == 2)  # and the look itself
            assert not writing.done(), writing.result().text[:500]
            yield
        writing.result()  # done, or told that the database was locked for too long

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        if self.panel.is_postgres:
            with psycopg.connect(self.panel.database_url) as database:
                database.execute("LOCK TABLE catalogue_favourite IN EXCLUSIVE MODE")
                yield
            return
        with contextlib.closing(sqlite3.connect(self.panel.folder / "sutler.sqlite3", isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")
            yield
            file.execute("ROLLBACK")


@pytest.fixture(scope="module")
def door(panel: Panel) -> Iterator[Door]:
    customers = panel.customer("Erin"), panel.customer("Fred")
    sessions = [
        panel.office("session", email=f"{each.customer_id}@example.com", customer_id=each.customer_id)
        for each in customers
    ]
    staff = panel.office("session", email="sam@example.com")
    door = Door(panel, panel.server(**SETTINGS), sessions[0], sessions[1], staff, customers[0], panel.shelf["Default"])
    for session, path in zip((*sessions, staff), ("/orders", "/orders", "/office/orders"), strict=True):
        assert door.get(session, path).status_code == 200  # from now on it is known to be somebody's
    assert door.get("", "/adminapi/v2/orders", **{"X-Api-Key": panel.staff_key}).status_code == 200
    yield door
    door.pool.shutdown()


def test_one_who_asks_too_much_is_refused_and_nobody_else(door: Door) -> None:
    with door.held():
        loud = [door.later(door.alice) for _ in range(LINE)]
        refused = door.pool.submit(door.get, door.alice)
        quiet = door.later(door.bob)
        guest = door.later("made up")
        assert door.get(door.staff, "/office/orders").status_code == 200
        assert door.get("", "/adminapi/v2/orders", **{"X-Api-Key": door.panel.staff_key}).status_code == 200
        assert door.get("", "/healthz").status_code == 200
        assert door.customer.via(door.server).balance_micros() > 0
    assert {each.result().status_code for each in (*loud, quiet)} == {200}
    assert guest.result().status_code == 302  # to the sign-in page
    busy = refused.result()
    assert busy.status_code == 503
    assert int(busy.headers["retry-after"]) > 0
    assert "Too many requests right now" in busy.text
    assert busy.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-security-policy" in busy.headers


def test_who_makes_sessions_up_stays_one_address(door: Door) -> None:
    with door.held():
        guests = [door.later(f"made up {number}") for number in range(LINE)]
        refused = door.pool.submit(door.get, "made up again")
        quiet = door.later(door.bob)
    assert refused.result().status_code == 503
    assert quiet.result().status_code == 200
    assert {each.result().status_code for each in guests} == {302}


def test_who_goes_away_waits_no_longer(door: Door) -> None:
    gone = door.figure("sutler_page_requests_gone_total")
    with door.held():
        with socket.create_connection(("127.0.0.1", door.server.port)) as client:
            client.sendall(f"GET /orders HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid={door.bob}\r\n\r\n".encode())
            until(lambda: door.figure("sutler_page_queue_length") == 1)
        until(lambda: door.figure("sutler_page_queue_length") == 0)
        assert door.figure("sutler_page_requests_gone_total") == gone + 1


def test_files_of_pages_need_no_turn(door: Door) -> None:
    href = re.search(r'href="(/assets/\S+\.css)"', door.get("", "/").text)
    assert href is not None
    with door.held():
        full = [door.later(door.bob) for _ in range(LINE)]
        style = door.get(door.bob, href[1])
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in style.headers["cache-control"]
    assert "content-security-policy" in style.headers
    assert {each.result().status_code for each in full} == {200}


@pytest.mark.parametrize(
    ("path", "session", "size", "code"),
    [
        ("/report", "", 1_048_577, 413),
        ("/adminapi/v1", "", 1_048_577, 413),
        ("/adminapi/v2/orders/update", "", 1_048_577, 413),
        ("/office/services/import", "staff", 4_000_000, 403),  # taken in, and refused for its missing form token
        ("/office/services/import", "staff", 16 * 1024 * 1024 + 1, 413),
    ],
)
def test_bodies_are_bounded_before_anything_reads_them(
    door: Door, path: str, session: str, size: int, code: int
) -> None:
    cookie = {"Cookie": f"sessionid={door.staff}"} if session else {}
    answer = httpx2.post(door.server.url + path, content=b"x" * size, headers=cookie, timeout=20, trust_env=False)
    assert answer.status_code == code
    if path.startswith("/adminapi"):
        assert "Request too large" in json.dumps(answer.json())
    assert door.figure("sutler_page_bodies_bytes") == 0


def test_the_figures_are_there(door: Door) -> None:
    for name in ("sutler_page_queue_length", "sutler_connections", "sutler_threads", "process_open_fds"):
        assert f"\n{name} " in door.get("", "/metrics").text
    assert 0 < door.figure("sutler_threads") < threading.active_count() + 50
