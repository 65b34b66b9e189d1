"""The real panel for the tests: real processes on a fresh database, asked over real HTTP as a customer would."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from tests.blank import ROOT, Blank, fresh_database
from tests.live.caller import UNIT, Caller, answer, until

SUTLER = Path(sys.executable).with_name("sutler")

# One service of each type, by its type; the first two are those of the published API pages.
SHELF: tuple[dict[str, Any], ...] = (
    {"type": "Default", "name": "Followers", "rate_micros": 900_000, "min": 50, "max": 10_000, "dripfeed": True},
    {
        "type": "Custom Comments",
        "name": "Comments",
        "category": "Second Category",
        "refill": False,
        "rate_micros": 8_000_000,
        "min": 10,
        "max": 1500,
    },
    {"type": "Package", "name": "Starter package", "rate_micros": 2_500_000, "min": 1, "max": 1},
    {"type": "Custom Comments Package", "name": "Comments package", "rate_micros": 3_000_000, "min": 1, "max": 1},
    {"type": "Mentions", "name": "Mentions", "rate_micros": 1_234_567},
    {"type": "Mentions with Hashtags", "name": "Mentions, tagged", "rate_micros": 1_000_001},
    {"type": "Mentions Custom List", "name": "Mentions, own list", "rate_micros": 7_000_000, "min": 2, "max": 5},
    {"type": "Mentions Hashtag", "name": "Mentions by hashtag", "rate_micros": 1_100_000},
    {"type": "Mentions User Followers", "name": "Mentions of followers", "rate_micros": 1_200_000},
    {"type": "Mentions Media Likers", "name": "Mentions of likers", "rate_micros": 1_300_000},
    {"type": "Comment Likes", "name": "Likes for a comment", "rate_micros": 1_400_000},
    {"type": "Comment Replies", "name": "Replies", "rate_micros": 9_000_000, "min": 1, "max": 20},
    {"type": "Poll", "name": "Poll votes", "rate_micros": 1_500_000},
    {"type": "Invites from Groups", "name": "Invites", "rate_micros": 1_600_000},
    {"type": "SEO", "name": "Search", "rate_micros": 1_700_000},
    {"type": "Web Traffic", "name": "Visits", "rate_micros": 1_800_000, "dripfeed": True},
    {"type": "Subscriptions", "name": "Likes for new posts", "rate_micros": 2_000_000, "min": 10, "max": 1000},
)
ON_SALE: dict[str, Any] = {
    "category": "First Category",
    "min": 50,
    "max": 10_000,
    "refill": True,
    "cancel": True,
    "dripfeed": False,
}


class Server:
    """One `sutler serve` process on a port of this machine. Starts again on the same port after it was killed."""

    def __init__(self, panel: "Panel", **settings: str) -> None:
        self.environment = panel.environment | settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = panel.folder / f"serve-{self.port}.log"
        self.http = httpx2.Client(timeout=30, limits=httpx2.Limits(max_connections=64), trust_env=False)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Starts the process and waits until it says that it is well."""
        command = [str(SUTLER), "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        try:
            until(lambda: self.has_ended() or self.is_well())
        finally:
            assert not self.has_ended(), f"the server ended: {self.log.read_text()[-2000:]}"
        return self

    def has_ended(self) -> bool:
        """Returns True if the process is gone."""
        return self.process is None or self.process.poll() is not None

    def is_well(self) -> bool:
        """Returns True if /healthz answers 200."""
        try:
            return self.http.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False

    def kill(self) -> None:
        """Ends the process as a power cut would, with no time to tidy up."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Ends the process politely and demands that it goes."""
        self.http.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            finally:
                self.process.kill()


class Panel:
    """A whole panel on a database of its own: a server, a worker, the office beside it."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUTLER_", "DJANGO_"))}
        self.environment = kept | {
            "SUTLER_DATA_DIR": str(folder),
            "SUTLER_DATABASE_URL": database_url,
            "SUTLER_SECRET_KEY": "for tests only",
            "SUTLER_KEY_REQUESTS_PER_SECOND": "0",
            "SUTLER_ADDRESS_REQUESTS_PER_SECOND": "0",
            "SUTLER_UPSTREAM_PRIVATE_HOSTS": "127.0.0.1",
        }
        self.database_url = database_url
        self._office_lock = threading.Lock()
        self._office: subprocess.Popen[str] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._servers: list[Server] = []
        self.shelf: dict[str, int] = {}

    def open(self, shelf: Sequence[dict[str, Any]] = SHELF) -> None:
        """Starts a server and the office on a migrated database, and puts the services on sale, one of each type."""
        self._office = subprocess.Popen(
            [sys.executable, "-m", "tests.live.office"],
            env=self.environment,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.main = self.server()
        self.url, self.http = self.main.url, self.main.http
        self.services_when_empty = self.customer("First").ask("services")
        self.shelf = {each["type"]: self.service(**each) for each in shelf}
        self.staff_key = self.office("staff_key")

    @property
    def is_postgres(self) -> bool:
        """Whether the panel stands on PostgreSQL."""
        return bool(self.database_url)

    def init(self) -> None:
        """Makes the database, as an operator does."""
        command = [str(SUTLER), "init", "--email", "staff@example.com", "--password", "a long pass phrase"]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def sutler(self, *arguments: str, code: int = 0) -> str:
        """Has the office run a command of the operator, demands its exit code and returns what it printed."""
        heard_code, printed, complained = self.office("sutler", arguments=arguments)
        assert heard_code == code, f"sutler {' '.join(arguments)}: {printed}{complained}"
        return str(printed)

    def verify(self) -> None:
        """Demands that every invariant holds."""
        self.sutler("verify")

    def server(self, **settings: str) -> Server:
        """Starts one more server on the same database; it is stopped with the panel."""
        server = Server(self, **settings)
        self._servers.append(server)
        return server.start()

    def start_worker(self, *arguments: str) -> None:
        """Starts the worker, if there is none; it is stopped with the panel."""
        if self._worker is None:
            with (self.folder / "work.log").open("ab") as log:
                self._worker = subprocess.Popen(
                    [SUTLER, "work", *arguments], env=self.environment, cwd=ROOT, stdout=log, stderr=log
                )

    def stop_worker(self) -> None:
        """Ends the worker politely and demands that it goes."""
        if self._worker is not None:
            self._worker.terminate()
            try:
                self._worker.wait(20)
            finally:
                self.kill_worker()

    def kill_worker(self) -> None:
        """Ends the worker as a power cut would."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()
            self._worker = None

    def office(self, verb: str, **given: Any) -> Any:
        """Has the office do something and returns what came of it."""
        assert self._office is not None
        assert self._office.stdin is not None
        assert self._office.stdout is not None
        with self._office_lock:
            self._office.stdin.write(json.dumps({"verb": verb, "with": given}) + "\n")
            self._office.stdin.flush()
            said = json.loads(self._office.stdout.readline() or '{"failed": "the office is gone"}')
        assert "done" in said, said["failed"]
        return said["done"]

    def service(self, **fields: Any) -> int:
        """Puts a service on sale and returns its id; its link rule, state and prices as given."""
        return int(
            self.office("service", **(ON_SALE | {"type": "Default", "name": "Thing", "rate_micros": 900_000} | fields))
        )

    def customer(
        self,
        name: str = "Alice",
        currency: str = "USD",
        *,
        balance_micros: int = 10_000 * UNIT,
        credit_limit_micros: int = 0,
        key: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Caller:
        """Opens an account with money and a key and returns its program. `settings` are the account's own."""
        made = self.office(
            "customer",
            name=name,
            currency=currency,
            balance_micros=balance_micros,
            settings=settings,
            credit_limit_micros=credit_limit_micros,
            key=key or {},
        )
        return Caller(self, made["customer_id"], made["key"], made["key_id"])

    def executor(self, method: str, path: str, body: Any = None) -> Any:
        """Calls the fulfilment interface as the operator's own software and returns the `data` of the answer."""
        said = self.http.request(
            method, f"{self.url}/adminapi/v2{path}", json=body, headers={"X-Api-Key": self.staff_key}
        )
        heard = answer(said)
        assert heard["error_code"] == 0, heard
        return heard["data"]

    def report(self, order_id: int, status: str, **more: Any) -> None:
        """Reports an order as an executor does; the panel must take the report."""
        done = self.executor("POST", "/orders/update", {"orders": [{"id": order_id, "status": status, **more}]})
        assert done["orders"][0]["success"] is True, done

    def complete(self, order_id: int, hours_ago: int = 0) -> None:
        """Brings an order to Completed, so many hours ago."""
        self.report(order_id, "in_progress", start_count=10)
        self.report(order_id, "completed", remains=0)
        if hours_ago:
            self.office("pass_hours", order_id=order_id, hours=hours_ago)

    def close(self) -> None:
        """Stops every process that the panel started."""
        for server in self._servers:
            server.stop()
        self.stop_worker()
        if self._office is not None:
            self._office.communicate(timeout=15)


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def panel_on(blank: Blank, folder: Path, name: str) -> Iterator[Panel]:
    """A panel on a copy of its own, closed in the end."""
    with fresh_database(f"sutler_{name}_{os.getpid()}", blank.database) as url:
        if not url:
            shutil.copy(blank.file, folder / "sutler.sqlite3")
        panel = Panel(folder, url)
        try:
            yield panel
        finally:
            panel.close()


@pytest.fixture(scope="session")
def panel(blank: Blank, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    """The panel of the whole session; when it ends the books must be in order."""
    with panel_on(blank, tmp_path_factory.mktemp("panel"), "live") as panel:
        panel.open()
        yield panel
        panel.verify()


@pytest.fixture(scope="session")
def twin(panel: Panel) -> Server:
    """A second server on the same database."""
    return panel.server()


@pytest.fixture
def caller(panel: Panel) -> Caller:
    """A customer of this test alone, with 10,000.00 USD."""
    return panel.customer()


@pytest.fixture
def other(panel: Panel) -> Caller:
    """Another customer, who must never see anything of the first."""
    return panel.customer("Charlie")


@pytest.fixture(scope="session")
def bystanders() -> list[Caller]:
    """Customers that tests have left as they were."""
    return []


@pytest.fixture
def untouched(panel: Panel, bystanders: list[Caller]) -> Iterator[Caller]:
    """A customer of whom, after whatever the test did, nothing may have been taken and nothing placed."""
    caller = bystanders.pop() if bystanders else panel.customer("Bystander")
    yield caller
    assert caller.traces() == [0, 1, 10_000 * UNIT]
    assert caller.ask("balance") == {"balance": "10000.00", "currency": "USD"}
    bystanders.append(caller)


@pytest.fixture(scope="module")
def books_in_order(panel: Panel) -> Iterator[None]:
    """Demands green books when the tests of a file are through."""
    yield
    panel.verify()
