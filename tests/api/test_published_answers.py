"""Every example answer of the published API pages, asked of the real panel: the same keys, order and JSON types.

Four of the five pages show the same answers; the fifth (an older panel) leaves out `cancel` and `currency`. Where an
example carries figures that a panel can be brought to show, the figures are demanded too.
"""

from typing import Any

import pytest

from tests.live.caller import UNIT, Caller
from tests.live.panel import Panel

pytestmark = pytest.mark.postgresql

LINK = "https://example.com/seed"

SERVICES = [
    {
        "service": 1,
        "name": "Followers",
        "type": "Default",
        "category": "First Category",
        "rate": "0.90",
        "min": "50",
        "max": "10000",
        "refill": True,
        "cancel": True,
    },
    {
        "service": 2,
        "name": "Comments",
        "type": "Custom Comments",
        "category": "Second Category",
        "rate": "8",
        "min": "10",
        "max": "1500",
        "refill": False,
        "cancel": True,
    },
]
OLDER_SERVICES = [
    {
        "service": 1,
        "name": "Youtube views",
        "type": "Default",
        "category": "Youtube",
        "rate": "2.5",
        "min": "200",
        "max": "10000",
        "refill": True,
    },
    {
        "service": 2,
        "name": "Facebook comments",
        "type": "Custom Comments",
        "category": "Facebook",
        "rate": "4",
        "min": "10",
        "max": "1500",
        "refill": False,
    },
]
PARTIAL = {"charge": "0.27819", "start_count": "3572", "status": "Partial", "remains": "157", "currency": "USD"}
UNDER_WAY = {"charge": "1.44219", "start_count": "234", "status": "In progress", "remains": "10", "currency": "USD"}
OVER_DELIVERED = {"charge": "2.5", "start_count": "168", "status": "Completed", "remains": "-2"}
LIVE_ORDER_OF_KEYS = ["service", "name", "type", "rate", "min", "max", "dripfeed", "refill", "cancel", "category"]


def shape(value: Any) -> Any:
    """The JSON types of a value, whatever it says."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__


def as_number(price: str) -> float:
    return float(price)


def order_partial(panel: Panel, caller: Caller) -> int:
    """An order of which 10 of 167 were delivered at 27.819 a thousand."""
    order = caller.simple(panel.service(rate_micros=27_819_000), 167, f"{LINK}/partial")
    panel.report(order, "in_progress", start_count=3572, remains=167)
    panel.report(order, "partial", remains=157)
    return order


def order_under_way(panel: Panel, caller: Caller) -> int:
    order = caller.simple(panel.service(rate_micros=1_442_190), 1000, f"{LINK}/under-way")
    panel.report(order, "in_progress", start_count=234, remains=10)
    return order


def order_completed(panel: Panel, caller: Caller) -> int:
    order = caller.simple(panel.service(refill_wait_hours=0), 100, f"{LINK}/completed")
    panel.complete(order)
    return order


def test_services_of_the_four_pages(panel: Panel, caller: Caller) -> None:
    listed = {each["service"]: each for each in caller.ask("services")}
    first_two = [listed[1], listed[2]]
    for shown, example in zip(first_two, SERVICES, strict=True):
        assert list(shown)[:10] == LIVE_ORDER_OF_KEYS
        assert set(shown) == set(example) | {"dripfeed"}
        assert type(shown["dripfeed"]) is bool
        assert shape({key: shown[key] for key in example}) == shape(example)
        assert {key: shown[key] for key in example if key != "rate"} == {
            key: value for key, value in example.items() if key != "rate"
        }
        assert as_number(shown["rate"]) == as_number(str(example["rate"]))
    assert first_two[0]["rate"] == "0.90"
    assert first_two[1]["rate"] == "8.00"


@pytest.mark.parametrize("example", OLDER_SERVICES, ids=lambda example: str(example["name"]))
def test_services_of_the_older_page(panel: Panel, caller: Caller, example: dict[str, Any]) -> None:
    wanted = {key: example[key] for key in ("name", "type", "category", "refill")}
    rate = round(as_number(example["rate"]) * UNIT)
    made = panel.service(**wanted, rate_micros=rate, min=int(example["min"]), max=int(example["max"]))
    shown = next(each for each in caller.ask("services") if each["service"] == made)
    assert set(example) <= set(shown)
    assert shape({key: shown[key] for key in example}) == shape(example)
    assert shown["min"] == example["min"]
    assert shown["max"] == example["max"]


def test_add(panel: Panel, caller: Caller) -> None:
    placed = caller.ask("add", service=panel.shelf["Default"], link=LINK, quantity=50)
    assert shape(placed) == shape({"order": 23501})
    assert 0 < placed["order"] < 2**31


def test_status(panel: Panel, caller: Caller) -> None:
    shown = caller.ask("status", order=order_partial(panel, caller))
    assert list(shown.items()) == list(PARTIAL.items())


def test_status_of_the_older_page(panel: Panel, caller: Caller) -> None:
    order = caller.simple(panel.service(rate_micros=2_500_000, min=200), 1000)
    panel.report(order, "in_progress", start_count=168)
    panel.report(order, "completed", remains=-2)
    shown = caller.ask("status", order=order)
    assert set(OVER_DELIVERED) <= set(shown)
    assert shape({key: shown[key] for key in OVER_DELIVERED}) == shape(OVER_DELIVERED)
    assert shown == {"charge": "2.50", "start_count": "168", "status": "Completed", "remains": "-2", "currency": "USD"}


def test_multiple_status(panel: Panel, caller: Caller) -> None:
    partial, unknown, under_way = order_partial(panel, caller), 2_000_000_001, order_under_way(panel, caller)
    shown = caller.ask("status", orders=f"{partial},{unknown},{under_way}")
    assert list(shown) == [str(partial), str(unknown), str(under_way)]
    assert list(shown.values()) == [PARTIAL, {"error": "Incorrect order ID"}, UNDER_WAY]
    assert [list(each) for each in shown.values()] == [list(PARTIAL), ["error"], list(UNDER_WAY)]


def test_refill(panel: Panel, caller: Caller) -> None:
    asked = caller.ask("refill", order=order_completed(panel, caller))
    assert shape(asked) == shape({"refill": "1"})
    assert int(asked["refill"]) > 0


def test_multiple_refill(panel: Panel, caller: Caller) -> None:
    one, two, unknown = order_completed(panel, caller), order_completed(panel, caller), 2_000_000_003
    asked = caller.ask("refill", orders=f"{one},{two},{unknown}")
    assert shape(asked[:2]) == shape([{"order": 1, "refill": 1}, {"order": 2, "refill": 2}])
    assert [each["order"] for each in asked] == [one, two, unknown]
    assert asked[2] == {"order": unknown, "refill": {"error": "Incorrect order ID"}}
    assert [list(each) for each in asked] == [["order", "refill"]] * 3


def test_refill_status(panel: Panel, caller: Caller) -> None:
    refill = caller.ask("refill", order=order_completed(panel, caller))["refill"]
    report_refill(panel, refill, "completed")
    assert caller.ask("refill_status", refill=refill) == {"status": "Completed"}


def test_multiple_refill_status(panel: Panel, caller: Caller) -> None:
    completed, rejected = (caller.ask("refill", order=order_completed(panel, caller))["refill"] for _ in range(2))
    report_refill(panel, completed, "completed")
    report_refill(panel, rejected, "rejected")
    assert caller.ask("refill_status", refills=f"{completed},{rejected},2000000003") == [
        {"refill": int(completed), "status": "Completed"},
        {"refill": int(rejected), "status": "Rejected"},
        {"refill": 2000000003, "status": {"error": "Refill not found"}},
    ]


def test_multiple_cancel(panel: Panel, caller: Caller) -> None:
    order = caller.simple(panel.shelf["Default"])
    asked = caller.ask("cancel", orders=f"2000000009,{order}")
    assert asked == [
        {"order": 2000000009, "cancel": {"error": "Incorrect order ID"}},
        {"order": order, "cancel": 1},
    ]
    assert [list(each) for each in asked] == [["order", "cancel"]] * 2
    assert type(asked[1]["cancel"]) is int


@pytest.mark.parametrize("balance", ["100.84292", "68.6868"])
def test_balance(panel: Panel, balance: str) -> None:
    whole, fraction = balance.split(".")
    micros = int(whole) * UNIT + int(fraction.ljust(6, "0"))
    shown = panel.customer(balance_micros=micros).ask("balance")
    assert list(shown.items()) == [("balance", balance), ("currency", "USD")]


def report_refill(panel: Panel, refill: str, status: str) -> None:
    panel.executor("POST", "/refill/change-status", {"ids": refill, "status": status})
