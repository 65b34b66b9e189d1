"""A server holds as many connections, descriptors and threads after thousands of requests as after a few."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.live.panel import Panel, Server

pytestmark = pytest.mark.postgresql

THREADS = 3
CALLERS = 12
# SQLite has three files for each connection; the lane's reading thread has one connection beside those of pages.
MOST_DESCRIPTORS = 3 * (THREADS + 1)

# Each way in: method, path, and the fields that it needs beside who asks.
WAYS = {
    "page": ("GET", "/orders"),
    "guests' page": ("GET", "/"),
    "office": ("GET", "/office/orders"),
    "statement as a file": ("GET", "/funds/statement.csv"),
    "admin v1": ("POST", "/adminapi/v1"),
    "admin v2": ("GET", "/adminapi/v2/orders"),
    "lane": ("POST", "/api/v2"),
    "lane, an order": ("POST", "/api/v2"),
    "health": ("GET", "/healthz"),
    "readiness": ("GET", "/readyz"),
    "metrics": ("GET", "/metrics"),
    "no asset": ("GET", "/assets/web/base.css"),
    "no page": ("GET", "/nowhere"),
}


@dataclass(frozen=True)
class Held:
    """What the server and its writers hold; `connections` are PostgreSQL's, of everybody at the panel's database."""

    descriptors: int
    threads: int
    connections: int


class Asker:
    """Asks one server in every way as whoever may."""

    def __init__(self, panel: Panel, server: Server) -> None:
        self.panel, self.server = panel, server
        customer = panel.customer("Dora")
        session = panel.office("session", email="dora@example.com", customer_id=customer.customer_id)
        staff = panel.office("session", email="sam@example.com")
        self.http = httpx2.Client(timeout=30, trust_env=False, limits=httpx2.Limits(max_connections=CALLERS))
        self.cookies = {"page": session, "statement as a file": session, "office": staff}
        self.fields = {
            "admin v1": {"key": panel.staff_key, "action": "getOrders-by-id", "orders": "1"},
            "lane": {"key": customer.key, "action": "balance"},
            "lane, an order": {
                "key": customer.key,
                "action": "add",
                "service": str(panel.shelf["Default"]),
                "link": "https://example.com/a",
                "quantity": "50",
            },
        }

    def ask(self, way: str) -> int:
        method, path = WAYS[way]
        answer = self.http.request(
            method,
            self.server.url + path,
            data=self.fields.get(way),
            headers={
                "X-Api-Key": self.panel.staff_key,
                "Cookie": f"sessionid={self.cookies.get(way, 'made-up')}",
            },
        )
        return answer.status_code

    def ask_often(self, way: str, times: int) -> set[int]:
        with ThreadPoolExecutor(CALLERS) as pool:
            return set(pool.map(self.ask, [way] * times))

    def held(self) -> Held:
        """Returns what is held once no client is connected any more."""
        self.http.close()
        self.http = httpx2.Client(timeout=30, trust_env=False, limits=httpx2.Limits(max_connections=CALLERS))
        assert self.server.process is not None
        web = self.server.process.pid
        writers = Path(f"/proc/{web}/task/{web}/children").read_text().split()
        processes = [Path(f"/proc/{pid}") for pid in (web, *writers)]
        descriptors = [each.readlink() for process in processes for each in (process / "fd").iterdir()]
        threads = sum(1 for process in processes for _ in (process / "task").iterdir())
        return Held(sum("socket" not in str(each) for each in descriptors), threads, self._connections())

    def _connections(self) -> int:
        if not self.panel.is_postgres:
            return 0
        with psycopg.connect(self.panel.database_url) as database:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            [(count,)] = database.execute(query).fetchall()
        return int(count)


@pytest.fixture(scope="module")
def asker(panel: Panel) -> Iterator[Asker]:
    asker = Asker(panel, panel.server(SUTLER_PAGE_THREADS=str(THREADS)))
    asker.ask("lane, an order")  # starts the writer
    yield asker
    asker.http.close()


def demand_no_leak(asker: Asker, way: str, times: int) -> None:
    good = {"no asset": 404, "no page": 404}.get(way, 200)
    before = asker.held()
    assert asker.ask_often(way, times) == {good}
    after = asker.held()
    # What was not opened before the first request of any way: a thread of each kind, with its connection.
    assert after.descriptors <= before.descriptors + MOST_DESCRIPTORS, (before, after)
    assert after.threads <= before.threads + THREADS + 2, (before, after)
    assert after.connections <= before.connections + THREADS + 2, (before, after)


@pytest.mark.parametrize("way", WAYS)
def test_no_way_in_leaves_anything_open(asker: Asker, way: str) -> None:
    demand_no_leak(asker, way, 30)


@pytest.mark.soak
@pytest.mark.parametrize("way", WAYS)
def test_no_way_in_leaves_anything_open_in_the_long_run(asker: Asker, way: str) -> None:
    demand_no_leak(asker, way, 2000)
