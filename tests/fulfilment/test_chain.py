"""The proof with real parts: a customer, a retailer, a reseller and a wholesaler, and what each owes the other."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from sutler.core.money import parse_amount
from sutler.core.order_types import ORDER_TYPES
from sutler.core.pricing import charge
from tests.api.test_add_types import FOLLOW, FORMS
from tests.blank import Blank
from tests.fulfilment.chain import ENDED, MARKUP_PERCENT, START_MICROS, Chain, Link, chain_of_panels
from tests.live.caller import until
from tests.live.panel import Panel

pytestmark = [pytest.mark.postgresql, pytest.mark.long]

# With it the executor cancels and stops early more of the first orders than it usually does.
EXECUTOR_SEED = 304
PLAIN, RUNS, POSTS = 24, 2, 2
# Orders around the death of a worker, and how many of them are through before it.
KILLED, THROUGH = 24, 6
# What staff at the wholesaler report of orders that the customer placed under these names.
STAFF: dict[str, list[dict[str, Any]]] = {
    "stopped": [{"status": "in_progress", "start_count": 10}, {"status": "partial", "remains": 33}],
    "refused": [{"status": "canceled"}],
    "generous": [{"status": "in_progress", "start_count": 0}, {"status": "completed", "remains": -2}],
    "halfway": [{"status": "in_progress", "start_count": 7, "remains": 60}],
    "begun": [],
    "unstoppable": [],
}
CANCELED = ("halfway", "begun", "unstoppable")
AWAITED = {
    "stopped": ("Partial", "33"),
    "refused": ("Canceled", "100"),
    "generous": ("Completed", "-2"),
    "halfway": ("Partial", "60"),
    "begun": ("Canceled", "100"),
    "untouched": ("Canceled", "99"),
}


class Story:
    """What Alice does, until all that she has ordered has ended and her refills are answered."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.alice = chain, chain.alice
        self.by_type: dict[str, int] = {}
        self.named: dict[str, int] = {}
        self.refills: dict[int, int] = {}

    def live(self) -> None:
        self._order()
        self._have_staff_report()
        self._cancel()
        self.chain.wholesaler.start_worker("--executor-seed", str(EXECUTOR_SEED))
        self.chain.until(lambda: all(each["status"] in ENDED for each in self.alice.orders()))
        self._ask_refills()

    def _order(self) -> None:
        place, services = self.alice.place, self.chain.services
        drip = place(services["Default"], link=link("drip"), quantity=60, runs=RUNS, interval=60)
        follow = FOLLOW | {"min": "60", "max": "90", "posts": str(POSTS)}
        subscription = place(services["Subscriptions"], **follow)
        for post in range(POSTS):
            self.chain.retailer.executor("POST", f"/orders/{subscription}/post", {"link": link(f"post-{post}")})
        for kind, (form, _) in FORMS.items():
            if kind != "Subscriptions":
                self.by_type[kind] = place(services[kind], **(form | {"link": link(kind.replace(" ", "-"))}))
        self.named = {name: self.alice.simple(services["Default"], 100, link(name)) for name in STAFF}
        self.named["untouched"] = self.by_type["Poll"]
        for number in range(PLAIN):
            self.alice.simple(services["Default"], 100 + number, link(f"plain-{number}"))
        until(lambda: len(self.alice.ask("status", order=drip)["orders"]) == 1)
        self.chain.retailer.office("pass_hours", order_id=drip, hours=1)
        count = len(self.by_type) + len(STAFF) + PLAIN + RUNS + POSTS
        until(lambda: len(self.chain.links[0].account.orders()) == count)

    def _have_staff_report(self) -> None:
        """Staff take the plain orders, and say of some what becomes of them."""
        wholesaler = self.chain.wholesaler
        wholesaler.executor("POST", "/orders/pull", {"service_ids": str(wholesaler.shelf["Default"]), "limit": 100})
        for name, reports in STAFF.items():
            for report in reports:
                wholesaler.report(self.at_wholesaler(name), **report)
        self.chain.until(lambda: self.alice.ask("status", order=self.named["halfway"])["status"] == "In progress")

    def _cancel(self) -> None:
        """Alice asks to cancel; what has begun staff stop, cancel, or go on with."""
        wholesaler = self.chain.wholesaler
        for name in (*CANCELED, "untouched"):
            assert self.alice.ask("cancel", order=self.named[name]) == {"order": self.named[name], "cancel": 1}
        wanted = {self.at_wholesaler(name) for name in CANCELED}
        until(lambda: {order for _, order, _ in wholesaler.office("requests")["cancels"]} >= wanted)
        halfway, begun, unstoppable = map(self.at_wholesaler, CANCELED)
        wholesaler.executor("POST", f"/orders/{halfway}/set-partial", {"remains": 60})
        wholesaler.report(begun, "canceled")
        wholesaler.executor("POST", "/cancel/reject", {"ids": [unstoppable]})

    def _ask_refills(self) -> None:
        completed = [each["id"] for each in self.alice.orders() if is_refillable(each)][:12]
        self.chain.pass_hours(completed, 25)
        self.refills = {each: int(self.alice.ask("refill", order=each)["refill"]) for each in completed}
        self.chain.until(lambda: set(self.refill_states().values()) <= {"Completed", "Rejected"})

    def refill_states(self) -> dict[int, str]:
        asked = self.alice.ask("refill_status", refills=",".join(map(str, self.refills.values())))
        states = {each["refill"]: each["status"] for each in asked}
        return {order: states[refill] for order, refill in self.refills.items()}

    def at_wholesaler(self, name: str) -> int:
        return self.chain.chains([self.named[name]])[0][-1]


@pytest.fixture(scope="module")
def chain(blank: Blank, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The chain of this file; when it ends the books of all three must be in order."""
    with chain_of_panels(blank, tmp_path_factory.mktemp("chain")) as chain:
        yield chain
        chain.verify()


@pytest.fixture(scope="module")
def story(chain: Chain) -> Story:
    story = Story(chain)
    story.live()
    return story


def link(name: str) -> str:
    return f"https://example.com/{name}"


def is_refillable(order: dict[str, Any]) -> bool:
    return (order["kind"], order["type"], order["status"]) == ("single", "Default", "Completed")


def singles(panel_orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in panel_orders if each["kind"] == "single"]


def how(order: dict[str, Any]) -> tuple[Any, ...]:
    return order["link"], order["quantity"], order["status"], order["remains"], order["start_count"] or 0


def test_every_order_ends_at_all_three_alike(story: Story) -> None:
    chain = story.chain
    retail = singles(story.alice.orders())
    reseller, wholesale = ({each["id"]: each for each in link.account.orders()} for link in reversed(chain.links))
    ids = chain.chains(each["id"] for each in retail)
    assert {len(each) for each in ids} == {3}
    assert [how(each) for each in retail] == [how(reseller[each[1]]) for each in ids]
    assert [how(each) for each in retail] == [how(wholesale[each[2]]) for each in ids]
    assert len(reseller) == len(wholesale) == len(retail)


def test_orders_of_every_type_are_passed_on_as_they_were_asked(story: Story) -> None:
    for kind, chain in zip(story.by_type, story.chain.chains(story.by_type.values()), strict=True):
        asked, _, done = (
            panel.office("details", order_id=each)
            for panel, each in zip(
                (story.chain.retailer, story.chain.reseller, story.chain.wholesaler), chain, strict=True
            )
        )
        assert asked == done, kind


@pytest.mark.parametrize("name", AWAITED)
def test_what_staff_report_comes_back_to_the_customer(story: Story, name: str) -> None:
    said = story.alice.ask("status", order=story.named[name])
    assert (said["status"], said["remains"]) == AWAITED[name]


def test_a_cancel_that_was_rejected_lets_the_order_be_delivered(story: Story) -> None:
    assert story.alice.ask("status", order=story.named["unstoppable"])["status"] in ENDED


def test_the_executor_ends_orders_in_every_way(story: Story) -> None:
    plain = [each for each in story.alice.orders() if "plain-" in each["link"]]
    assert {each["status"] for each in plain} == ENDED


def test_a_drip_feed_and_a_subscription_end_with_what_was_made_of_them(story: Story) -> None:
    parents = [each for each in story.alice.orders() if each["kind"] != "single"]
    assert len(parents) == 2
    for parent in parents:
        assert len(story.alice.ask("status", order=parent["id"])["orders"]) == 2


def test_refills_are_answered_as_the_wholesaler_answers_them(story: Story) -> None:
    done = {order: status for _, order, status in story.chain.wholesaler.office("requests")["refills"]}
    states = story.refill_states()
    assert [done[chain[-1]] for chain in story.chain.chains(states)] == list(states.values())
    assert set(states.values()) == {"Completed", "Rejected"}


@pytest.mark.parametrize("upper", [1, 0], ids=["retailer", "reseller"])
class TestTheLedgersOfNeighbours:
    def test_each_order_costs_what_it_is_charged(self, story: Story, upper: int) -> None:
        demand_that_costs_are_charges(story.chain.links[upper])

    def test_the_account_there_holds_what_the_books_hold(self, story: Story, upper: int) -> None:
        demand_that_the_account_agrees(story.chain.links[upper])

    def test_margins_are_what_the_markups_leave(self, story: Story, upper: int) -> None:
        demand_margins(story.chain.links[upper], MARKUP_PERCENT[["reseller", "retailer"][upper]])

    def test_there_is_nothing_that_staff_must_look_at(self, story: Story, upper: int) -> None:
        assert story.chain.links[upper].upper.office("alarms") == []


def test_a_worker_that_is_killed_while_it_sends_doubles_and_loses_nothing(story: Story) -> None:
    chain, reseller = story.chain, story.chain.reseller
    wholesale = chain.links[0].account
    chain.wholesaler.stop_worker()
    before = len(wholesale.orders())
    links = [link(f"killed-{number}") for number in range(KILLED)]

    def buy(numbers: range) -> None:
        for number in numbers:
            story.alice.simple(chain.services["Default"], 200 + number, links[number])

    buy(range(THROUGH))
    until(lambda: len(wholesale.orders()) == before + THROUGH)
    with chain.frozen(chain.wholesaler):
        buy(range(THROUGH, KILLED))
        until(lambda: len(sending(reseller)) > 1)
        reseller.kill_worker()
    cut_off = sending(reseller)
    for order in chain.links[1].account.orders():
        reseller.office("pass_hours", order_id=order["id"], hours=1)
    reseller.office("end_leases")
    reseller.start_worker()
    chain.until(lambda: len(wholesale.orders()) >= before + KILLED and not undecided(chain))
    chain.wholesaler.start_worker("--executor-seed", str(EXECUTOR_SEED))
    chain.until(lambda: all(each["status"] in ENDED for each in story.alice.orders()))
    placed = Counter(each["link"] for each in wholesale.orders())
    assert [placed[each] for each in links] == [1] * KILLED
    decided = {order: (state, why) for order, state, why in reseller.office("attempts") if order in cut_off}
    assert {state for state, _ in decided.values()} == {"accepted"}
    for pair in chain.links:
        demand_that_costs_are_charges(pair)
        demand_that_the_account_agrees(pair)


def demand_that_costs_are_charges(link: Link) -> None:
    kept = {each["id"]: each["charge_micros"] - each["returned_micros"] for each in link.account.orders()}
    costs = {int(each["upstream_id"]): each["cost_micros"] for each in link.upper.office("sent")}
    assert kept == costs


def demand_that_the_account_agrees(link: Link) -> None:
    costs = sum(each["cost_micros"] for each in link.upper.office("sent"))
    assert link.upper.office("held", provider_id=1) == link.account.balance_micros() == START_MICROS - costs


def demand_margins(link: Link, markup_percent: int) -> None:
    """No order is a loss; of a completed one there is left what the two prices of its type differ by."""
    margins = {int(order): kept - cost for order, (kept, cost) in link.upper.office("margins").items()}
    assert len(margins) == len(link.account.orders())
    assert min(margins.values()) >= 0
    rates = {each["type"]: parse_amount(each["rate"]) or 0 for each in link.account.ask("services")}
    there = {each["id"]: each for each in link.account.orders()}
    for sent in link.upper.office("sent"):
        order = there[int(sent["upstream_id"])]
        if order["status"] == "Completed" and "post-" not in order["link"]:
            cost, per = rates[order["type"]], ORDER_TYPES[order["type"]].per
            price = -(-cost * (100 + markup_percent) // 100)
            left = charge(price, order["quantity"], per) - charge(cost, order["quantity"], per)
            assert margins[sent["order_id"]] == left > 0


def sending(panel: Panel) -> list[int]:
    """The orders that the worker is sending, or was when it died."""
    return [order for order, state, _ in panel.office("attempts") if state == "sending"]


def undecided(chain: Chain) -> list[Any]:
    """The attempts of which it is not known yet, or not decided, what comes of them."""
    return [each for each in chain.reseller.office("attempts") if each[1] in {"planned", "sending", "unknown", "staff"}]
