"""Random ledger operations by many writers at once, and an auditor who believes nobody.

    python -m bench.ledger_storm --operations 1000000 --writers 16

Each writer is a process with a journal of its own. In the end the wallets must hold what their transfers say, and what
the journals say. Ends with code 1 if they do not.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.callers import BenchError
from bench.engines import ENGINES, ROOT, Database, fresh
from bench.ledger_writer import shared_amount, shared_place
from bench.report import progress_bar, wide_console


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm left behind, in micros where it is money: all three of the last should be nothing."""

    operations: int
    refused: int
    busy: int
    transfers: int
    seconds: float
    imbalance: int
    unaccounted: int
    breaches: list[str]

    @property
    def is_sound(self) -> bool:
        """Whether the books agree with themselves and with the journals."""
        return not (self.imbalance or self.unaccounted or self.breaches)


def storm(database: Database, operations: int, writers: int, seed: int, heard: Callable[[int], object]) -> Outcome:
    """Lets the writers loose on an empty database and audits it; `heard` is called with numbers of operations done."""
    _writer(database, "open")
    began = time.monotonic()
    shares = [operations // writers + (place < operations % writers) for place in range(writers)]
    with ThreadPoolExecutor(writers) as pool:
        jobs = [
            pool.submit(_write, database, number, share, operations, seed, heard) for number, share in enumerate(shares)
        ]
        journals = [job.result() for job in jobs]
    seconds = time.monotonic() - began
    found = json.loads(_writer(database, "audit")[-1])
    wallets = {int(wallet): balance for wallet, balance in found["wallets"].items()}
    expected = _expected(journals, sorted(wallets))
    return Outcome(
        operations,
        sum(each["refused"] for each in journals),
        sum(each["busy"] for each in journals),
        found["transfers"],
        seconds,
        found["imbalance"],
        sum(abs(balance - expected[wallet]) for wallet, balance in wallets.items()),
        found["breaches"],
    )


def _write(
    database: Database, number: int, share: int, operations: int, seed: int, heard: Callable[[int], object]
) -> dict[str, Any]:
    """Runs one writer to its end and returns its journal."""
    options = {"number": number, "operations": share, "all-operations": operations, "seed": seed}
    said = _writer(database, "write", *(f"--{name}={value}" for name, value in options.items()), heard=heard)
    journal: dict[str, Any] = json.loads(said[-1])
    return journal


def _writer(database: Database, *arguments: str, heard: Callable[[int], object] = lambda _: None) -> list[str]:
    """Runs a writer's command to its end and returns the lines it printed; what fails is told on our stderr."""
    lines = []
    with subprocess.Popen(
        [sys.executable, "-m", "bench.ledger_writer", *arguments],
        cwd=ROOT,
        env=database.environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout or ():
            lines.append(line.strip())
            if lines[-1].isdigit():
                heard(int(lines[-1]))
    if process.returncode:
        raise BenchError(f"a writer failed: {' '.join(arguments)}")
    return lines


def _expected(journals: list[dict[str, Any]], wallets: list[int]) -> Counter[int]:
    """Returns what each wallet holds if all journals are true; a deposit that several made has counted once."""
    expected: Counter[int] = Counter()
    for journal in journals:
        expected.update({int(wallet): delta for wallet, delta in journal["deltas"].items()})
    for number in {each for journal in journals for each in journal["deposits"]}:
        expected[shared_place(number, wallets)] += shared_amount(number)
    return expected


def _show(console: Console, outcomes: dict[str, Outcome]) -> None:
    table = Table(
        "engine", "operations", "refused", "tried again", "transfers", "per second", "imbalance", "unaccounted"
    )
    for engine, each in outcomes.items():
        figures = (each.operations, each.refused, each.busy, each.transfers, each.operations / each.seconds)
        table.add_row(engine, *(f"{figure:,.0f}" for figure in figures), str(each.imbalance), str(each.unaccounted))
    console.print(table)
    for engine, each in outcomes.items():
        for breach in each.breaches:
            console.print(f"{engine}: {breach}", soft_wrap=True)


@click.command()
@click.option("--operations", default=1_000_000, show_default=True)
@click.option("--writers", default=16, show_default=True)
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="Only this engine")
@click.option("--seed", default=1, show_default=True)
def main(operations: int, writers: int, engines: tuple[str, ...], seed: int) -> None:
    """Storms the ledger on each engine and shows what is left."""
    console = wide_console()
    outcomes = {}
    try:
        with tempfile.TemporaryDirectory(prefix="sutler-ledger-") as folder, progress_bar(console) as progress:
            for engine in engines or ENGINES:
                task = progress.add_task(engine, total=operations)
                with fresh(engine, Path(folder) / engine) as database:
                    outcomes[engine] = storm(database, operations, writers, seed, partial(progress.advance, task))
    except BenchError as error:
        sys.exit(f"bench: {error}")
    _show(console, outcomes)
    sys.exit(0 if all(each.is_sound for each in outcomes.values()) else 1)


if __name__ == "__main__":
    main()
