"""The proof with real parts: a reseller hands drip-feeds and subscriptions on whole to a wholesaler, who runs them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.api.test_add_types import FOLLOW
from tests.blank import Blank
from tests.fulfilment.chain import ENDED, START_MICROS, Link
from tests.live.caller import UNIT, Caller, until
from tests.live.panel import Panel, panel_on

pytestmark = [pytest.mark.postgresql, pytest.mark.long]

NAMES = ("wholesaler", "reseller")


class Pair:
    """The two panels, and Alice, who buys from the reseller."""

    def __init__(self, panels: dict[str, Panel]) -> None:
        self.lower, self.upper = (panels[name] for name in NAMES)
        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(self.lower.open), pool.submit(self.upper.open, ())]:
                each.result()
        account = self.lower.customer("The reseller", balance_micros=START_MICROS)
        there = ("--drip-feed-there", "--subscriptions-there", "--may-scan", "--interval-ms", "20")
        url = f"{self.lower.url}/api/v2"
        self.upper.sutler(
            "provider", "add", "--name", "Lower", "--url", url, "--currency", "USD", "--key", account.key, *there
        )
        self.upper.sutler("provider", "balance", "1")
        self.upper.sutler("provider", "sync", "1")
        headings = {each["category"] for each in account.ask("services")}
        chosen = [part for each in sorted(headings) for part in ("--category", each)]
        self.upper.sutler("provider", "import", "1", *chosen, "--markup", "20")
        self.link = Link(self.upper, self.lower, account)
        self.alice: Caller = self.upper.customer("Alice", balance_micros=100 * UNIT)
        self.services = {each["type"]: int(each["service"]) for each in self.alice.ask("services")}
        self.upper.start_worker()

    def there(self, order_id: int) -> int:
        """The id of an order at the wholesaler."""

        def found() -> int:
            sent = self.upper.office("sent")
            return next((int(each["upstream_id"]) for each in sent if each["order_id"] == order_id), 0)

        return int(until(found))

    def status(self, order_id: int) -> Any:
        self.upper.office("hurry")
        return self.alice.ask("status", order=order_id)


@pytest.fixture(scope="module")
def pair(blank: Blank, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    with ExitStack() as stack:
        panels = {}
        for name in NAMES:
            (folder / name).mkdir()
            panels[name] = stack.enter_context(panel_on(blank, folder / name, f"{name}_of_pair"))
        yield Pair(panels)
        for each in panels.values():
            each.verify()


@pytest.fixture(scope="module")
def placed(pair: Pair) -> dict[str, int]:
    """A drip-feed of two runs, a subscription to two posts, and a drip-feed that is cancelled after its first run."""
    place = pair.alice.place
    drip = {"quantity": 60, "runs": 2, "interval": 60}
    orders = {
        name: place(pair.services["Default"], link=f"https://example.com/{name}", **drip) for name in ("run", "stop")
    }
    terms = FOLLOW | {"min": "60", "max": "90", "posts": "2"}
    orders["follow"] = place(pair.services["Subscriptions"], **terms)
    for number in range(2):
        pair.lower.executor(
            "POST", f"/orders/{pair.there(orders['follow'])}/post", {"link": f"https://example.com/{number}"}
        )
    pair.lower.start_worker("--executor-seed", "304")
    for name in ("run", "stop"):
        until(lambda name=name: len(pair.status(orders[name])["orders"]) == 1)  # type: ignore[misc]
    assert pair.alice.ask("cancel", order=orders["stop"]) == {"order": orders["stop"], "cancel": 1}
    pair.lower.office("pass_hours", order_id=pair.there(orders["run"]), hours=1)
    for each in orders.values():
        until(lambda each=each: pair.status(each)["status"] in ENDED)  # type: ignore[misc]
    return orders


def test_each_is_one_order_there_whose_children_are_children_here(pair: Pair, placed: dict[str, int]) -> None:
    ours = {each["id"]: each for each in pair.alice.orders()}
    theirs = {each["id"]: each for each in pair.link.account.orders()}
    assert len(ours) == len(theirs) == sum(len(pair.status(each)["orders"]) for each in placed.values()) + len(placed)
    for order in ours.values():
        there = theirs[pair.there(order["id"])]
        names = ("kind", "quantity", "status", "remains")
        assert [order[name] for name in names] == [there[name] for name in names], order
        assert (order["start_count"] or 0) == (there["start_count"] or 0)
    assert [len(pair.status(placed[name])["orders"]) for name in ("run", "stop", "follow")] == [2, 1, 2]


def test_what_they_cost_is_what_the_wholesaler_has_charged(pair: Pair, placed: dict[str, int]) -> None:
    theirs = {each["id"]: each for each in pair.link.account.orders()}
    kept = sum(each["charge_micros"] - each["returned_micros"] for each in theirs.values() if each["parent_id"] is None)
    followed = pair.there(placed["follow"])
    kept += sum(e["charge_micros"] - e["returned_micros"] for e in theirs.values() if e["parent_id"] == followed)
    assert sum(each["cost_micros"] for each in pair.upper.office("sent")) == kept
    assert pair.upper.office("held", provider_id=1) == pair.link.account.balance_micros()
    assert pair.upper.office("alarms") == []
