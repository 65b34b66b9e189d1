"""Kills the server again and again under load and holds the panel to everything that it had acknowledged.

    python -m bench.kill_storm --kills 1000 [--seed 1]

On SQLite, or on PostgreSQL where SUTLER_DATABASE_URL names a server. Ends with code 1 at the first lie.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.blank import fresh_database
from tests.live.caller import UNIT
from tests.live.journal import Journal
from tests.live.panel import Panel

ROUND = 50
LONGEST_LIFE_SECONDS = 0.5


def storm(panel: Panel, kills: int, chance: random.Random) -> tuple[int, int]:
    """Kills the server so many times at moments of chance. Returns the orders acknowledged and those unknown."""
    server = panel.server()
    told = unknown = 0
    for begun in range(0, kills, ROUND):
        customer = panel.customer(f"Storm {begun}", balance_micros=1_000_000 * UNIT).via(server)
        with Journal(customer, panel.service(max=2_000_000_000, rate_micros=1000)) as journal:
            for _ in range(min(ROUND, kills - begun)):
                journal.wait_for(1)
                time.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))
                server.kill()
                server.start()
            journal.wait_for(1)
        journal.demand_the_truth()
        panel.verify()
        told, unknown = told + len(journal.told), unknown + len(journal.unknown)
        print(f"{min(begun + ROUND, kills)} kills: {told} orders acknowledged, 0 lost; {unknown} of unknown outcome")
    return told, unknown


def main() -> int:
    """Runs the storm that the command line asks for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kills", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kill-storm-") as folder,
        fresh_database(f"sutler_storm_{os.getpid()}") as url,
    ):
        panel = Panel(Path(folder), url)
        try:
            panel.init()
            panel.open()
            told, unknown = storm(panel, chosen.kills, random.Random(chosen.seed))
        finally:
            panel.close()
    engine = "PostgreSQL" if url else "SQLite"
    print(
        f"{chosen.kills} kills on {engine}: {told} acknowledged, 0 lost, {unknown} of unknown outcome, books in order"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
