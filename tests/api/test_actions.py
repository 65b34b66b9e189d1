"""What each action asks and answers: names, batches, refusals, the rules of refill and cancel."""

from typing import Any

import pytest

from tests.live.caller import Caller, answer
from tests.live.panel import Panel

LINK = "https://example.com/actions"
UNKNOWN = 2_000_000_000
INCORRECT_ORDER = {"error": "Incorrect order ID"}
INCORRECT_REQUEST = {"error": "Incorrect request"}
NO_REFILL = {"error": "Refill is not available for this order"}
NO_CANCEL = {"error": "Cancel is not available for this order"}
NOT_FOUND = {"error": "Refill not found"}
pytestmark = pytest.mark.usefixtures("books_in_order")


def pending(charge: str, remains: int) -> dict[str, str]:
    return {"charge": charge, "start_count": "0", "status": "Pending", "remains": str(remains), "currency": "USD"}


@pytest.fixture
def order(panel: Panel, caller: Caller) -> int:
    return caller.simple(panel.shelf["Default"])


@pytest.fixture
def completed(panel: Panel, caller: Caller) -> int:
    """An order completed 25 hours ago."""
    made = caller.simple(panel.shelf["Default"])
    panel.complete(made, hours_ago=25)
    return made


class TestKeyThenAction:
    @pytest.mark.parametrize("action", ["balance", "BREW", "", "add"])
    @pytest.mark.parametrize("key", ["wrong", "", "a" * 64, "ключ", "a" * 5000, "\x00", "' OR 1=1 --"])
    def test_a_wrong_key_is_told_before_anything_else(self, panel: Panel, key: str, action: str) -> None:
        sent = panel.http.post(panel.url + "/api/v2", data={"key": key, "action": action})
        assert answer(sent) == {"error": "Invalid API key"}

    def test_a_missing_key_is_a_wrong_key(self, panel: Panel) -> None:
        assert answer(panel.http.post(panel.url + "/api/v2")) == {"error": "Invalid API key"}
        assert answer(panel.http.get(panel.url + "/api/v2")) == {"error": "Invalid API key"}

    @pytest.mark.parametrize("action", ["", " ", "brew", "add order", "status\x00", "__class__", "balance;", "ａdd"])
    def test_an_unknown_action_is_an_incorrect_request(self, untouched: Caller, action: str) -> None:
        assert untouched.ask(action, order=1) == INCORRECT_REQUEST

    @pytest.mark.parametrize("action", ["status", "refill", "cancel", "refill_status", "orders"])
    def test_a_missing_id_is_an_incorrect_request(self, untouched: Caller, action: str) -> None:
        assert untouched.ask(action) == INCORRECT_REQUEST

    @pytest.mark.parametrize("action", ["Balance", "BALANCE", " balance ", "\tbAlAnCe\r\n"])
    def test_an_action_is_trimmed_and_of_any_case(self, caller: Caller, action: str) -> None:
        assert caller.ask(action) == {"balance": "10000.00", "currency": "USD"}

    @pytest.mark.parametrize("names", [(" key", "action ", " order "), ("key\r\n", "\taction", "order\n")])
    def test_field_names_are_trimmed(self, caller: Caller, order: int, names: tuple[str, str, str]) -> None:
        fields = dict(zip(names, (caller.key, "status", str(order)), strict=True))
        assert answer(caller.http.post(caller.url + "/api/v2", data=fields)) == pending("0.09", 100)


class TestNoAction:
    def test_refill_is_taken_for_refill_status(self, caller: Caller, completed: int) -> None:
        refill = caller.ask("refill", order=completed)["refill"]
        assert answer(caller.post({"refill": refill})) == {"status": "Pending"}
        assert answer(caller.post({"refills": refill})) == [{"refill": int(refill), "status": "Pending"}]
        assert answer(caller.post({"action": "", "refill": refill})) == {"status": "Pending"}

    @pytest.mark.parametrize("field", ["order", "orders"])
    def test_an_order_id_alone_is_an_incorrect_request(self, caller: Caller, completed: int, field: str) -> None:
        assert answer(caller.post({field: str(completed)})) == INCORRECT_REQUEST

    def test_nothing_with_side_effects_is_guessed(self, panel: Panel, untouched: Caller) -> None:
        fields = {"service": panel.shelf["Default"], "link": LINK, "quantity": 100}
        assert answer(untouched.post(fields)) == INCORRECT_REQUEST
        assert answer(untouched.post({"action": "create", **fields})) == INCORRECT_REQUEST


class TestStatus:
    def test_a_fresh_order_is_pending_with_start_count_0(self, caller: Caller, order: int) -> None:
        shown = caller.ask("status", order=order)
        assert list(shown.items()) == list(pending("0.09", 100).items())

    @pytest.mark.parametrize(
        ("said", "word"),
        [("processing", "Processing"), ("in_progress", "In progress"), ("completed", "Completed"),
         ("partial", "Partial"), ("canceled", "Canceled")],
    )  # fmt: skip
    def test_the_six_words_are_exact(self, panel: Panel, caller: Caller, order: int, said: str, word: str) -> None:
        panel.report(order, said, **({"remains": 40} if said == "partial" else {}))
        assert caller.ask("status", order=order)["status"] == word

    def test_canceled_costs_nothing_and_gives_all_back(self, panel: Panel, caller: Caller, order: int) -> None:
        panel.report(order, "canceled")
        shown = caller.ask("status", order=order)
        assert (shown["status"], shown["charge"]) == ("Canceled", "0.00")
        assert caller.ask("balance")["balance"] == "10000.00"

    @pytest.mark.parametrize(
        "order", ["0", "-1", "1.5", "1e3", "abc", "2147483647", "2147483648", "9" * 30, "１２", "0x1", "1;2", "' OR 1"]
    )
    @pytest.mark.parametrize("action", ["status", "refill", "cancel"])
    def test_what_is_no_order_is_an_incorrect_order_id(self, caller: Caller, action: str, order: str) -> None:
        assert caller.ask(action, order=order) == INCORRECT_ORDER

    def test_integers_and_null_where_the_account_wants_them(self, panel: Panel) -> None:
        old = panel.customer("Old programs", integer_services=True, null_start_count=True)
        order = old.simple(panel.shelf["Default"])
        assert old.ask("status", order=order)["start_count"] is None
        assert old.ask("status", orders=order)[str(order)]["start_count"] is None
        shown = next(each for each in old.ask("services") if each["service"] == panel.shelf["Default"])
        assert [shown[key] for key in ("service", "min", "max")] == [panel.shelf["Default"], 50, 10_000]
        assert [type(shown[key]) for key in ("service", "min", "max", "rate")] == [int, int, int, str]
        panel.report(order, "in_progress", start_count=0)
        assert old.ask("status", order=order)["start_count"] == "0"

    def test_an_over_delivered_order_may_remain_below_zero_and_costs_no_more(
        self, panel: Panel, caller: Caller, order: int
    ) -> None:
        panel.report(order, "in_progress", remains=100)
        panel.report(order, "completed", remains=-7)
        shown = caller.ask("status", order=order)
        assert (shown["remains"], shown["charge"], shown["status"]) == ("-7", "0.09", "Completed")


class TestBatches:
    @pytest.mark.parametrize("action", ["status", "orders", " Orders "])
    def test_status_is_an_object_in_the_order_asked(
        self, panel: Panel, caller: Caller, order: int, action: str
    ) -> None:
        second = caller.simple(panel.shelf["Default"], 200)
        shown = caller.ask(action, orders=f"{second},{UNKNOWN},{order}")
        assert list(shown.items()) == [
            (str(second), pending("0.18", 200)),
            (str(UNKNOWN), INCORRECT_ORDER),
            (str(order), pending("0.09", 100)),
        ]

    def test_one_id_still_gets_the_shape_of_a_batch(self, caller: Caller, order: int, completed: int) -> None:
        assert list(caller.ask("status", orders=order)) == [str(order)]
        refilled = caller.ask("refill", orders=completed)
        assert [each["order"] for each in refilled] == [completed]
        assert caller.ask("refill_status", refills=refilled[0]["refill"])[0]["status"] == "Pending"
        assert caller.ask("cancel", orders=order) == [{"order": order, "cancel": 1}]

    def test_a_comma_in_order_makes_a_batch(self, caller: Caller, order: int, completed: int) -> None:
        assert list(caller.ask("status", order=f"{order},{completed}")) == [str(order), str(completed)]
        assert caller.ask("refill", order=f"{UNKNOWN},{order}") == [
            {"order": UNKNOWN, "refill": INCORRECT_ORDER},
            {"order": order, "refill": NO_REFILL},
        ]
        assert caller.ask("cancel", order=f"{UNKNOWN},{order}")[1] == {"order": order, "cancel": 1}

    def test_the_single_order_wins_over_orders(self, caller: Caller, order: int, completed: int) -> None:
        assert caller.ask("status", order=order, orders=str(completed)) == pending("0.09", 100)
        assert "refill" in caller.ask("refill", order=completed, orders=str(order))
        assert caller.ask("cancel", order=completed, orders=str(order)) == NO_CANCEL

    def test_blanks_and_spaces_are_dropped_and_repeats_collapse(self, caller: Caller, order: int) -> None:
        shown = caller.ask("status", orders=f" , {order} ,,{order},\t{UNKNOWN}\r\n,{order} , ")
        assert list(shown) == [str(order), str(UNKNOWN)]
        assert caller.ask("cancel", orders=f"{order}, {order},,{order}") == [{"order": order, "cancel": 1}]

    @pytest.mark.parametrize("action", ["status", "refill", "cancel"])
    @pytest.mark.parametrize("orders", [",", " , ,", ",,,,"])
    def test_nothing_left_is_an_incorrect_order_id(self, caller: Caller, action: str, orders: str) -> None:
        assert caller.ask(action, orders=orders) == INCORRECT_ORDER

    def test_no_refill_left_is_not_found(self, caller: Caller) -> None:
        assert caller.ask("refill_status", refills=" , ,") == NOT_FOUND

    def test_a_word_is_echoed_as_it_came(self, caller: Caller, order: int) -> None:
        assert caller.ask("status", orders=f"Array,{order}")["Array"] == INCORRECT_ORDER
        assert caller.ask("refill", orders="Array")[0] == {"order": "Array", "refill": INCORRECT_ORDER}
        assert caller.ask("cancel", orders=f"1e3,{order}") == [
            {"order": "1e3", "cancel": INCORRECT_ORDER},
            {"order": order, "cancel": 1},
        ]

    def test_refills_1_array(self, caller: Caller, completed: int) -> None:
        refill = caller.ask("refill", order=completed)["refill"]
        assert caller.ask("refill_status", refills=f"{refill},Array") == [
            {"refill": int(refill), "status": "Pending"},
            {"refill": "Array", "status": NOT_FOUND},
        ]

    def test_at_most_100_different_ids_are_read_and_the_rest_is_left_out(self, caller: Caller, order: int) -> None:
        ids = [order, *range(UNKNOWN, UNKNOWN + 120)]
        asked = ",".join(f"{each},{each}" for each in ids)
        kept = ids[:100]
        assert list(caller.ask("status", orders=asked)) == [str(each) for each in kept]
        assert [each["order"] for each in caller.ask("refill", orders=asked)] == kept
        assert [each["order"] for each in caller.ask("cancel", orders=asked)] == kept
        assert [each["refill"] for each in caller.ask("refill_status", refills=asked)] == kept

    def test_100_placed_orders_are_shown_in_one_answer(self, panel: Panel, caller: Caller) -> None:
        ids = [caller.simple(panel.shelf["Default"], 50 + each) for each in range(100)]
        assert ids == sorted(set(ids))
        shown = caller.ask("status", orders=",".join(map(str, reversed(ids))))
        assert list(shown) == [str(each) for each in reversed(ids)]
        assert [each["remains"] for each in shown.values()] == [str(50 + each) for each in reversed(range(100))]


class TestForeignIds:
    @pytest.mark.parametrize("action", ["status", "refill", "cancel"])
    @pytest.mark.parametrize("field", ["order", "orders"])
    def test_another_customers_order_answers_as_an_unknown_one(
        self, other: Caller, order: int, action: str, field: str
    ) -> None:
        foreign = other.post({"action": action, field: order}).text
        unknown = other.post({"action": action, field: UNKNOWN}).text
        assert foreign.replace(str(order), "N") == unknown.replace(str(UNKNOWN), "N")

    def test_another_customers_refill_answers_as_an_unknown_one(
        self, caller: Caller, other: Caller, completed: int
    ) -> None:
        refill = caller.ask("refill", order=completed)["refill"]
        assert other.ask("refill_status", refill=refill) == NOT_FOUND
        assert other.ask("refill_status", refills=refill) == [{"refill": int(refill), "status": NOT_FOUND}]

    def test_nothing_came_of_it(self, caller: Caller, other: Caller, order: int) -> None:
        other.ask("cancel", order=order)
        assert caller.ask("status", order=order) == pending("0.09", 100)


class TestRefill:
    def test_the_id_is_text_alone_and_a_number_in_a_batch(self, panel: Panel, caller: Caller, completed: int) -> None:
        single = caller.ask("refill", order=completed)
        assert list(single) == ["refill"]
        assert type(single["refill"]) is str
        second = caller.simple(panel.shelf["Default"])
        panel.complete(second, hours_ago=25)
        batch = caller.ask("refill", orders=second)
        assert type(batch[0]["refill"]) is int
        assert batch[0]["refill"] > int(single["refill"])

    def test_an_order_under_way_is_refused(self, panel: Panel, caller: Caller, order: int) -> None:
        assert caller.ask("refill", order=order) == NO_REFILL
        panel.report(order, "in_progress")
        assert caller.ask("refill", order=order) == NO_REFILL
        panel.report(order, "partial", remains=10)
        panel.office("pass_hours", order_id=order, hours=25)
        assert caller.ask("refill", order=order) == NO_REFILL

    @pytest.mark.parametrize(
        ("service", "hours", "is_given"),
        [
            ({"refill": True}, 23, False),
            ({"refill": True}, 25, True),
            ({"refill": False}, 25, False),
            ({"refill": True, "refill_wait_hours": 0}, 0, True),
            ({"refill": True, "refill_days": 30}, 29 * 24, True),
            ({"refill": True, "refill_days": 30}, 31 * 24, False),
        ],
        ids=str,
    )
    def test_it_hangs_on_the_service_and_on_the_hours_since_completion(
        self, panel: Panel, caller: Caller, service: dict[str, Any], hours: int, is_given: bool
    ) -> None:
        order = caller.simple(panel.service(**service))
        panel.complete(order, hours_ago=hours)
        assert (caller.ask("refill", order=order) != NO_REFILL) is is_given

    def test_one_at_a_time_and_a_day_between_two(self, panel: Panel, caller: Caller, completed: int) -> None:
        first = caller.ask("refill", order=completed)["refill"]
        panel.office("pass_hours", order_id=completed, hours=100)
        assert caller.ask("refill", order=completed) == NO_REFILL
        panel.executor("POST", "/refill/change-status", {"ids": first, "status": "completed"})
        panel.office("pass_hours", order_id=completed, hours=25)
        second = caller.ask("refill", order=completed)
        assert int(second["refill"]) > int(first)
        panel.executor("POST", "/refill/change-status", {"ids": second["refill"], "status": "rejected"})
        assert caller.ask("refill", order=completed) == NO_REFILL

    def test_twice_in_one_batch_is_one(self, caller: Caller, completed: int) -> None:
        assert len(caller.ask("refill", orders=f"{completed},{completed}")) == 1

    @pytest.mark.parametrize("refill", ["0", "abc", "-1", "9" * 30, str(UNKNOWN), "1.0"])
    def test_an_unknown_refill_is_not_found(self, caller: Caller, refill: str) -> None:
        assert caller.ask("refill_status", refill=refill) == NOT_FOUND


class TestCancel:
    def test_a_pending_order_is_cancelled_and_paid_back_at_once(self, caller: Caller, order: int) -> None:
        assert caller.ask("balance")["balance"] == "9999.91"
        assert caller.ask("cancel", order=order) == {"order": order, "cancel": 1}
        shown = caller.ask("status", order=order)
        assert (shown["status"], shown["charge"]) == ("Canceled", "0.00")
        assert caller.ask("balance")["balance"] == "10000.00"
        assert caller.ask("cancel", order=order) == NO_CANCEL
        assert caller.ask("balance")["balance"] == "10000.00"

    def test_of_an_order_handed_on_it_is_a_request(self, panel: Panel, caller: Caller, order: int) -> None:
        panel.report(order, "in_progress")
        assert caller.ask("cancel", orders=order) == [{"order": order, "cancel": 1}]
        assert caller.ask("status", order=order)["status"] == "In progress"
        assert caller.ask("balance")["balance"] == "9999.91"
        panel.report(order, "canceled")
        assert caller.ask("status", order=order)["status"] == "Canceled"
        assert caller.ask("balance")["balance"] == "10000.00"

    @pytest.mark.parametrize("final", ["completed", "partial", "canceled"])
    def test_a_final_order_is_refused(self, panel: Panel, caller: Caller, order: int, final: str) -> None:
        panel.report(order, final, **({"remains": 1} if final == "partial" else {}))
        assert caller.ask("cancel", order=order) == NO_CANCEL
        assert caller.ask("cancel", orders=order) == [{"order": order, "cancel": NO_CANCEL}]

    def test_a_service_without_cancel_is_refused(self, panel: Panel, caller: Caller) -> None:
        order = caller.simple(panel.service(cancel=False))
        assert caller.ask("cancel", order=order) == NO_CANCEL
        assert caller.ask("status", order=order)["status"] == "Pending"


class TestServices:
    def test_an_empty_catalogue_is_an_empty_list(self, panel: Panel) -> None:
        assert panel.services_when_empty == []

    def test_all_17_types_are_listed_with_the_documented_types(self, panel: Panel, caller: Caller) -> None:
        listed = {each["service"]: each for each in caller.ask("services")}
        for kind, service in panel.shelf.items():
            shown = listed[service]
            assert shown["type"] == kind
            kinds = {"service": int, "dripfeed": bool, "refill": bool, "cancel": bool}
            assert all(type(value) is kinds.get(key, str) for key, value in shown.items())

    @pytest.mark.parametrize("state", ["paused", "hidden"])
    def test_what_is_not_on_sale_is_not_listed(self, panel: Panel, caller: Caller, state: str) -> None:
        gone = panel.service(state=state, name="Gone")
        assert gone not in {each["service"] for each in caller.ask("services")}

    def test_a_change_of_the_catalogue_shows_at_once(self, panel: Panel, caller: Caller) -> None:
        service = panel.service(name="Before")
        assert service in {each["service"] for each in caller.ask("services")}
        panel.office("change_service", service_id=service, name="After <b>&\u2028", rate_micros=1)
        shown = next(each for each in caller.ask("services") if each["service"] == service)
        assert (shown["name"], shown["rate"]) == ("After <b>&\u2028", "0.000001")

    def test_each_sees_their_own_price_in_their_own_currency(self, panel: Panel, caller: Caller) -> None:
        panel.office("exchange", currency="EUR", worth_micros=1_080_000)
        service = panel.service(rate_micros=1_080_000)
        frieda, special = panel.customer("Frieda", "EUR"), panel.customer("Special")
        panel.office("override", customer_id=special.customer_id, service_id=service, rate_micros=500_000)
        rates = [
            next(each["rate"] for each in who.ask("services") if each["service"] == service)
            for who in (caller, frieda, special)
        ]
        assert rates == ["1.08", "1.00", "0.50"]
        frieda.simple(service, 1000)
        special.simple(service, 1000)
        assert frieda.ask("balance") == {"balance": "9999.00", "currency": "EUR"}
        assert special.ask("balance") == {"balance": "9999.50", "currency": "USD"}
