"""The answers of upstream panels, in every shape that panels are known to send, and in any other."""

import asyncio
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import Micros
from sutler.core.upstream_words import DeclineKind, UnknownStatus
from sutler.panels.client import Panel
from sutler.panels.http_call import HttpCall
from sutler.panels.results import (
    Accepted,
    Balance,
    Catalogue,
    Declined,
    NoAnswer,
    Taken,
    UpstreamRefill,
    UpstreamStatus,
)
from tests.panels.panel_calls import CALLS, IDS, PLACING, READING, StillClock, saying

add, status, statuses, balance = CALLS["add"], CALLS["status"], CALLS["statuses"], CALLS["balance"]
refill, cancel = CALLS["refill"], CALLS["cancel"]
every_call = pytest.mark.parametrize("name", CALLS)


class TestRefusals:
    @every_call
    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            *(
                ("Not enough funds on balance", DeclineKind.FUNDS),
                ("neworder.error.link_duplicate", DeclineKind.DUPLICATE),
            ),
            *(
                ({"code": 7, "message": "Invalid API key"}, DeclineKind.AUTH),
                (["Incorrect service ID"], DeclineKind.SERVICE),
            ),
            *(("Strange", DeclineKind.OTHER), (True, DeclineKind.OTHER), ({"a": [{}]}, None), ([], None), ({}, None)),
            *(("Too many requests", DeclineKind.RATE), (403, DeclineKind.OTHER)),
        ],
    )
    def test_an_error_that_says_something_is_a_refusal_whatever_the_http_status(
        self, name: str, error: Any, kind: DeclineKind | None
    ) -> None:
        for http_status in (200, 400, 500):
            outcome = saying({"error": error}, http_status).ask(CALLS[name])
            if http_status == 500 and kind is DeclineKind.OTHER and name in PLACING:
                assert isinstance(outcome, NoAnswer)  # a fault of the panel's, in its own words
            elif kind is None:
                assert outcome == {} or isinstance(outcome, (NoAnswer, Catalogue))
            else:
                assert isinstance(outcome, Declined)
                assert outcome.kind is kind
                assert 0 < len(outcome.raw) <= 500

    def test_the_raw_text_is_kept_on_one_bounded_line(self) -> None:
        assert saying({"error": " a\n\x00b "}).ask(add) == Declined(DeclineKind.OTHER, "a b")
        long = saying({"error": ["x" * 9000, "y"]}).ask(add)
        assert long == Declined(DeclineKind.OTHER, "x" * 500)

    def test_an_error_nested_without_end_is_bounded(self) -> None:
        deep: Any = "Invalid API key"
        for _ in range(400):
            deep = [deep]
        assert saying({"error": deep}).ask(add) == Declined(DeclineKind.OTHER, "...")

    @pytest.mark.parametrize(
        "answer", [{"error": "Internal", "order": 5}, {"error": "Invalid link", "data": {"order": "5"}}]
    )
    def test_an_error_beside_an_order_id_proves_nothing(self, answer: Any) -> None:
        outcome = saying(answer).ask(add)
        assert isinstance(outcome, NoAnswer)
        assert str(answer["error"]) in outcome.why

    def test_an_error_beside_a_refill_proves_nothing(self) -> None:
        assert isinstance(saying({"error": "Incorrect order ID", "refill": 3}).ask(refill), NoAnswer)

    @pytest.mark.parametrize("empty", ["", None, False, 0, "0", "null", [], {}])
    def test_an_empty_error_is_none(self, empty: Any) -> None:
        assert saying({"error": empty, "order": 5}).ask(add) == Accepted("5")

    @pytest.mark.parametrize("name", READING)
    @pytest.mark.parametrize("body", ["", "<h1>429</h1>", '{"message":"Too Many Attempts."}', '{"error":"Slow down"}'])
    def test_429_on_a_read_says_to_back_off(self, name: str, body: str) -> None:
        outcome = saying(body, 429).ask(CALLS[name])
        assert isinstance(outcome, Declined)
        assert outcome.kind is DeclineKind.RATE

    @pytest.mark.parametrize("name", sorted(PLACING))
    def test_a_bare_429_on_what_changes_something_is_no_answer(self, name: str) -> None:
        assert isinstance(saying("<h1>429</h1>", 429).ask(CALLS[name]), NoAnswer)
        assert saying({"error": "Too many requests"}, 429).ask(CALLS[name]) == Declined(
            DeclineKind.RATE, "Too many requests"
        )


class TestAdd:
    @pytest.mark.parametrize(
        "answer",
        [
            *(
                {"order": 23501},
                {"order": "23501"},
                {"order_id": 23501},
                {"data": {"order": 23501}},
                {"order": 23501.0},
            ),
            *({"order": 0, "order_id": "23501"}, {"order": 23501, "order_id": "23501", "status": "success"}),
            {"order": 23501, "error": "", "charge": "1.0"},
        ],
        ids=str,
    )
    def test_the_order_id_is_found(self, answer: Any) -> None:
        for http_status in (200, 201, 500):
            assert saying(answer, http_status).ask(add) == Accepted("23501")

    def test_an_opaque_id_is_an_id(self) -> None:
        assert saying({"order": "64f1-c0ffee_x"}).ask(add) == Accepted("64f1-c0ffee_x")

    @pytest.mark.parametrize("nothing", [0, "", "0", None, False, True, -1, 1.5, [], [1], {}, {"x": 1}, "a b", "null"])
    def test_what_is_no_id_is_no_answer(self, nothing: Any) -> None:
        for answer in ({"order": nothing}, {"order_id": nothing}, {"data": {"order": nothing}}, {"data": nothing}):
            assert isinstance(saying(answer).ask(add), NoAnswer)

    def test_two_different_ids_are_no_answer(self) -> None:
        assert isinstance(saying({"order": 5, "order_id": 6}).ask(add), NoAnswer)

    def test_a_byte_order_mark_and_bytes_that_are_no_text_do_no_harm(self) -> None:
        assert saying(b'\xef\xbb\xbf\n {"order":5}').ask(add) == Accepted("5")
        assert saying(b'{"order":5,"note":"\xff\xfe","pair":"\\ud800"}').ask(add) == Accepted("5")


class TestStatus:
    def test_numbers_come_as_they_like(self) -> None:
        answer = {
            "charge": 0.27819,
            "start_counter": "3,572",
            "status": "in_progress",
            "remains": -2,
            "currency": "usd",
        }
        assert saying(answer).ask(status) == UpstreamStatus(
            Status.IN_PROGRESS, "in_progress", Micros(278_190), "USD", start_count=3572, remains=-2
        )

    def test_numbers_that_are_none_are_unknown(self) -> None:
        answer = {"charge": "NaN", "start_count": None, "status": "Pending", "remains": "1.5", "currency": "$"}
        assert saying(answer).ask(status) == UpstreamStatus(Status.PENDING, "Pending")

    def test_an_unknown_word_is_reported_and_changes_nothing(self) -> None:
        assert saying({"status": "Queued\n", "remains": 3}).ask(status) == UpstreamStatus(
            UnknownStatus.UNKNOWN, "Queued", remains=3
        )
        assert saying({"status": 3}).ask(status) == UpstreamStatus(UnknownStatus.UNKNOWN, "3")

    def test_a_failed_order_is_believed_only_with_its_numbers(self) -> None:
        assert saying({"status": "Fail", "charge": "0"}).ask(status) == UpstreamStatus(
            UnknownStatus.STAFF, "Fail", Micros(0)
        )
        assert isinstance(saying({"status": "fail"}).ask(status), NoAnswer)

    def test_a_family_is_read_leniently(self) -> None:
        said = saying({"status": "Active", "runs": "2", "posts": 3, "orders": [5, "6", None, {}, "x y"]}).ask(status)
        assert (said.runs, said.posts, said.orders) == (2, 3, ("5", "6"))
        assert saying({"status": "Active", "orders": "7, 8"}).ask(status).orders == ("7", "8")
        assert saying({"status": "Active", "orders": {"a": 1}, "runs": []}).ask(status).orders == ()

    @pytest.mark.parametrize(
        "answer",
        [
            {"1": {"status": "Completed"}, "10": {"error": "Incorrect order ID"}, "99": {"status": "Partial"}},
            [
                {"order": 1, "status": "Completed"},
                *({"order": "10", "error": "Incorrect order ID"}, {"order": 99, "status": "Partial"}, 5, None),
            ],
            {"1": {"status": "Completed"}, "10": "Incorrect order ID", "100": None, "status": "ok"},
            {"1": {"status": "Completed"}, "10": {"error": ["Incorrect order ID"]}, "100": {}},
        ],
        ids=["object", "list", "texts", "odd"],
    )
    def test_a_batch_speaks_of_what_was_asked_and_misses_the_rest(self, answer: Any) -> None:
        assert saying(answer).ask(statuses) == {
            "1": UpstreamStatus(Status.COMPLETED, "Completed"),
            "10": Declined(DeclineKind.NOT_FOUND, "Incorrect order ID"),
        }

    @pytest.mark.parametrize(
        "answer", [{}, [], {"99": {"status": "Pending"}}, [{"order": 99, "status": "Pending"}], [{}]]
    )
    def test_a_batch_that_speaks_of_none_is_an_empty_one(self, answer: Any) -> None:
        assert saying(answer).ask(statuses) == {}

    def test_an_order_that_is_said_twice_and_differently_is_missing(self) -> None:
        once, twice = {"order": 1, "status": "Pending"}, {"order": 10, "status": "Pending"}
        said = saying([once, twice, once, twice | {"status": "Completed"}]).ask(statuses)
        assert said == {"1": UpstreamStatus(Status.PENDING, "Pending")}

    def test_a_batch_of_one_may_be_answered_as_a_single(self) -> None:
        for answer in ({"status": "Partial"}, {"7": {"status": "Partial"}}):
            said = saying(answer).ask(lambda panel: panel.statuses(["7"]))
            assert said == {"7": UpstreamStatus(Status.PARTIAL, "Partial")}


class TestBalance:
    @pytest.mark.parametrize(
        ("answer", "read"),
        [
            *(({"balance": "100.84292", "currency": "USD"}, Balance(Micros(100_842_920), "USD")),),
            *(
                ({"balance": -3.5}, Balance(Micros(-3_500_000), "")),
                ({"balance": "1,234.5"}, Balance(Micros(1_234_500_000), "")),
            ),
        ],
    )
    def test_a_balance(self, answer: Any, read: Balance) -> None:
        assert saying(answer).ask(balance) == read

    @pytest.mark.parametrize("value", [None, "", "NaN", True, "0,90", [], {}, "1e99"])
    def test_what_is_no_balance(self, value: Any) -> None:
        assert isinstance(saying({"balance": value}).ask(balance), NoAnswer)


class TestRefill:
    @pytest.mark.parametrize(
        ("answer", "read"),
        [
            *(({"refill": "1"}, Taken("1")), ({"refill": 12}, Taken("12")), ({"refill": True}, Taken())),
            *(([{"order": 1, "refill": 7}], Taken("7")), ({"refill": "yes"}, Taken("yes"))),
            ({"refill": {"error": "Incorrect order ID"}}, Declined(DeclineKind.NOT_FOUND, "Incorrect order ID")),
            ([{"order": 1, "refill": {"error": "no"}}], Declined(DeclineKind.OTHER, "no")),
        ],
        ids=str,
    )
    def test_what_a_refill_answers(self, answer: Any, read: Any) -> None:
        assert saying(answer).ask(refill) == read

    @pytest.mark.parametrize("value", [False, 0, "", None, [], {}, "not now", -1])
    def test_a_refill_that_names_nothing_is_no_answer(self, value: Any) -> None:
        assert isinstance(saying({"refill": value}).ask(refill), NoAnswer)

    def test_the_status_of_one_refill(self) -> None:
        ask = CALLS["refill_status"]
        assert saying({"status": "Completed"}).ask(ask) == UpstreamRefill(RefillStatus.COMPLETED, "Completed")
        assert saying({"status": "Odd"}).ask(ask) == UpstreamRefill(UnknownStatus.UNKNOWN, "Odd")
        assert saying({"status": {"error": "Refill not found"}}).ask(ask) == Declined(
            DeclineKind.NOT_FOUND, "Refill not found"
        )

    def test_the_statuses_of_several(self) -> None:
        missing = Declined(DeclineKind.NOT_FOUND, "Refill not found")
        done = UpstreamRefill(RefillStatus.REJECTED, "rejected")
        for answer in (
            [
                {"refill": 1, "status": "rejected"},
                {"refill": "10", "status": {"error": "Refill not found"}},
                {"refill": 3},
            ],
            {"1": {"status": "rejected"}, "10": {"error": "Refill not found"}, "100": {}},
        ):
            assert saying(answer).ask(CALLS["refill_statuses"]) == {"1": done, "10": missing}


class TestCancel:
    @pytest.mark.parametrize(
        "answer",
        [
            [
                {"order": 1, "cancel": 1},
                {"order": 10, "cancel": {"error": "Incorrect order ID"}},
                {"order": 5, "cancel": 1},
            ],
            {"1": {"cancel": 1}, "10": {"cancel": {"error": "Incorrect order ID"}}, "100": {}},
            {"1": 1, "10": "Incorrect order ID", "100": 0},
            {"1": True, "10": {"error": "Incorrect order ID"}, "100": False},
            [
                {"order": "1", "cancel": "4711"},
                {"order": 10, "error": "Incorrect order ID"},
                {"order": 100, "cancel": None},
            ],
            [{"order": 1, "ok": "Will be cancelled"}, {"order": 10, "cancel": "Incorrect order ID"}],
        ],
        ids=range(6),
    )
    def test_a_batch(self, answer: Any) -> None:
        assert saying(answer).ask(cancel) == {
            "1": Taken(),
            "10": Declined(DeclineKind.NOT_FOUND, "Incorrect order ID"),
        }

    @pytest.mark.parametrize(
        "answer",
        [{"cancel": 1}, {"cancel": "true"}, {"cancel": "Success"}, {"ok": True}, {"ok": "Sent"}, {"success": "1"}],
    )
    def test_one_yes_speaks_of_all_that_was_asked(self, answer: Any) -> None:
        assert saying(answer).ask(cancel) == dict.fromkeys(IDS, Taken())

    def test_a_yes_that_names_an_order_speaks_of_that_one(self) -> None:
        assert saying({"order": 10, "cancel": 1}).ask(cancel) == {"10": Taken()}
        assert saying({"order": 99, "cancel": 1}).ask(cancel) == {}

    @pytest.mark.parametrize(
        "answer", [{"cancel": 0}, {"ok": False}, {"success": "no"}, {"cancel": None}, {"cancel": "Pending"}]
    )
    def test_a_no_without_an_error_is_no_answer(self, answer: Any) -> None:
        assert isinstance(saying(answer).ask(cancel), NoAnswer)


NAMES = [
    *("order", "order_id", "orders", "data", "error", "status", "charge", "remains", "start_count", "refill", "cancel"),
    *("ok", "success", "balance", "currency", "service", "name", "rate", "min", "max", "type", "runs", "posts"),
    *IDS,
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["Pending", "1", "error"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES) | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


class TestAnything:
    @settings(deadline=None, max_examples=150)
    @given(value=VALUES, http_status=st.sampled_from([200, 302, 404, 429, 500]))
    def test_any_json_value_to_any_call_is_answered_with_a_value(self, value: Any, http_status: int) -> None:
        async def ask_all() -> None:
            panel = saying(value, http_status)
            async with httpx2.MockTransport(panel.answer) as transport:
                client = Panel(panel.settings, HttpCall(transport, StillClock()), panel.exchanges.append)
                for name, call in CALLS.items():
                    outcome = await call(client)
                    assert isinstance(outcome, KINDS[name])
                    assert not isinstance(outcome, Accepted) or outcome.upstream_id.strip("0")
                    assert not isinstance(outcome, dict) or outcome.keys() <= set(IDS)
            assert len(panel.exchanges) == len(CALLS)

        asyncio.run(ask_all())

    @settings(deadline=None)
    @given(st.binary(max_size=200))
    def test_any_bytes_at_all_to_add(self, body: bytes) -> None:
        assert isinstance(saying(body).ask(add), (Accepted, Declined, NoAnswer))


KINDS: dict[str, tuple[type, ...]] = {
    name: (kind, Declined, NoAnswer)
    for name, kind in {
        **{"add": Accepted, "services": Catalogue, "status": UpstreamStatus, "statuses": dict, "balance": Balance},
        **{"refill": Taken, "refill_status": UpstreamRefill, "refill_statuses": dict, "cancel": dict},
    }.items()
}
