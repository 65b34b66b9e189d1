"""What quiet customers notice of a hostile sender and of a loud customer: their p99 with and without, older and this.

    python -m bench.neighbours /tmp/older --engine sqlite --rounds 7

Sixteen quiet callers send orders with pauses. Beside them stands nobody, then 1,000 hostile bodies a second that go to
the plain callable in a process of its own (what sender and sockets cost on this machine), then the same to the panel,
then one customer with 64 connections who never pauses; the sides take turns, and the median of each round's ratio
counts. Limits are off, but for those of the hostile sender's address, by which the older panel would count all.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import click
from rich.table import Table

from bench.callers import SCRIPTS, BenchError, call
from bench.engines import ENGINES, ROOT, fresh
from bench.loads import ADD
from bench.processes import Process, panel, yardstick
from bench.report import wide_console
from bench.tools import require, tidy_up_on_sigterm

console = wide_console()
QUIET = replace(ADD, name="quiet add", script="quiet.lua")
QUIET_CALLERS, LOUD_CONNECTIONS, HOSTILE_A_SECOND = 16, 64, 1000
ADDRESS_LIMIT = 100
NOBODY, ELSEWHERE, HOSTILE, LOUD = "nobody", "hostile elsewhere", "hostile", "loud"


@click.command()
@click.argument("older", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="Only this engine")
@click.option("--seconds", default=3, show_default=True, help="Length of each run")
@click.option("--rounds", default=5, show_default=True, help="Runs of each side")
def main(older: Path, engines: tuple[str, ...], seconds: int, rounds: int) -> None:
    """Measures the panel in this folder and the one in the folder OLDER."""
    tidy_up_on_sigterm()
    try:
        require(engines or ENGINES)
        for engine in engines or ENGINES:
            _measure(engine, {"older": older, "this": ROOT}, seconds, rounds)
    except BenchError as error:
        sys.exit(f"bench: {error}")


def _measure(engine: str, roots: dict[str, Path], seconds: int, rounds: int) -> None:
    p99s: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="sutler-neighbours-") as name, ExitStack() as stack:
        plain = stack.enter_context(yardstick(b"{}", Path(name)))
        sides = {side: _start(stack, engine, Path(name) / side, root) for side, root in roots.items()}
        for turn in range(rounds + 1):
            for beside in (NOBODY, ELSEWHERE, HOSTILE, LOUD):
                for side, (web, callers, loud) in sides.items():
                    with _beside(beside, plain if beside == ELSEWHERE else web, loud, seconds):
                        p99_ms = _p99_ms(web, callers, seconds)
                    if turn:  # the first is to warm up
                        p99s.setdefault((side, beside), []).append(p99_ms)
    table = Table(
        "side", "beside", "p99 ms", *(f"of {base}'s" for base in (NOBODY, ELSEWHERE)), title=f"quiet, {engine}"
    )
    for (side, beside), runs in p99s.items():
        ratios = [
            median(run / base for run, base in zip(runs, p99s[side, other], strict=True))
            for other in (NOBODY, ELSEWHERE)
        ]
        table.add_row(side, beside, f"{median(runs):.1f}", *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)


def _p99_ms(web: Process, callers: Path, seconds: int) -> float:
    try:
        return call(QUIET, web.port, callers, seconds, connections=QUIET_CALLERS).p99_ms or 0.0
    except BenchError as error:
        if "of 0 answers" not in str(error):
            raise
        return seconds * 1000.0  # nobody was answered in all the time: it is at least that


def _start(stack: ExitStack, engine: str, folder: Path, root: Path) -> tuple[Process, Path, Path]:
    limit = ADDRESS_LIMIT if root == ROOT else 0
    database = replace(
        stack.enter_context(fresh(engine, folder)), source=root.resolve() / "src", address_requests_per_second=limit
    )
    callers, loud = folder.with_suffix(".txt"), folder.with_suffix(".loud.txt")
    database.seed("start", str(callers), "--orders-each", "1")
    first, *others = callers.read_text().splitlines(keepends=True)
    loud.write_text(first)
    callers.write_text("".join(others))
    web = stack.enter_context(panel(database))
    web.ask(f"key={first.split()[0]}&{ADD.sample}")  # starts its writer
    return web, callers, loud


@contextmanager
def _beside(what: str, web: Process, loud: Path, seconds: int) -> Iterator[None]:
    """Runs what stands beside the quiet ones, a little longer than they are measured."""
    url, script = f"http://127.0.0.1:{web.port}", str(SCRIPTS / "add.lua")
    port, rate, length = str(web.port), str(HOSTILE_A_SECOND), str(seconds + 2)
    hostile = [sys.executable, "-m", "bench.hostile", "--port", port, "--rate", rate, "--seconds", length]
    commands = {
        ELSEWHERE: hostile,
        HOSTILE: hostile,
        LOUD: ["wrk", f"-c{LOUD_CONNECTIONS}", "-t1", f"-d{length}s", "-s", script, url, "--", str(loud)],
    }
    if what == NOBODY:
        yield
        return
    cwd = SCRIPTS if what == LOUD else ROOT
    with subprocess.Popen(commands[what], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
