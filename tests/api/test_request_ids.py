"""Asking again: the same request id, the same form within the repeat window. One order each, whatever happens."""

from functools import partial
from typing import Any

import pytest

from tests.live.caller import Caller, answer, at_once
from tests.live.panel import Panel, Server

LINK = "https://example.com/again"
REUSED = {"error": "request_id already used with other parameters"}
pytestmark = [pytest.mark.usefixtures("books_in_order"), pytest.mark.postgresql]


@pytest.fixture
def form(panel: Panel) -> dict[str, Any]:
    return {"action": "add", "service": panel.shelf["Default"], "link": LINK, "quantity": 100}


class TestRequestId:
    def test_the_same_again_is_the_same_answer_byte_for_byte(self, caller: Caller, form: dict[str, Any]) -> None:
        sent = [caller.post(form | {"request_id": "job-1"}).content for _ in range(3)]
        assert len(set(sent)) == 1
        assert [each["request_id"] for each in caller.orders()] == ["job-1"]
        assert caller.ask("balance")["balance"] == "9999.91"

    def test_the_header_is_another_name_for_it(self, caller: Caller, form: dict[str, Any]) -> None:
        by_header = answer(caller.post(form, headers={"Idempotency-Key": "job-2"}))
        assert answer(caller.post(form | {"request_id": "job-2"})) == by_header
        assert len(caller.orders()) == 1

    @pytest.mark.parametrize(
        "changed",
        [{"quantity": 101}, {"link": f"{LINK}/2"}, {"service": "other"}, {"runs": 2, "interval": 5}, {"quantity": "x"}],
        ids=str,
    )
    def test_other_fields_are_refused(
        self, panel: Panel, caller: Caller, form: dict[str, Any], changed: dict[str, Any]
    ) -> None:
        first = caller.ask(**form, request_id="job-3")
        before = caller.traces()
        if "service" in changed:
            changed = {"service": panel.shelf["Mentions Hashtag"], "hashtag": "x"}
        assert answer(caller.post(form | changed | {"request_id": "job-3"})) == REUSED
        assert caller.traces() == before
        assert caller.ask(**form, request_id="job-3") == first

    def test_is_each_customers_own(self, caller: Caller, other: Caller, form: dict[str, Any]) -> None:
        orders = {who.ask(**form, request_id="job-4")["order"] for who in (caller, other)}
        assert len(orders) == 2

    def test_is_shared_by_the_keys_of_a_customer(self, caller: Caller, form: dict[str, Any]) -> None:
        assert caller.ask(**form, request_id="job-5") == caller.with_key().ask(**form, request_id="job-5")

    def test_a_refusal_is_not_kept_and_the_id_can_be_tried_again(self, panel: Panel) -> None:
        who = panel.customer("Poor", balance_micros=0)
        form = {"service": panel.shelf["Default"], "link": LINK, "quantity": 100, "request_id": "job-6"}
        assert who.ask("add", **form) == {"error": "Not enough funds on balance"}
        assert who.orders() == []

    @pytest.mark.parametrize("request_id", ["a" * 128, "ü" * 128, "x y/z?&=\"'<>", "0", "null-ish", "😀"])
    def test_up_to_128_characters_of_any_script(self, caller: Caller, form: dict[str, Any], request_id: str) -> None:
        first = caller.ask(**form, request_id=request_id)
        assert caller.ask(**form, request_id=request_id) == first
        assert len(caller.orders()) == 1

    @pytest.mark.parametrize("request_id", ["a" * 129, "a" * 100_000, "a\x00b"], ids=["129", "100,000", "NUL"])
    def test_a_longer_or_unstorable_one_is_refused_and_nothing_placed(
        self, untouched: Caller, form: dict[str, Any], request_id: str
    ) -> None:
        assert list(untouched.ask(**form, request_id=request_id)) == ["error"]

    def test_a_long_header_is_refused_and_nothing_placed(self, untouched: Caller, form: dict[str, Any]) -> None:
        assert list(answer(untouched.post(form, headers={"Idempotency-Key": "a" * 129}))) == ["error"]

    def test_two_different_ids_are_two_orders(self, caller: Caller, form: dict[str, Any]) -> None:
        assert caller.ask(**form, request_id="job-7") != caller.ask(**form, request_id="job-8")

    def test_an_empty_id_is_none(self, caller: Caller, form: dict[str, Any]) -> None:
        assert caller.ask(**form, request_id="") != caller.ask(**form, request_id="")
        assert len(caller.orders()) == 2

    @pytest.mark.parametrize("end", ["completed", "canceled"])
    def test_still_holds_when_the_order_has_ended(
        self, panel: Panel, caller: Caller, form: dict[str, Any], end: str
    ) -> None:
        first = caller.ask(**form, request_id="job-9")
        panel.report(first["order"], end)
        assert caller.ask(**form, request_id="job-9") == first

    def test_still_holds_when_service_is_gone_and_the_wallet_empty(self, panel: Panel) -> None:
        who = panel.customer("Spent", balance_micros=90_000)
        service = panel.service()
        form = {"service": service, "link": LINK, "quantity": 100, "request_id": "job-10"}
        first = who.ask("add", **form)
        panel.office("change_service", service_id=service, state="hidden")
        assert who.ask("add", **form) == first

    @pytest.mark.parametrize("round_number", range(3))
    def test_twenty_at_once_over_two_servers_are_one_order(
        self, twin: Server, caller: Caller, form: dict[str, Any], round_number: int
    ) -> None:
        doors = [caller, caller.via(twin)]
        named = form | {"request_id": f"race-{round_number}"}
        sent = at_once([partial(doors[each % 2].post, named) for each in range(20)])
        assert len({each.content for each in sent}) == 1
        assert answer(sent[0])["order"] == caller.orders()[0]["id"]
        assert len(caller.orders()) == 1

    def test_twenty_at_once_with_two_forms_are_one_order_and_a_refusal(
        self, twin: Server, caller: Caller, form: dict[str, Any]
    ) -> None:
        doors = [caller, caller.via(twin)]
        forms = [form | {"request_id": "r", "quantity": 100 + each} for each in range(2)]
        sent = at_once([partial(doors[each % 2].post, forms[each // 10]) for each in range(20)])
        said = [answer(each) for each in sent]
        taken = [each for each in said if "order" in each]
        assert len(taken) == 10
        assert len({each["order"] for each in taken}) == 1
        assert [each for each in said if "order" not in each] == [REUSED] * 10


class TestRepeatWindow:
    def test_is_off_by_default(self, caller: Caller, form: dict[str, Any]) -> None:
        assert caller.ask(**form) != caller.ask(**form)

    def test_answers_the_same_order_for_the_same_form(self, panel: Panel, form: dict[str, Any]) -> None:
        who = panel.customer("Repeats", repeat_window_seconds=120)
        first = who.ask(**form)
        assert who.ask(**form) == first
        assert len({who.ask(**(form | {"quantity": 101}))["order"], first["order"]}) == 2
        assert len({who.ask(**(form | {"link": f"{LINK}/2"}))["order"], first["order"]}) == 2
        assert len(who.orders()) == 3

    def test_ends(self, panel: Panel, form: dict[str, Any]) -> None:
        who = panel.customer("Repeats", repeat_window_seconds=120)
        first = who.ask(**form)
        panel.office("pass_hours", order_id=first["order"], hours=1)
        assert who.ask(**form) != first

    def test_twenty_at_once_over_two_servers_are_one_order(
        self, panel: Panel, twin: Server, form: dict[str, Any]
    ) -> None:
        who = panel.customer("Repeats", repeat_window_seconds=120)
        doors = [who, who.via(twin)]
        sent = at_once([partial(doors[each % 2].post, form) for each in range(20)])
        assert len({each.content for each in sent}) == 1
        assert len(who.orders()) == 1


class TestFind:
    NOT_FOUND = {"error": "Order not found"}

    def test_tells_the_order_of_a_request_id(self, caller: Caller, form: dict[str, Any]) -> None:
        assert caller.ask("find", request_id="lost-1") == self.NOT_FOUND
        placed = caller.ask(**form, request_id="lost-1")
        assert caller.ask("find", request_id="lost-1") == placed
        assert answer(caller.post({"action": "find"}, headers={"Idempotency-Key": "lost-1"})) == placed
        assert caller.with_key().ask("find", request_id="lost-1") == placed

    def test_another_customers_order_is_not_found(self, caller: Caller, other: Caller, form: dict[str, Any]) -> None:
        caller.ask(**form, request_id="lost-2")
        assert other.ask("find", request_id="lost-2") == self.NOT_FOUND

    def test_what_was_refused_is_not_found(self, caller: Caller, form: dict[str, Any]) -> None:
        caller.ask(**form | {"quantity": 1}, request_id="lost-3")
        assert caller.ask("find", request_id="lost-3") == self.NOT_FOUND

    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({}, "Incorrect request"),
            ({"request_id": ""}, "Incorrect request"),
            ({"request_id": "x" * 129}, "Incorrect request_id"),
            ({"request_id": "a\x00b"}, "Incorrect request_id"),
            ({"request_id": "' OR 1=1 --"}, "Order not found"),
        ],
    )
    def test_what_is_no_request_id_is_said_so(self, untouched: Caller, fields: dict[str, str], text: str) -> None:
        assert untouched.ask("find", **fields) == {"error": text}
