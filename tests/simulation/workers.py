"""The workers of a course: each a process that runs the real supervisor and the real jobs."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from sutler.core.clock import Random
from sutler.fulfilment.providers import leases
from sutler.fulfilment.providers.database import NOT_NOW
from sutler.fulfilment.sending import sender
from sutler.fulfilment.sending.plan import Planner
from sutler.fulfilment.worker import jobs, supervisor
from sutler.panels.http_call import HttpCall
from tests.simulation.lives import LIFE, Life, State
from tests.simulation.points import Blow, Point, TrappedDatabase, TrappedTransport, Traps
from tests.simulation.world import World

AT_WORK = 2
LONGEST_VACANCY_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the loops wait where nothing is due, and how long a provider is held. Less haste than in earnest: it
    decides nothing, and makes a course short.
    """

    idle_seconds: float
    claim_seconds: float
    gather_seconds: float
    lease_seconds: float


STORMY, CALM = Pace(45.0, 15.0, 5.0, 60.0), Pace(300.0, 120.0, 5.0, 600.0)


@contextmanager
def paced() -> Iterator[Callable[[Pace], None]]:
    """Yields what sets the pace of the workers that are hired from then on."""
    steps, lease, renewal = supervisor.STEPS, leases.LEASE, leases.RENEW_SECONDS
    idle, gather, watch = sender.IDLE_SECONDS, sender.GATHER_SECONDS, supervisor.WATCH_SECONDS

    def set_pace(pace: Pace) -> None:
        supervisor.STEPS = tuple((step, max(seconds, pace.idle_seconds)) for step, seconds in steps)
        sender.IDLE_SECONDS, sender.GATHER_SECONDS = pace.claim_seconds, pace.gather_seconds
        leases.LEASE = timedelta(seconds=pace.lease_seconds)
        leases.RENEW_SECONDS = 0.45 * pace.lease_seconds
        supervisor.WATCH_SECONDS = pace.claim_seconds

    try:
        yield set_pace
    finally:
        supervisor.STEPS, leases.LEASE, leases.RENEW_SECONDS = steps, lease, renewal
        sender.IDLE_SECONDS, sender.GATHER_SECONDS, supervisor.WATCH_SECONDS = idle, gather, watch


class Worker:
    """One `sutler work` in a life of its own: its supervisor, and the jobs that belong to no provider."""

    def __init__(self, name: str, world: World, traps: Traps, chance: Random) -> None:
        self.life = Life(name, chance)
        self.clock = world.clock
        self.database = TrappedDatabase(self.life, traps)
        self._transport = TrappedTransport(self.life, traps, world.upstreams)
        self._chance = chance
        context = copy_context()
        context.run(LIFE.set, self.life)
        self.task = asyncio.get_running_loop().create_task(self._work(), context=context)

    async def _work(self) -> None:
        async with (
            self._transport as transport,
            asyncio.TaskGroup() as group,
        ):
            board = supervisor.Supervisor(
                self.life.name,
                self.clock,
                self._chance,
                HttpCall(transport, self.clock),
                sending=self.database,
                following=self.database,
                secret_keys=[settings.SECRET_KEY],
            )
            group.create_task(board.run(asyncio.Event()))
            group.create_task(self._do_jobs())

    async def _do_jobs(self) -> None:
        regular = (*jobs.JOBS, Planner().plan_waiting)
        while True:
            for job in regular:
                try:
                    await self.database.run(job, self.clock.now())
                except NOT_NOW:
                    continue
            await asyncio.sleep(sender.IDLE_SECONDS * self._chance.uniform(1.8, 2.2))


class Crew:
    """Everybody who works in a course, has worked, or sleeps."""

    def __init__(self, world: World, traps: Traps, chance: Random) -> None:
        self._world = world
        self._traps = traps
        self._chance = chance
        self._all: list[Worker] = []

    async def keep_up(self) -> None:
        """Hires somebody new some time after there are too few awake. Sleepers may wake up beside them."""
        while True:
            if len(self.awake()) < AT_WORK:
                self.hire()
            await asyncio.sleep(self._chance.uniform(1, LONGEST_VACANCY_SECONDS))

    async def harm(self, mean_seconds: float) -> None:
        """Lays a trap for somebody, again and again; now and then one just stops where he stands."""
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / mean_seconds))
            awake = self.awake()
            if not awake:
                continue
            life = self._chance.choice(awake).life
            lot = self._chance.random()
            if lot < 0.8:
                self._traps.arm(life)
            elif lot < 0.9:
                life.freeze(self._chance.uniform(1, 4000))
                self._traps.sprung["", Point.ANYWHERE, Blow.FREEZES] += 1
            else:
                life.kill()
                self._traps.sprung["", Point.ANYWHERE, Blow.DIES] += 1

    def awake(self) -> list[Worker]:
        """Returns those who work."""
        return [each for each in self._all if each.life.state is State.AWAKE]

    def hire(self) -> None:
        """Starts a worker that is none of the earlier ones."""
        name = f"worker-{len(self._all) + 1}"
        self._all.append(Worker(name, self._world, self._traps, self._chance))

    def replace(self) -> None:
        """Ends everybody who is awake and starts one; sleepers may still wake up beside it."""
        for each in self.awake():
            each.life.kill()
        self.hire()

    async def dismiss(self) -> None:
        """Takes down the tasks of all of them, so that none is left in the loop. Nothing is written any more."""
        tasks = [task for each in self._all for task in each.life.tasks]
        for each in self._all:
            each.life.bury()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
