"""`python -m bench`: measures the panel beside its yardsticks and prints one table of ratios."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from bench import upstream
from bench.callers import BenchError
from bench.compare import Plan, compare, steps
from bench.engines import ENGINES, SQLITE, fresh
from bench.loads import ADD, LOADS, Load
from bench.report import RESULTS, Row, machine, progress_bar, save, table, wide_console
from bench.tools import has_pgbench, require, tidy_up_on_sigterm

console = wide_console()


@click.command()
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="Only this engine")
@click.option("--only", type=click.Choice([load.name for load in LOADS]), multiple=True, help="Only this load")
@click.option("--seconds", default=4, show_default=True, help="Length of each run")
@click.option("--rounds", default=5, show_default=True, help="Runs of each side; the median counts")
@click.option("--quick", is_flag=True, help="One round of two seconds, for trying")
def main(engines: tuple[str, ...], only: tuple[str, ...], seconds: int, rounds: int, quick: bool) -> None:
    """Measures the panel over HTTP, beside its yardsticks, in the same run.

    A whole run is kept in bench/results/latest.json, any other in trial.json beside it. Ends with 1 if something is
    missing, an answer was wrong or `sutler verify` is not green; a figure below its bar is marked and no error.
    """
    loads = [load for load in LOADS if not only or load.name in only]
    chosen = engines or ENGINES
    if quick:
        seconds, rounds = 2, 1
    tidy_up_on_sigterm()
    try:
        require(chosen)
        rows = measure(chosen, loads, seconds, rounds, with_upstream=not only)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    file = RESULTS / ("trial.json" if quick or only or engines else "latest.json")
    save(rows, file)
    console.print(machine(), table(rows), sep="\n")
    console.print(f"`sutler verify` is green after the load: {', '.join(chosen)}. Kept in {file}", soft_wrap=True)


def measure(
    engines: tuple[str, ...], loads: list[Load], seconds: int, rounds: int, *, with_upstream: bool
) -> list[Row]:
    """Runs the loads on each engine, and then the worker over an upstream, and returns all rows."""
    with tempfile.TemporaryDirectory(prefix="sutler-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        rival_engines = rivals_of(engines) if ADD in loads else ()
        progress = stack.enter_context(progress_bar(console))
        total = sum(steps(each, loads, rounds, rival_engines) for each in engines) + len(rival_engines)
        total += upstream.steps(engines, rounds) if with_upstream else 0
        task = progress.add_task("", total=total)

        def step(description: str) -> None:
            progress.update(task, description=description, advance=1)

        rivals = {}
        for engine in rival_engines:
            step(f"{engine}: filling the database of the yardstick")
            rivals[engine] = stack.enter_context(fresh(engine, folder / f"{engine}-rival"))
            rivals[engine].seed("start", str(folder / "unused.txt"), "--orders-each", "0")
        plan = Plan(seconds, rounds, folder, step)
        rows = [row for engine in engines for row in compare(engine, loads, rivals, plan)]
        return rows + (upstream.measure(engines, rounds, folder, step) if with_upstream else [])


def rivals_of(engines: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the engines on which the rows of an `add` are also written without the panel."""
    pgbench = has_pgbench()
    if not pgbench:
        console.print("No PostgreSQL or no pgbench here: `add` is not compared with it.")
    return tuple(each for each in ENGINES if (each in engines if each == SQLITE else pgbench))


if __name__ == "__main__":
    main()
