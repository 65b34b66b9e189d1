"""The proof of moving in: both families, to both engines, by the operator's commands, killed on the way.

python -m tests.move_in --orders 500000 --customers 5000 --services 100 --kills 0
"""

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import click
import psycopg

from tests.live.panel import SUTLER
from tests.move_in.made_classic import make_classic
from tests.move_in.made_smartpanel import make_smartpanel
from tests.move_in.mariadb import URL, old_database_on, running_mariadb
from tests.move_in.old_panel import Size, connection_to

FAMILIES = {"smartpanel": make_smartpanel, "classic": make_classic}
POSTGRES = os.environ.get("SUTLER_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres")


def main() -> None:
    """Moves in, and ends with 1 at the first command that fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.move_in")
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--services", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--family", choices=list(FAMILIES))
    parser.add_argument("--engine", choices=["SQLite", "PostgreSQL"])
    chosen = parser.parse_args()
    size = Size(chosen.customers, chosen.services, chosen.orders, chosen.seed)
    with ExitStack() as stack:
        server = stack.enter_context(running_mariadb())
        if server is None:
            sys.exit(f"no MariaDB answers at SUTLER_TEST_MARIADB ({URL}), and none is installed")
        for family in [chosen.family] if chosen.family else FAMILIES:
            with _old_panel(server, family, size) as url:
                for engine in [chosen.engine] if chosen.engine else ("SQLite", "PostgreSQL"):
                    with _room(engine) as environment:
                        _move(family, engine, environment | {"SUTLER_OLD_PANEL": url}, chosen.kills, chosen.seed)


@contextmanager
def _old_panel(server: str, family: str, size: Size) -> Iterator[str]:
    with old_database_on(server) as url:
        with connection_to(url) as filled:
            FAMILIES[family](filled, size)
        click.echo(f"{family}: {size.orders:,} orders of {size.customers:,} customers, seed {size.seed}")
        yield url


@contextmanager
def _room(engine: str) -> Iterator[dict[str, str]]:
    """The settings of an empty panel on this engine, gone afterwards."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUTLER_", "DJANGO_"))}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = stack.enter_context(_database()) if engine == "PostgreSQL" else ""
        own = {"SUTLER_DATA_DIR": folder, "SUTLER_DATABASE_URL": url, "SUTLER_SECRET_KEY": "for the proof only"}
        yield kept | own


@contextmanager
def _database() -> Iterator[str]:
    name = f"sutler_move_in_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _move(family: str, engine: str, environment: dict[str, str], kills: int, seed: int) -> None:
    chance = random.Random(seed)
    _do(environment, "init", "--email", "owner@example.com")
    _do(environment, "move-in", "plan")
    for number in range(kills):
        _kill_on_the_way(environment, chance.uniform(1.0, 8.0), "load" if number % 2 else "shadow")
    used = _processor_seconds()
    seconds = _do(environment, "move-in", "load")
    used = _processor_seconds() - used
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    last = _do(environment, "move-in", "cut-over", "--yes")
    _do(environment, "verify")
    click.echo(
        f"  to {engine}: load {seconds:.0f} s ({used:.0f} s of a processor), cut-over with verify {last:.0f} s,"
        f" at most {memory} MiB; killed {kills} times; totals equal, verify green"
    )


def _kill_on_the_way(environment: dict[str, str], after_seconds: float, command: str) -> None:
    """Starts a pass and kills it as a power cut would, unless it has ended."""
    running = subprocess.Popen(
        [str(SUTLER), "move-in", command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(after_seconds)
    running.send_signal(signal.SIGKILL)
    running.wait()


def _processor_seconds() -> float:
    """What the commands so far have used of a processor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _do(environment: dict[str, str], *arguments: str) -> float:
    started = time.monotonic()
    done = subprocess.run([str(SUTLER), *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"sutler {' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-2000:]}")
    return time.monotonic() - started


if __name__ == "__main__":
    main()
