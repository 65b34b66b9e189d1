"""Asking an upstream panel in the tests: a clock that stands still, answers made up, and a notebook of exchanges."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx2

from sutler.panels.client import Panel, PanelSettings
from sutler.panels.http_call import HttpCall
from sutler.panels.results import Exchange

URL = "https://panel.example/api/v2"
KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

T = TypeVar("T")
Handler = Callable[[httpx2.Request], httpx2.Response]


class StillClock:
    """A clock on which each look at the seconds takes a quarter of one."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        self.seconds += 0.25
        return self.seconds


class Upstream:
    """A panel behind a handler: what it was asked, and what was recorded of it."""

    def __init__(self, handler: Handler, **settings: Any) -> None:
        self.handler = handler
        self.words = settings.pop("words", ())
        self.settings = PanelSettings(**{"url": URL, "key": KEY} | settings)
        self.requests: list[httpx2.Request] = []
        self.exchanges: list[Exchange] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.handler(request)

    def ask(self, call: Callable[[Panel], Awaitable[T]]) -> T:
        """Makes one call through a client of its own."""
        return asyncio.run(self.call(call, httpx2.MockTransport(self.answer)))

    async def call(self, call: Callable[[Panel], Awaitable[T]], transport: httpx2.AsyncBaseTransport) -> T:
        async with transport:
            return await call(
                Panel(self.settings, HttpCall(transport, StillClock()), self.exchanges.append, self.words)
            )

    @property
    def form(self) -> dict[str, str]:
        """The fields of the last request, from its body or its query."""
        last = self.requests[-1]
        body = httpx2.QueryParams(last.content.decode())
        return dict(last.url.params) | dict(body)


def saying(value: Any, http_status: int = 200, **settings: Any) -> Upstream:
    """A panel that answers this JSON value to everything; a text or bytes it answers as they are."""
    content = value if isinstance(value, (str, bytes)) else json.dumps(value)
    return Upstream(lambda _: httpx2.Response(http_status, content=content), **settings)


def failing(error: Exception) -> Upstream:
    """A panel on the way to which this happens."""

    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    return Upstream(fail)


ORDER = {"service": "1", "link": "https://example.com/a", "quantity": "100"}
IDS: Sequence[str] = ("1", "10", "100")

# Every call of the client, with fields that any panel would take.
CALLS: dict[str, Callable[[Panel], Awaitable[Any]]] = {
    "add": lambda panel: panel.add(ORDER),
    "services": lambda panel: panel.services(),
    "status": lambda panel: panel.status("1"),
    "statuses": lambda panel: panel.statuses(IDS),
    "balance": lambda panel: panel.balance(),
    "refill": lambda panel: panel.refill("1"),
    "refill_status": lambda panel: panel.refill_status("1"),
    "refill_statuses": lambda panel: panel.refill_statuses(IDS),
    "cancel": lambda panel: panel.cancel(IDS),
}
PLACING = {"add", "refill", "cancel"}
READING = sorted(CALLS.keys() - PLACING)
