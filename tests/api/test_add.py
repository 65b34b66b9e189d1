"""Placing an order: the order of checks, numbers, limits, the same-link rule, funds, suspension."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cases import INPUTS
from tests.live.caller import Caller, answer
from tests.live.panel import Panel

LINK = "https://example.com/add"
CASES = INPUTS / "wire_whitespace.tsv"
DUPLICATE = {"error": "You have active order with this link. Please wait until order being completed."}
NO_FUNDS = {"error": "Not enough funds on balance"}
NOT_NUMBERS = [
    "１２",
    "1_000",
    "5 00",
    "+500",
    "5e2",
    "-1",
    "-500",
    "abc",
    "0x1F4",
    "500.0",
    "500,0",
    "1 000",
    "٥٠٠",
    "5²",
    "NaN",
    "inf",
    "true",
    "[]",
    "{}",
    "100;",
    "100'--",
    "\x00",
    "100\x00",
    "৫০",
    "Ⅷ",
    "1/2",
    "%31",
    "0b11",
    "5\n00",
]
pytestmark = pytest.mark.usefixtures("books_in_order")


class TestTheFirstThatFailsAnswers:
    """Service, then fields, quantity, same-link rule, funds."""

    @pytest.mark.parametrize(
        ("faults", "error"),
        [
            ({"service", "link", "quantity", "busy", "funds"}, "Incorrect service ID"),
            ({"link", "quantity", "busy", "funds"}, "Incorrect link"),
            ({"quantity", "busy", "funds"}, "Quantity less than minimal 50"),
            ({"busy", "funds"}, DUPLICATE["error"]),
            ({"funds"}, NO_FUNDS["error"]),
        ],
        ids=lambda each: "+".join(sorted(each)) if isinstance(each, set) else "",
    )
    def test_of(self, panel: Panel, faults: set[str], error: str) -> None:
        service = panel.service(one_active_order_per_link=True)
        poor = panel.customer("Poor", balance_micros=90_000)
        poor.simple(service, 50, LINK)
        form = {
            "service": 2_000_000_000 if "service" in faults else service,
            "link": "" if "link" in faults else LINK if "busy" in faults else f"{LINK}/other",
            "quantity": 49 if "quantity" in faults else 10_000,
        }
        assert poor.ask("add", **form) == {"error": error}
        assert len(poor.orders()) == 1
        assert poor.balance_micros() == 45_000


class TestService:
    @pytest.mark.parametrize(
        "service", ["0", "-1", "2147483648", "9" * 40, "abc", "1.0", "+1", "１", "1e0", "1 OR 1=1"]
    )
    def test_what_is_no_service_is_an_incorrect_service_id(self, untouched: Caller, service: str) -> None:
        said = untouched.ask("add", service=service, link=LINK, quantity=100)
        assert said == {"error": "Incorrect service ID"}

    @pytest.mark.parametrize("state", ["paused", "hidden"])
    def test_paused_or_hidden_is_as_unknown(self, panel: Panel, untouched: Caller, state: str) -> None:
        said = untouched.ask("add", service=panel.service(state=state), link=LINK, quantity=100)
        assert said == {"error": "Incorrect service ID"}

    def test_a_missing_service_places_nothing(self, untouched: Caller) -> None:
        said = untouched.ask("add", link=LINK, quantity=100)
        assert said["error"] in {"Incorrect request", "Incorrect service ID"}

    def test_paused_while_the_panel_runs_is_refused_at_once(self, panel: Panel, caller: Caller) -> None:
        service = panel.service()
        caller.simple(service)
        panel.office("change_service", service_id=service, state="paused")
        assert caller.ask("add", service=service, link=LINK, quantity=100) == {"error": "Incorrect service ID"}

    def test_a_new_price_holds_for_the_next_order_and_not_for_the_last(self, panel: Panel, caller: Caller) -> None:
        service = panel.service(rate_micros=1_000_000)
        first = caller.simple(service, 1000)
        panel.office("change_service", service_id=service, rate_micros=2_000_000)
        second = caller.simple(service, 1000)
        shown = caller.ask("status", orders=f"{first},{second}")
        assert [each["charge"] for each in shown.values()] == ["1.00", "2.00"]


class TestQuantity:
    @pytest.mark.parametrize("quantity", NOT_NUMBERS, ids=ascii)
    def test_ascii_digits_only(self, panel: Panel, untouched: Caller, quantity: str) -> None:
        said = untouched.ask("add", service=panel.shelf["Default"], link=LINK, quantity=quantity)
        assert said == {"error": "Incorrect quantity"}

    @pytest.mark.parametrize("line", CASES.read_text().splitlines()[1:])
    def test_blanks_around_a_value_do_not_count(self, panel: Panel, caller: Caller, line: str) -> None:
        sent, _, wanted = line.partition("\t")
        fields = {"service": f" {panel.shelf['Default']} ", "link": LINK, "quantity": "100"} | dict(parse_qsl(sent))
        said = caller.ask("add", **fields)
        assert list(said) == ["order"] if wanted.startswith('{"order"') else said == json.loads(wanted)

    @pytest.mark.parametrize("quantity", [True, [100], {"a": 100}, 1e2, -100, 100.5, 1e300], ids=str)
    def test_of_json_is_refused_when_it_is_no_whole_number(
        self, panel: Panel, untouched: Caller, quantity: Any
    ) -> None:
        fields = {"key": untouched.key, "action": "add", "service": panel.shelf["Default"], "link": LINK}
        said = answer(untouched.http.post(untouched.url + "/api/v2", json=fields | {"quantity": quantity}))
        assert list(said) == ["error"]

    @pytest.mark.parametrize(
        ("quantity", "said"),
        [("0", "Quantity less than minimal 50"), ("49", "Quantity less than minimal 50"), ("50", ""), ("0050", ""),
         ("10000", ""), ("10001", "Quantity more than maximum 10000"),
         ("2147483648", "Quantity more than maximum 10000"),
         ("9" * 100, "Quantity more than maximum 10000"), ("9" * 5000, "Quantity more than maximum 10000")],
    )  # fmt: skip
    def test_is_held_against_min_and_max(self, panel: Panel, caller: Caller, quantity: str, said: str) -> None:
        heard = caller.ask("add", service=panel.shelf["Default"], link=LINK, quantity=quantity)
        assert heard.get("error", "") == said

    @pytest.mark.parametrize(
        ("lines", "said"),
        [(1, "Quantity less than minimal 2"), (2, ""), (5, ""), (6, "Quantity more than maximum 5")],
    )
    def test_of_a_list_is_held_against_them_too(self, panel: Panel, caller: Caller, lines: int, said: str) -> None:
        names = "\n\n".join(f"name{each}" for each in range(lines))
        heard = caller.ask("add", service=panel.shelf["Mentions Custom List"], link=LINK, usernames=names)
        assert heard.get("error", "") == said


class TestCharge:
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(rate=st.integers(1, 3_000_000_000), quantity=st.integers(1, 3000))
    def test_is_rate_times_quantity_by_1000_rounded_up(
        self, panel: Panel, caller: Caller, rate: int, quantity: int
    ) -> None:
        before = caller.balance_micros()
        service = panel.service(rate_micros=rate, min=1, max=3000)
        heard = caller.ask("add", service=service, link=LINK, quantity=quantity)
        charge = -(-rate * quantity // 1000)
        if charge > before:
            assert heard == NO_FUNDS
            charge = 0
        assert caller.balance_micros() == before - charge

    def test_of_the_smallest_order_is_not_free(self, panel: Panel, caller: Caller) -> None:
        order = caller.simple(panel.service(rate_micros=1, min=1), 1)
        assert caller.balance_micros() == 9_999_999_999
        assert caller.ask("status", order=order)["charge"] == "0.00001"
        assert caller.ask("balance")["balance"] == "9999.99999"

    @pytest.mark.parametrize(
        ("remains", "charge", "balance"),
        [(100, "0.00", "10000.00"), (99, "0.0009", "9999.9991"), (1, "0.0891", "9999.9109"), (50, "0.045", "9999.955")],
    )
    def test_of_a_partial_order_falls_to_the_delivered_share(
        self, panel: Panel, caller: Caller, remains: int, charge: str, balance: str
    ) -> None:
        order = caller.simple(panel.shelf["Default"])
        panel.report(order, "partial", remains=remains)
        shown = caller.ask("status", order=order)
        assert (shown["charge"], shown["remains"], shown["status"]) == (charge, str(remains), "Partial")
        assert caller.ask("balance")["balance"] == balance


class TestSameLink:
    @pytest.fixture
    def service(self, panel: Panel) -> int:
        return panel.service(one_active_order_per_link=True)

    def test_a_second_active_order_is_refused(self, caller: Caller, service: int) -> None:
        caller.simple(service, link=LINK)
        assert caller.ask("add", service=service, link=LINK, quantity=200) == DUPLICATE
        assert caller.ask("add", service=service, link=f"  {LINK} ", quantity=200) == DUPLICATE
        assert len(caller.orders()) == 1

    @pytest.mark.parametrize("end", ["completed", "partial", "canceled", "cancel"])
    def test_is_free_again_when_the_order_has_ended(self, panel: Panel, caller: Caller, service: int, end: str) -> None:
        order = caller.simple(service, link=LINK)
        if end == "cancel":
            caller.ask("cancel", order=order)
        else:
            panel.report(order, end, **({"remains": 1} if end == "partial" else {}))
        caller.simple(service, link=LINK)
        assert caller.ask("add", service=service, link=LINK, quantity=100) == DUPLICATE

    def test_others_and_other_services_are_free(
        self, panel: Panel, caller: Caller, other: Caller, service: int
    ) -> None:
        caller.simple(service, link=LINK)
        other.simple(service, link=LINK)
        caller.simple(service, link=f"{LINK}/2")
        caller.simple(panel.service(one_active_order_per_link=True), link=LINK)
        caller.simple(panel.shelf["Default"], link=LINK)
        caller.simple(panel.shelf["Default"], link=LINK)


class TestFunds:
    @pytest.mark.parametrize(
        ("balance", "credit", "is_taken"),
        [(90_000, 0, True), (89_999, 0, False), (0, 90_000, True), (1, 89_998, False), (0, 0, False)],
    )
    def test_are_spent_to_the_last_micro_and_not_below(
        self, panel: Panel, balance: int, credit: int, is_taken: bool
    ) -> None:
        who = panel.customer(balance_micros=balance, credit_limit_micros=credit)
        heard = who.ask("add", service=panel.shelf["Default"], link=LINK, quantity=100)
        assert ("order" in heard) is is_taken
        assert is_taken or heard == NO_FUNDS
        assert who.balance_micros() == balance - 90_000 * is_taken

    def test_a_balance_below_zero_is_shown_as_a_plain_decimal(self, panel: Panel) -> None:
        who = panel.customer(balance_micros=0, credit_limit_micros=1_000_000)
        who.simple(panel.shelf["Default"])
        assert who.ask("balance") == {"balance": "-0.09", "currency": "USD"}


def test_a_suspended_account_places_nothing(panel: Panel, untouched: Caller) -> None:
    again = untouched.with_key()
    panel.office("suspend", customer_id=untouched.customer_id, on=True)
    said = again.ask("add", service=panel.shelf["Default"], link=LINK, quantity=100)
    assert said == {"error": "Account suspended"}
    panel.office("suspend", customer_id=untouched.customer_id, on=False)


def test_ids_rise(panel: Panel, caller: Caller, other: Caller) -> None:
    ids = [who.simple(panel.shelf["Default"]) for who in (caller, other, caller, other)]
    assert ids == sorted(set(ids))
    assert 0 < ids[0] < ids[-1] < 2**31
