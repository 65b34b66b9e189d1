"""`python -m tests.payments.courses`: course after course on a database of its own. Exits with 1 on a wrong balance."""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import click
from bench.engines import ENGINES, Database, fresh

from tests.payments.courses.bugs import BUGS

BEGIN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MOST_SHOWN = 10
MEMORY = Path("/dev/shm")


def main() -> int:
    """Plays the courses on one engine and prints a summary."""
    asked = _arguments()
    # Killed processes lose nothing that memory holds: a disk would only be slower.
    shared = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=shared) as folder, fresh(asked.engine, Path(folder) / "courses") as database:
        return play(database, asked)


def play(database: Database, asked: argparse.Namespace) -> int:
    """Plays the courses on an empty database; returns the exit code."""
    os.environ.update(database.environment())
    database.folder.mkdir(exist_ok=True)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    connections.close_all()
    # Before the first process is forked off: so that each life begins at once.
    from sutler.ops import verify
    from sutler.payments import checkouts, look_ups, notices
    from sutler.simulator.gateways.kinds import KINDS
    from tests.payments.courses.course import Course, World

    assert all((verify, checkouts, look_ups, notices))

    world, began, faults, wrong = World(Random(asked.seed), asked.bug), time.monotonic(), Counter[str](), list[str]()
    world.open(BEGIN)
    for number in range(asked.courses):
        kind = asked.kind or world.chance.choice(list(KINDS))
        course = Course(world, kind, BEGIN + timedelta(minutes=number))
        line = course.play()
        faults.update(course.faults)
        if line:
            wrong.append(line)
            click.echo(line, err=True)
        if len(wrong) >= MOST_SHOWN or (wrong and asked.bug):
            break
    breaches, wallets = world.call("verify", is_safe=True)
    world.close()
    credited, taken, frozen = (sum(each[at] for each in world.expected.values()) for at in range(3))
    if wallets != credited - taken - frozen:
        wrong.append(f"wallets hold {wallets}, paid and not gone back are {credited - taken - frozen}")
    for each in (*breaches, *wrong[MOST_SHOWN:]):
        click.echo(each, err=True)
    click.echo(
        f"{asked.engine}: {number + 1} courses, {world.calls} steps, {world.kills} kills, "
        f"{credited / 1e6:.2f} paid, {taken / 1e6:.2f} gone back, {frozen / 1e6:.2f} frozen, "
        f"faults {dict(sorted(faults.items()))}, {len(wrong)} wrong, {len(breaches)} breaches, "
        f"{time.monotonic() - began:.0f} s"
    )
    return int(bool(wrong or breaches))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.payments.courses")
    parser.add_argument("--courses", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    parser.add_argument("--kind", default="", help="Only this kind of gateway.")
    parser.add_argument("--bug", choices=list(BUGS), default="")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
