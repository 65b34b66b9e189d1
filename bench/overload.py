"""`python -m bench.overload`: what ten times too many requests of pages do to the pages, the lane and the machine.

    git worktree add /tmp/older COMMIT
    python -m bench.overload --older /tmp/older

In turns, for each side: pages over a few connections (the peak), then over ten times as many (the flood), first with
a session for each connection, then all with one. Meanwhile a program asks the lane for its balance, and another
customer and a member of staff for a page each, one after the other.
"""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import click
from rich.table import Table

from bench.callers import SCRIPTS, BenchError
from bench.engines import ENGINES, ROOT, SQLITE, fresh
from bench.overload_probe import Probe, Watch
from bench.processes import Process, panel
from bench.report import RESULTS, machine, wide_console
from bench.tools import require, tidy_up_on_sigterm

console = wide_console()
OLDER, THIS = "older", "this"
TIMES = 10
# The last connections need theirs answered or refused before the next course begins.
PAUSE_SECONDS = 3
HEADS = (
    "pages/s",
    "CPU ms a page",
    "refused",
    "wrong",
    "broken",
    "MiB",
    "files",
    "lane p99",
    "quiet p99",
    "staff p99",
    "quiet good",
)


@dataclass(frozen=True, slots=True)
class Course:
    """What one course of a side came to; latencies in milliseconds, of who asked meanwhile."""

    name: str
    good_per_second: float
    cpu_ms_each: float
    refused: int
    wrong: int
    broken: int
    most_mib: float
    most_descriptors: int
    lane_p99: float
    quiet_p99: float
    staff_p99: float
    quiet_good: float


@dataclass(frozen=True, slots=True)
class Side:
    """A panel that is measured: its process, the file of its sessions, a customer's key."""

    process: Process
    sessions: list[str]
    key: str
    folder: Path


@click.command()
@click.option("--older", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Compare with this folder")
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="Only this engine")
@click.option("--connections", default=8, show_default=True, help="Connections at the peak")
@click.option("--seconds", default=8, show_default=True, help="Length of each course")
@click.option("--rounds", default=3, show_default=True, help="Courses of each kind; the median counts")
def main(older: Path | None, engines: tuple[str, ...], connections: int, seconds: int, rounds: int) -> None:
    """Floods this panel, and an older one beside it; results in bench/results/overload.json."""
    tidy_up_on_sigterm()
    found: dict[str, dict[str, list[Course]]] = {}
    try:
        require(engines or (SQLITE,))
        for engine in engines or (SQLITE,):
            with tempfile.TemporaryDirectory(prefix="sutler-overload-") as folder, ExitStack() as stack:
                sources = {THIS: ROOT} if older is None else {OLDER: older, THIS: ROOT}
                sides = {name: _side(stack, engine, Path(folder), name, root) for name, root in sources.items()}
                measured = {name: list[Course]() for name in sides}
                for _ in range(rounds):
                    for name, side in sides.items():
                        measured[name] += _courses(side, connections, seconds)
                found[engine] = measured
                console.print(_table(engine, measured))
    except BenchError as error:
        sys.exit(f"bench: {error}")
    RESULTS.mkdir(exist_ok=True)
    kept = {e: {name: [asdict(each) for each in runs] for name, runs in sides.items()} for e, sides in found.items()}
    (RESULTS / "overload.json").write_text(json.dumps({"machine": machine()} | kept, indent=1) + "\n")


def _side(stack: ExitStack, engine: str, folder: Path, name: str, root: Path) -> Side:
    database = replace(stack.enter_context(fresh(engine, folder / name)), source=root.resolve() / "src")
    callers, sessions = folder / f"{name}-callers.txt", folder / f"{name}-sessions.txt"
    database.seed("start", str(callers), "--orders-each", "20")
    database.seed("people", str(sessions))
    process = stack.enter_context(panel(database))
    return Side(process, sessions.read_text().splitlines(), callers.read_text().split()[0], folder)


def _courses(side: Side, connections: int, seconds: int) -> list[Course]:
    quiet, *customers = side.sessions[1:]
    many, one = customers[: TIMES * connections], customers[:1]
    return [
        _course(side, "alone", quiet, [], 0, seconds),
        _course(side, "peak", quiet, many[:connections], connections, seconds),
        _course(side, "flood", quiet, many, TIMES * connections, seconds),
        _course(side, "peak of one", quiet, one, connections, seconds),
        _course(side, "flood of one", quiet, one, TIMES * connections, seconds),
    ]


def _course(side: Side, name: str, quiet: str, flood: list[str], connections: int, seconds: int) -> Course:
    file = side.folder / "flood.txt"
    file.write_text("\n".join(flood))
    body = f"key={side.key}&action=balance"
    probes = [
        Probe(side.process.port, "POST", "/api/v2", "", body, pause_seconds=0.01),
        Probe(side.process.port, "GET", *quiet.split(), pause_seconds=0.1),
        Probe(side.process.port, "GET", *side.sessions[0].split(), pause_seconds=0.1),
    ]
    with Watch(side.process.pid) as watch, ExitStack() as asking:
        for probe in probes:
            asking.enter_context(probe)
        good, refused, wrong, broken, micros = _flood(side.process.port, file, connections, seconds)
    subprocess.run(["sleep", str(PAUSE_SECONDS)], check=True)
    lane, page, staff = probes
    return Course(
        name,
        good / (micros / 1e6),
        watch.cpu_ms / max(1, good + page.good + staff.good),
        refused,
        wrong,
        broken,
        watch.most_mib,
        watch.most_descriptors,
        lane.p99_ms(),
        page.p99_ms(),
        staff.p99_ms(),
        page.good / max(1, page.asked),
    )


def _flood(port: int, sessions: Path, connections: int, seconds: int) -> list[int]:
    """Asks for pages over so many connections; returns good, refused, wrong and broken answers, and microseconds."""
    if not connections:
        subprocess.run(["sleep", str(seconds)], check=True)
        return [0, 0, 0, 0, seconds * 1_000_000]
    command = ["wrk", f"-c{connections}", "-t1", f"-d{seconds}s", "--timeout", "20s", "-s", "pages.lua"]
    command += [f"http://127.0.0.1:{port}", "--", str(sessions)]
    ended = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=False)
    for line in ended.stdout.splitlines():
        if line.startswith("PAGES "):
            return [int(each) for each in line.split()[1:]]
    raise BenchError(f"wrk failed: {(ended.stderr or ended.stdout).strip()}")


def _table(engine: str, measured: dict[str, list[Course]]) -> Table:
    table = Table("side", "course", *HEADS, title=engine)
    for name, runs in measured.items():
        for course in dict.fromkeys(each.name for each in runs):
            figures = [list(asdict(each).values())[1:] for each in runs if each.name == course]
            table.add_row(name, course, *(f"{median(column):,.1f}" for column in zip(*figures, strict=True)))
    return table


if __name__ == "__main__":
    main()
