"""The writer process: two calls stand in its pipe, one that it did not begin goes to the next."""

import fcntl
import os
import signal
import sys
import termios
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from sutler.api.writer import Writer
from sutler.storage.transactions import CommitUnclear

pytestmark = pytest.mark.postgresql


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    monkeypatch.setenv("SUTLER_DATA_DIR", str(tmp_path))
    started = Writer()
    assert started.call("note_use", {}) is None
    yield started
    started.close()


def children() -> list[int]:
    """The writers that any thread of this process has started."""
    pids = [int(pid) for each in Path("/proc/self/task").glob("*/children") for pid in each.read_text().split()]
    return [pid for pid in pids if b"sutler.api.writer" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def bytes_in_pipes() -> int:
    """How much waits to be read by the children."""
    total = 0
    for pid in children():
        pipe = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
        total += int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
        os.close(pipe)
    return total


def test_calls_of_many_threads_each_get_the_own_answer(writer: Writer) -> None:
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(writer.call, verb, {}) for verb in ("note_use", "unknown") * 50]
    assert [type(each.exception()) for each in calls] == [type(None), RuntimeError] * 50


def test_of_two_calls_that_a_writer_leaves_behind_the_one_not_begun_goes_to_the_next_writer(writer: Writer) -> None:
    signal_children(signal.SIGSTOP)
    with ThreadPoolExecutor(2) as threads:
        outcomes: list[Future[Any]] = []
        for _ in range(2):
            before = bytes_in_pipes()
            outcomes.append(threads.submit(writer.call, "note_use", {}))
            while bytes_in_pipes() == before:
                sleep(0.001)
        signal_children(signal.SIGKILL)
        assert [type(each.exception(30)) for each in outcomes] == [CommitUnclear, type(None)]
    assert writer.call("note_use", {}) is None


def signal_children(number: int) -> None:
    for pid in children():
        os.kill(pid, number)
        # On a busy machine it may read on for a while before it is stopped.
        while number == signal.SIGSTOP and "\nState:\tT" not in Path(f"/proc/{pid}/status").read_text():
            sleep(0.001)
