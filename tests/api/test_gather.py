"""Gathering: order, bounds, and that one ask cannot spoil the others."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sutler.api.gather import Full, Gatherer, ShareFull
from sutler.storage.transactions import Busy, CommitUnclear, ConnectionLost


def run_with(run: Callable[[list[int]], list[int]], count: int, most: int = 256) -> list[Any]:
    async def ask_all() -> list[Any]:
        with ThreadPoolExecutor(1) as thread:
            gatherer = Gatherer(run, thread, most=most)
            asks = [gatherer.ask(number) for number in range(count)]
            return await asyncio.gather(*asks, return_exceptions=True)

    return asyncio.run(ask_all())


def test_everybody_gets_the_own_answer_and_lists_are_bounded() -> None:
    lists: list[int] = []

    def double(asks: list[int]) -> list[int]:
        lists.append(len(asks))
        return [2 * each for each in asks]

    assert run_with(double, 100, most=30) == [2 * number for number in range(100)]
    assert max(lists) <= 30
    assert sum(lists) == 100


def test_a_bug_met_by_one_ask_fails_that_ask_alone() -> None:
    def divide(asks: list[int]) -> list[int]:
        return [60 // (each - 3) for each in asks]

    outcomes = run_with(divide, 6)
    assert isinstance(outcomes[3], ZeroDivisionError)
    assert [each for number, each in enumerate(outcomes) if number != 3] == [-20, -30, -60, 60, 30]


@pytest.mark.parametrize("error", [Busy("locked"), CommitUnclear()])
def test_what_the_database_could_not_do_is_not_tried_again(error: Exception) -> None:
    calls = []

    def fail(asks: list[int]) -> list[int]:
        calls.append(len(asks))
        raise error

    outcomes = run_with(fail, 3)
    assert outcomes == [error] * 3
    assert sum(calls) == 3


def test_a_lost_connection_is_met_with_one_more_try() -> None:
    calls = []

    def lose_once(asks: list[int]) -> list[int]:
        calls.append(len(asks))
        if len(calls) == 1:
            raise ConnectionLost("cut")
        return asks

    assert run_with(lose_once, 1) == [0]
    assert calls == [1, 1]


def test_a_list_of_which_something_was_done_is_not_run_again() -> None:
    done: list[int] = []

    def lose_the_first(asks: list[int]) -> list[int]:
        if len(asks) > 1:
            raise ZeroDivisionError
        if asks == [0]:
            raise ConnectionLost("cut")
        done.extend(asks)
        return asks

    outcomes = run_with(lose_the_first, 3)
    assert isinstance(outcomes[0], ConnectionLost)
    assert done == [1, 2]


def test_who_shares_a_thread_is_not_kept_waiting_by_a_busy_one() -> None:
    served: list[str] = []

    def busy(asks: list[int]) -> list[int]:
        served.append("busy")
        return asks

    def quiet(asks: list[int]) -> list[int]:
        served.append("quiet")
        return asks

    async def ask_both() -> None:
        all_have_asked = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            thread.submit(all_have_asked.wait)
            loud = Gatherer(busy, thread, most=1)
            asks = [asyncio.ensure_future(loud.ask(number)) for number in range(20)]
            asks.append(asyncio.ensure_future(Gatherer(quiet, thread).ask(0)))
            await asyncio.sleep(0)
            all_have_asked.set()
            await asyncio.gather(*asks)

    asyncio.run(ask_both())
    assert served.index("quiet") <= 2


def test_a_full_inbox_says_so_at_once() -> None:
    released = threading.Event()

    def wait(asks: list[int]) -> list[int]:
        released.wait(5)
        return asks

    async def overfill() -> None:
        with ThreadPoolExecutor(1) as thread:
            gatherer = Gatherer(wait, thread, capacity=2)
            first = gatherer.ask(1)
            while len(gatherer):
                await asyncio.sleep(0.001)
            waiting = [gatherer.ask(2), gatherer.ask(3)]
            with pytest.raises(Full):
                gatherer.ask(4)
            released.set()
            assert await asyncio.gather(first, *waiting) == [1, 2, 3]

    asyncio.run(overfill())


def gathered(asks: list[str], **bounds: Any) -> tuple[list[list[str]], list[Any]]:
    """Asks all of it under each one's first letter while the thread is held; returns the lists formed and outcomes."""
    lists: list[list[str]] = []

    def work(batch: list[str]) -> list[str]:
        lists.append(batch)
        return batch

    async def ask_all() -> list[Any]:
        released = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            thread.submit(released.wait)
            gatherer = Gatherer(work, thread, **bounds)
            waiting: list[Any] = []
            for each in asks:
                try:
                    waiting.append(gatherer.ask(each, each[0]))
                except Full as full:
                    waiting.append(asyncio.sleep(0, full))
            await asyncio.sleep(0)
            released.set()
            return await asyncio.gather(*waiting)

    return lists, asyncio.run(ask_all())


def test_a_list_takes_one_of_each_name_in_turn() -> None:
    lists, _ = gathered(["l1", "l2", "l3", "l4", "l5", "a1", "b1", "b2"], most=4)
    assert lists == [["l1", "a1", "b1", "l2"], ["b2", "l3", "l4", "l5"]]


def test_a_list_is_half_of_what_is_out_and_a_few_at_least() -> None:
    lists, _ = gathered([f"a{number}" for number in range(20)], abreast=2)
    assert [len(each) for each in lists] == [10, 10]
    lists, _ = gathered([f"a{number}" for number in range(5)], abreast=2)
    assert [len(each) for each in lists] == [4, 1]
    lists, _ = gathered([f"a{number}" for number in range(20)])  # nothing goes on beside it
    assert [len(each) for each in lists] == [20]


def test_beside_others_a_loud_one_gets_an_equal_part_and_a_few_at_least() -> None:
    lists: list[list[str]] = []

    def work(batch: list[str]) -> list[str]:
        lists.append(batch)
        return batch

    async def ask_twice() -> None:
        with ThreadPoolExecutor(2) as threads:
            gatherer = Gatherer(work, threads, abreast=2)
            await asyncio.gather(*(gatherer.ask(each, each) for each in "abc"))
            lists.clear()
            loud = [gatherer.ask(f"l{number}", "l") for number in range(40)]
            await asyncio.gather(*loud, *(gatherer.ask(each, each) for each in "abc"))

    asyncio.run(ask_twice())
    of_loud = [sum(each[0] == "l" for each in batch) for batch in lists]
    assert {*"abc"} <= {*lists[0]}
    assert max(of_loud) <= 21 // 3
    assert sum(of_loud) == 40


def test_a_loud_one_fills_its_own_share_and_no_other() -> None:
    _, outcomes = gathered(["l1", "l2", "l3", "a1", "l4", "b1", "c1"], share=2, capacity=4)
    assert outcomes[:2] + outcomes[3:4] + outcomes[5:6] == ["l1", "l2", "a1", "b1"]
    assert [type(outcomes[place]) for place in (2, 4, 6)] == [ShareFull, ShareFull, Full]


def test_two_lists_abreast_are_at_work_at_once_and_the_second_is_no_small_one() -> None:
    both = threading.Barrier(2, timeout=5)
    lists: list[int] = []

    def meet(asks: list[int]) -> list[int]:
        lists.append(len(asks))
        both.wait()
        return asks

    async def ask_all() -> None:
        with ThreadPoolExecutor(2) as threads:
            gatherer = Gatherer(meet, threads, abreast=2)
            assert await asyncio.gather(*map(gatherer.ask, range(16))) == list(range(16))

    asyncio.run(ask_all())
    assert lists == [8, 8]


def test_no_list_is_formed_beside_another_before_half_has_gathered() -> None:
    released = threading.Event()
    lists: list[int] = []

    def wait(asks: list[int]) -> list[int]:
        lists.append(len(asks))
        released.wait(5)
        return asks

    async def trickle() -> None:
        with ThreadPoolExecutor(2) as threads:
            gatherer = Gatherer(wait, threads, abreast=2)
            waiting = [gatherer.ask(number) for number in range(4)]
            while len(gatherer):
                await asyncio.sleep(0.001)
            for number in range(4, 7):
                waiting.append(gatherer.ask(number))
                await asyncio.sleep(0)
            assert (lists, len(gatherer)) == ([4], 3)
            released.set()
            await asyncio.gather(*waiting)

    asyncio.run(trickle())
    assert lists == [4, 3]
