"""Gathering: what waits is done together, so that one transaction serves many callers."""

import asyncio
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any, Generic, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

from sutler.storage.transactions import Busy, CommitUnclear, ConnectionLost, busy_after

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

# So many stand in a list however few are out: a commit costs more than they do.
_FEW = 4
# Who has asked in so many lists before is there still.
_LATELY_LISTS = 64

_log = structlog.get_logger()


class Full(Exception):
    """The inbox is full; the caller should come again a little later. Nothing was done."""


class ShareFull(Full):
    """As many as may wait under one name are waiting already; there is room for others."""


class Gatherer(Generic[Ask, Answer]):
    """Collects asks on the event loop and hands them in lists to one function on a thread.

    `run` answers a list of asks in the order given. A list takes one ask of each name in turn, `most` at most. While
    `abreast` lists are at work further asks wait. Where that is more than one, a list takes about half of what is out
    (waiting or in lists), a few at least, so that one half is worked while the other half is answered and asks anew;
    a list beside another is formed once that half has gathered. The inbox holds at most `capacity`, and `share` of one
    name.

    A name that asks for more than its equal part of a list (a few at least) delays only itself: it gets no more than
    that while others are about, and lists are short and come one at a time.
    `note` is told of every list's outcomes once they are on their way: apart from `run`, which may be called again
    where it failed.
    """

    def __init__(
        self,
        run: Callable[[list[Ask]], Sequence[Answer]],
        thread: Executor,
        *,
        capacity: int = 2048,
        share: int = 256,
        most: int = 256,
        abreast: int = 1,
        note: Callable[[Sequence[Answer | BaseException]], None] | None = None,
    ) -> None:
        self._run = run
        self._thread = thread
        self._capacity = capacity
        self._share = share
        self._most = most
        self._abreast = abreast
        self._note = note
        self._lock = threading.Lock()
        # name -> what waits under it; whoever stands first has the next turn
        self._inbox: OrderedDict[Hashable, deque[tuple[Ask, asyncio.Future[Answer]]]] = OrderedDict()
        self._waiting = 0
        self._working = 0  # asks in lists at work
        self._answered = 0  # asks in the list answered last: whose callers are about to ask anew
        self._lately: OrderedDict[Hashable, int] = OrderedDict()  # name -> the list that it stood in last
        self._formed = 0  # lists so far
        self._is_one_loud = False  # of one name more waited than its part of the list formed last
        self._lists = 0  # lists at work, or about to be formed

    def __len__(self) -> int:
        return self._waiting

    def ask(self, ask: Ask, name: Hashable = None) -> "asyncio.Future[Answer]":
        """Returns a future of the answer. Raises Full at once if too many wait already, ShareFull if of this name.

        The future raises Busy if the database could not do it, CommitUnclear if it is not known whether it did, or
        whatever else `run` raised for this ask alone.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._waiting >= self._capacity:
                raise Full
            if len(self._inbox.get(name, ())) >= self._share:
                raise ShareFull
            future: asyncio.Future[Answer] = loop.create_future()
            self._inbox.setdefault(name, deque()).append((ask, future))
            self._waiting += 1
            start = self._is_due(self._lists)
            self._lists += start
        if start:
            # Not at once: whoever asks in this same turn of the loop shall be in the same list.
            loop.call_soon(self._thread.submit, self._work, loop)
        return future

    def _is_due(self, others: int) -> bool:
        """Whether a list may be formed beside so many others."""
        if not self._waiting or others >= (1 if self._is_one_loud else self._abreast):
            return False
        return not others or self._waiting >= max(_FEW, (self._waiting + self._working) // 2)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Works one list on the thread and queues there for the next, behind whoever shares the thread.

        To go back to the loop for each list would cost a millisecond.
        """
        batch = self._next()
        if not batch:
            return
        answers = outcomes(self._run, [ask for ask, _ in batch])
        with self._lock:
            self._working -= len(batch)
            self._answered = len(batch)
        self._thread.submit(self._work, loop)
        loop.call_soon_threadsafe(_deliver, batch, answers)
        if self._note is not None:
            self._note(answers)

    def _next(self) -> "list[tuple[Ask, asyncio.Future[Answer]]]":
        with self._lock:
            if not self._is_due(self._lists - 1):
                self._lists -= 1
                return []
            out = self._waiting + self._working + self._answered
            part = out if self._abreast == 1 else max(_FEW, out // 2)
            batch = self._take(min(self._waiting, part, self._most))
            self._waiting -= len(batch)
            self._working += len(batch)
        return batch

    def _take(self, size: int) -> "list[tuple[Ask, asyncio.Future[Answer]]]":
        """Takes up to `size` asks out of the inbox, in turn."""
        batch: list[tuple[Ask, asyncio.Future[Answer]]] = []
        # Whoever is alone may have all of it.
        most_of_one = size + 1 if len(self._lately) < 2 else max(_FEW, size // len(self._lately))
        taken: Counter[Hashable] = Counter()
        later: OrderedDict[Hashable, deque[tuple[Ask, asyncio.Future[Answer]]]] = OrderedDict()
        while self._inbox and len(batch) < size:
            name, line = self._inbox.popitem(last=False)
            batch.append(line.popleft())
            taken[name] += 1
            if line:
                (self._inbox if taken[name] < most_of_one else later)[name] = line
        self._inbox |= later
        self._is_one_loud = bool(later)
        self._remember(taken)
        return batch

    def _remember(self, names: Iterable[Hashable]) -> None:
        self._formed += 1
        for name in names:
            self._lately[name] = self._formed
            self._lately.move_to_end(name)
        while self._formed - next(iter(self._lately.values())) > _LATELY_LISTS:
            self._lately.popitem(last=False)


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
