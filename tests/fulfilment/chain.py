"""Three panels in a chain over real HTTP, each of real processes on a database of its own.

Alice buys from the retailer, who buys from the reseller, who buys from the wholesaler, whose work is done by staff and
by the simulated executor. Nobody waits for the clock: what is due later is brought on by the office.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.blank import Blank
from tests.live.caller import UNIT, Caller, until
from tests.live.panel import Panel, panel_on

NAMES = ("wholesaler", "reseller", "retailer")
MARKUP_PERCENT = {"reseller": 20, "retailer": 25}
HURRY_SECONDS = 0.2
ENDED = frozenset({"Completed", "Partial", "Canceled"})
START_MICROS = 5_000 * UNIT


@dataclass(frozen=True)
class Link:
    """Two neighbours of the chain: what the upper one orders from the lower one, whose customer it is."""

    upper: Panel
    lower: Panel
    account: Caller


class Chain:
    """The three panels and the two links between them, the wholesaler's first."""

    def __init__(self, panels: dict[str, Panel]) -> None:
        self.panels = panels
        self.wholesaler, self.reseller, self.retailer = (panels[name] for name in NAMES)
        self.links: list[Link] = []

    def open(self) -> None:
        """Starts the panels and the workers, and puts what the wholesaler sells on sale at the others."""
        with ThreadPoolExecutor(len(NAMES)) as pool:
            started = [pool.submit(self.wholesaler.open)]
            started += [pool.submit(each.open, ()) for each in (self.reseller, self.retailer)]
            for each in started:
                each.result()
        for lower, upper in pairwise(NAMES):
            self._link(self.panels[lower], self.panels[upper], MARKUP_PERCENT[upper])
        self._sell_subscriptions()
        self.alice = self.retailer.customer("Alice", balance_micros=START_MICROS)
        self.services = {each["type"]: int(each["service"]) for each in self.alice.ask("services")}
        for link in self.links:
            link.upper.start_worker()

    def _link(self, lower: Panel, upper: Panel, markup_percent: int) -> None:
        """Adds the lower panel as the upper one's provider, by the commands that an operator uses."""
        account = lower.customer("The next one", balance_micros=START_MICROS)
        settings = ("--key", account.key, "--interval-ms", "20", "--may-scan")
        upper.sutler(
            "provider", "add", "--name", "Lower", "--url", f"{lower.url}/api/v2", "--currency", "USD", *settings
        )
        upper.sutler("provider", "balance", "1")
        upper.sutler("provider", "sync", "1")
        headings = {each["category"] for each in account.ask("services")}
        chosen = [part for each in sorted(headings) for part in ("--category", each)]
        upper.sutler("provider", "import", "1", *chosen, "--markup", str(markup_percent))
        self.links.append(Link(upper, lower, account))

    def _sell_subscriptions(self) -> None:
        """Subscriptions run at the retailer; their posts are delivered by the reseller's service of type Default."""
        number = self.retailer.service(type="Subscriptions", name="New posts", rate_micros=5 * UNIT)
        upstream = next(each["service"] for each in self.links[1].account.ask("services") if each["type"] == "Default")
        self.retailer.sutler("provider", "route", "add", str(number), "1", str(upstream))

    def hurry(self) -> None:
        """Has both workers ask again about whatever is open."""
        for link in self.links:
            link.upper.office("hurry")

    def until(self, condition: Callable[[], Any], seconds: int = 60) -> Any:
        """Waits for this while nobody waits for the clock."""

        def hurried() -> Any:
            self.hurry()
            return condition()

        return until(hurried, seconds, HURRY_SECONDS)

    def pass_hours(self, order_ids: Iterable[int], hours: int) -> None:
        """Lets hours pass for orders of the retailer, and for what became of them down the chain."""
        for chain in self.chains(order_ids):
            for panel, order_id in zip((self.retailer, self.reseller, self.wholesaler), chain, strict=False):
                panel.office("pass_hours", order_id=order_id, hours=hours)

    def chains(self, order_ids: Iterable[int]) -> list[list[int]]:
        """Follows orders of the retailer down the chain, as far as they have come: their ids at each panel."""
        wholesale, retail = (
            {each["order_id"]: int(each["upstream_id"]) for each in link.upper.office("sent")} for link in self.links
        )
        found = []
        for order_id in order_ids:
            chain = [order_id]
            for sent in (retail, wholesale):
                if chain[-1] in sent:
                    chain.append(sent[chain[-1]])
            found.append(chain)
        return found

    @contextmanager
    def frozen(self, panel: Panel) -> Iterator[None]:
        """Holds a panel's server as it stands meanwhile: what is sent to it waits unread, and is read afterwards."""
        process = panel.main.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def verify(self) -> None:
        """Demands that every invariant holds at all three."""
        with ThreadPoolExecutor(len(NAMES)) as pool:
            for each in [pool.submit(panel.verify) for panel in self.panels.values()]:
                each.result()


@contextmanager
def chain_of_panels(blank: Blank, folder: Path) -> Iterator[Chain]:
    """The chain, in working order."""
    with ExitStack() as stack:
        panels = {}
        for name in NAMES:
            (folder / name).mkdir()
            panels[name] = stack.enter_context(panel_on(blank, folder / name, name))
        chain = Chain(panels)
        chain.open()
        yield chain
