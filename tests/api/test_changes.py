"""The changes feed: everything that changes is told once, as the other actions tell it, and at once to who waits."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.live.caller import Caller
from tests.live.panel import Panel

pytestmark = pytest.mark.postgresql
INCORRECT_CURSOR = {"error": "Incorrect cursor"}


def cursor_of(caller: Caller) -> str:
    answer = caller.ask("changes")
    assert answer == {"cursor": answer["cursor"], "orders": {}, "refills": {}, "more": False}
    return str(answer["cursor"])


def changes(caller: Caller, since: str, **fields: Any) -> dict[str, Any]:
    answer = caller.ask("changes", since=since, **fields)
    assert isinstance(answer, dict)
    return answer


def test_an_order_that_changes_is_told_as_status_tells_it(panel: Panel, caller: Caller) -> None:
    order = caller.simple(panel.shelf["Default"])
    since = cursor_of(caller)
    assert changes(caller, since)["orders"] == {}
    panel.complete(order)
    told = changes(caller, since)
    assert told["orders"] == {str(order): caller.ask("status", order=order)}
    assert told["orders"][str(order)]["status"] == "Completed"
    assert (told["more"], "services" in told) == (False, False)
    assert changes(caller, told["cursor"])["orders"] == {}
    assert changes(caller, since) == told  # a cursor means the same again


def test_another_customer_hears_nothing_of_it(panel: Panel, caller: Caller, other: Caller) -> None:
    since = cursor_of(other)
    panel.complete(caller.simple(panel.shelf["Default"]))
    assert changes(other, since)["orders"] == {}


def test_pages_leave_nothing_out_and_repeat_nothing(panel: Panel, caller: Caller) -> None:
    since = cursor_of(caller)
    orders = [caller.simple(panel.shelf["Default"], link=f"https://example.com/{number}") for number in range(5)]
    for each in orders:
        panel.complete(each)
    told: list[str] = []
    is_over = False
    while not is_over:
        page = changes(caller, since, limit=2)
        told += page["orders"]
        since, is_over = page["cursor"], not page["more"]
    assert {*told} == {str(each) for each in orders}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"since": "x"}, INCORRECT_CURSOR),
        ({"since": "1"}, INCORRECT_CURSOR),
        ({"since": "999999999999-0000000000000000"}, INCORRECT_CURSOR),
        ({"since": "9" * 30 + "-0000000000000000"}, INCORRECT_CURSOR),
        ({"limit": "0"}, {"error": "Incorrect limit"}),
        ({"limit": "-1"}, {"error": "Incorrect limit"}),
        ({"wait": "x"}, {"error": "Incorrect wait"}),
    ],
)
def test_what_cannot_be_is_refused(untouched: Caller, fields: dict[str, str], error: dict[str, str]) -> None:
    assert untouched.ask("changes", **fields) == error


def test_a_changed_price_list_is_told_whole(panel: Panel, caller: Caller) -> None:
    since = cursor_of(caller)
    event = since.partition("-")[0]
    told = changes(caller, f"{event}-{'0' * 16}")
    assert told["services"] == caller.ask("services")
    assert told["cursor"] == since


def while_waiting(caller: Caller, since: str, act: Callable[[], object]) -> dict[str, Any]:
    """What a request that waits is answered when something is done meanwhile."""
    answers: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: answers.append(changes(caller, since, wait=25)))
    waiting.start()
    while 'inbox="changes_waiting"} 0.0' in caller.http.get(f"{caller.url}/metrics").text:
        time.sleep(0.01)
    act()
    waiting.join()
    return answers[0]


def test_who_waits_is_told_as_it_happens(panel: Panel, caller: Caller) -> None:
    order = caller.simple(panel.shelf["Default"])
    told = while_waiting(caller, cursor_of(caller), lambda: panel.complete(order))
    assert list(told["orders"]) == [str(order)]
    while told["orders"][str(order)]["status"] != "Completed":  # it gets there in several transactions
        told = changes(caller, told["cursor"], wait=25)


def test_without_news_it_is_answered_when_the_time_is_over(caller: Caller) -> None:
    since = cursor_of(caller)
    assert changes(caller, since, wait=1) == {"cursor": since, "orders": {}, "refills": {}, "more": False}
