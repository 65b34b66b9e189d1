"""The answers of the five published API pages, each from an upstream of its own, understood down to the books."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.live.caller import until
from tests.live.panel import Panel
from tests.panels.published_page import FIRST_ORDER, LIVES, Page, served
from tests.panels.test_published_answers import FOLLOWERS, YOUTUBE

pytestmark = [pytest.mark.postgresql, pytest.mark.long]

DELIVERED = {"charge": "0.9", "start_count": "168", "status": "Completed", "remains": "0"}
OVER_DELIVERED = {"charge": "2.5", "start_count": "168", "status": "Completed", "remains": "-2"}
GOING_ON = ("In progress", "In progress")
ALIKE: dict[str, Any] = {"services": FOLLOWERS, "balance": "100.84292", "completed": DELIVERED}


def pages() -> list[Page]:
    """Three pages that show the same, one without `cancel`, and the older one without `currency` either."""
    alike = [Page(name, **ALIKE) for name in ("first", "second", "third")]
    older: dict[str, Any] = {"services": YOUTUBE, "balance": "68.6868", "completed": OVER_DELIVERED, "currency": None}
    without_cancel = Page("without cancel", **ALIKE, has_cancel=False)
    return [*alike, without_cancel, Page("older", **older, has_cancel=False, unknown_refill="Incorrect refill ID")]


class Upstream:
    """A page as a provider of the panel, and a customer's orders there, one for each of `LIVES`."""

    def __init__(self, panel: Panel, page: Page, url: str) -> None:
        self.panel, self.page = panel, page
        terms = {"key": "their key of ours", "call_interval_milliseconds": 0}
        self.provider_id = panel.office("provider", name=f"Page {page.name}", url=url, **terms)
        self.caller = panel.customer(f"Customer of {page.name}")
        self.orders: list[int] = []
        self.refills: list[int] = []
        self.cancels: list[dict[str, Any]] = []

    def order(self) -> None:
        """Sells the page's first service on, once its catalogue is there, and has a customer buy."""
        service = until(lambda: self.panel.office("sell", provider_id=self.provider_id, upstream_id="1"))
        for number, life in enumerate(LIVES):
            self.orders.append(self.caller.simple(service, 1000, f"https://example.com/{life}/{number}"))
            until(lambda: self.page.orders == len(self.orders))

    def statuses(self) -> list[str]:
        return [each["status"] for each in self.caller.orders()]

    def ask_more(self) -> None:
        """Asks for refills of what was completed, and to cancel what goes on."""
        for order in self.orders[1:3]:
            self.panel.office("pass_hours", order_id=order, hours=25)
            self.refills.append(int(self.caller.ask("refill", order=order)["refill"]))
        self.cancels = self.caller.ask("cancel", orders=",".join(map(str, self.orders[3:])))

    def refill_states(self) -> list[str]:
        said = self.caller.ask("refill_status", refills=",".join(map(str, self.refills)))
        return [each["status"] for each in said]

    def sent(self) -> list[dict[str, Any]]:
        return [each for each in self.panel.office("sent") if each["provider_id"] == self.provider_id]


def wait(panel: Panel, condition: Callable[[], object]) -> None:
    """Waits for this; what the worker would ask about later it asks about now."""

    def hurried() -> object:
        panel.office("hurry")
        return condition()

    until(hurried, pause_seconds=0.1)


@pytest.fixture(scope="module")
def upstreams(panel: Panel) -> Iterator[dict[str, Upstream]]:
    """Each page with its orders, after all that it has to say of them has been heard."""
    panel.start_worker()
    with ExitStack() as stack:
        made = [Upstream(panel, each, stack.enter_context(served(each))) for each in pages()]
        until(lambda: all(panel.office("held", provider_id=each.provider_id) for each in made))
        with ThreadPoolExecutor(len(made)) as pool:
            list(pool.map(Upstream.order, made))
        wait(panel, lambda: all(each.statuses() == ["Partial", "Completed", "Completed", *GOING_ON] for each in made))
        for each in made:
            each.ask_more()
        wait(panel, lambda: all(each.refill_states() == ["Completed", "Rejected"] for each in made))
        wait(panel, lambda: all(each.statuses()[3] == "Canceled" for each in made if each.page.has_cancel))
        yield {each.page.name: each for each in made}
        for each in made:
            panel.sutler("provider", "off", str(each.provider_id))
    panel.verify()


PAGES = [each.name for each in pages()]
WITH_CANCEL = [each.name for each in pages() if each.has_cancel]


@pytest.mark.parametrize("name", PAGES)
class TestEveryPage:
    def test_orders_come_to_what_it_says(self, upstreams: dict[str, Upstream], name: str) -> None:
        there = upstreams[name]
        kept = [(each["status"], each["start_count"], each["remains"]) for each in there.caller.orders()]
        completed = ("Completed", 168, int(there.page.completed["remains"]))
        assert kept[:3] == [("Partial", 3572, 157), completed, completed]
        assert kept[4] == ("In progress", 234, 10)
        assert [each["upstream_id"] for each in there.sent()] == [str(FIRST_ORDER + each) for each in range(len(LIVES))]

    def test_they_cost_what_it_charges(self, upstreams: dict[str, Upstream], name: str) -> None:
        costs = [each["cost_micros"] for each in upstreams[name].sent()]
        each = {"0.9": 900_000, "2.5": 2_500_000}[upstreams[name].page.completed["charge"]]
        assert costs[:3] == [278_190, each, each]
        assert costs[4] == each

    def test_its_balance_is_what_the_books_began_with(self, upstreams: dict[str, Upstream], name: str) -> None:
        there = upstreams[name]
        costs = sum(each["cost_micros"] for each in there.sent())
        held = there.panel.office("held", provider_id=there.provider_id)
        assert held + costs == {"100.84292": 100_842_920, "68.6868": 68_686_800}[there.page.balance]

    def test_refills_are_followed_to_their_answers(self, upstreams: dict[str, Upstream], name: str) -> None:
        assert upstreams[name].refill_states() == ["Completed", "Rejected"]

    def test_nothing_is_asked_for_twice(self, upstreams: dict[str, Upstream], name: str) -> None:
        page = upstreams[name].page
        assert (page.orders, page.refills) == (len(LIVES), 2)
        cancels = [each["orders"] for each in page.asked if each["action"] == "cancel"]
        assert len(cancels) == len(set(cancels))


@pytest.mark.parametrize("name", WITH_CANCEL)
def test_a_cancel_is_carried_out_or_refused(upstreams: dict[str, Upstream], name: str) -> None:
    there = upstreams[name]
    assert there.statuses()[3:] == ["Canceled", "In progress"]
    assert there.sent()[3]["cost_micros"] == 0


def test_without_cancel_the_order_goes_on(upstreams: dict[str, Upstream]) -> None:
    assert upstreams["without cancel"].statuses()[3:] == list(GOING_ON)


def test_where_the_catalogue_has_no_cancel_none_is_taken(upstreams: dict[str, Upstream]) -> None:
    assert [each["cancel"] for each in upstreams["older"].cancels] == [
        {"error": "Cancel is not available for this order"}
    ] * 2
    assert not [each for each in upstreams["older"].page.asked if each["action"] == "cancel"]
