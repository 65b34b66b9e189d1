"""The way from the worker's event loop to the database, which is asked in threads of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

from sutler.storage.transactions import Busy, CommitUnclear

P = ParamSpec("P")
T = TypeVar("T")

PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
NOT_NOW = (Busy, CommitUnclear, OperationalError, InterfaceError)

_log = structlog.get_logger(__name__)


class Database:
    """Runs verbs of the rooms below in a thread of an executor's; without one in the caller's own."""

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor

    async def run(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns what the verb returns, or raises what it raises. No task of the loop waits meanwhile but this."""
        if self._executor is None:
            return verb(*args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: _closing(verb, *args, **kwargs))

    async def run_until_done(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, again and again while the database is locked, full or away, or a commit was unclear.

        For what must not be lost, such as an answer from outside: the verb must be safe to repeat.
        """
        pause = PAUSE_SECONDS
        while True:
            try:
                return await self.run(verb, *args, **kwargs)
            except NOT_NOW as error:
                _log.warning("worker.waits_for_the_database", verb=getattr(verb, "__name__", ""), error=str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _closing(verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs the verb; closes the thread's connection where it may be broken, so that the next verb opens another."""
    try:
        return verb(*args, **kwargs)
    except (OperationalError, InterfaceError):
        connection.close()
        raise
