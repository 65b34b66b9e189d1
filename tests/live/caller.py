"""A customer's program: what it sends to the panel and what it demands of every answer."""

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from tests.live.panel import Panel, Server

UNIT = 1_000_000


class Caller:
    """A customer's program: one key, the wire, and nothing else. `address` may be changed to ask another server."""

    def __init__(self, panel: "Panel", customer_id: int, key: str, key_id: int) -> None:
        self.panel, self.customer_id, self.key, self.key_id = panel, customer_id, key, key_id
        self.http, self.url = panel.http, panel.url

    def via(self, server: "Server") -> "Caller":
        """Returns the same program talking to another server of the same panel."""
        other = Caller(self.panel, self.customer_id, self.key, self.key_id)
        other.http, other.url = server.http, server.url
        return other

    def with_key(self, **key: Any) -> "Caller":
        """Returns a program of the same customer with a further key."""
        made = self.panel.office("new_key", customer_id=self.customer_id, **key)
        return Caller(self.panel, self.customer_id, made["key"], made["key_id"])

    def post(self, fields: dict[str, Any], **more: Any) -> httpx2.Response:
        """Sends a form with the key in it."""
        return self.http.post(f"{self.url}/api/v2", data={"key": self.key, **fields}, **more)

    def ask(self, action: str, **fields: Any) -> Any:
        """Sends a form and returns the answer, which must be HTTP 200 and JSON, whatever it says."""
        return answer(self.post({"action": action, **fields}))

    def place(self, service: int, **fields: Any) -> int:
        """Places an order that must be taken and returns its id."""
        placed = self.ask("add", service=service, **fields)
        assert list(placed) == ["order"], placed
        assert type(placed["order"]) is int
        return int(placed["order"])

    def simple(self, service: int, quantity: int = 100, link: str = "https://example.com/a") -> int:
        """Places a plain order."""
        return self.place(service, link=link, quantity=quantity)

    def balance_micros(self) -> int:
        """Returns the wallet as the books have it."""
        return int(self.panel.office("balance", customer_id=self.customer_id))

    def traces(self) -> list[int]:
        """Returns the number of the customer's orders and transfers, and the balance."""
        return list(self.panel.office("traces", customer_id=self.customer_id))

    def orders(self) -> list[dict[str, Any]]:
        """Returns the customer's orders as they are stored, oldest first."""
        return list(self.panel.office("orders", customer_id=self.customer_id))


def answer(response: httpx2.Response) -> Any:
    """Returns what the panel said, which must be HTTP 200 and exactly JSON by its header."""
    assert response.status_code == 200, (response.status_code, response.text)
    return said(response)


def said(response: httpx2.Response) -> Any:
    """Returns the JSON of an answer of any code; an error must be `{"error": text}` and nothing else."""
    assert response.headers["content-type"] == "application/json"
    heard = json.loads(response.content, parse_constant=_no_constant)
    if response.status_code != 200 or (isinstance(heard, dict) and isinstance(heard.get("error"), str)):
        assert list(heard) == ["error"], heard
        assert isinstance(heard["error"], str)
        assert heard["error"]
        assert len(heard["error"]) < 300
    if response.status_code in {429, 503}:
        assert re.fullmatch(r"[1-9][0-9]*", response.headers["retry-after"])
    return heard


def _no_constant(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs the jobs in as many threads, let go at the same moment; returns their outcomes in order."""
    gate = threading.Barrier(len(jobs))

    def begin(job: Callable[[], Any]) -> Any:
        gate.wait(30)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(begin, jobs))


def until(condition: Callable[[], Any], seconds: int = 60, pause_seconds: float = 0.02) -> Any:
    """Asks again and again until the answer is true and returns it; gives up, as a failure, after so many seconds."""
    for _ in range(int(seconds / pause_seconds)):
        if found := condition():
            return found
        time.sleep(pause_seconds)
    raise AssertionError(f"not within {seconds} seconds")
