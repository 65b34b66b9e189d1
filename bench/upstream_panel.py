"""The upstream that worker and yardstick ask: `sutler lying-upstream` without any lie, with orders from the start.

python -m bench.upstream_panel --port 8090 --orders 100000 --listed orders.json
"""

import json
from datetime import timedelta
from pathlib import Path

import click

from sutler.core.clock import SystemClock, seeded
from sutler.simulator.panel import Order, Panel, Service
from sutler.simulator.server import Server
from sutler.simulator.upstream import LyingUpstream

KEY = "bench-key"
SERVICES = 100
# In micros of a dollar for a thousand: many are ordered, so that at every look an order has got on.
RATE_MICROS = 1_000
FEWEST = 5_000_000
# An order waits for a fifth of its time and then is delivered evenly, within 10 to 30 days. Of those of the last eight
# days about half wait, half are under way, and none has ended.
DELIVERY = timedelta(days=20)
AGE = timedelta(days=8)


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--orders", type=int, default=0, help="How many orders there are to begin with")
@click.option("--listed", type=click.Path(path_type=Path), help="File for those orders, oldest first")
def main(port: int, orders: int, listed: Path | None) -> None:
    """Serves until it is told to end."""
    services = [
        Service(number, f"Followers, kind {number}", rate_micros=RATE_MICROS, max=2 * FEWEST)
        for number in range(1, SERVICES + 1)
    ]
    delivery_seconds = DELIVERY.total_seconds()
    upstream = LyingUpstream(
        seeded(1), SystemClock(), key=KEY, balance_micros=10**15, services=services, delivery_seconds=delivery_seconds
    )
    placed = place(upstream.panel, orders)
    if listed:
        listed.write_text(
            json.dumps(
                [
                    (each.id, each.service_id, each.quantity, each.charge_micros, each.created_at.isoformat())
                    for each in placed
                ]
            )
        )
    Server(upstream, "127.0.0.1", port, lambda: None).run()


def place(panel: Panel, total: int) -> list[Order]:
    """Places so many orders, evenly over the last days."""
    begin = SystemClock().now() - AGE
    placed = []
    for number in range(total):
        service, link = str(number % SERVICES + 1), f"https://example.com/{number}"
        form = {"service": service, "link": link, "quantity": str(FEWEST + number)}
        made = panel.add(panel.accounts[KEY], form, begin + AGE * number / total)
        assert isinstance(made, Order), made
        placed.append(made)
    return placed


if __name__ == "__main__":
    main()
