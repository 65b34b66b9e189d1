"""A process of the simulation: between any two steps it can die, or sleep and go on as if nothing had happened."""

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from weakref import WeakSet

from sutler.core.clock import Random


class State(Enum):
    """How a process is."""

    AWAKE = auto()
    FROZEN = auto()
    DEAD = auto()
    BURIED = auto()


@dataclass(slots=True, eq=False)
class Step:
    """What a process does next, in the context of one of its tasks."""

    callback: Callable[..., Any]
    args: tuple[Any, ...]
    context: Context
    is_timer: bool = False
    handle: asyncio.Handle | None = None


class Life:
    """The life of one process. A dead one does nothing more at all: no handler of an exception runs."""

    def __init__(self, name: str, chance: Random) -> None:
        self.name = name
        self.state = State.AWAKE
        self._chance = chance
        self._missed: list[Step] = []
        self.tasks: WeakSet[asyncio.Task[Any]] = WeakSet()

    def take(self, step: Step) -> None:
        """Does the step now, or keeps it until the process wakes up, which a dead one never does."""
        if step.handle is not None and step.handle.cancelled():
            return
        if self.state in {State.AWAKE, State.BURIED}:
            step.callback(*step.args)
        else:
            self._missed.append(step)

    def kill(self) -> None:
        """Ends it for good."""
        self.state = State.DEAD

    def freeze(self, seconds: float) -> None:
        """Stops it for so long: no timer, no answer, no renewal of a lease."""
        if self.state is State.AWAKE:
            self.state = State.FROZEN
            context = Context()  # of nobody: the alarm clock is not frozen
            asyncio.get_running_loop().call_later(seconds, self._wake, context=context)

    def bury(self) -> None:
        """Lets the tasks be taken down: what they still want to write is refused."""
        self.state = State.BURIED
        self._go_on()

    def _wake(self) -> None:
        if self.state is State.FROZEN:
            self.state = State.AWAKE
            self._go_on()

    def _go_on(self) -> None:
        """Does what was missed. Whether answers or time-outs are seen first is chance."""
        missed, self._missed = self._missed, []
        if self._chance.random() < 0.5:
            missed.sort(key=lambda step: step.is_timer)
        loop = asyncio.get_running_loop()
        for step in missed:
            loop.call_soon(self.take, step, context=step.context)


LIFE: ContextVar[Life | None] = ContextVar("life", default=None)
