"""An event loop in simulated time: where nothing is left to do but wait, the time has come. Nothing in it is real."""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

from tests.conftest import NOW
from tests.simulation.lives import LIFE, Step

T = TypeVar("T")


class NotSimulated(BaseException):
    """Something asked for a thread, a socket, or an event that only the real world could bring."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """Jumps to the next timer instead of sleeping. Steps of a process (`lives.Life`) wait for it, or are dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._passed = 0.0
        self._selector = self  # what the loop sleeps in

    def time(self) -> float:
        """Returns the seconds since the beginning of the simulation."""
        return self._passed

    def select(self, timeout: float | None) -> list[Any]:
        """Lets so much time pass."""
        if timeout is None:
            raise NotSimulated("every task waits for something that nothing will bring")
        self._passed += timeout
        return []

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Has the callback run in the next round, if the process it belongs to is awake then."""
        context = context or copy_context()
        life = context.get(LIFE)
        if life is None:
            return super().call_soon(callback, *args, context=context)
        step = Step(callback, args, context)
        step.handle = super().call_soon(life.take, step, context=context)
        return step.handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """The same at a moment of simulated time."""
        context = context or copy_context()
        life = context.get(LIFE)
        if life is None:
            return super().call_at(when, callback, *args, context=context)
        step = Step(callback, args, context, is_timer=True)
        handle = super().call_at(when, life.take, step, context=context)
        step.handle = handle
        return handle

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> asyncio.Task[Any]:
        """Starts a task, which belongs to the process that starts it."""
        context = context or copy_context()
        task = super().create_task(coro, name=name, context=context)
        life = context.get(LIFE)
        if life is not None:
            life.tasks.add(task)
        return task

    def call_soon_threadsafe(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        """Refuses: there are no threads."""
        raise NotSimulated("a thread wants to wake the loop")

    def run_in_executor(self, *_: Any) -> NoReturn:  # type: ignore[override]
        """Refuses: there are no threads."""
        raise NotSimulated("a thread is asked for")

    async def create_connection(self, *_: Any, **__: Any) -> NoReturn:
        """Refuses: there are no sockets."""
        raise NotSimulated("a connection is asked for")

    def _process_events(self, _: list[Any]) -> None:
        """There are none."""


class SimulatedClock:
    """The loop's time as the panel's clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        """Returns the simulated moment."""
        return NOW + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        """Returns the simulated seconds."""
        return self._loop.time()


def outside_the_loop(verb: Callable[[], T]) -> T:
    """Returns what the verb returns, run as if in a thread of its own: Django refuses to work within a loop."""
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return verb()
    finally:
        asyncio._set_running_loop(loop)
