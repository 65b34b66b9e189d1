"""The caller: a process beside the worker that makes its calls to the providers.

In one process the calls and the work on their answers would fight for the interpreter lock. The worker sends each
question over a socket pair and gets the value back; when the call leaves, and what its answer does, is decided in the
worker as before. The caller ends when the socket does, so it cannot outlive the worker, however that ends.
"""

import asyncio
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import structlog
import uvloop

from sutler.core import gc_tuning
from sutler.core.clock import Clock, SystemClock
from sutler.core.events import CauseKind, cause
from sutler.panels.client import PanelSettings, Read
from sutler.panels.http_call import LONGEST_LOGGED, HttpCall
from sutler.panels.results import Catalogue, Exchange, Failure, NoAnswer, NotSent, UpstreamStatus
from sutler.panels.safe_transport import SafeTransport

T = TypeVar("T")

STARTS_WITHIN_SECONDS = 30.0
# It ends every call in time by itself; one that has not after so much longer hangs, and is ended.
GRACE_SECONDS = 10.0
_LENGTH = struct.Struct("!I")
_READY = None

_log = structlog.get_logger(__name__)


class CallerProcess:
    """The worker's end: a `client.Call`. The process is started by the first call, and anew where it has ended.

    What it was asked when it ended is unknown; what it could not be asked was not sent.
    """

    def __init__(self, allowed_hosts: Sequence[str], clock: Clock) -> None:
        """`allowed_hosts` may have private addresses (see `SafeTransport`)."""
        self._allowed_hosts = allowed_hosts
        self._clock = clock
        self._starting = asyncio.Lock()
        self._process: _Process | None = None

    async def __aenter__(self) -> Self:
        """Nothing runs yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process; what it is still waiting for is given up."""
        if self._process is not None:
            await self._process.end()

    async def __call__(
        self, settings: PanelSettings, action: str, fields: Mapping[str, str], read: Read[T]
    ) -> tuple[T | Failure, Exchange]:
        """Puts the question to the panel, from the other process."""
        started_at, started = self._clock.now(), self._clock.monotonic()
        failure: NotSent | NoAnswer
        try:
            process = await self._running()
        except (OSError, TimeoutError, EOFError) as error:
            failure = NotSent(cause(CauseKind.CALLER_NOT_STARTED, error=type(error).__name__))
        else:
            try:
                async with asyncio.timeout(settings.longest_seconds + GRACE_SECONDS):
                    found: tuple[T | Failure, Exchange] = await process.ask(settings, action, fields, read)
            except EOFError:
                failure = NoAnswer(cause(CauseKind.CALLER_ENDED))
            except TimeoutError:
                failure = NoAnswer(cause(CauseKind.CALLER_HANGS))
                await process.end()
            else:
                return found
        took = round((self._clock.monotonic() - started) * 1000)
        asked = {name: text[:LONGEST_LOGGED] for name, text in fields.items()}
        return failure, Exchange(action, asked, "", None, started_at, took, type(failure).__name__, failure.cause)

    async def _running(self) -> "_Process":
        async with self._starting:
            if self._process is None or self._process.has_ended:
                if self._process is not None:
                    await self._process.end()
                self._process = await _start(self._allowed_hosts)
        return self._process


class _Process:
    """The process as it runs, and what it has been asked."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.ready: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.wire = _Wire(self._hear, self._lose)
        self.has_ended = False
        self._process = process
        self._numbers = count()
        self._asked: dict[int | None, asyncio.Future[Any]] = {_READY: self.ready}

    async def ask(self, *question: object) -> Any:
        """Returns what it answers. Raises EOFError if it ends or fails first."""
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self.wire.send((number, question))
        try:
            found = await answer
        except asyncio.CancelledError:
            self.wire.send((number, None))
            raise
        finally:
            del self._asked[number]
        if found is None:
            raise EOFError
        outcome, exchange = found
        if isinstance(outcome, bytes):  # a catalogue
            outcome = await asyncio.to_thread(pickle.loads, outcome)
        return _unpacked(outcome), exchange

    async def end(self) -> None:
        """Ends it, whatever it is at."""
        self.wire.close()
        self._process.kill()
        await asyncio.get_running_loop().run_in_executor(None, self._process.wait)

    def _hear(self, said: Any) -> None:
        number, outcome = said
        answer = self._asked.get(number)
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    def _lose(self) -> None:
        self.has_ended = True
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(EOFError())


async def _start(allowed_hosts: Sequence[str]) -> _Process:
    """Returns the process once it is ready. Raises OSError, EOFError or TimeoutError if it does not become so."""
    ours, theirs = socket.socketpair()
    with theirs:
        # A session of its own: Ctrl-C on the terminal is for the worker, which lets it finish.
        command = [sys.executable, "-m", "sutler.panels.caller_process", str(theirs.fileno()), *allowed_hosts]
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program; a moment, once
                command, stdin=subprocess.DEVNULL, stdout=sys.stderr, pass_fds=[theirs.fileno()], start_new_session=True
            )
        except OSError:
            ours.close()
            raise
    started = _Process(process)
    try:
        await asyncio.get_running_loop().create_unix_connection(lambda: started.wire, sock=ours)
        async with asyncio.timeout(STARTS_WITHIN_SECONDS):
            await started.ready
    except BaseException:
        await started.end()
        raise
    return started


def _packed(outcome: Any) -> Any:
    """Returns a batch of statuses as plain tuples: as what they are, pickle takes five times as long for them."""
    if not isinstance(outcome, dict):
        return outcome
    return {key: tuple(said) if isinstance(said, UpstreamStatus) else said for key, said in outcome.items()}


def _unpacked(outcome: Any) -> Any:
    if not isinstance(outcome, dict):
        return outcome
    return {key: UpstreamStatus._make(said) if type(said) is tuple else said for key, said in outcome.items()}


class _Wire(asyncio.Protocol):
    """Values over a socket pair, each with its length before it."""

    def __init__(self, hear: Callable[[Any], None], lose: Callable[[], None]) -> None:
        self._hear = hear
        self._lose = lose
        self._held = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        start = 0
        while len(self._held) >= (body := start + _LENGTH.size):
            end = body + _LENGTH.unpack_from(self._held, start)[0]
            if len(self._held) < end:
                break
            self._hear(pickle.loads(self._held[body:end]))  # noqa: S301 - from our own other half
            start = end
        del self._held[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()

    def send(self, content: object) -> None:
        """Sends a value; to nowhere where the other half has gone."""
        if self._transport is not None:
            data = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
            self._transport.write(_LENGTH.pack(len(data)) + data)

    def close(self) -> None:
        """Hangs up."""
        if self._transport is not None:
            self._transport.abort()


async def _serve(wire_end: socket.socket, allowed_hosts: Sequence[str]) -> None:
    """Answers questions until the socket ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    tasks: dict[int, asyncio.Task[None]] = {}

    def hear(said: Any) -> None:
        number, question = said
        if question is not None:
            tasks[number] = loop.create_task(answer(number, question))
            tasks[number].add_done_callback(lambda _: tasks.pop(number))
        elif number in tasks:
            tasks[number].cancel()

    async def answer(number: int, question: tuple[Any, ...]) -> None:
        found: tuple[Any, Exchange] | None = None
        try:
            outcome, exchange = await call(*question)
            if isinstance(outcome, Catalogue):  # of up to 50,000 services, which take seconds
                found = await asyncio.to_thread(pickle.dumps, outcome, pickle.HIGHEST_PROTOCOL), exchange
            else:
                found = _packed(outcome), exchange
        except Exception:  # noqa: BLE001 - the boundary: what came of the call is unknown
            _log.exception("caller.failed", action=question[1])
        wire.send((number, found))

    async with SafeTransport(allowed_hosts=allowed_hosts) as transport:
        call = HttpCall(transport, SystemClock())
        wire = _Wire(hear, ended.set)
        await loop.create_unix_connection(lambda: wire, sock=wire_end)
        wire.send((_READY, None))
        await ended.wait()


def main() -> None:
    """Runs the caller until its socket ends."""
    # Whoever stops the panel stops the worker; what it has asked is finished first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    number, *allowed_hosts = sys.argv[1:]
    gc_tuning.spare_what_is_loaded()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(socket.socket(fileno=int(number)), allowed_hosts))
    os._exit(0)  # what is still out is given up


if __name__ == "__main__":
    main()
