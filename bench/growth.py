"""`python -m bench.growth`: does the cost grow? `add` and `status` on an empty panel and on one with a million orders.

Both are measured in turns, so that whatever else the machine does falls on both alike. The empty panel is a fresh copy
in every round, so that it stays empty.
"""

import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click

from bench.callers import BenchError, call
from bench.engines import ENGINES, Database, fresh
from bench.loads import ADD, STATUS, Bar, Load
from bench.processes import panel
from bench.report import RESULTS, Row, machine, progress_bar, save, table, wide_console
from bench.tools import require, tidy_up_on_sigterm

console = wide_console()

Rates = defaultdict[Load, list[float]]

LOADS = (ADD, STATUS)
BAR = Bar(0.9, 1.0)
WARM_UP_SECONDS = 2
# Enough to ask after.
ORDERS_EACH_WHEN_EMPTY = 10


@click.command()
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="Only this engine")
@click.option("--orders", default=1_000_000, show_default=True, help="How many orders the large panel has")
@click.option("--seconds", default=4, show_default=True, help="Length of each run")
@click.option("--rounds", default=5, show_default=True, help="Runs of each side; the median counts")
def main(engines: tuple[str, ...], orders: int, seconds: int, rounds: int) -> None:
    """Compares the panel's rates on an empty database and on a large one; results in bench/results/growth.json."""
    chosen = engines or ENGINES
    tidy_up_on_sigterm()
    try:
        require(chosen)
        rows = [row for engine in chosen for row in compare(engine, orders, seconds, rounds)]
    except BenchError as error:
        sys.exit(f"bench: {error}")
    save(rows, RESULTS / "growth.json")
    console.print(machine(), table(rows), sep="\n")
    console.print(f"`sutler verify` is green after the load: {', '.join(chosen)}. Kept in {RESULTS / 'growth.json'}")


def compare(engine: str, orders: int, seconds: int, rounds: int) -> list[Row]:
    """Returns a row for each load: the rate on the large panel beside that on an empty one."""
    on_empty: Rates = defaultdict(list)
    on_large: Rates = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="sutler-growth-") as name, ExitStack() as stack:
        folder = Path(name)
        progress = stack.enter_context(progress_bar(console))
        task = progress.add_task(f"{engine}: filling in orders", total=orders)
        empty = stack.enter_context(fresh(engine, folder / "empty"))
        empty.seed("start", str(folder / "empty.txt"), "--orders-each", str(ORDERS_EACH_WHEN_EMPTY))
        large = stack.enter_context(fresh(engine, folder / "large"))
        large.seed(
            "grow",
            str(folder / "large.txt"),
            "--orders",
            str(orders),
            heard=lambda line: progress.advance(task, int(line) if line.isdigit() else 0),
        )
        progress.reset(task, total=2 * rounds + 1)
        for turn in range(rounds):
            progress.update(task, description=f"{engine}: the empty panel", advance=1)
            with fresh(engine, folder / f"round{turn}", like=empty) as copy:
                measure(copy, folder / "empty.txt", seconds, on_empty)
            progress.update(task, description=f"{engine}: the panel with {orders:,} orders", advance=1)
            measure(large, folder / "large.txt", seconds, on_large)
        progress.update(task, description=f"{engine}: sutler verify", advance=1)
        large.verify()
    return [_row(load, engine, orders, on_large[load], on_empty[load]) for load in LOADS]


def measure(database: Database, callers: Path, seconds: int, rates: Rates) -> None:
    """Starts the panel on the database, warms it up, and notes what it does of each load in a second."""
    database.settle()
    with panel(database) as web:
        for load in LOADS:
            call(load, web.port, callers, WARM_UP_SECONDS)
            rates[load].append(call(load, web.port, callers, seconds).per_second)


def _row(load: Load, engine: str, orders: int, large: list[float], empty: list[float]) -> Row:
    return Row(f"{load.name} after {orders:,} orders", engine, median(large), load.unit, "empty", median(empty), BAR)


if __name__ == "__main__":
    main()
