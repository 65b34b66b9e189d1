"""A scripted upstream in simulated time, and a caller that asks it."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import httpx2

from sutler.core.clock import seeded
from sutler.simulator.faults import Faults
from sutler.simulator.panel import Order, Service
from sutler.simulator.reply import Ending, Reply
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import KEY, LyingUpstream
from tests.conftest import NOW

START_MICROS = 10_000_000_000
LINK = "https://example.com/a"


class Time:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def wait(self, seconds: float) -> None:
        self.passed += seconds


class Caller:
    """A caller of an upstream with these faults, in simulated time."""

    def __init__(self, seed: int = 1, services: list[Service] | None = None, /, **faults: Any) -> None:
        self.time = Time()
        self.upstream = LyingUpstream(seeded(seed), self.time, Faults(**faults), services=services)

    def reply(self, action: str, key: str = KEY, **fields: object) -> Reply:
        return self.upstream.answer({"key": key, "action": action} | {name: str(each) for name, each in fields.items()})

    def ask(self, action: str, key: str = KEY, **fields: object) -> Any:
        """The answer's JSON. Faults that leave none do not belong here."""
        reply = self.reply(action, key, **fields)
        assert reply.ending is Ending.WHOLE
        reply.mark_told()
        return json.loads(reply.body)

    def add(self, link: str = LINK, quantity: int = 100, service: int = 1) -> Any:
        return self.ask("add", service=service, link=link, quantity=quantity)

    def placed(self, link: str = LINK, quantity: int = 100) -> Order:
        """An order, whatever the answer to it was."""
        self.reply("add", service=1, link=link, quantity=quantity)
        return self.upstream.orders_for(link)[-1]

    def ended(self, link: str = LINK, final: str = "Completed") -> Order:
        """An order that has come to this end."""
        for number in range(200):
            order = self.placed(f"{link}/{number}")
            self.time.passed += 1_000
            self.upstream.journal()
            if order.final == final:
                return order
        raise AssertionError(final)

    def post(self, action: str, timeout_seconds: float = 30.0, **fields: object) -> httpx2.Response:
        """The same over httpx2, with whatever error that raises."""
        form = {"key": KEY, "action": action} | {name: str(each) for name, each in fields.items()}
        return self.send(form, timeout_seconds)

    def send(self, form: dict[str, str], timeout_seconds: float = 30.0, kind: str = "data") -> httpx2.Response:
        """Sends these fields as `data` (a form), as `json` or as `params` (in the query)."""

        async def call() -> httpx2.Response:
            transport = SimulatedTransport(self.upstream, self.time.wait)
            async with httpx2.AsyncClient(transport=transport, timeout=timeout_seconds, trust_env=False) as http:
                return await http.request("POST", "http://upstream.example/api/v2", **{kind: form})  # type: ignore[arg-type]

        return asyncio.run(call())

    @property
    def made(self) -> int:
        """How many orders the upstream has made by now."""
        return len(self.upstream.journal())
