"""The body of an answer, in all its wrappings: whatever the action, a refusal, one id, two, or neither."""

import json
from typing import Any

import pytest

from sutler.core.lifecycle import Status
from sutler.core.money import Micros
from sutler.core.upstream_words import DeclineKind, UnknownStatus
from sutler.fulfilment.polling.interpret import StatusUpdate
from sutler.panels.results import Accepted, Balance, Declined, NoAnswer, Taken, UpstreamRefill, UpstreamStatus
from tests.cases import INPUTS
from tests.fulfilment.polling.test_interpret import UNDER_WAY, heard, kinds
from tests.panels.panel_calls import CALLS, saying

add, status, statuses, balance = CALLS["add"], CALLS["status"], CALLS["statuses"], CALLS["balance"]
refill, cancel, refill_status = CALLS["refill"], CALLS["cancel"], CALLS["refill_status"]


def cases(file: str) -> list[tuple[str, str]]:
    rows = json.loads(INPUTS.joinpath(file).read_text())
    return [(row["body"], row["want"]) for row in rows]


@pytest.mark.parametrize(("body", "want"), cases("add_answers.json"))
def test_an_answer_to_add_means_what_the_case_says(body: str, want: str) -> None:
    text, _, code = body.removesuffix(")").partition("  (HTTP ") if "  (HTTP " in body else (body, "", "200")
    text, _, code = body.removesuffix(")").partition(" (HTTP ") if text.startswith("<") else (text.strip(), "", code)
    outcome = saying(text, int(code)).ask(add)
    verdict, _, kind = want.partition(", ")
    if verdict.startswith("accepted"):
        assert isinstance(outcome, Accepted)
        assert outcome.upstream_id in body
    elif verdict == "refused":
        assert isinstance(outcome, Declined)
        assert outcome.kind is not DeclineKind.OTHER
        assert kind.partition(";")[0] in ("", outcome.kind.name)
        assert outcome.raw != "true"
    else:
        assert isinstance(outcome, NoAnswer)


@pytest.mark.parametrize(
    "answer",
    [
        {"order": 77},
        {"Order": "77"},
        {"order_id": 77},
        {"orderId": 77},
        {"id": "77"},
        {"order": {"id": 77}},
        {"data": {"id": 77}},
        {"data": [{"order": 77}]},
        {"result": {"order_id": 77}},
        {"status": "success", "data": {"order": {"order_id": "77"}}},
        [{"data": {"order": 77}}],
        {"order": 77, "message": "Order placed", "errors": [], "error": None},
        {"order": 77, "data": {"order": 77, "user": {"id": 3}}},
    ],
    ids=json.dumps,
)
def test_one_id_is_found_in_every_wrapping(answer: Any) -> None:
    assert saying(answer).ask(add) == Accepted("77")


@pytest.mark.parametrize(
    "body",
    [
        '{"order":5,"order_id":6}',
        '{"order":5,"data":{"order":6}}',
        '{"id":5,"order":6}',
        '[{"order":5},{"order":6}]',
        '[{"error":"Invalid link"},{"order":6}]',
        '{"error":"Invalid link","order":5,"order":6}',
        '{"error":"Invalid link","details":{"new":{"order_id":6}}}',
        '{"error":"Invalid link","id":6}',
        '{"order":5,"status":"fail","message":"Invalid link"}',
        '{"order":5,"success":false}',
        '{"order":5,"errors":{"link":["The link field is required."]}}',
        '{"status":"success","error":"Invalid link"}',
        '{"status":"success","message":"Insufficient balance"}',
        '{"success":true,"message":"Your order was received"}',
        '{"message":"Order placed successfully"}',
        '{"error":"Database error: invalid link"}',
        '{"error":"Order already placed, insufficient balance"}',
        '{"status":"fail"}',
        '{"some":{"order":5}}',
    ],
)
def test_what_may_have_placed_an_order_is_no_answer(body: str) -> None:
    assert isinstance(saying(body).ask(add), NoAnswer)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"error": "Invalid link", "order": None}, "LINK"),
        ({"msg": "Bakiye yetersiz", "status": "error"}, "FUNDS"),
        ({"data": {"error": "Invalid link"}}, "LINK"),
        ([{"error": "Invalid link"}], "LINK"),
        ({"success": False, "message": {"link": ["The link field is required."]}}, "LINK"),
        ({"error": {"message": "Invalid API key", "code": 7}}, "AUTH"),
        ({"errors": [{"field": "quantity", "message": "The quantity must be at least 50."}]}, "QUANTITY"),
        ({"status": "error", "msg": "Vui lòng nhập", "error": "neworder.error.min_quantity"}, "QUANTITY"),
        ({"message": "Unauthenticated."}, "AUTH"),
        # A refusal in words that we do not know.
        ({"status": "error", "message": "maintenance"}, "OTHER"),
        ({"message": "No way"}, "OTHER"),
        ({"error": True}, "OTHER"),
    ],
    ids=repr,
)
def test_a_refusal_is_one_in_every_wrapping_and_whatever_the_http_status(answer: Any, kind: str) -> None:
    for http_status in (200, 400, 403, 422):
        outcome = saying(answer, http_status).ask(add)
        assert isinstance(outcome, Declined)
        assert outcome.kind.name == kind
    outcome = saying(answer, 500).ask(add)
    assert isinstance(outcome, NoAnswer if kind == "OTHER" else Declined)


def of_100(body: str, currency: str = "USD") -> StatusUpdate:
    """What a body in answer to `status` makes of an order of 100 under way, at an account in this currency."""
    said = saying(body).ask(lambda panel: panel.status("5"))
    assert isinstance(said, UpstreamStatus)
    row = UNDER_WAY._replace(quantity=100, expected_micros=50_000, cost_micros=50_000, reported_micros=None, remains=60)
    return heard(row, said)


@pytest.mark.parametrize(("body", "want"), cases("status_answers.json"))
def test_an_answer_to_status_means_what_the_case_says(body: str, want: str) -> None:
    text = body.partition("} of ")[0].partition("} at ")[0]
    text += "}" * (text.count("{") - text.count("}"))
    if want.startswith("nothing is believed"):
        assert not isinstance(saying(text).ask(status), UpstreamStatus)
        return
    found = of_100(text)
    alarms = [kind for kind in kinds(found) if kind]
    if want.startswith("Completed"):
        assert found.report is not None
        assert found.report.status is Status.COMPLETED
        assert found.cost_micros == 50_000
    elif want.startswith("Partial"):
        assert found.report is not None
        assert (found.report.status, found.remains) == (Status.PARTIAL, 150)
        assert alarms
    elif want.startswith("In progress"):
        assert alarms == [] or found.report is None
    else:
        assert found.report is None
        assert alarms


def test_a_list_of_another_order_says_nothing() -> None:
    assert isinstance(saying([{"order": 99, "status": "Completed"}]).ask(status), NoAnswer)


@pytest.mark.parametrize("wrap", [lambda each: each, lambda each: {"status": "success", "data": each}])
def test_wrappings_are_the_same_for_every_action(wrap: Any) -> None:
    done = UpstreamStatus(Status.COMPLETED, "Completed")
    assert saying(wrap({"status": "Completed"})).ask(status) == done
    assert saying(wrap({"1": {"status": "Completed"}})).ask(statuses) == {"1": done}
    assert saying(wrap([{"order": 1, "status": "Completed"}])).ask(statuses) == {"1": done}
    assert saying(wrap({"balance": "1.5", "currency": "USD"})).ask(balance) == Balance(Micros(1_500_000), "USD")
    assert saying(wrap({"refill": 3})).ask(refill) == Taken("3")
    assert saying(wrap([{"order": 1, "cancel": 1}])).ask(cancel) == {"1": Taken()}
    said = saying(wrap({"status": "Completed"})).ask(refill_status)
    assert isinstance(said, UpstreamRefill)
    assert not isinstance(said.status, UnknownStatus)
    for name in ("status", "statuses", "balance", "refill", "refill_status", "cancel"):
        missing = saying({"status": "error", "data": None, "message": "Order not found"}).ask(CALLS[name])
        assert missing == Declined(DeclineKind.NOT_FOUND, "Order not found")


def test_an_order_that_is_said_twice_and_differently_is_missing_in_an_object_too() -> None:
    body = '{"1":{"status":"Completed"},"1":{"status":"Canceled"},"10":{"status":"Completed"}}'
    assert saying(body).ask(statuses) == {"10": UpstreamStatus(Status.COMPLETED, "Completed")}
