"""Orders on their way to providers: routes, claims and answers one by one, and a whole worker in simulated time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import httpx2

from sutler.catalogue.models import Service
from sutler.core.attempts import AttemptState
from sutler.core.clock import seeded
from sutler.core.events import failure
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Attempt, Provider, ProviderState, Route, UpstreamOrder
from sutler.fulfilment.polling.children import adopt
from sutler.fulfilment.polling.poll import poll
from sutler.fulfilment.providers import leases
from sutler.fulfilment.providers.database import Database
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling.request_ids import settle_unknown
from sutler.fulfilment.sending import claims, outcome, plan, plan_parents
from sutler.fulfilment.sending.claims import Claim
from sutler.fulfilment.sending.outcome import Outcome
from sutler.fulfilment.sending.plan import Planner
from sutler.fulfilment.sending.sender import Sender
from sutler.orders.models import Order
from sutler.panels.client import PanelSettings
from sutler.panels.http_call import HttpCall
from sutler.panels.results import Accepted, Declined, Failure, NoAnswer
from sutler.simulator.faults import Faults
from sutler.simulator.panel import Service as TheirService
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import KEY, LyingUpstream
from sutler.storage.transactions import durable
from tests.conftest import NOW
from tests.fulfilment.upstream import URL, make_provider, make_upstream_service
from tests.simulation.loop import SimulatedClock, SimulatedLoop, outside_the_loop

WORKER = "worker-1"
TIMED_OUT = NoAnswer(failure("ReadTimeout"))
UNKNOWN_WORDS = Declined(DeclineKind.OTHER, "The stars are not right")
P = ParamSpec("P")
T = TypeVar("T")


def route(
    service: Service,
    provider: Provider | str = "Upstream",
    *,
    preference: int = 1,
    weight: int = 1,
    most_open: int | None = None,
    **upstream: Any,
) -> Route:
    """A route to a service (with these fields) of the provider; a name makes a new provider."""
    there = make_provider(name=provider) if isinstance(provider, str) else provider
    numbers = {"preference": preference, "weight": weight, "most_open": most_open}
    return Route.objects.create(service=service, upstream_service=make_upstream_service(there, **upstream), **numbers)


def plan_all(now: datetime = NOW) -> int:
    """Plans whatever waits, as a worker that has just begun."""
    return Planner().plan_waiting(now)


def claim(provider: Provider, now: datetime = NOW, count: int = 100, worker: str = WORKER) -> list[Claim]:
    """What the worker, which holds the provider's lease, claims now."""
    ProviderState.objects.filter(provider=provider).update(worker=worker, leased_until=now + leases.LEASE)
    return claims.claim(provider.pk, count, worker, now)


def settle(claimed: Claim, answer: Outcome | Accepted | Failure, now: datetime = NOW) -> bool:
    """Writes what was answered (or decided); returns True if the attempt moved."""
    told = answer if isinstance(answer, Outcome) else outcome.outcome_of(claimed.attempt_id, answer)
    provider_id = Attempt.objects.get(pk=claimed.attempt_id).provider_id
    return bool(outcome.settle(provider_id, [told], (), now))


def send(order: Order, answer: Accepted | Failure, now: datetime = NOW) -> Claim:
    """Plans this order, claims it with whatever else is planned, and settles the provider's answer to it."""
    with durable():
        plan.plan([order.pk], now)
    provider = Attempt.objects.get(order=order, state=AttemptState.PLANNED).provider
    claimed = next(each for each in claim(provider, now) if each.order_id == order.pk)
    settle(claimed, answer, now)
    return claimed


def states(order: Order) -> list[str]:
    """The states of the order's attempts, oldest first."""
    return list(Attempt.objects.filter(order=order).order_by("pk").values_list("state", flat=True))


class InTheLoop(Database):
    """Asks the database between two steps of the simulated loop, over the test's own connection."""

    def __init__(self) -> None:
        super().__init__(None)

    async def run(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return outside_the_loop(partial(verb, *args, **kwargs))


@dataclass
class World:
    """A provider that is a scripted upstream with one service, a route to it, and a worker, in simulated time."""

    service: Service
    loop: SimulatedLoop
    provider_fields: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[float, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = SimulatedClock(self.loop)
        sold = [TheirService(1, "Followers", rate_micros=500_000, min=1, max=100_000)]
        self.upstream = LyingUpstream(seeded(1), self.clock, services=sold)
        self.provider = make_provider(**({"may_scan": True} | self.provider_fields))
        self.route = route(self.service, self.provider)

    def lie(self, **faults: Any) -> None:
        """Switches these faults on, and all others off."""
        self.upstream.faults = Faults(**faults)

    def now(self) -> datetime:
        """The simulated moment."""
        return self.clock.now()

    def live(self, seconds: float) -> None:
        """Has a worker do for so long all that is due; then it dies."""
        self.run(lambda session: self._work(session, seconds, 10.0, 10.0, [Sender(session, session.database).run()]))

    def look(self, seconds: float) -> None:
        """Has a worker do for so long, at a slow pace, all that is due but sending."""
        self.run(lambda session: self._work(session, seconds, 60.0, 150.0, []))

    def skip(self, seconds: float) -> None:
        """Lets so much time pass in which no worker does anything."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def run(self, work: Callable[[ProviderSession], Awaitable[T]]) -> T:
        """Does this over a fresh session to the provider."""

        async def whole() -> T:
            async with httpx2.MockTransport(self._answer) as transport:
                await InTheLoop().run(leases.hold, WORKER, self.now())
                provider = await InTheLoop().run(Provider.objects.select_related("live_state").get, pk=self.provider.pk)
                settings = PanelSettings(URL, KEY)
                call = HttpCall(transport, self.clock)
                return await work(ProviderSession(provider, settings, call, InTheLoop(), self.clock, seeded(1), WORKER))

        return self.loop.run_until_complete(whole())

    async def _work(
        self, session: ProviderSession, seconds: float, keep: float, step: float, works: list[Coroutine[Any, Any, None]]
    ) -> None:
        """Ends leases every `keep` seconds; plans, renews its own lease, follows and settles every `step` seconds."""
        jobs: dict[Callable[[datetime], object], float]
        jobs = {Planner().plan_waiting: step, outcome.expire_leases: keep, partial(leases.hold, WORKER): step}
        jobs[plan_parents.place_due_runs] = step
        works += [again(partial(do, each, session), pace, self.now) for each, pace in jobs.items()]
        works += [again(partial(step_over, each, session), step, self.now) for each in (poll, adopt, settle_unknown)]
        tasks = [asyncio.create_task(each) for each in works]
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in done:
            each.result()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        asked = dict(httpx2.QueryParams((await request.aread()).decode()))
        self.asked.append((self.loop.time(), asked))
        return await SimulatedTransport(self.upstream, asyncio.sleep).handle_async_request(request)


async def again(step: Callable[[datetime], Awaitable[object]], seconds: float, now: Callable[[], datetime]) -> None:
    """Does the step again and again, so many seconds apart."""
    while True:
        await step(now())
        await asyncio.sleep(seconds)


async def do(job: Callable[[datetime], object], session: ProviderSession, now: datetime) -> None:
    """Does the job, over the line's way to the database."""
    await session.database.run(job, now)


async def step_over(
    step: Callable[[ProviderSession], Awaitable[object]], session: ProviderSession, _: datetime
) -> None:
    """Does the step over this session."""
    await step(session)


@contextmanager
def world(service: Service, **provider: Any) -> Iterator[World]:
    """A world whose loop is closed at its end."""
    loop = SimulatedLoop()
    try:
        yield World(service, loop, provider)
    finally:
        loop.close()


def there(order: Order) -> UpstreamOrder:
    """The order at its provider."""
    return UpstreamOrder.objects.get(order=order)
