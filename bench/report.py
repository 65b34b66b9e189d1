"""What the bench has to say: one row for each comparison, as a table, as JSON and as Markdown for docs/figures.md."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.engines import postgres_version
from bench.loads import Bar

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Row:
    """A measured value beside what it is compared with. `p99_ms` is the callers' latency, where there are callers."""

    name: str
    engine: str
    value: float
    unit: str
    against: str
    yardstick: float
    bar: Bar | None = None
    p99_ms: float | None = None

    @property
    def ratio(self) -> float:
        """Returns the value as a multiple of the yardstick."""
        return self.value / self.yardstick

    @property
    def met(self) -> bool:
        """Returns False if the row stays short of its bar."""
        return self.bar is None or self.bar.met_by(self.ratio)

    def as_json(self) -> dict[str, object]:
        """Returns the row as an entry of the results file."""
        return {
            "name": self.name,
            "engine": self.engine,
            "value": round(self.value, 1),
            "unit": self.unit,
            "yardstick": round(self.yardstick, 1),
            "ratio": round(self.ratio, 3),
            "against": self.against,
            "p99_ms": self.p99_ms,
        } | self._bar_as_json()

    def _bar_as_json(self) -> dict[str, object]:
        if self.bar is None:
            return {}
        return {
            "at_most" if self.bar.lower_is_better else "at_least": self.bar.must,
            "aim": self.bar.aim,
            "met": self.met,
        }


def save(rows: Sequence[Row], file: Path) -> None:
    """Writes the results as a list of entries, each with its date and machine, and the same as Markdown beside it."""
    file.parent.mkdir(exist_ok=True)
    stamp = {"date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    file.write_text(json.dumps([row.as_json() | stamp for row in rows], indent=1) + "\n")
    lines = ["| | engine | measured | yardstick | ratio | bar | aim |", "|---|---|--:|---|--:|--:|--:|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    file.with_suffix(".md").write_text("\n".join([*lines, "", f"{stamp['date']}, {stamp['machine']}.", ""]))


def table(rows: Sequence[Row]) -> Table:
    """Returns the results as a table for the terminal; what stays short of its bar is marked."""
    shown = Table(box=box.SIMPLE)
    for heading in ("", "engine", "measured", "yardstick", "ratio", "bar", "aim"):
        shown.add_column(heading, justify="right" if heading in {"measured", "ratio", "bar", "aim"} else "left")
    for row in rows:
        shown.add_row(*_cells(row), style="" if row.met else "bold red")
    return shown


def wide_console() -> Console:
    """Returns a console on which the table has room, also where the output is no terminal."""
    console = Console()
    console.width = max(console.width, 110)
    return console


def progress_bar(console: Console) -> Progress:
    """Returns the bar that is shown while measuring; it goes away afterwards."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, transient=True)


def machine() -> str:
    """Returns what was measured on, in one line."""
    cpus = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout.split()
    parts = [f"{os.cpu_count()} x {cpus[0] if cpus else platform.machine()}", f"Python {platform.python_version()}"]
    parts += [f"uvicorn {version('uvicorn')}", f"PostgreSQL {postgres_version() or 'not running'}"]
    return ", ".join([*parts, f"wrk {wrk[1] if len(wrk) > 1 else '?'}"])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        row.engine,
        f"{row.value:,.0f} {row.unit}",
        f"{row.yardstick:,.0f} {row.against}",
        f"{row.ratio:.2f}" + ("" if row.met else " !"),
        f"{'<=' if row.bar.lower_is_better else '>='} {row.bar.must:.2f}" if row.bar else "",
        f"{row.bar.aim:.2f}" if row.bar else "",
    )
