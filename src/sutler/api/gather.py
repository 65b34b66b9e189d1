"""Gathering: what waits is done together, so that one transaction serves many callers."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

from sutler.storage.transactions import Busy, CommitUnclear

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

_log = structlog.get_logger()


class Full(Exception):
    """The inbox is full; the caller should come again a little later. Nothing was done."""


class Gatherer(Generic[Ask, Answer]):
    """Collects asks on the event loop and hands them in lists to one function on a thread.

    `run` answers a list of asks in the order given. While it is at work, further asks gather for the next list, at most
    `most` a time and at most `lists` lists at work at once; the inbox holds at most `capacity`. `note` is told of every
    list's outcomes once they are on their way: apart from `run`, which may be called again where it failed.
    """

    def __init__(
        self,
        run: Callable[[list[Ask]], Sequence[Answer]],
        thread: Executor,
        *,
        capacity: int = 2048,
        most: int = 256,
        lists: int = 1,
        note: Callable[[Sequence[Answer | BaseException]], None] | None = None,
    ) -> None:
        self._run = run
        self._thread = thread
        self._capacity = capacity
        self._most = most
        self._lists = lists
        self._note = note
        self._inbox: deque[tuple[Ask, asyncio.Future[Answer]]] = deque()
        self._starting = False
        self._at_work = 0

    def __len__(self) -> int:
        return len(self._inbox)

    def ask(self, ask: Ask) -> "asyncio.Future[Answer]":
        """Returns a future of the answer. Raises Full at once if too many are waiting already.

        The future raises Busy if the database could not do it, CommitUnclear if it is not known whether it did, or
        whatever else `run` raised for this ask alone.
        """
        if len(self._inbox) >= self._capacity:
            raise Full
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._inbox.append((ask, future))
        self._start_soon(loop)
        return future

    def _start_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._starting and self._at_work < self._lists:
            self._starting = True
            loop.call_soon(self._start, loop, 0)

    def _start(self, loop: asyncio.AbstractEventLoop, seen: int) -> None:
        """Starts a list once a whole turn of the loop has brought no further ask.

        Many callers that were answered together ask together again, and in one list they cost least.
        """
        waiting = len(self._inbox)
        if seen < waiting < self._most:
            loop.call_soon(self._start, loop, waiting)
            return
        self._starting = False
        self._at_work += 1
        batch = [self._inbox.popleft() for _ in range(min(len(self._inbox), self._most))]
        self._thread.submit(self._work, loop, batch)

    def _work(self, loop: asyncio.AbstractEventLoop, batch: list[tuple[Ask, "asyncio.Future[Answer]"]]) -> None:
        outcomes = _outcomes(self._run, [ask for ask, _ in batch])
        loop.call_soon_threadsafe(self._deliver, loop, batch, outcomes)
        if self._note is not None:
            self._note(outcomes)

    def _deliver(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[tuple[Ask, "asyncio.Future[Answer]"]],
        outcomes: Sequence[Answer | BaseException],
    ) -> None:
        self._at_work -= 1
        if self._inbox:
            self._start_soon(loop)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def _outcomes(run: Callable[[list[Ask]], Sequence[Answer]], asks: list[Ask]) -> Sequence[Answer | BaseException]:
    """Runs a list. If a bug breaks it, each ask is run on its own, so that one cannot spoil the others."""
    try:
        return run(asks)
    except (Busy, CommitUnclear) as error:
        return [error] * len(asks)
    except (OperationalError, InterfaceError) as error:
        connection.close()
        return [Busy(str(error))] * len(asks)
    except Exception as error:  # noqa: BLE001 - the boundary: a bug is logged here and answered generically
        connection.close()
        if len(asks) > 1:
            return [_outcomes(run, [ask])[0] for ask in asks]
        _log.exception("failure", during=getattr(run, "__qualname__", "run"))
        return [error]
