"""What a panel costs that has nothing to do: `python -m bench.idle`, with 0, 1 and 10 providers.

`sutler run` on a fresh SQLite panel, left alone; its providers answer `balance` and `services` at once. Counted over
the whole family of processes: processor time from /proc (other programs on the machine do not change it), proportional
memory, bytes written, and at how many looks, five a second, the database's log had changed.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from bench.engines import PROGRAMS, ROOT, Database, ask

SETTLE_SECONDS, LOOK_SECONDS = 45.0, 0.2
TICKS = os.sysconf("SC_CLK_TCK")
SERVICES = [
    {"service": 1, "name": "Followers", "type": "Default", "category": "Any", "rate": "0.50", "min": 10, "max": 10000}
]


class _Upstream(BaseHTTPRequestHandler):
    """A panel that answers what a worker asks without being told to."""

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["content-length"])).decode()
        said: Any = SERVICES if "action=services" in form else {"balance": "100.00", "currency": "USD"}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def fill(count: int, address: str) -> None:
    """Gives the panel of the environment so many providers, each at an address of its own."""
    import django

    django.setup()
    from sutler.accounts import secret_key
    from sutler.core.clock import SystemClock
    from sutler.fulfilment.models import Provider
    from sutler.storage.sealed import seal

    now = SystemClock().now()
    for number in range(1, count + 1):
        Provider.objects.create(
            name=f"Upstream {number}",
            url=f"{address}/{number}/api/v2",
            sealed_key=seal(f"key {number}", secret_key.keys()[0]),
            currency="USD",
            may_scan=True,
            created_at=now,
        )


def family(root: int) -> list[int]:
    """Returns the process and all that descend from it."""
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Returns the processor time that the processes have taken, with that of children that have ended."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def of_all(pids: list[int], file: str, name: str) -> int:
    """Returns the sum of a line of /proc/PID/FILE, in the unit that stands there."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(f"{name}:"):
                total += int(line.split()[1])
    return total


def measure(pid: int, folder: Path, seconds: float) -> dict[str, float]:
    """Leaves the panel alone for so long and returns what it has cost."""
    pids = family(pid)
    cpu, written, began = cpu_seconds(pids), of_all(pids, "io", "write_bytes"), time.monotonic()
    log, changes, last = folder / "sutler.sqlite3-wal", 0, 0
    while time.monotonic() - began < seconds:
        time.sleep(LOOK_SECONDS)
        at = log.stat().st_mtime_ns
        changes, last = changes + (last not in {at, 0}), at
    took = time.monotonic() - began
    return {
        "core_percent": 100 * (cpu_seconds(pids) - cpu) / took,
        "memory_mib": of_all(pids, "smaps_rollup", "Pss") / 1024,
        "seconds_a_write": took / max(1, changes),
        "written_kib": (of_all(pids, "io", "write_bytes") - written) / 1024,
        "processes": len(pids),
    }


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(database: Database) -> Iterator[int]:
    """Gives the process of `sutler run` on the database, and ends it."""
    command = [str(PROGRAMS / "sutler"), "run", "--port", str(free_port())]
    with (database.folder / "log").open("w") as log:
        panel = subprocess.Popen(command, env=database.environment(), stdout=log, stderr=log)
        try:
            time.sleep(SETTLE_SECONDS)
            yield panel.pid
        finally:
            panel.send_signal(signal.SIGTERM)
            panel.wait(60)


@click.command()
@click.option("--providers", type=int, multiple=True, default=(0, 1, 10), show_default=True)
@click.option("--source", type=click.Path(path_type=Path), default=ROOT / "src", help="The src of another checkout.")
@click.option("--seconds", type=float, default=60.0, show_default=True)
def main(providers: tuple[int, ...], source: Path, seconds: float) -> None:
    """Prints a line for each number of providers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    click.echo("providers  % of a core  MiB (PSS)  s a write  KiB written  processes")
    for count in providers:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(Path(folder), source=source)
            sutler = str(PROGRAMS / "sutler")
            ask([sutler, "init", "--email", "a@example.com", "--password", "long-enough-1"], database.environment())
            address = f"http://127.0.0.1:{server.server_port}"
            code = f"from bench.idle import fill; fill({count}, {address!r})"
            ask([sys.executable, "-c", code], database.environment())
            with running(database) as pid:
                found = measure(pid, database.folder, seconds)
        click.echo(
            f"{count:9}  {found['core_percent']:11.2f}  {found['memory_mib']:9.0f}  {found['seconds_a_write']:9.1f}"
            f"  {found['written_kib']:11.0f}  {found['processes']:9.0f}"
        )


if __name__ == "__main__":
    main()
