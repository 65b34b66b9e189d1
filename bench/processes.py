"""The processes that are compared, started and ended: the panel's web server and worker, a constant, an upstream."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.callers import BenchError
from bench.engines import PROGRAMS, ROOT, Database

STARTS_WITHIN_SECONDS = 30
ENDS_WITHIN_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Process:
    """A process; a server answers on 127.0.0.1 at `port`."""

    pid: int
    port: int = 0

    def ask(self, form: str) -> bytes:
        """Returns the answer to one POST of a form. Raises BenchError if there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v2", form.encode(), timeout=10) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, OSError) as error:
            raise BenchError(f"the server did not answer: {error}") from error

    def peak_memory_mib(self) -> float:
        """Returns the most memory that the process and its children have ever had resident, each for itself."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in (self.pid, *children)]
        lines = (line for status in statuses for line in status.splitlines())
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


@contextmanager
def panel(database: Database) -> Iterator[Process]:
    """Runs the panel's web process on a database, with its output in the data folder."""
    port = _free_port()
    command = [str(PROGRAMS / "sutler"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--data-dir", str(database.folder)]
    with _serving(command, port, database.environment(), database.folder / "serve.log") as process:
        yield process


@contextmanager
def worker(database: Database) -> Iterator[Process]:
    """Runs the panel's worker on a database, with its output in the data folder."""
    command = [str(PROGRAMS / "sutler"), "work", "--data-dir", str(database.folder)]
    with _running(command, database.environment(), database.folder / "work.log") as process:
        yield Process(process.pid)


@contextmanager
def upstream(orders: int, listed: Path) -> Iterator[Process]:
    """Runs an upstream without faults that has so many orders, which it lists in a file."""
    port = _free_port()
    command = [sys.executable, "-m", "bench.upstream_panel", "--port", str(port)]
    command += ["--orders", str(orders), "--listed", str(listed)]
    with _serving(command, port, None, listed.with_suffix(".log")) as process:
        yield process


@contextmanager
def yardstick(answer: bytes, folder: Path) -> Iterator[Process]:
    """Runs the callable that reads the form and answers these bytes."""
    port = _free_port()
    file = folder / "answer.json"
    file.write_bytes(answer)
    command = [sys.executable, "-m", "bench.yardstick", "--port", str(port), "--answer", str(file)]
    with _serving(command, port, None, folder / "yardstick.log") as process:
        yield process


@contextmanager
def _serving(command: list[str], port: int, environment: dict[str, str] | None, log: Path) -> Iterator[Process]:
    with _running(command, environment, log) as process:
        _await(process, port, log)
        yield Process(process.pid, port)


@contextmanager
def _running(command: list[str], environment: dict[str, str] | None, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    said = log.read_text(errors="replace").strip().splitlines()
    raise BenchError(f"the server did not start: {said[-1] if said else 'nothing said'}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
