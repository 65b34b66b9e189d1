"""The certification of a provider: what an honest panel and each fault come to, and that nothing is bought."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from sutler.conformance.examine import Finding
from sutler.conformance.reads import WRONG_KEY
from sutler.conformance.verdict import Outcome
from sutler.core.clock import seeded
from sutler.fulfilment.models import Provider
from sutler.fulfilment.providers.check import certify
from sutler.fulfilment.providers.database import Database
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.client import PanelSettings
from sutler.panels.http_call import HttpCall
from sutler.simulator.faults import Faults
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import KEY, LyingUpstream
from tests.fulfilment.upstream import URL, run
from tests.simulator.simulated import Time

Answer = Callable[[dict[str, str]], str | None]
DIFFERS, NOTE, UNTOLD, PASSED = Outcome.DIFFERS, Outcome.NOTE, Outcome.UNTOLD, Outcome.PASSED
CATALOGUE, BALANCE, STRANGER = "the list of services is valid", "the balance is in", "a wrong key is refused"
ORDER, REFILL, EACH = (
    "a foreign order",
    "a foreign refill",
    "multi-status with foreign IDs is refused",
)
ADD, SPEED = "an unknown service is refused", "response time"


class Examined:
    """A certification of an upstream with these faults, whose answers may be others for some calls."""

    def __init__(self, answer: Answer = lambda _: None, currency: str = "USD", key: str = KEY, **faults: Any) -> None:
        self.time, self.asked = Time(), list[dict[str, str]]()
        self.upstream = LyingUpstream(seeded(1), self.time, Faults(**faults))
        self._answer, self._settings = answer, PanelSettings(URL, key)
        self._provider = Provider(name="Upstream", currency=currency, call_interval_milliseconds=0)
        self.findings = run(self.time, self._certify())

    def of(self, sentence: str, action: str = "") -> Finding:
        (found,) = [e for e in self.findings if e.sentence.startswith(sentence) and e.action.startswith(action)]
        return found

    def outcome(self, sentence: str, action: str = "") -> Outcome:
        return self.of(sentence, action).outcome

    async def _certify(self) -> list[Finding]:
        async with httpx2.MockTransport(self._reply) as transport:
            settings = (self._settings, replace(self._settings, key=WRONG_KEY))
            parts = (HttpCall(transport, self.time), Database(None), self.time, seeded(1), "operator")
            return await certify(*(ProviderSession(self._provider, each, *parts) for each in settings))

    async def _reply(self, request: httpx2.Request) -> httpx2.Response:
        asked = dict(httpx2.QueryParams((await request.aread()).decode()))
        self.asked.append(asked)
        other = self._answer(asked)
        if other is not None:
            return httpx2.Response(200, text=other)
        return await SimulatedTransport(self.upstream, self.time.wait).handle_async_request(request)


def to(action: str, said: str, *, with_field: str = "", key: str = KEY) -> Answer:
    """Answers this to calls of an action, with this key, that have the field."""

    def answer(asked: dict[str, str]) -> str | None:
        is_meant = asked["action"] == action and asked["key"] == key and (not with_field or with_field in asked)
        return said if is_meant else None

    return answer


class TestHonest:
    def test_everything_passes_and_nothing_is_bought(self) -> None:
        one = Examined()
        assert {each.sentence: each.outcome for each in one.findings if each.outcome is not PASSED} == {}
        assert (one.of(CATALOGUE).why, one.of(BALANCE).why) == ("20 services", "10000.00 USD")
        assert one.of(ADD).why == "`Incorrect service ID`"
        assert one.upstream.totals().orders == 0

    def test_each_kind_of_call_is_made_once(self) -> None:
        asked = [(each["action"], each["key"] == KEY) for each in Examined().asked]
        assert asked == [
            ("services", True),
            ("balance", True),
            ("balance", False),
            ("status", True),
            ("status", True),
            ("refill_status", True),
            ("refill_status", True),
            ("add", True),
        ]

    def test_the_other_dialect_passes(self) -> None:
        assert {each.outcome for each in Examined(dialect=1.0).findings} == {PASSED}

    def test_a_panel_that_wants_it_slower_is_given_time(self) -> None:
        assert {each.outcome for each in Examined(calls_per_second=1.0).findings} == {PASSED}


class TestFaults:
    @pytest.mark.parametrize(
        ("sentence", "action", "answer", "outcome", "why"),
        [
            (CATALOGUE, "", to("services", "<html>"), DIFFERS, "the answer is not understood"),
            (CATALOGUE, "", to("services", "[]"), DIFFERS, "no service can be used, 0 were dropped"),
            (CATALOGUE, "", to("services", '[{"service":1}]'), DIFFERS, "no service can be used, 1 were dropped"),
            (BALANCE, "", to("balance", '{"balance":"5"}'), NOTE, "5.00, without a currency; USD is assumed"),
            (BALANCE, "", to("balance", '{"balance":"5","currency":"EUR"}'), DIFFERS, "it is told in EUR"),
            (BALANCE, "", to("balance", '{"error":"Not enough rights"}'), DIFFERS, "refused: Not enough rights"),
            (STRANGER, "", to("balance", '{"balance":"5"}', key=WRONG_KEY), DIFFERS, "answered as a right one"),
            (STRANGER, "", to("balance", '{"error":"No"}', key=WRONG_KEY), NOTE, "in words that we do not know"),
            (STRANGER, "", to("balance", "", key=WRONG_KEY), NOTE, "not understood"),
            (ORDER, "", to("status", '{"status":"Completed","charge":"1"}', with_field="order"), DIFFERS, "as ours"),
            (ORDER, "", to("status", '{"error":"Nope"}', with_field="order"), NOTE, "words that we do not know"),
            (ORDER, "", to("status", "null", with_field="order"), DIFFERS, "not understood"),
            (
                EACH,
                "status",
                to("status", "{}", with_field="orders"),
                NOTE,
                "nothing is said of 2147483647, 2147483646",
            ),
            (EACH, "status", to("status", '{"error":"Incorrect order ID"}', with_field="orders"), NOTE, "one by one"),
            (EACH, "status", to("status", "<html>", with_field="orders"), DIFFERS, "not understood"),
            (
                EACH,
                "status",
                to(
                    "status",
                    '{"2147483647":{"status":"Completed"},"2147483646":{"error":"Incorrect order ID"}}',
                    with_field="orders",
                ),
                DIFFERS,
                "as ours",
            ),
            (REFILL, "", to("refill_status", '{"status":"Completed"}', with_field="refill"), NOTE, "as ours"),
            (EACH, "refill_status", to("refill_status", "", with_field="refills"), NOTE, "not understood"),
            (ADD, "", to("add", '{"order":7}'), DIFFERS, "it was taken, as order 7"),
            (ADD, "", to("add", '{"error":"Oops"}'), DIFFERS, "`Oops` is not on the known list"),
            (ADD, "", to("add", ""), DIFFERS, "not understood"),
            (ADD, "", to("add", '{"error":"Invalid API key"}'), DIFFERS, "refused: Invalid API key"),
            (ADD, "", to("add", '{"error":"Too many requests"}'), UNTOLD, "asked too often"),
        ],
    )
    def test_what_an_answer_comes_to(
        self, sentence: str, action: str, answer: Answer, outcome: Outcome, why: str
    ) -> None:
        one = Examined(answer)
        found = one.of(sentence, action)
        assert (found.outcome, why in found.why) == (outcome, True), found
        assert [each for each in one.findings if each is not found and each.outcome is not PASSED] == []

    def test_a_catalogue_that_can_be_used_in_part_says_what_cannot_and_why(self) -> None:
        found = Examined(price_comma=0.3, unknown_types=0.3).of(CATALOGUE)
        assert found.outcome is NOTE
        assert "more dropped: its rate is no amount above 0 (" in found.why
        assert "of a type that cannot be sold: " in found.why

    def test_one_that_cannot_be_reached_is_asked_no_more(self) -> None:
        one = Examined(unreachable=1.0)
        assert [(each.outcome, "cannot be reached" in each.why) for each in one.findings] == [(DIFFERS, True)]

    def test_a_wrong_key_fails_what_needs_a_right_one(self) -> None:
        one = Examined(key="0" * 64)
        assert one.outcome(CATALOGUE) is one.outcome(BALANCE) is one.outcome(ORDER) is one.outcome(ADD) is DIFFERS
        assert one.outcome(STRANGER) is PASSED

    def test_slow_answers_are_noted(self) -> None:
        found = Examined(answered_late=1.0, late_seconds=6.0).of(SPEED)
        assert (found.outcome, found.why) == (NOTE, "6000 ms on average, 6000 ms at most")

    @pytest.mark.parametrize(
        "fault", ["html", "empty", "null", "http_502", "truncated", "answer_lost", "unclear_error"]
    )
    def test_whatever_comes_back_there_is_a_report(self, fault: str) -> None:
        faults: dict[str, Any] = {fault: 1.0}
        one = Examined(**faults)
        assert one.outcome(ADD) is DIFFERS
        assert all(each.why for each in one.findings if each.outcome is not PASSED)
