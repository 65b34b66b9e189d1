"""`python -m bench.upstream`: how fast does one worker send orders and follow them, beside a bare loop of httpx2?

Both ask the same upstream, as many calls at once, in turns; the worker keeps all of it durably, the loop nothing.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

from bench.callers import BenchError
from bench.engines import ENGINES, Database, ask, fresh
from bench.loads import MEMORY, MEMORY_MIB, Bar
from bench.processes import Process, upstream, worker
from bench.report import RESULTS, Row, machine, progress_bar, save, table, wide_console
from bench.tools import require, tidy_up_on_sigterm

console = wide_console()

OPEN_ORDERS = 100_000
MOST_CALLS = OPEN_ORDERS // 100
SENT_A_ROUND = 3_000
# As many as a provider may be called at once.
AT_ONCE = 50
BAR = Bar(0.5, 0.5)
CALLS = Bar(1.0, 1.0, lower_is_better=True)
LOOP, FIGURE = "bare httpx2", "asked for"


@dataclass(frozen=True, slots=True)
class Round:
    """What one side did in one round, and with how many calls, where they were counted."""

    done: int
    seconds: float
    calls: int = 0


class Rounds:
    """The rounds of the worker and of the bare loop at one task."""

    def __init__(self) -> None:
        self._of_worker: list[Round] = []
        self._of_loop: list[Round] = []

    def add(self, worker_said: str, loop_said: str) -> None:
        """Keeps what both said of a round."""
        self._of_worker.append(Round(**json.loads(worker_said)))
        self._of_loop.append(Round(**json.loads(loop_said)))

    @property
    def calls(self) -> float:
        """How many calls the worker made in a round."""
        return median(each.calls for each in self._of_worker)

    def row(self, name: str, engine: str, unit: str) -> Row:
        """Returns the medians of both sides."""
        mine, loop = (median(each.done / each.seconds for each in side) for side in (self._of_worker, self._of_loop))
        return Row(name, engine, mine, unit, LOOP, loop, BAR)


@click.command()
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="Only this engine")
@click.option("--rounds", default=3, show_default=True, help="Runs of each side; the median counts")
def main(engines: tuple[str, ...], rounds: int) -> None:
    """Measures one worker over an honest upstream; results in bench/results/upstream.json."""
    chosen = engines or ENGINES
    tidy_up_on_sigterm()
    try:
        require(chosen)
        with tempfile.TemporaryDirectory(prefix="sutler-bench-") as name, progress_bar(console) as progress:
            task = progress.add_task("", total=steps(chosen, rounds))
            rows = measure(chosen, rounds, Path(name), lambda text: progress.update(task, description=text, advance=1))
    except BenchError as error:
        sys.exit(f"bench: {error}")
    save(rows, RESULTS / "upstream.json")
    console.print(machine(), table(rows), sep="\n")
    console.print(f"`sutler verify` is green after the load: {', '.join(chosen)}. Kept in {RESULTS / 'upstream.json'}")


def measure(engines: Sequence[str], rounds: int, folder: Path, step: Callable[[str], None]) -> list[Row]:
    """Measures the worker on each engine and returns all rows.

    Raises BenchError if something was not done, or the books do not agree afterwards.
    """
    step("an upstream with open orders")
    listed = folder / "upstream-orders.json"
    with upstream(OPEN_ORDERS, listed) as panel:
        return [row for engine in engines for row in _measure(engine, rounds, panel, listed, step)]


def steps(engines: Sequence[str], rounds: int) -> int:
    """Returns how many steps `measure` will tell of."""
    return 1 + len(engines) * (2 + 2 * (rounds + 1))


def _measure(engine: str, rounds: int, panel: Process, listed: Path, step: Callable[[str], None]) -> list[Row]:
    url = f"http://127.0.0.1:{panel.port}/api/v2"
    with fresh(engine, listed.parent / f"{engine}-upstream") as database:
        step(f"{engine}: filling in open orders")
        database.round("start", str(listed), "--url", url, "--most-at-once", str(AT_ONCE))
        with worker(database) as process:
            loop = ["--url", url, "--at-once", str(AT_ONCE)]
            turns = Turns(engine, database, rounds, step)
            followed = turns.take("follow", [], ["--listed", str(listed), *loop])
            sent = turns.take("send", [str(SENT_A_ROUND)], [str(SENT_A_ROUND), *loop])
            memory = process.peak_memory_mib()
        step(f"{engine}: sutler verify")
        database.verify()
    return [
        followed.row("orders followed", engine, "statuses/s"),
        sent.row("orders sent", engine, "orders/s"),
        Row(f"calls for {OPEN_ORDERS:,} open orders", engine, followed.calls, "calls", FIGURE, MOST_CALLS, CALLS),
        Row("memory of the worker", engine, memory, "MiB", FIGURE, MEMORY_MIB, MEMORY),
    ]


@dataclass(frozen=True, slots=True)
class Turns:
    """The worker and the bare loop in turns, after one of each to warm up."""

    engine: str
    database: Database
    rounds: int
    step: Callable[[str], None]

    def take(self, task: str, for_worker: Sequence[str], for_loop: Sequence[str]) -> Rounds:
        """Has both do the task again and again."""
        found = Rounds()
        for turn in range(self.rounds + 1):
            self.step(f"{self.engine}, {task}" if turn else f"{self.engine}, {task}: warming up")
            self.database.settle()
            worker_said = self.database.round(task, *for_worker)
            loop_said = ask([sys.executable, "-m", "bench.upstream_bare", task, *for_loop])
            if turn:
                found.add(worker_said, loop_said)
        return found


if __name__ == "__main__":
    main()
