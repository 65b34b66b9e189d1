"""Many callers at the same moment, through two server processes: whoever comes first is served, and only they."""

import itertools
from functools import partial
from typing import Any

import pytest

from tests.live.caller import Caller, at_once
from tests.live.panel import Panel, Server

LINK = "https://example.com/race"
CALLERS = 30
NO_FUNDS = {"error": "Not enough funds on balance"}
pytestmark = [pytest.mark.usefixtures("books_in_order"), pytest.mark.postgresql]


def race(caller: Caller, twin: Server, forms: list[dict[str, Any]]) -> list[Any]:
    """Sends the forms at once, by turns through either server."""
    doors = [caller, caller.via(twin)]
    return at_once([partial(door.ask, **form) for door, form in zip(itertools.cycle(doors), forms, strict=False)])


@pytest.mark.parametrize("round_number", range(8))
def test_the_last_unit_is_spent_once(panel: Panel, twin: Server, round_number: int) -> None:
    spender = panel.customer(f"Last unit {round_number}", balance_micros=90_000)
    form = {"action": "add", "service": panel.shelf["Default"], "quantity": 100}
    heard = race(spender, twin, [form | {"link": f"{LINK}/{each}"} for each in range(CALLERS)])
    assert [each for each in heard if "error" in each] == [NO_FUNDS] * (CALLERS - 1)
    winner = next(each["order"] for each in heard if "order" in each)
    assert [each["id"] for each in spender.orders()] == [winner]
    assert spender.ask("balance") == {"balance": "0.00", "currency": "USD"}


def test_as_many_are_served_as_the_wallet_pays_for(panel: Panel, twin: Server) -> None:
    spender = panel.customer("Seven", balance_micros=7 * 90_000 + 89_999)
    form = {"action": "add", "service": panel.shelf["Default"], "quantity": 100, "link": LINK}
    heard = race(spender, twin, [form] * CALLERS)
    assert sum("order" in each for each in heard) == 7
    assert spender.balance_micros() == 89_999


def test_one_link_is_taken_once(panel: Panel, twin: Server, caller: Caller) -> None:
    service = panel.service(one_active_order_per_link=True)
    form = {"action": "add", "service": service, "quantity": 100, "link": LINK}
    heard = race(caller, twin, [form] * CALLERS)
    assert sum("order" in each for each in heard) == 1
    assert len(caller.orders()) == 1
    assert caller.ask("balance")["balance"] == "9999.91"


def test_a_cancel_pays_back_once(panel: Panel, twin: Server, caller: Caller) -> None:
    order = caller.simple(panel.shelf["Default"])
    heard = race(caller, twin, [{"action": "cancel", "order": order}] * CALLERS)
    assert heard.count({"order": order, "cancel": 1}) == 1
    assert caller.ask("balance")["balance"] == "10000.00"


def test_a_refill_is_given_once(panel: Panel, twin: Server, caller: Caller) -> None:
    order = caller.simple(panel.shelf["Default"])
    panel.complete(order, hours_ago=25)
    heard = race(caller, twin, [{"action": "refill", "order": order}] * CALLERS)
    assert sum("refill" in each for each in heard) == 1


def test_a_cancel_against_the_executors_reports_ends_one_way(panel: Panel, twin: Server, caller: Caller) -> None:
    orders = [caller.simple(panel.shelf["Default"]) for _ in range(6)]
    reports = [{"orders": [{"id": order, "status": "completed"}]} for order in orders]
    jobs = [partial(panel.executor, "POST", "/orders/update", each) for each in reports]
    jobs += [partial(caller.via(twin).ask, "cancel", order=order) for order in orders]
    heard = at_once(jobs)
    ended = caller.ask("status", orders=",".join(map(str, orders)))
    for order, report, cancel in zip(orders, heard[:6], heard[6:], strict=True):
        is_cancelled = cancel == {"order": order, "cancel": 1}
        is_completed = report["orders"][0]["success"]
        assert (is_cancelled, is_completed) in {(True, False), (False, True)}
        assert ended[str(order)]["status"] == ("Canceled" if is_cancelled else "Completed")


def test_an_order_is_handed_out_once(panel: Panel, twin: Server, caller: Caller) -> None:
    service = panel.service()
    orders = [caller.simple(service) for _ in range(10)]
    asked = {"service_ids": str(service), "limit": 4}
    pulled = at_once([partial(panel.executor, "POST", "/orders/pull", asked)] * 8)
    handed = [each["id"] for answer in pulled for each in answer["list"]]
    assert sorted(handed) == orders


def test_callers_of_many_accounts_do_not_stop_each_other(panel: Panel, twin: Server) -> None:
    crowd = [panel.customer(f"Crowd {each}", balance_micros=270_000) for each in range(10)]
    form: dict[str, Any] = {"action": "add", "service": panel.shelf["Default"], "quantity": 100, "link": LINK}
    doors = [each.via(twin) if number % 2 else each for number, each in enumerate(crowd)] * 4
    heard = at_once([partial(door.ask, **form) for door in doors])
    assert sum("order" in each for each in heard) == 30
    assert {each.balance_micros() for each in crowd} == {0}
