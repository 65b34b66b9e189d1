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
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.simulation import stage

if TYPE_CHECKING:
    from tests.simulation.course import Plan, Report

MOST_SHOWN = 20
LEAST_SETTLED_PERCENT = 99.5


def main() -> int:
    """Runs the courses and prints the report. Returns 1 if anything was found that must not be, or too few settled."""
    asked = _arguments()
    stage.configure(Path())
    reports: list[Report] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} unclear outcomes"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        ) as progress,
    ):
        bar = progress.add_task("", total=asked.unclear)
        for report in _played(asked, folder):
            reports.append(report)
            breaches = sum(len(each.breaches) for each in reports)
            progress.update(
                bar,
                advance=report.audit.figures["unclear"],
                description=f"{len(reports)} courses, {breaches} breaches",
            )
    return _print(reports)


def _arguments() -> argparse.Namespace:
    from tests.simulation.mixes import MIXES

    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--unclear", type=int, default=100_000, help="stop after so many unclear outcomes")
    parser.add_argument("--seed", type=int, default=1, help="of the first course; the next have the next ones")
    parser.add_argument("--orders", type=int, default=300, help="orders in a course")
    parser.add_argument("--rate", type=int, default=300, help="orders a minute")
    parser.add_argument("--mix", choices=MIXES, help="one mix of faults instead of all in turn")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="courses at the same time")
    parser.add_argument("--bug", default="", help="switch a bug of bugs.py in")
    if os.environ.get("SUTLER_DATABASE_URL"):
        parser.error("SUTLER_DATABASE_URL is set, but each process plays in a file of its own: unset it")
    return parser.parse_args()


def _plans(asked: argparse.Namespace) -> "Iterator[Plan]":
    from tests.simulation.course import Plan
    from tests.simulation.mixes import MIXES

    names = [asked.mix] if asked.mix else list(MIXES)
    for seed in count(asked.seed):
        yield Plan(seed, names[seed % len(names)], asked.orders, asked.rate)


def _played(asked: argparse.Namespace, folder: str) -> "Iterator[Report]":
    """Yields the report of each course, as they end, until enough outcomes were unclear."""
    plans = _plans(asked)
    left = asked.unclear
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.jobs, mp_context=context, initializer=stage.set_up, initargs=(folder,)) as pool:
        running: set[Future[Report]] = set()
        while left > 0:
            while len(running) < asked.jobs:
                running.add(pool.submit(stage.play, next(plans), asked.bug))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                report = each.result()
                left -= max(1, report.audit.figures["unclear"])
                yield report


def _print(reports: "list[Report]") -> int:
    figures: Counter[str] = Counter()
    blows: Counter[str] = Counter()
    for report in reports:
        figures.update(report.audit.figures)
        for (name, point, blow), times in report.blows.items():
            blows[f"{blow} {point}: {name}"] += times
    breaches = [f"seed {each.plan.seed} ({each.plan.mix}): {line}" for each in reports for line in each.breaches]
    for name, number in sorted(figures.items()):
        click.echo(f"{number:>12,}  {name}")
    settled = 100 - 100 * figures["with staff"] / max(1, figures["unclear"])
    click.echo(f"{settled:>12.3f}  % settled without a person (at least {LEAST_SETTLED_PERCENT})")
    click.echo(f"{sum(blows.values()):>12,}  blows, at {len(blows)} points")
    click.echo(f"{sum(each.seconds for each in reports) / 3600:>12,.0f}  simulated hours")
    for line in breaches[:MOST_SHOWN]:
        click.echo(line)
    click.echo(f"{len(breaches):,} breaches" if breaches else "No breach.")
    return 1 if breaches or settled < LEAST_SETTLED_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main())
