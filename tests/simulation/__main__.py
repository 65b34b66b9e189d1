"""`python -m tests.simulation`: course after course, until enough outcomes were unclear. Exits with 1 on a breach."""

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.simulation import records, stage
from tests.simulation.records import Record, Totals

if TYPE_CHECKING:
    from tests.simulation.course import Plan, Report

MOST_SHOWN = 20
LEAST_SETTLED_PERCENT = 99.5
# Where there is no terminal to draw a bar on, a line is written after so many courses.
COURSES_A_LINE = 10
MEMORY = Path("/dev/shm")


def main() -> int:
    """Plays the courses and prints the summary. Returns 1 for a breach, or where too few were settled."""
    asked = _arguments()
    stage.configure(Path())
    totals = Totals()
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} unclear outcomes"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    in_memory = MEMORY if MEMORY.is_dir() else None  # power cuts are not what this is about
    with (
        tempfile.TemporaryDirectory(dir=in_memory) as folder,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        bar = progress.add_task("", total=asked.unclear)
        for record in _played(asked, folder):
            totals.add(record)
            unclear, breaches = totals.figures["unclear"], len(totals.breaches)
            progress.update(bar, completed=unclear, description=f"{totals.courses} courses, {breaches} breaches")
            if not console.is_terminal and totals.courses % COURSES_A_LINE == 0:
                click.echo(f"{unclear:,} of {asked.unclear:,} unclear, {totals.courses} courses, {breaches} breaches")
    return _print(totals)


def _arguments() -> argparse.Namespace:
    from tests.simulation.mixes import MIXES

    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--unclear", type=int, default=100_000, help="stop after so many unclear outcomes")
    parser.add_argument("--seed", type=int, default=1, help="of the first course; the next have the next ones")
    parser.add_argument("--orders", type=int, default=600, help="orders in a course")
    parser.add_argument("--rate", type=int, default=30, help="orders a minute")
    parser.add_argument("--blow", type=float, default=30.0, help="seconds between two blows to the workers")
    parser.add_argument("--mix", choices=MIXES, help="one mix of faults instead of all in turn")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="courses at the same time")
    parser.add_argument("--bug", default="", help="switch a bug of bugs.py in")
    parser.add_argument("--record", type=Path, help="keep each course in this file; those in it are not played again")
    if os.environ.get("SUTLER_DATABASE_URL"):
        parser.error("SUTLER_DATABASE_URL is set, but each process plays in a file of its own: unset it")
    return parser.parse_args()


def _plans(asked: argparse.Namespace) -> "Iterator[Plan]":
    from tests.simulation.course import Plan
    from tests.simulation.mixes import MIXES

    names = [asked.mix] if asked.mix else list(MIXES)
    for seed in count(asked.seed):
        # Each mix in turn, then each again with upstreams that keep request IDs.
        keeps = bool(seed // len(names) % 2)
        yield Plan(seed, names[seed % len(names)], asked.orders, asked.rate, asked.blow, keeps_request_ids=keeps)


def _played(asked: argparse.Namespace, folder: str) -> Iterator[Record]:
    """Yields the record of each course, those played before first, until enough outcomes were unclear."""
    before = records.read(asked.record)
    plans = _plans(asked)
    left = asked.unclear
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.jobs, mp_context=context, initializer=stage.set_up, initargs=(folder,)) as pool:
        running: set[Future[Report]] = set()
        while left > 0:
            while left > 0 and len(running) < asked.jobs:
                plan = next(plans)
                if known := before.get(records.name_of(plan, asked.bug)):
                    left -= known.figures["unclear"]
                    yield known
                else:
                    running.add(pool.submit(stage.play, plan, asked.bug))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                record = records.record_of(each.result(), asked.bug)
                records.append(asked.record, record)
                left -= max(1, record.figures["unclear"])
                yield record


def _print(totals: Totals) -> int:
    click.echo(f"{totals.courses:>12,}  courses, {totals.hours:,.0f} simulated hours")
    for name, number in sorted(totals.figures.items()):
        click.echo(f"{number:>12,}  {name}")
    click.echo(f"{totals.settled_percent:>12.3f}  % settled without a person (at least {LEAST_SETTLED_PERCENT})")
    _list("Unclear outcomes by the reason given", totals.unclear_by)
    _list("Faults of the upstreams, to whatever call", totals.faults)
    _list("Blows to the workers", totals.blows)
    for line in totals.breaches[:MOST_SHOWN]:
        click.echo(line)
    click.echo(f"{len(totals.breaches):,} breaches" if totals.breaches else "No breach.")
    return 1 if totals.breaches or totals.settled_percent < LEAST_SETTLED_PERCENT else 0


def _list(title: str, numbers: Counter[str]) -> None:
    click.echo(f"\n{numbers.total():>12,}  {title}")
    for name, number in numbers.most_common():
        click.echo(f"{number:>12,}    {name}")


if __name__ == "__main__":
    sys.exit(main())
