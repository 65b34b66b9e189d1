"""A scripted upstream under examination, in simulated time, and what the report says of it."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import httpx2

from sutler.conformance.examine import Finding, Report, examine
from sutler.conformance.verdict import Outcome
from sutler.core.clock import seeded
from sutler.simulator.faults import Faults
from sutler.simulator.panel import Service
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import KEY, LyingUpstream
from tests.simulator.simulated import Time

URL = "http://upstream.example/api/v2"
Change = Callable[[str, Any], Any]


class Examined:
    """A scripted upstream in simulated time, examined; `change(action, answer)` rewrites what it says."""

    def __init__(
        self,
        budget_micros: int = 0,
        services: list[Service] | None = None,
        change: Change = lambda _, said: said,
        content_type: str = "application/json",
        **faults: Any,
    ) -> None:
        self.time = Time()
        self.upstream = LyingUpstream(seeded(3), self.time, Faults(**faults), services=services)
        self.report = self._examine(budget_micros, change, content_type)

    def _examine(self, budget_micros: int, change: Change, content_type: str) -> Report:
        inner = SimulatedTransport(self.upstream, self.time.wait)

        async def answer(request: httpx2.Request) -> httpx2.Response:
            response = await inner.handle_async_request(request)
            body = await response.aread()
            action = dict(httpx2.QueryParams((await request.aread()).decode("utf-8", "replace"))).get("action", "")
            with contextlib.suppress(ValueError):
                body = json.dumps(change(action, json.loads(body))).encode()
            kind = content_type if response.headers["content-type"] == "application/json" else "text/html"
            headers = {"Content-Type": kind} | {
                name: text for name, text in response.headers.items() if name == "retry-after"
            }
            return httpx2.Response(response.status_code, headers=headers, content=body)

        async def run() -> Report:
            async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer), trust_env=False) as http:
                return await examine(URL, KEY, http, self.time.wait, budget_micros=budget_micros, token="t")

        return asyncio.run(run())

    @property
    def notes(self) -> set[tuple[str, str]]:
        return {(each.action, without_count(each.why)) for each in that(self.report, Outcome.NOTE)}


def that(report: Report, outcome: Outcome) -> list[Finding]:
    return [each for each in report.findings if each.outcome is outcome]


def without_count(why: str) -> str:
    return why.partition(" (")[0] if why.endswith(")") else why


def named(report: Report) -> set[tuple[str, str]]:
    return {(each.action, each.sentence) for each in that(report, Outcome.DIFFERS)}


def lies(fault: str) -> dict[str, Any]:
    return {fault: 1.0}
