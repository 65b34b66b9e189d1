"""Gathering: what waits is done together, so that one transaction serves many callers."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Generic, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

from sutler.storage.transactions import Busy, CommitUnclear, ConnectionLost, busy_after

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

_log = structlog.get_logger()


class Full(Exception):
    """The inbox is full; the caller should come again a little later. Nothing was done."""


class Gatherer(Generic[Ask, Answer]):
    """Collects asks on the event loop and hands them in lists to one function on one thread.

    `run` answers a list of asks in the order given. While it is at work, further asks gather for the next list, at most
    `most` a time; the inbox holds at most `capacity`. `note` is told of every list's outcomes once they are on their
    way: apart from `run`, which may be called again where it failed.
    """

    def __init__(
        self,
        run: Callable[[list[Ask]], Sequence[Answer]],
        thread: Executor,
        *,
        capacity: int = 2048,
        most: int = 256,
        note: Callable[[Sequence[Answer | BaseException]], None] | None = None,
    ) -> None:
        self._run = run
        self._thread = thread
        self._capacity = capacity
        self._most = most
        self._note = note
        self._lock = threading.Lock()
        self._inbox: deque[tuple[Ask, asyncio.Future[Answer]]] = deque()
        self._busy = False

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
        with self._lock:
            start, self._busy = not self._busy, True
        if start:
            # Not at once: whoever asks in this same turn of the loop shall be in the same list.
            loop.call_soon(self._thread.submit, self._work, loop)
        return future

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Works one list on the thread and queues there for the next, behind whoever shares the thread.

        To go back to the loop for each list would cost a millisecond.
        """
        batch = self._next()
        if not batch:
            return
        answers = outcomes(self._run, [ask for ask, _ in batch])
        self._thread.submit(self._work, loop)
        loop.call_soon_threadsafe(_deliver, batch, answers)
        if self._note is not None:
            self._note(answers)

    def _next(self) -> "list[tuple[Ask, asyncio.Future[Answer]]]":
        with self._lock:
            batch = [self._inbox.popleft() for _ in range(min(len(self._inbox), self._most))]
            self._busy = bool(batch)
        return batch


def _deliver(batch: "list[tuple[Any, asyncio.Future[Any]]]", answers: Sequence[Any]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def outcomes(run: Callable[[list[Ask]], Sequence[Answer]], asks: list[Ask]) -> Sequence[Answer | BaseException]:
    """Returns the answer, or the error, of each ask of a list.

    If a bug breaks the list, each ask is run on its own, so that one cannot spoil the others.
    """
    answers = _outcomes(run, asks)
    # A connection that the database cut while nobody used it is no reason to turn anybody away. Only if nothing of the
    # list was done may it be run again.
    if all(isinstance(each, ConnectionLost) for each in answers):
        return _outcomes(run, asks)
    return answers


def _outcomes(run: Callable[[list[Ask]], Sequence[Answer]], asks: list[Ask]) -> Sequence[Answer | BaseException]:
    try:
        return run(asks)
    except (Busy, CommitUnclear) as error:
        return [error] * len(asks)
    except (OperationalError, InterfaceError) as error:
        return [busy_after(error)] * len(asks)
    except Exception as error:  # noqa: BLE001 - the boundary: a bug is logged here and answered generically
        connection.close()
        if len(asks) > 1:
            return [_outcomes(run, [ask])[0] for ask in asks]
        _log.exception("failure", during=getattr(run, "__qualname__", "run"))
        return [error]
