"""`python -m bench.pages`: is every page quick with a million orders? Milliseconds and queries of each."""

import json
import sys
import tempfile
from pathlib import Path

import click
from rich.table import Table

from bench.callers import BenchError
from bench.engines import ENGINES, PROGRAMS, ask, fresh
from bench.pages_ask import Asked
from bench.report import RESULTS, machine, progress_bar, wide_console
from bench.tools import tidy_up_on_sigterm

console = wide_console()

MOST_MS, MOST_QUERIES = 100, 12


@click.command()
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="Only this engine")
@click.option("--orders", default=1_000_000, show_default=True, help="How many orders the panel has")
@click.option("--times", default=20, show_default=True, help="How often each page is asked")
def main(engines: tuple[str, ...], orders: int, times: int) -> None:
    """Fills a panel, asks for every page of it, and ends with code 1 if one is over; bench/results/pages.json."""
    tidy_up_on_sigterm()
    try:
        found = {engine: measure(engine, orders, times) for engine in engines or ENGINES}
    except BenchError as error:
        sys.exit(f"bench: {error}")
    kept = {engine: [_as_json(each) for each in rows] for engine, rows in found.items()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "pages.json").write_text(json.dumps({"machine": machine(), "orders": orders} | kept, indent=1) + "\n")
    for engine, rows in found.items():
        console.print(_table(f"{engine}, {orders:,} orders", rows))
    if any(is_over(each) for rows in found.values() for each in rows):
        sys.exit(f"bench: over {MOST_MS} ms or {MOST_QUERIES} queries")


def is_over(page: Asked) -> bool:
    """Returns True if a page takes longer than it may, at its median, or asks too often."""
    return page.median_ms > MOST_MS or page.queries > MOST_QUERIES


def measure(engine: str, orders: int, times: int) -> list[Asked]:
    """Returns what every page takes on a fresh panel with a month of life and so many orders, the slowest first."""
    with tempfile.TemporaryDirectory(prefix="sutler-pages-") as name, progress_bar(console) as progress:
        folder = Path(name)
        task = progress.add_task(f"{engine}: filling in orders", total=orders)
        with fresh(engine, folder / "panel") as database:
            environment, out = database.environment(), folder / "pages.json"
            ask([str(PROGRAMS / "sutler"), "init", "--email", "staff@example.com"], environment)
            ask([sys.executable, "-m", "tests.browser.month"], environment)
            database.seed(
                "grow",
                str(folder / "callers.txt"),
                "--orders",
                str(orders),
                heard=lambda line: progress.advance(task, int(line) if line.isdigit() else 0),
            )
            progress.update(task, description=f"{engine}: asking for every page")
            ask([sys.executable, "-m", "bench.pages_ask", str(out), "--times", str(times)], environment)
            rows = [Asked(**each) for each in json.loads(out.read_text())]
    return sorted(rows, key=lambda each: -each.median_ms)


def _as_json(page: Asked) -> dict[str, object]:
    return {
        "name": page.name,
        "median_ms": round(page.median_ms, 1),
        "p95_ms": round(page.p95_ms, 1),
        "cpu_ms": round(page.cpu_ms, 1),
        "queries": page.queries,
    }


def _table(title: str, rows: list[Asked]) -> Table:
    table = Table("page", title=title)
    for head in ("median ms", "p95 ms", "CPU ms", "queries"):
        table.add_column(head, justify="right")
    for each in rows:
        cells = (each.name, f"{each.median_ms:.1f}", f"{each.p95_ms:.1f}", f"{each.cpu_ms:.1f}", str(each.queries))
        table.add_row(*cells, style="red" if is_over(each) else "")
    return table


if __name__ == "__main__":
    main()
