"""This panel beside an older one, and beside the plain callable, in turns in one run.

    git worktree add /tmp/older COMMIT
    python -m bench.against /tmp/older --engine sqlite --only add --callers 64 --rounds 9 --seconds 2

Prints for each load the medians, and the median over the rounds of each side's ratio: of rounds this short no one is
worth anything, and neighbours on the machine disturb the sides of one round alike.
"""

import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

import click
from rich.table import Table

from bench.callers import BenchError, Figures, call
from bench.engines import ENGINES, ROOT, Database, fresh
from bench.loads import ADD, CALLERS, LOADS, Load
from bench.processes import Process, panel, yardstick
from bench.report import wide_console
from bench.tools import require, tidy_up_on_sigterm

console = wide_console()
OLDER, THIS, PLAIN = "older", "this", "plain ASGI"


@click.command()
@click.argument("older", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="Only this engine")
@click.option("--only", type=click.Choice([load.name for load in LOADS]), multiple=True, default=[ADD.name])
@click.option("--callers", "connections", default=CALLERS, show_default=True, help="Connections at once")
@click.option("--seconds", default=2, show_default=True, help="Length of each run")
@click.option("--rounds", default=9, show_default=True, help="Runs of each side")
def main(
    older: Path, engines: tuple[str, ...], only: tuple[str, ...], connections: int, seconds: int, rounds: int
) -> None:
    """Measures the panel in this folder against the one in the folder OLDER."""
    tidy_up_on_sigterm()
    try:
        require(engines or ENGINES)
        for engine in engines or ENGINES:
            with tempfile.TemporaryDirectory(prefix="sutler-against-") as folder, ExitStack() as stack:
                sides = _sides(stack, engine, Path(folder), older)
                for load in (each for each in LOADS if each.name in only):
                    rounds_of = _measure(stack, sides, load, Path(folder), (connections, seconds, rounds))
                    console.print(_table(f"{load.name}, {engine}, {connections} callers", rounds_of))
    except BenchError as error:
        sys.exit(f"bench: {error}")


def _sides(stack: ExitStack, engine: str, folder: Path, older: Path) -> dict[str, tuple[Database, Process, Path]]:
    sides = {}
    for name, root in ((OLDER, older), (THIS, ROOT)):
        database = replace(stack.enter_context(fresh(engine, folder / name)), source=root.resolve() / "src")
        callers = folder / f"{name}-callers.txt"
        database.seed("start", str(callers))
        sides[name] = (database, stack.enter_context(panel(database)), callers)
    return sides


def _measure(
    stack: ExitStack,
    sides: dict[str, tuple[Database, Process, Path]],
    load: Load,
    folder: Path,
    length: tuple[int, int, int],
) -> dict[str, list[Figures]]:
    connections, seconds, rounds = length
    for _, process, callers in sides.values():  # the first also starts its writer
        key, *orders = callers.read_text().split("\n", 1)[0].split()
        answer = process.ask(f"key={key}&{load.sample.format(order=orders[0])}")
    plain = stack.enter_context(yardstick(answer, folder))
    found: dict[str, list[Figures]] = {name: [] for name in (*sides, PLAIN)}
    for turn in range(rounds + 1):
        for name, runs in found.items():
            database, process, callers = sides.get(name, (sides[THIS][0], plain, sides[THIS][2]))
            database.settle()
            try:
                figures = call(load, process.port, callers, seconds, connections=connections)
            except BenchError as error:
                raise BenchError(f"{name}, round {turn}: {error}") from error
            if turn:  # the first is to warm up
                runs.append(figures)
    return found


def _table(title: str, found: dict[str, list[Figures]]) -> Table:
    table = Table("side", "a second", "of plain", "of older", "p99 ms", "p99 of older", title=title)
    for name, runs in found.items():
        table.add_row(
            name,
            f"{median(each.per_second for each in runs):,.0f}",
            _ratio(runs, found[PLAIN], "per_second"),
            _ratio(runs, found[OLDER], "per_second"),
            f"{median(each.p99_ms or 0 for each in runs):.1f}",
            _ratio(runs, found[OLDER], "p99_ms"),
        )
    return table


def _ratio(runs: list[Figures], others: list[Figures], figure: str) -> str:
    ratios = sorted(getattr(run, figure) / getattr(other, figure) for run, other in zip(runs, others, strict=True))
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


if __name__ == "__main__":
    main()
