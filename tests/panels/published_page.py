"""An upstream that says what a published API page says it does: its example answers, served over real HTTP.

The page's order 23501 comes to the page's end; what else a life of an order needs is said in the page's shapes.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

FIRST_ORDER = 23501
INCORRECT = {"error": "Incorrect order ID"}
UNKNOWN = {"error": "Incorrect request"}
PARTIAL = {"charge": "0.27819", "start_count": "3572", "status": "Partial", "remains": "157"}
UNDER_WAY = {"charge": "1.44219", "start_count": "234", "status": "In progress", "remains": "10"}
# What the orders come to, in the order in which they are placed.
LIVES = ("partial", "completed", "completed", "canceled", "under way")


@dataclass
class Page:
    """One page: what it shows. `completed` is the status of an order that was delivered."""

    name: str
    services: str
    balance: str
    completed: dict[str, str]
    currency: str | None = "USD"
    has_cancel: bool = True
    unknown_refill: str = "Refill not found"
    asked: list[dict[str, str]] = field(default_factory=list)
    canceled: set[int] = field(default_factory=set)
    orders: int = 0
    refills: int = 0

    def answer(self, form: dict[str, str]) -> Any:
        """Answers a call as the page says."""
        self.asked.append(form)
        answers: dict[str, Callable[[], Any]] = {
            "services": lambda: json.loads(self.services),
            "add": self._add,
            "balance": lambda: {"balance": self.balance, "currency": "USD"},
            "status": lambda: self._statuses(form),
            "refill": lambda: self._take_refill(int(form["order"])),
            "refill_status": lambda: [
                {"refill": int(each), "status": self._refill(int(each))} for each in form["refills"].split(",")
            ],
        }
        if self.has_cancel:
            answers["cancel"] = lambda: [
                {"order": int(each), "cancel": self._cancel(int(each))} for each in form["orders"].split(",")
            ]
        return answers.get(form["action"], lambda: UNKNOWN)()

    def _add(self) -> Any:
        self.orders += 1
        return {"order": FIRST_ORDER + self.orders - 1}

    def _statuses(self, form: dict[str, str]) -> Any:
        if "order" in form:
            return self._status(int(form["order"]))
        return {each: self._status(int(each)) for each in form["orders"].split(",")}

    def _take_refill(self, order: int) -> Any:
        self.refills += 1
        return {"refill": str(order - FIRST_ORDER)}

    def _status(self, order: int) -> dict[str, str]:
        if not FIRST_ORDER <= order < FIRST_ORDER + min(self.orders, len(LIVES)):
            return INCORRECT
        said = {"partial": PARTIAL, "completed": self.completed}.get(LIVES[order - FIRST_ORDER], UNDER_WAY)
        if order in self.canceled:
            said = said | {"status": "Canceled", "charge": "0"}
        return said if self.currency is None else said | {"currency": self.currency}

    def _refill(self, refill: int) -> Any:
        return {1: "Completed", 2: "Rejected"}.get(refill, {"error": self.unknown_refill})

    def _cancel(self, order: int) -> Any:
        if LIVES[order - FIRST_ORDER] != "canceled":
            return INCORRECT
        self.canceled.add(order)
        return 1


@contextmanager
def served(page: Page) -> Iterator[str]:
    """Serves the page at the URL that it gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            body = json.dumps(page.answer(dict(parse_qsl(form)))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api/v2"
        finally:
            server.shutdown()
            thread.join()
