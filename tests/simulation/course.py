"""One course: customers order, workers die and sleep, upstreams lie; then it is quiet until everything is settled."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import structlog
from django.db.models import Q

from sutler.core.attempts import AttemptState
from sutler.core.clock import Random, seeded
from sutler.fulfilment.models import Attempt, ProviderState
from sutler.orders.cancel import request_cancels
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.orders.refill import request_refills
from sutler.simulator.faults import Faults
from tests.simulation.auditor import Audit, audit, held_by_staff, under_way
from tests.simulation.loop import SimulatedClock, SimulatedLoop, outside_the_loop
from tests.simulation.mixes import MIXES, QUIET, SEVERE
from tests.simulation.points import Traps
from tests.simulation.workers import CALM, STORMY, Crew, Pace, paced
from tests.simulation.world import World, build, order_form

ORDERS_SECONDS = 30.0
LOOK_SECONDS = 300.0
# Of each provider: so many that it most likely has one.
ORDERS_TO_BEGIN = 8
# The storm goes on so long after its last order: until that is sent, and those that waited for others.
REST_SECONDS = 300.0
# Orders that come at each look when it is quiet, for each provider, so that ids go on rising.
ORDERS_WHEN_QUIET = 2
SAME_LINK_SHARE, CANCEL_SHARE, REFILL_SHARE = 0.04, 0.02, 0.02


@dataclass(frozen=True, slots=True)
class Plan:
    """What a course is to be: so many orders at this rate, a blow to some worker every so many seconds (0: none)."""

    seed: int
    mix: str = "everything"
    orders: int = 1000
    orders_a_minute: int = 60
    blow_seconds: float = 10.0
    providers: int = 3
    # An outcome for which there is no proof is given to staff after a day.
    longest_quiet_hours: float = 30.0
    quiet: Faults = QUIET
    has_twins: bool = False
    # Whether the upstreams keep the request ID of an `add` and can be asked for it.
    keeps_request_ids: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a course. `seconds` is how long it was in simulated time, `faults` how often each fault struck."""

    plan: Plan
    audit: Audit
    blows: Counter[Any]
    faults: Counter[str]
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def breaches(self) -> list[str]:
        """Everything that must not be, a line each."""
        return [*self.audit.breaches, *self.errors]


def run(plan: Plan) -> Report:
    """Plays the course in the empty database and audits it."""
    with logged_errors() as errors, paced() as set_pace, asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(Course(plan, errors, set_pace).play())


class Course:
    """One course; `play` is the usual one."""

    def __init__(self, plan: Plan, errors: list[str], set_pace: Callable[[Pace], None]) -> None:
        self._plan = plan
        self._errors = errors
        self._set_pace = set_pace
        self._chance = seeded(plan.seed)
        self._links: list[str] = []
        self._numbers = 0
        self._placed: list[tuple[int, int]] = []

    def start(self) -> None:
        """Begins to keep time, and builds the panel and its upstreams."""
        self._clock = SimulatedClock(asyncio.get_running_loop())
        self._world = self._built()

    async def play(self) -> Report:
        """Storm, then quiet until all is settled, then the audit."""
        loop = asyncio.get_running_loop()
        self.start()
        traps = Traps(self._fresh_chance())
        self._set_pace(STORMY)
        crew = Crew(self._world, traps, self._fresh_chance())
        troubles = [asyncio.create_task(crew.keep_up())]
        await self._begin()
        if self._plan.blow_seconds:
            troubles.append(asyncio.create_task(crew.harm(self._plan.blow_seconds)))
        await self._storm()
        for each in troubles:
            each.cancel()
        traps.disarm()
        self._set_pace(CALM)
        crew.replace()
        await self._calm_down()
        await crew.dismiss()
        found = outside_the_loop(lambda: audit(self._world, self._plan.mix))
        faults = sum((Counter(each.struck) for each in self._world.upstreams.values()), Counter[str]())
        return Report(self._plan, found, traps.sprung, faults, self._errors, loop.time())

    def _built(self) -> World:
        return outside_the_loop(
            lambda: build(
                self._clock,
                self._fresh_chance(),
                self._plan.providers,
                has_twins=self._plan.has_twins,
                keeps_request_ids=self._plan.keeps_request_ids,
            )
        )

    async def _begin(self) -> None:
        """Before anything is searched for, an order of ours must be known at each provider, and what it holds."""
        self._lie(self._quiet)
        outside_the_loop(lambda: self._order(ORDERS_TO_BEGIN * self._plan.providers))
        while not outside_the_loop(_is_known):
            await asyncio.sleep(LOOK_SECONDS / 2)
            outside_the_loop(lambda: self._order(ORDERS_WHEN_QUIET * self._plan.providers))

    async def _storm(self) -> None:
        self._lie(self._faults)
        self._links.clear()  # only these count
        batch = max(1, round(self._plan.orders_a_minute * ORDERS_SECONDS / 60))
        while len(self._links) < self._plan.orders:
            outside_the_loop(lambda: self._order(min(batch, self._plan.orders - len(self._links))))
            outside_the_loop(self._ask_for_more)
            await asyncio.sleep(ORDERS_SECONDS)
        await asyncio.sleep(REST_SECONDS)

    async def _calm_down(self) -> None:
        """No more lies and no more blows: now everything must come to an end, while a few orders still come in."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + 3600 * self._plan.longest_quiet_hours
        self._lie(self._quiet)
        last = self._placed[-1][1]
        while loop.time() < ends and outside_the_loop(lambda: _is_unsettled(last)):
            outside_the_loop(lambda: self._order(ORDERS_WHEN_QUIET * self._plan.providers))
            await asyncio.sleep(LOOK_SECONDS)
        while loop.time() < ends and outside_the_loop(_is_under_way):
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def _faults(self) -> Faults:
        return {**MIXES, **SEVERE}[self._plan.mix]

    @property
    def _quiet(self) -> Faults:
        """What any panel does now and then; how it rounds does not end with the storm."""
        return replace(self._plan.quiet, charge_step_micros=self._faults.charge_step_micros)

    def _lie(self, faults: Faults) -> None:
        for each in self._world.upstreams.values():
            each.faults = faults

    def _order(self, count: int) -> None:
        forms = [order_form(self._world, self._chance, self._link()) for _ in range(count)]
        customers = [self._chance.choice(self._world.customers).pk for _ in forms]
        asked = [PlaceRequest(customer, form) for customer, form in zip(customers, forms, strict=True)]
        for request, answer in zip(asked, place(asked, self._clock.now()), strict=True):
            assert isinstance(answer, Placed), answer
            self._placed.append((request.customer_id, answer.order_id))

    def _link(self) -> str:
        again = self._links and self._chance.random() < SAME_LINK_SHARE
        self._numbers += 1
        self._links.append(
            self._chance.choice(self._links[-50:]) if again else f"https://example.com/post/{self._numbers}"
        )
        return self._links[-1]

    def _ask_for_more(self) -> None:
        """Some customers change their mind; some want a refill."""
        for customer_id, order_id in self._placed[-200:]:
            if self._chance.random() < CANCEL_SHARE / 20:
                request_cancels(customer_id, [order_id], self._clock.now())
        for customer_id, order_id in self._placed[:-200][-200:]:
            if self._chance.random() < REFILL_SHARE / 20:
                request_refills(customer_id, [order_id], self._clock.now())

    def _fresh_chance(self) -> Random:
        return seeded(self._chance.getrandbits(64))


def _is_known() -> bool:
    return not ProviderState.objects.filter(Q(highest_id=0) | Q(gap_micros=None)).exists()


def _is_unsettled(last_order: int) -> bool:
    """Whether an attempt for an order up to this one is open that is not with staff, nor held by one that is."""
    open_states = [AttemptState.PLANNED, AttemptState.SENDING, AttemptState.UNKNOWN]
    found = Attempt.objects.filter(action=Attempt.Action.ADD, state__in=open_states, order__lte=last_order)
    return found.exclude(pk__in=held_by_staff().values("pk")).exists()


def _is_under_way() -> bool:
    """Whether an order is to come to an end by itself: not one that is with staff."""
    return under_way().exists()


@contextmanager
def logged_errors() -> Iterator[list[str]]:
    """Collects what is logged as an error, which is a bug of ours; everything else that is logged is dropped."""
    errors: list[str] = []

    def keep(_: Any, level: str, event: MutableMapping[str, Any]) -> NoReturn:
        if level in {"error", "exception", "critical"}:
            errors.append(f"logged: {event}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, keep])
    try:
        yield errors
    finally:
        structlog.configure(**before)
