"""Where it strikes: every point at which a worker can die, fall asleep, or find the database away.

A trap is armed for one worker and springs when that worker comes to the point. The ways to the database and to the
upstreams are the real ones, with these points before, within and after.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, NoReturn, ParamSpec, TypeVar

import httpx2
from django.db import DatabaseError, connection

from sutler.core.clock import Random
from sutler.fulfilment.providers.database import Database
from sutler.simulator.form import read_form
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import LyingUpstream
from sutler.storage.transactions import Busy, CommitUnclear
from tests.simulation.lives import Life, State
from tests.simulation.loop import outside_the_loop

P = ParamSpec("P")
T = TypeVar("T")


class Point(StrEnum):
    """Where a trap lies."""

    BEFORE_VERB = "before the transaction"
    BEFORE_COMMIT = "before COMMIT"
    AFTER_COMMIT = "after COMMIT"
    AFTER_VERB = "after the transaction"
    BEFORE_CALL = "before a byte leaves"
    IN_CALL = "while the answer is out"
    AFTER_CALL = "after the answer"
    ANYWHERE = "wherever it was"


class Blow(StrEnum):
    """What happens there."""

    DIES = "dies"
    FREEZES = "freezes"
    BUSY = "finds the database busy"
    UNCLEAR = "loses the connection in COMMIT"


_AT_VERB = (Point.BEFORE_VERB, Point.AFTER_VERB)
_AT_COMMIT = (Point.BEFORE_COMMIT, Point.AFTER_COMMIT)
_AT_CALL = (Point.BEFORE_CALL, Point.IN_CALL, Point.AFTER_CALL)
_BLOWS: Mapping[Point, tuple[Blow, ...]] = {
    **dict.fromkeys((*_AT_VERB, *_AT_CALL), (Blow.DIES, Blow.FREEZES)),
    Point.BEFORE_COMMIT: (Blow.DIES, Blow.UNCLEAR, Blow.BUSY),
    Point.AFTER_COMMIT: (Blow.DIES, Blow.UNCLEAR),
}
# A byte that leaves later than the settle window after its attempt was claimed cannot be told from one that never
# leaves; no program can keep itself from being stopped between its last look at the clock and the sending.
LONGEST_BEFORE_CALL = 600.0


@dataclass(frozen=True, slots=True)
class Trap:
    """What happens to a worker when it comes to this point of a verb or a call of this name."""

    point: Point
    name: str
    blow: Blow
    seconds: float = 0.0


class Traps:
    """The traps that are armed, by worker, and a count of those that have sprung."""

    def __init__(self, chance: Random) -> None:
        self.sprung: Counter[tuple[str, Point, Blow]] = Counter()
        self._chance = chance
        self._armed: dict[Life, list[Trap]] = defaultdict(list)
        self._verbs: dict[str, None] = {}
        self._calls: dict[str, None] = {}

    def arm(self, life: Life) -> None:
        """Lays a trap for the worker, anywhere on the ways that workers have gone so far."""
        chance = self._chance
        point = chance.choice((*_AT_VERB, *_AT_COMMIT, *_AT_CALL))
        names = list(self._calls if point in _AT_CALL else self._verbs)
        if not names:
            return
        seconds = chance.choice((chance.uniform(1, 60), chance.uniform(60, 600), chance.uniform(600, 4000)))
        if point is Point.BEFORE_CALL:
            seconds = min(seconds, LONGEST_BEFORE_CALL)
        self._armed[life].append(Trap(point, chance.choice(names), chance.choice(_BLOWS[point]), seconds))

    def disarm(self) -> None:
        """Takes all traps away."""
        self._armed.clear()

    def seen(self, name: str, *, is_call: bool) -> None:
        """Learns of a place where a trap could lie."""
        (self._calls if is_call else self._verbs)[name] = None

    def springs(self, life: Life, point: Point, name: str) -> Trap | None:
        """Returns the trap that lies just here; it lies there no more."""
        armed = self._armed[life]
        trap = next((each for each in armed if (each.point, each.name) == (point, name)), None)
        if trap is None:
            return None
        armed.remove(trap)
        self.sprung[name, point, trap.blow] += 1
        return trap


async def _strike(life: Life, trap: Trap) -> None:
    """Kills or freezes; returns once the worker is awake again."""
    if trap.blow is Blow.DIES:
        life.kill()
        await asyncio.get_running_loop().create_future()
    life.freeze(trap.seconds)
    await asyncio.sleep(0)


class _Interrupted(DatabaseError):
    """Ends a transaction in the middle of its COMMIT."""


class TrappedDatabase(Database):
    """The worker's way to the database, asked in the loop's own thread."""

    def __init__(self, life: Life, traps: Traps) -> None:
        super().__init__(None)
        self._life = life
        self._traps = traps

    async def run(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns what the verb returns, unless a trap springs."""
        if self._life.state is State.BURIED:
            raise asyncio.CancelledError
        name = _name(verb)
        self._traps.seen(name, is_call=False)
        await self._pass(Point.BEFORE_VERB, name)
        with self._watched_commits(name) as sprung:
            try:
                done = outside_the_loop(partial(verb, *args, **kwargs))
            except _Interrupted:
                await self._end(sprung[0])
        if done:
            await self._pass(Point.AFTER_VERB, name)
        return done

    async def _pass(self, point: Point, name: str) -> None:
        trap = self._traps.springs(self._life, point, name)
        if trap is not None:
            await _strike(self._life, trap)

    async def _end(self, trap: Trap) -> NoReturn:
        if trap.blow is Blow.DIES:
            await _strike(self._life, trap)
        if trap.blow is Blow.UNCLEAR:
            raise CommitUnclear
        raise Busy("simulated")

    @contextmanager
    def _watched_commits(self, name: str) -> Iterator[list[Trap]]:
        sprung: list[Trap] = []
        commit = connection._commit  # type: ignore[attr-defined]

        def watched() -> None:
            for point in _AT_COMMIT:
                trap = self._traps.springs(self._life, point, name)
                if trap is not None:
                    sprung.append(trap)
                    raise _Interrupted
                if point is Point.BEFORE_COMMIT:
                    commit()

        connection._commit = watched  # type: ignore[attr-defined]
        try:
            yield sprung
        finally:
            del connection._commit  # type: ignore[attr-defined]


class TrappedTransport(httpx2.AsyncBaseTransport):
    """The worker's way to the upstreams, by the host of each."""

    def __init__(self, life: Life, traps: Traps, upstreams: Mapping[str, LyingUpstream]) -> None:
        self._life = life
        self._traps = traps
        self._upstreams = upstreams

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Returns the upstream's answer, unless a trap springs before, while or after it is made."""
        form = read_form(b"", await request.aread(), request.headers["content-type"])
        action = form.get("action", "")

        async def wait(seconds: float) -> None:
            await self._pass(Point.IN_CALL, action)
            await asyncio.sleep(seconds)

        self._traps.seen(action, is_call=True)
        await self._pass(Point.BEFORE_CALL, action)
        answer = await SimulatedTransport(self._upstreams[request.url.host], wait).handle_async_request(request)
        await self._pass(Point.AFTER_CALL, action)
        return answer

    async def _pass(self, point: Point, action: str) -> None:
        trap = self._traps.springs(self._life, point, action)
        if trap is not None:
            await _strike(self._life, trap)


def _name(verb: Callable[..., Any]) -> str:
    inner = verb.func if isinstance(verb, partial) else verb
    return f"{inner.__module__.rpartition('.')[2]}.{inner.__name__}"
