"""One engine's comparisons: the panel and its yardsticks measured in turns, A B C A B C, and the medians set out."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import transactions
from bench.callers import BenchError, Figures, call
from bench.engines import POSTGRESQL, SQLITE, Database, fresh
from bench.loads import ADD, AGAINST_TRANSACTIONS, MEMORY, MEMORY_MIB, SERVICES, SERVICES_LISTED, Load
from bench.processes import Process, panel, yardstick
from bench.report import Row

WARM_UP_SECONDS = 2

# What a load is compared with.
PANEL = "panel"
CALLABLE = "plain ASGI"
PGBENCH = "pgbench"
LOOP = "SQLite loop"
FIGURE = "asked for"

Side = Callable[[int], Figures]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often each side is measured, where files go, and who is told of each step."""

    seconds: int
    rounds: int
    folder: Path
    step: Callable[[str], None]

    def measure(self, what: str, sides: Mapping[str, Side], settle: Callable[[], None]) -> dict[str, Figures]:
        """Warms up every side, measures them in turns, and returns the median of each."""
        measured: dict[str, list[Figures]] = {name: [] for name in sides}
        for turn in range(self.rounds + 1):
            for name, side in sides.items():
                self.step(f"{what}: {name}" if turn else f"{what}: {name}, warming up")
                settle()
                figures = side(self.seconds if turn else WARM_UP_SECONDS)
                if turn:
                    measured[name].append(figures)
        return {name: _median(runs) for name, runs in measured.items()}


@dataclass(frozen=True, slots=True)
class Bench:
    """A panel while it is measured: its database, its process, its callers, and the databases of its rivals."""

    engine: str
    database: Database
    web: Process
    callers: Path
    rivals: Mapping[str, Database]
    plan: Plan

    def compare(self, load: Load) -> list[Row]:
        """Measures one load beside everything it is compared with."""
        if load is SERVICES:
            self.database.seed("services", str(SERVICES_LISTED))
        answer = self._sample(load)
        # The catalogue is the same for all; other answers differ and are looked at one by one.
        least_bytes = len(answer) if load is SERVICES else 0
        with yardstick(answer, self.plan.folder) as plain:
            sides: dict[str, Side] = {PANEL: lambda s: call(load, self.web.port, self.callers, s, least_bytes)}
            if load.figure is None:
                sides[CALLABLE] = lambda s: call(load, plain.port, self.callers, s, least_bytes)
            if load is ADD:
                sides |= self._transactions()
            found = self.plan.measure(f"{self.engine}, {load.name}", sides, self.database.settle)
        mine = found.pop(PANEL)
        if load.figure is not None:
            found[FIGURE] = Figures(load.figure)
        return [self._row(load, mine, against, figures) for against, figures in found.items()]

    def memory(self) -> Row:
        """Returns the most memory that the web process has had under all the loads before."""
        return Row("memory", self.engine, self.web.peak_memory_mib(), "MiB", FIGURE, MEMORY_MIB, MEMORY)

    def _sample(self, load: Load) -> bytes:
        """Returns the panel's answer to one request of the load, for the yardstick to answer with."""
        key, *orders = self.callers.read_text().split("\n", 1)[0].split()
        answer = self.web.ask(f"key={key}&{load.sample.format(order=orders[0])}")
        if b'"error"' in answer:
            raise BenchError(f"{load.name} was answered {answer[:200].decode(errors='replace')}")
        if load is SERVICES and len(json.loads(answer)) != SERVICES_LISTED:
            raise BenchError(f"{load.name}: {len(json.loads(answer))} services were listed")
        return answer

    def _transactions(self) -> dict[str, Side]:
        """Returns the sides that write the rows of an `add` without the panel."""
        sides: dict[str, Side] = {}
        if POSTGRESQL in self.rivals:
            sides[PGBENCH] = lambda s: transactions.on_postgres(self.rivals[POSTGRESQL], s)
        if self.engine == SQLITE:
            sides[LOOP] = lambda s: transactions.on_sqlite(self.rivals[SQLITE], s)
        return sides

    def _row(self, load: Load, mine: Figures, against: str, yardstick: Figures) -> Row:
        bar = {PGBENCH: AGAINST_TRANSACTIONS, LOOP: None}.get(against, load.bar)
        name = f"{load.name} vs {against}" if against in {PGBENCH, LOOP} else load.name
        return Row(name, self.engine, mine.per_second, load.unit, against, yardstick.per_second, bar, mine.p99_ms)


def compare(engine: str, loads: Sequence[Load], rivals: Mapping[str, Database], plan: Plan) -> list[Row]:
    """Runs the loads on a fresh panel and returns the rows, with the memory it took.

    Raises BenchError if an answer was wrong or the books do not agree afterwards.
    """
    with fresh(engine, plan.folder / engine) as database:
        plan.step(f"{engine}: filling a fresh database")
        callers = plan.folder / f"{engine}-callers.txt"
        database.seed("start", str(callers))
        with panel(database) as web:
            bench = Bench(engine, database, web, callers, rivals, plan)
            rows = [row for load in loads for row in bench.compare(load)]
            rows.append(bench.memory())
        plan.step(f"{engine}: sutler verify")
        database.verify()
    return rows


def steps(engine: str, loads: Sequence[Load], rounds: int, rivals: Collection[str]) -> int:
    """Returns how many steps `compare` will tell of."""
    sides = sum(1 if load.figure else 2 for load in loads)
    sides += sum(rival in {engine, POSTGRESQL} for rival in rivals)
    return 2 + sides * (rounds + 1)


def _median(runs: Sequence[Figures]) -> Figures:
    p99s = [run.p99_ms for run in runs if run.p99_ms is not None]
    return Figures(median(run.per_second for run in runs), round(median(p99s), 2) if p99s else None)
