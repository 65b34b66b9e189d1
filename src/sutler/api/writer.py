"""The writer: a process beside each web process that does its writing.

In one process the event loop and the writing thread would fight for the interpreter lock at every call into the
database driver. The web process sends it (verb, arguments) and gets the outcomes back, one at a time, over a pipe. It
ends when the pipe ends, so it cannot outlive the web process, however that ends.
"""

import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any

import structlog

from sutler.storage.transactions import Busy, CommitUnclear

_log = structlog.get_logger()

_LENGTH = struct.Struct("!I")


class Writer:
    """The web process's end; the process is started by the first call.

    Of calls from several threads one is worked and one more stands in the pipe, so that the process need not wait.
    Another process stands by, with everything loaded: to start one takes over a second, and orders would wait for it.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._spare: subprocess.Popen[bytes] | None = None
        self._sending = threading.Lock()
        self._receiving = threading.Lock()
        # The process that ended at a call: what stood behind that in its pipe was not begun.
        self._ended: subprocess.Popen[bytes] | None = None

    def call(self, verb: str, *arguments: object) -> Any:
        """Returns what the verb returns in the writer.

        Raises Busy if it could not be reached, so that nothing was done, CommitUnclear if it ended while at it, or
        whatever the verb raised.
        """
        with self._sending:
            process = self._hand_over((verb, arguments))
            # Before the next may send: answers come in the order of the calls.
            self._receiving.acquire()
        try:
            begun = process is not self._ended
            outcome = self._answer(process) if begun else None
        finally:
            self._receiving.release()
        if not begun:
            return self.call(verb, *arguments)
        self._stand_by()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Ends the processes, once what was given last is answered."""
        with self._sending, self._receiving:
            for process in filter(None, (self._process, self._spare)):
                _end(process)

    def _hand_over(self, content: object) -> subprocess.Popen[bytes]:
        """Gives the content to a process that lives. One that ends before it has all of it has done nothing."""
        fault: Exception | None = None
        for _ in range(2):
            process = self._running()
            try:
                _write(process.stdin, content)
            except (OSError, ValueError) as error:  # the latter where whoever read its last answer has closed it
                self._bury(process)
                fault = error
            else:
                return process
        raise Busy("the writer has ended") from fault

    def _answer(self, process: subprocess.Popen[bytes]) -> Any:
        try:
            return _read(process.stdout)
        except (EOFError, OSError) as error:
            self._ended = process
            _end(process)
            raise CommitUnclear from error

    def _running(self) -> subprocess.Popen[bytes]:
        while self._process is None or self._process.poll() is not None:
            if self._process is not None:
                self._bury(self._process)
            self._process, self._spare = self._spare or _start(), None
        return self._process

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        with self._receiving:  # what it has answered is still read
            _end(process)

    def _stand_by(self) -> None:
        if self._spare is None or self._spare.poll() is not None:
            with self._sending:
                if self._spare is None or self._spare.poll() is not None:
                    self._spare = _start()


def _start() -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C on the terminal is for the web process, which lets it finish.
    return subprocess.Popen(
        [sys.executable, "-m", "sutler.api.writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _write(pipe: IO[bytes] | None, content: object) -> None:
    assert pipe is not None  # noqa: S101 - asked for when the process was started
    data = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _read(pipe: IO[bytes] | None) -> Any:
    assert pipe is not None  # noqa: S101 - asked for when the process was started
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # noqa: S301 - from our own other half


def _serve(verbs: dict[str, Callable[..., Any]], asked: IO[bytes], answered: IO[bytes]) -> None:
    while True:
        try:
            verb, arguments = _read(asked)
        except EOFError:
            return
        try:
            outcome = verbs[verb](*arguments)
        except (Busy, CommitUnclear) as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the boundary: logged here, answered generically
            _log.exception("failure", during=verb)
            outcome = RuntimeError(f"{type(error).__name__} in the writer")
        _write(answered, outcome)


def _verbs() -> dict[str, Callable[..., Any]]:
    from sutler.api.gather import outcomes
    from sutler.api.key_cache import note_use
    from sutler.core.clock import SystemClock
    from sutler.orders import cancel, place, refill

    clock = SystemClock()

    def place_each(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        requests = [place.PlaceRequest(*row) for row in rows]
        placed = outcomes(lambda each: place.place(each, clock.now()), requests)
        return [_plain(each) for each in placed]

    def at_now(verb: Callable[..., Any]) -> Callable[..., Any]:
        def once(customer_id: int, ids: list[int]) -> Any:
            (outcome,) = outcomes(lambda _: [verb(customer_id, ids, clock.now())], [None])
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return once

    return {
        "place": place_each,
        "refill": at_now(refill.request_refills),
        "cancel": at_now(cancel.request_cancels),
        "note_use": note_use,
    }


def _plain(outcome: Any) -> Any:
    """An order id for what was placed; a refusal, Busy or CommitUnclear as they are; no other error travels."""
    if isinstance(outcome, Exception) and not isinstance(outcome, (Busy, CommitUnclear)):
        return RuntimeError(f"{type(outcome).__name__} in the writer")
    return getattr(outcome, "order_id", outcome)


def main() -> None:
    """Runs the writer until its input ends."""
    import django

    from sutler.storage import durability

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sutler.settings")
    # Whoever stops the panel stops the web process; what it has sent is finished first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    django.setup()
    durability.check_every_connection()
    answered = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing else may get into the pipe
    _serve(_verbs(), sys.stdin.buffer, answered)


if __name__ == "__main__":
    main()
