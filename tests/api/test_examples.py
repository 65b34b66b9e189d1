"""The example programs for download, run against the real panel, and the documented answers beside real ones.

Between each program and the panel stands a bad line: it says once that the panel is busy, and loses the answer of the
first `add` after the panel has taken the order. A program that is right waits, asks again and buys once.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sutler.api.actions import ACTIONS
from tests.live.caller import Caller
from tests.live.panel import Panel

RUN = {"order.php": "php", "order.py": "python3", "order.mjs": "node", "order.sh": "sh"}
NEEDED = RUN | {"order.sh": "curl"}
PROGRAMS = [
    pytest.param(file, marks=pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed"))
    for file, program in NEEDED.items()
]
LINK = "https://example.com/a?b=1&c=ü"


class BadLine:
    """A line to the panel that fails twice and then works."""

    def __init__(self, url: str) -> None:
        line = self
        self.url = url
        self.asked: list[str] = []
        self.http = httpx2.Client(trust_env=False, timeout=30)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                line.pass_on(self)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/api/v2"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        """Hands a request to the panel and its answer back, unless it is one of the two that go wrong."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        [action] = re.findall(rb"action=(\w+)", body)
        self.asked.append(action.decode())
        if self.asked == ["services"]:
            self.answer(handler, 503, b'{"error":"Service busy, try again"}')
            return
        heard = self.http.post(
            f"{self.url}/api/v2", content=body, headers={"Content-Type": handler.headers["Content-Type"]}
        )
        if self.asked.count("add") == 1 and action == b"add":
            handler.close_connection = True
            return
        self.answer(handler, heard.status_code, heard.content)

    def answer(self, handler: BaseHTTPRequestHandler, code: int, body: bytes) -> None:
        """Sends an answer."""
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        if code == 503:
            handler.send_header("Retry-After", "1")
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        """Ends the line."""
        self.server.shutdown()
        self.server.server_close()
        self.http.close()


@dataclass
class Outcome:
    """What came of one program's run over a bad line."""

    printed: str
    complained: str
    code: int
    asked: list[str]
    orders: list[dict[str, Any]]


def download(panel: Panel, folder: Path, file: str) -> Path:
    """Fetches a program from the panel as a customer does."""
    found = panel.http.get(f"{panel.url}/api/examples/{file}")
    assert found.status_code == 200
    program = folder / file
    program.write_bytes(found.content)
    return program


def start(program: Path, key: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUTLER_", "PYTHON"))}
    return subprocess.Popen(
        [RUN[program.name], str(program), *arguments],
        env=kept | {"SUTLER_API_KEY": key, "LOOK_EVERY_SECONDS": "0.1"} | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run_over_a_bad_line(panel: Panel, folder: Path, file: str, caller: Caller) -> Outcome:
    """Runs a program, completing its order as soon as it is there."""
    service = str(panel.shelf["Default"])
    file_here = download(panel, folder, file)
    with closing(BadLine(panel.url)) as line:
        asked = (service, LINK, "100", "shop-1")
        with start(file_here, caller.key, *asked, SUTLER_API_URL=line.address) as program:
            assert program.stdout is not None
            printed = ""
            for text in program.stdout:
                printed += text
                if re.match(r"Order \d+: Pending", text):
                    break
            orders = caller.orders()
            for each in orders:
                panel.complete(each["id"])
            rest, complained = program.communicate(timeout=60)
    return Outcome(printed + rest, complained, program.returncode, line.asked, orders)


@pytest.fixture(scope="module")
def outcomes(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """All programs that can run here, at the same time: most of their time is waiting."""
    folder = tmp_path_factory.mktemp("programs")
    here = [file for file, program in NEEDED.items() if shutil.which(program)]
    callers = [panel.customer() for _ in here]
    with ThreadPoolExecutor(len(here)) as pool:
        runs = pool.map(lambda file, caller: run_over_a_bad_line(panel, folder, file, caller), here, callers)
        yield dict(zip(here, runs, strict=True))


@pytest.mark.parametrize("file", PROGRAMS)
def test_a_program_orders_once_over_a_bad_line_and_follows_the_order_to_its_end(
    outcomes: dict[str, Outcome], file: str
) -> None:
    outcome = outcomes[file]
    assert outcome.code == 0, outcome.complained
    [order] = outcome.orders
    assert (order["link"], order["quantity"], order["request_id"]) == (LINK, 100, "shop-1")
    assert "Followers" in outcome.printed
    assert f"Placed order {order['id']}\nOrder {order['id']}: Pending, 100 to go, 0.09 USD\n" in outcome.printed
    assert outcome.printed.endswith(f"Order {order['id']}: Completed, 0 to go, 0.09 USD\nBalance: 9999.91 USD\n")
    assert [each for each in outcome.asked if each != "status"] == ["services", "services", "add", "add", "balance"]


@pytest.mark.parametrize("file", PROGRAMS)
@pytest.mark.parametrize(
    ("key", "service", "said"),
    [("wrong", "1", "Invalid API key"), ("", "999999", "Incorrect service ID")],
    ids=["key", "service"],
)
def test_a_program_tells_what_the_panel_says_and_fails(
    panel: Panel, caller: Caller, tmp_path: Path, file: str, key: str, service: str, said: str
) -> None:
    with start(download(panel, tmp_path, file), key or caller.key, service, LINK, "100", "shop-1") as program:
        _, complained = program.communicate(timeout=30)
    assert program.returncode == 1
    assert complained == f"The panel says: {said}\n"
    assert caller.orders() == []


@pytest.mark.parametrize("file", PROGRAMS)
def test_a_program_without_an_order_lists_services_and_tells_how_it_is_used(
    panel: Panel, caller: Caller, tmp_path: Path, file: str
) -> None:
    with start(download(panel, tmp_path, file), caller.key) as program:
        printed, complained = program.communicate(timeout=30)
    assert "Followers" in printed
    assert complained == f"usage: {file} SERVICE LINK QUANTITY OWN_NUMBER\n"


def shape(value: Any) -> Any:
    """The keys in their order and the JSON types of a value; all members of a list have one shape."""
    if isinstance(value, dict):
        return [(key, shape(each)) for key, each in value.items()]
    return [shape(value[0])] if isinstance(value, list) else type(value)


def documented(action: str, title: str) -> Any:
    [answer] = [each.answer for each in ACTIONS[action].shapes if each.title == title]
    return answer


def test_single_answers_have_the_documented_shape(panel: Panel, caller: Caller) -> None:
    assert shape(caller.ask("services")) == shape(documented("services", "Service list"))
    assert shape(caller.ask("balance")) == shape(documented("balance", "User balance"))
    order = caller.simple(panel.shelf["Default"])
    assert shape(caller.ask("status", order=order)) == shape(documented("status", "Order status"))
    assert caller.ask("cancel", order=order) == documented("cancel", "Cancel one order") | {"order": order}
    done = caller.simple(panel.service(refill_wait_hours=0), link="https://example.com/done")
    panel.complete(done)
    refill = caller.ask("refill", order=done)
    assert shape(refill) == shape(documented("refill", "Create refill"))
    status = caller.ask("refill_status", refill=refill["refill"])
    assert shape(status) == shape(documented("refill_status", "Get refill status"))


def test_the_answers_for_parents_have_the_documented_shape(panel: Panel, caller: Caller) -> None:
    panel.start_worker()
    drip = caller.place(panel.shelf["Default"], link=LINK, quantity=100, runs=2, interval=60)
    asked = {"username": "alice", "min": 10, "max": 20, "posts": 5, "delay": 0, "expiry": "31/12/2099"}
    subscription = caller.place(panel.shelf["Subscriptions"], **asked)
    panel.executor("POST", f"/orders/{subscription}/post", {"link": LINK})
    for order, title in ((drip, "Drip-feed order status"), (subscription, "Subscription status")):
        assert shape(with_children(caller, order)) == shape(documented("status", title))


def with_children(caller: Caller, order: int) -> Any:
    """The answer for a parent, as soon as its first child is there."""
    pause = threading.Event()
    for _ in range(200):
        status = caller.ask("status", order=order)
        if status["orders"]:
            break
        pause.wait(0.1)
    return status
