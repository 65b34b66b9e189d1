"""API keys: what each may do, from where, how much a day, and how soon it ends."""

from typing import Any

import pytest

from tests.live.caller import Caller, answer, at_once, until
from tests.live.panel import Panel

LINK = "https://example.com/keys"
pytestmark = [pytest.mark.usefixtures("books_in_order"), pytest.mark.postgresql]


def allowed(heard: Any) -> bool:
    """Whether the key was let through: the panel either did it or refused for the order's own sake."""
    return not (isinstance(heard, dict) and "error" in heard) or "Incorrect" in heard["error"]


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        ("read", {"services", "balance", "status", "refill_status"}),
        ("order", {"add"}),
        ("refill_cancel", {"refill", "cancel"}),
    ],
)
def test_a_key_does_what_its_scopes_say(panel: Panel, caller: Caller, scope: str, may: set[str]) -> None:
    key = caller.with_key(scopes=[scope])
    asked: dict[str, dict[str, Any]] = {
        "services": {},
        "balance": {},
        "status": {"order": 2_000_000_000},
        "refill_status": {"refills": "x,y"},
        "refill": {"order": 2_000_000_000},
        "cancel": {"orders": 2_000_000_000},
        "add": {"service": panel.shelf["Default"], "link": LINK, "quantity": 100},
    }
    assert {action for action, fields in asked.items() if allowed(key.ask(action, **fields))} == may
    assert len(caller.orders()) == ("add" in may)


def test_a_key_without_the_scope_learns_nothing_of_its_request(panel: Panel, untouched: Caller) -> None:
    key = untouched.with_key(scopes=["read"])
    texts = {
        key.ask("add", service=service, link=LINK, quantity=quantity)["error"]
        for service, quantity in [(panel.shelf["Default"], 100), (0, 100), (panel.shelf["Default"], "x")]
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("networks", "forwarded", "is_allowed"),
    [
        ([], None, True),
        (["127.0.0.0/8"], None, True),
        (["127.0.0.1"], None, True),
        (["10.0.0.0/8"], None, False),
        (["::1"], None, False),
        (["10.0.0.0/8", "127.0.0.1"], None, True),
        # This machine is a trusted proxy: the address that it names last counts, whatever a caller put before it.
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["127.0.0.1"], "203.0.113.9", False),
        (["10.0.0.0/8"], "10.1.2.3, 203.0.113.9", False),
        (["10.0.0.0/8"], "203.0.113.9, 10.1.2.3", True),
        (["10.0.0.0/8"], "10.1.2.3, nonsense", False),
        (["2001:db8::/32"], "2001:db8::7", True),
    ],
)
def test_a_key_is_held_to_its_addresses(
    panel: Panel, caller: Caller, networks: list[str], forwarded: str | None, is_allowed: bool
) -> None:
    key = caller.with_key(networks=networks)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    heard = answer(
        key.post({"action": "add", "service": panel.shelf["Default"], "link": LINK, "quantity": 100}, headers=headers)
    )
    assert ("order" in heard) is is_allowed
    assert len(caller.orders()) == is_allowed


def test_a_daily_cap_stops_the_key_and_not_the_account(panel: Panel, caller: Caller) -> None:
    capped = caller.with_key(daily_cap_micros=200_000)
    form = {"service": panel.shelf["Default"], "link": LINK, "quantity": 100}
    heard = [capped.ask("add", **form) for _ in range(4)]
    assert ["order" in each for each in heard] == [True, True, False, False]
    assert capped.ask("add", **(form | {"quantity": 50}))["error"] == heard[2]["error"]
    assert "order" in caller.ask("add", **form)
    assert capped.ask("balance")["balance"] == "9999.73"


def test_a_daily_cap_begins_anew_the_next_day(panel: Panel, caller: Caller) -> None:
    capped = caller.with_key(daily_cap_micros=90_000)
    order = capped.simple(panel.shelf["Default"])
    panel.office("pass_hours", order_id=order, hours=24)
    capped.simple(panel.shelf["Default"])


def test_a_daily_cap_holds_against_twenty_at_once(panel: Panel, caller: Caller) -> None:
    capped = caller.with_key(daily_cap_micros=270_000)
    form = {"service": panel.shelf["Default"], "link": LINK, "quantity": 100}
    heard = at_once([lambda: capped.ask("add", **form)] * 20)
    assert sum("order" in each for each in heard) == 3


def test_revoked_suspended_and_resumed_are_known_everywhere_within_five_seconds(panel: Panel) -> None:
    form = {"service": panel.shelf["Default"], "link": LINK, "quantity": 100}
    revoked, suspended, resumed = (panel.customer(name) for name in ("Revoked", "Suspended", "Resumed"))
    panel.office("suspend", customer_id=resumed.customer_id, on=True)
    assert "order" in revoked.ask("add", **form)
    assert "order" in suspended.ask("add", **form)
    assert resumed.ask("add", **form) == {"error": "Account suspended"}
    panel.office("revoke", key_id=revoked.key_id)
    panel.office("suspend", customer_id=suspended.customer_id, on=True)
    panel.office("suspend", customer_id=resumed.customer_id, on=False)
    until(lambda: revoked.ask("add", **form) == {"error": "Invalid API key"}, seconds=8)
    until(lambda: suspended.ask("add", **form) == {"error": "Account suspended"}, seconds=8)
    until(lambda: "order" in resumed.ask("add", **form), seconds=8)
    before = revoked.traces(), suspended.traces()
    assert revoked.ask("balance") == {"error": "Invalid API key"}
    assert suspended.ask("add", **form) == {"error": "Account suspended"}
    assert (revoked.traces(), suspended.traces()) == before


def test_a_key_is_not_in_the_logs(panel: Panel, caller: Caller) -> None:
    caller.http.get(caller.url + "/api/v2", params={"key": caller.key, "action": "balance"})
    caller.http.get(
        caller.url + "/api/v2",
        params={"key": caller.key, "action": "balance", "x": "\ud800".encode("utf-8", "replace")},
    )
    caller.http.get(caller.url + "/api/v9", params={"key": caller.key})
    assert caller.key not in panel.main.log.read_text(errors="replace")


def test_a_staff_key_is_no_customers_key_and_the_other_way_round(panel: Panel, caller: Caller) -> None:
    sent = panel.http.post(panel.url + "/api/v2", data={"key": panel.staff_key, "action": "balance"})
    assert answer(sent) == {"error": "Invalid API key"}
    asked = panel.http.get(panel.url + "/adminapi/v2/orders", headers={"X-Api-Key": caller.key})
    assert asked.headers["content-type"].startswith("application/json")
    assert asked.json().get("data") in (None, {}, [])
    assert asked.json()["error_message"]
