"""How fast an end travels down a chain of three panels, and in how many calls: by polling, and by changes feeds.

    python -m bench.chain --orders 40

The retailer orders from the reseller, who orders from the wholesaler, each of real processes on SQLite. The wholesaler
completes one order after the other; what counts is how much later the retailer's customer sees it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import click
from rich.table import Table
from tests.blank import Blank
from tests.fulfilment.chain import Chain, chain_of_panels

from bench.engines import ROOT
from bench.report import wide_console
from bench.tools import tidy_up_on_sigterm

# A request for news that is out when the feeds are given up is answered by then.
FEED_ENDS_SECONDS = 22
LONGEST_SECONDS = 900
LOOK_SECONDS = 0.05


@click.command()
@click.option("--orders", default=40, show_default=True, help="Orders of each side")
def main(orders: int) -> None:
    """Measures both sides and prints them."""
    tidy_up_on_sigterm()
    table = Table("side", "median s", "slowest s", "calls of both resellers", title=f"{orders} orders, three panels")
    with (
        tempfile.TemporaryDirectory(prefix="sutler-chain-") as name,
        chain_of_panels(_blank(Path(name)), Path(name)) as chain,
    ):
        for side in ("polling", "changes feed"):
            _use_feeds(chain, side == "changes feed")
            seconds, calls = _measure(chain, orders, side)
            table.add_row(side, f"{median(seconds):.2f}", f"{max(seconds):.2f}", str(calls))
        chain.verify()
    wide_console().print(table)


def _blank(folder: Path) -> Blank:
    """A migrated database."""
    made = folder / "blank"
    made.mkdir()
    environment = os.environ | {"SUTLER_DATA_DIR": str(made), "DJANGO_SETTINGS_MODULE": "sutler.settings"}
    environment.pop("SUTLER_DATABASE_URL", None)
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, cwd=ROOT, check=True)
    return Blank(made / "sutler.sqlite3", "")


def _use_feeds(chain: Chain, used: bool) -> None:
    for link in chain.links:
        link.upper.office("use_feeds", used=used)
    if not used:
        time.sleep(FEED_ENDS_SECONDS)
        for link in chain.links:
            link.upper.office("use_feeds", used=False)
    time.sleep(2)


def _measure(chain: Chain, count: int, side: str) -> tuple[list[float], int]:
    """Returns how long each end took to arrive, and how many calls the two upper panels made meanwhile."""
    before = _calls(chain)
    service = chain.services["Default"]
    link = f"https://example.com/{side.replace(' ', '-')}"
    orders = [chain.alice.simple(service, link=f"{link}/{number}") for number in range(count)]
    ends = time.monotonic() + LONGEST_SECONDS
    while any(len(each) < 3 for each in chain.chains(orders)) and time.monotonic() < ends:
        time.sleep(0.5)
    completed: dict[int, float] = {}
    with ThreadPoolExecutor(1) as thread:
        completing = thread.submit(_complete, chain, orders, completed)
        arrived = _watch(chain, orders, ends)
        completing.result()
    return [arrived.get(each, float("inf")) - completed[each] for each in orders], _calls(chain) - before


def _complete(chain: Chain, orders: Sequence[int], completed: dict[int, float]) -> None:
    for order, _, wholesale in chain.chains(orders):
        chain.wholesaler.report(wholesale, "in_progress", start_count=10)
        chain.wholesaler.report(wholesale, "completed", remains=0)
        completed[order] = time.monotonic()


def _watch(chain: Chain, orders: Sequence[int], ends: float) -> dict[int, float]:
    """Returns when each order was seen to be Completed."""
    arrived: dict[int, float] = {}
    while len(arrived) < len(orders) and time.monotonic() < ends:
        told = chain.alice.ask("status", orders=",".join(map(str, orders)))
        now = time.monotonic()
        for each in orders:
            if told[str(each)]["status"] == "Completed":
                arrived.setdefault(each, now)
        time.sleep(LOOK_SECONDS)
    return arrived


def _calls(chain: Chain) -> int:
    return sum(int(link.upper.office("calls")) for link in chain.links)


if __name__ == "__main__":
    main()
