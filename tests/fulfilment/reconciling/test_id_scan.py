"""Asking which ids are ours: every id gets its answer, or the scan says that it is not whole."""

from collections.abc import Callable

import httpx2
import pytest

from sutler.core.clock import seeded
from sutler.fulfilment.models import Provider
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling.id_scan import MOST_SINGLE, Scan, scan
from sutler.panels.client import PanelSettings
from sutler.panels.http_call import HttpCall
from tests.fulfilment.upstream_world import InTheLoop
from tests.simulation.loop import SimulatedClock, SimulatedLoop

OURS = {"charge": "0.5", "start_count": "0", "status": "Pending", "remains": "10", "currency": "USD"}
NOT_OURS = {"error": "Incorrect order ID"}
Panel = Callable[[list[str], bool], object]


def scanned(ids: list[int], panel: Panel) -> tuple[Scan, list[list[str]], float]:
    """The scan, the ids of each call, and how long it took."""
    calls: list[list[str]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked = dict(httpx2.QueryParams(request.content.decode()))
        batch = "orders" in asked
        calls.append(asked["orders" if batch else "order"].split(","))
        said = panel(calls[-1], batch)
        return httpx2.Response(502, text="<html>") if said is None else httpx2.Response(200, json=said)

    loop = SimulatedLoop()

    async def whole() -> Scan:
        async with httpx2.MockTransport(answer) as transport:
            settings = PanelSettings("https://upstream.example/api/v2", "k" * 32)
            provider = Provider(call_interval_milliseconds=1000)
            clock = SimulatedClock(loop)
            return await scan(
                ProviderSession(
                    provider, settings, HttpCall(transport, clock), InTheLoop(), clock, seeded(1), "worker-1"
                ),
                ids,
            )

    try:
        return loop.run_until_complete(whole()), calls, loop.time()
    finally:
        loop.close()


def honest(ids: list[str], batch: bool, ours: frozenset[str] = frozenset({"1005", "1150"})) -> object:
    said = {each: OURS if each in ours else NOT_OURS for each in ids}
    return said if batch else said[ids[0]]


def test_every_id_is_asked_about_a_hundred_a_call_within_the_rate_limit() -> None:
    found, calls, seconds = scanned(list(range(1001, 1251)), honest)
    assert (sorted(found.ours), found.is_whole) == ([1005, 1150], True)
    assert [len(each) for each in calls] == [100, 100, 50]
    assert seconds == 2


def test_nothing_to_ask_is_asked_nothing() -> None:
    found, calls, _ = scanned([], honest)
    assert (found, calls) == (Scan(), [])


def test_what_a_batch_leaves_out_is_asked_singly() -> None:
    def forgets(ids: list[str], batch: bool) -> object:
        said = honest(ids, batch)
        return {each: one for each, one in said.items() if each != "1005"} if isinstance(said, dict) and batch else said

    found, calls, _ = scanned([1004, 1005, 1006], forgets)
    assert (list(found.ours), found.is_whole, calls[1:]) == ([1005], True, [["1005"]])


@pytest.mark.parametrize("alone", [None, {"error": "Too many requests"}, {"error": "Something went wrong"}, {}])
def test_an_id_without_a_clear_answer_leaves_a_hole(alone: object) -> None:
    found, _, _ = scanned([1004, 1005], lambda ids, batch: {"1004": NOT_OURS} if batch else alone)
    assert (found.ours, found.is_whole) == ({}, False)


@pytest.mark.parametrize("item", [{"error": "Too many requests"}, {"error": "Internal error"}, {"status": None}])
def test_an_item_that_denies_nothing_leaves_a_hole(item: object) -> None:
    found, _, _ = scanned([1004, 1005], lambda ids, batch: {"1004": NOT_OURS, "1005": item} if batch else item)
    assert found.is_whole is False


@pytest.mark.parametrize("said", [None, {"error": "Too many requests"}, {"error": "Invalid API key"}])
def test_a_call_without_an_answer_ends_it_with_what_was_found(said: object) -> None:
    def breaks(ids: list[str], batch: bool) -> object:
        return honest(ids, batch) if ids[0] == "1001" else said

    found, calls, _ = scanned(list(range(1001, 1401)), breaks)
    assert (list(found.ours), found.is_whole) == ([1005], False)
    assert len(calls) == 2


def test_of_a_panel_that_takes_one_order_a_call_each_id_is_asked_singly() -> None:
    def takes_one(ids: list[str], batch: bool) -> object:
        return {"error": "Incorrect order ID"} if batch else honest(ids, batch)

    found, calls, _ = scanned([1004, 1005, 1006], takes_one)
    assert (list(found.ours), found.is_whole) == ([1005], True)
    assert [len(each) for each in calls] == [3, 1, 1, 1]


def test_one_that_refuses_those_unclearly_is_asked_no_further() -> None:
    def refuses(ids: list[str], batch: bool) -> object:
        return {"error": "Incorrect request" if batch else "Something went wrong"}

    found, calls, _ = scanned(list(range(1001, 1201)), refuses)
    assert (found.ours, found.is_whole) == ({}, False)
    assert [len(each) for each in calls] == [100, 1, 1]


def test_a_panel_that_answers_no_batches_is_not_asked_for_ever() -> None:
    found, calls, _ = scanned(list(range(1001, 1501)), lambda ids, batch: {} if batch else NOT_OURS)
    assert found.is_whole is False
    assert sum(len(each) == 1 for each in calls) == MOST_SINGLE


def test_an_order_counts_as_ours_whatever_its_status() -> None:
    words = {"1": OURS | {"status": "Fail"}, "2": OURS | {"status": "7"}}
    found, _, _ = scanned([1, 2], lambda ids, batch: words)
    assert sorted(found.ours) == [1, 2]
