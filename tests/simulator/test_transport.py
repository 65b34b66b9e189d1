"""What happens to calls of the scripted upstream on the way there and back, and what was really done."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from sutler.simulator.faults import Faults
from sutler.simulator.reply import DECLINES, UNREADABLE
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import KEY
from tests.simulator.simulated import LINK, START_MICROS, Caller

CALLS = 24
CONNECT_ERRORS = {httpx2.ConnectError, httpx2.ConnectTimeout}
LOST = {httpx2.ReadTimeout, httpx2.ReadError, httpx2.RemoteProtocolError}


def heard_by(caller: Caller, timeout_seconds: float = 30.0) -> list[httpx2.Response | type[Exception]]:
    """What so many calls of add come to over httpx2: a response, or the error that was raised."""
    heard: list[httpx2.Response | type[Exception]] = []
    for number in range(CALLS):
        try:
            heard.append(caller.post("add", timeout_seconds, service=1, link=f"{LINK}/{number}", quantity=100))
        except httpx2.HTTPError as error:
            heard.append(type(error))
    return heard


def body_of(fault: str) -> httpx2.Response:
    (response, *rest) = heard_by(Caller(**{fault: 1.0, "done_share": 1.0}))
    assert isinstance(response, httpx2.Response)
    assert rest
    return response


def test_an_unreachable_panel_is_never_connected_to_and_does_nothing() -> None:
    caller = Caller(unreachable=1.0)
    assert set(heard_by(caller)) == CONNECT_ERRORS
    assert caller.made == 0


def test_a_lost_request_ends_in_silence_or_a_reset_and_does_nothing() -> None:
    caller = Caller(request_lost=1.0)
    assert set(heard_by(caller)) == LOST
    assert caller.made == 0


def test_of_a_lost_answer_the_order_stands_and_nobody_was_told() -> None:
    caller = Caller(answer_lost=1.0)
    assert set(heard_by(caller)) == LOST
    assert caller.made == CALLS
    assert {(each.fault, each.told) for each in caller.upstream.journal()} == {("answer_lost", False)}


def test_silence_lasts_exactly_until_the_callers_own_time_out() -> None:
    caller = Caller(answer_lost=1.0)
    silent = heard_by(caller, timeout_seconds=120.0).count(httpx2.ReadTimeout)
    assert caller.time.passed == silent * 120


def test_an_order_created_late_is_not_there_at_first_and_charged_once_it_is() -> None:
    caller = Caller(created_late=1.0, created_late_seconds=90.0)
    caller.reply("add", service=1, link=LINK, quantity=100)
    assert caller.upstream.orders_for(LINK) == []
    assert caller.upstream.totals().balance_micros == START_MICROS
    caller.time.passed = 91
    (order,) = caller.upstream.orders_for(LINK)
    assert 1 <= (order.created_at - caller.time.now()).total_seconds() + 91 <= 90
    assert (order.fault, order.told) == ("created_late", False)
    assert caller.upstream.totals().balance_micros == START_MICROS - 90_000


def test_in_the_end_every_order_that_was_put_off_is_created() -> None:
    caller = Caller(created_late=1.0, created_late_seconds=10.0)
    assert set(heard_by(caller, timeout_seconds=120.0)) == LOST
    caller.time.passed += 10
    assert caller.made == CALLS


def test_a_late_answer_is_true_and_comes_to_whoever_waits_for_it() -> None:
    patient = Caller(answered_late=1.0)
    response = patient.post("add", 120.0, service=1, link=LINK, quantity=100)
    (order,) = patient.upstream.orders_for(LINK)
    assert response.json() == {"order": int(order.id)}
    assert (patient.time.passed, order.told) == (60, True)
    assert (order.created_at - patient.time.now()).total_seconds() == -60


def test_a_late_answer_does_not_come_to_whoever_does_not_wait() -> None:
    hasty = Caller(answered_late=1.0)
    with pytest.raises(httpx2.ReadTimeout):
        hasty.post("add", 30.0, service=1, link=LINK, quantity=100)
    assert [each.told for each in hasty.upstream.orders_for(LINK)] == [False]


@pytest.mark.parametrize(
    ("fault", "code", "content_type", "starts"),
    [
        ("html", 200, "text/html", "<!DOCTYPE html>"),
        ("empty", 200, "application/json", ""),
        ("null", 200, "application/json", "null"),
        ("http_500", 500, "text/html", ""),
        ("http_502", 502, "text/html", "<html>"),
        ("http_504", 504, "text/html", "<html>"),
    ],
)
def test_an_unreadable_answer_has_its_code_and_no_order(fault: str, code: int, content_type: str, starts: str) -> None:
    response = body_of(fault)
    assert (response.status_code, response.headers["content-type"]) == (code, content_type)
    assert response.text.startswith(starts)
    assert "order" not in response.text
    assert bool(starts) == bool(response.text)


@pytest.mark.parametrize("fault", sorted(UNREADABLE))
@pytest.mark.parametrize(("share", "made"), [(0.0, {0}), (1.0, {CALLS}), (0.5, set(range(1, CALLS)))])
def test_an_unreadable_answer_leaves_it_open_whether_it_was_done(fault: str, share: float, made: set[int]) -> None:
    caller = Caller(**{fault: 1.0, "done_share": share})
    heard_by(caller)
    assert caller.made in made
    assert not any(each.told for each in caller.upstream.journal())


def test_truncated_json_never_parses() -> None:
    caller = Caller(truncated=1.0)
    for response in heard_by(caller):
        assert isinstance(response, httpx2.Response)
        with pytest.raises(json.JSONDecodeError):
            response.json()
    assert caller.made == CALLS


def test_a_body_that_is_cut_off_ends_the_connection() -> None:
    caller = Caller(cut_off=1.0)
    assert set(heard_by(caller)) == {httpx2.RemoteProtocolError}
    assert caller.made == CALLS


def test_a_body_may_be_read_as_it_arrives() -> None:
    caller = Caller()

    async def read() -> bytes:
        transport = SimulatedTransport(caller.upstream, caller.time.wait)
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as http:
            form = {"key": KEY, "action": "balance"}
            async with http.stream("POST", "http://upstream.example/api/v2", data=form) as response:
                return b"".join([chunk async for chunk in response.aiter_raw()])

    assert asyncio.run(read()) == b'{"balance":"10000.00","currency":"USD"}'


def test_an_unclear_error_is_on_no_list() -> None:
    caller = Caller(unclear_error=1.0)
    errors = [caller.ask("add", service=1, link=LINK, quantity=100)["error"] for _ in range(CALLS)]
    assert {type(each) for each in errors} == {str, list, dict}
    assert not {each for each in errors if isinstance(each, str)} & set(DECLINES)


@pytest.mark.parametrize(("fault", "code", "retry"), [("rate_limited", 429, "1"), ("too_many_requests", 200, None)])
def test_too_many_requests_are_told_with_and_without_a_code(fault: str, code: int, retry: str | None) -> None:
    caller = Caller(**{fault: 1.0})
    response = caller.post("add", service=1, link=LINK, quantity=100)
    assert (response.status_code, response.headers.get("retry-after")) == (code, retry)
    assert response.json() == {"error": "Too many requests"}
    assert caller.made == 0


def test_more_calls_in_a_second_than_allowed_are_too_many() -> None:
    caller = Caller(calls_per_second=2.0)
    codes = [caller.reply("balance").code for _ in range(4)]
    caller.time.passed += 1
    assert [*codes, caller.reply("balance").code] == [200, 200, 429, 429, 200]


def test_a_decline_for_no_reason_is_one_of_the_well_known() -> None:
    caller = Caller(declined=1.0)
    assert {caller.add()["error"] for _ in range(CALLS)} == set(DECLINES)
    assert caller.made == 0


def test_latency_holds_up_every_answer_a_little() -> None:
    caller = Caller(latency_seconds=0.4)
    delays = [caller.reply("balance").delay_seconds for _ in range(CALLS)]
    assert all(0 < each <= 0.4 for each in delays)
    assert len(set(delays)) == CALLS


def test_only_the_actions_named_meet_trouble_on_the_way() -> None:
    caller = Caller(html=1.0, created_late=1.0, declined=1.0, only=frozenset({"status"}))
    assert list(caller.add()) == ["order"]
    assert caller.reply("status", order=1).content_type == "text/html"


@pytest.mark.parametrize(
    "wrong",
    [
        {"html": 1.1},
        {"html": -0.1},
        {"html": float("nan")},
        {"late_seconds": -1.0},
        {"late_seconds": float("inf")},
        {"only": frozenset({"dance"})},
    ],
)
def test_faults_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is|is no action"):
        Faults(**wrong)


@pytest.mark.parametrize("kind", ["data", "json", "params"])
def test_a_call_may_come_as_a_form_as_json_or_in_the_query(kind: str) -> None:
    caller = Caller()
    assert caller.send({"key": KEY, "action": "balance"}, kind=kind).json()["currency"] == "USD"
