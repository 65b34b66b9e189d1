"""Whose turn is next (`a1` is the first request of line a, `S1` of a line of staff), and what is held meanwhile."""

import asyncio
from contextlib import AsyncExitStack, nullcontext
from typing import Any

import pytest

from sutler.admission.bodies import Bodies
from sutler.admission.fair_queue import FairQueue, Line, Refused, Turn
from sutler.admission.front_door import wait_for
from sutler.api.read_request import Disconnected, TooLarge


class Course:
    """A queue, who has joined it, and what has become of each."""

    def __init__(self, at_once: int = 3, longest: int = 100, longest_line: int = 10) -> None:
        self.queue = FairQueue(at_once, longest, longest_line)
        self.turns: dict[str, Turn] = {}
        self.ended: set[str] = set()

    def join(self, *names: str) -> "Course":
        for name in names:
            self.turns[name] = self.queue.join(line(name))
        return self

    def end(self, name: str) -> "Course":
        assert name in self.at_work()
        self.ended.add(name)
        self.queue.leave(line(name))
        return self

    def at_work(self) -> set[str]:
        done = {name for name, turn in self.turns.items() if turn.done() and turn.exception() is None}
        return done - self.ended

    def order(self) -> list[str]:
        """Ends one turn after the other, the one that came first, and returns who had theirs in which order."""
        order: list[str] = []
        while now := self.at_work():
            order += sorted(now - set(order))
            self.end(next(name for name in order if name in now))
        return order


def line(name: str) -> Line:
    return Line(name[0], is_staff=name[0].isupper())


def names(letter: str, count: int) -> list[str]:
    return [f"{letter}{number}" for number in range(1, count + 1)]


def test_lines_take_turns_however_loud_one_is() -> None:
    async def run() -> None:
        course = Course().join(*names("a", 6), *names("b", 2), *names("c", 1))
        assert course.order() == ["a1", "b1", "a2", "b2", "c1", "a3", "a4", "a5", "a6"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("at_once", "joined", "at_work"),
    [
        (2, [*names("a", 3)], {"a1"}),
        (2, [*names("a", 3), "S1"], {"a1", "S1"}),
        (4, [*names("a", 9)], {"a1", "a2"}),  # not all of the customers' three: another one would wait for a page
        (4, [*names("a", 9), "b1"], {"a1", "a2", "b1"}),
        (4, [*names("a", 9), *names("b", 9)], {"a1", "a2", "b1"}),
        (4, [*names("a", 9), *names("b", 9), "S1"], {"a1", "a2", "b1", "S1"}),
        (4, [*names("S", 9)], {"S1", "S2"}),
        (4, [*names("S", 9), *names("T", 9)], {"S1", "S2", "T1", "T2"}),
        (4, [*names("S", 9), *names("a", 9)], {"S1", "S2", "a1", "a2"}),
    ],
)
def test_staff_have_a_share_and_no_line_has_all(at_once: int, joined: list[str], at_work: set[str]) -> None:
    async def run() -> None:
        assert Course(at_once).join(*joined).at_work() == at_work

    asyncio.run(run())


def test_staff_who_flood_leave_customers_their_turns() -> None:
    async def run() -> None:
        course = Course(at_once=3).join(*names("S", 5), *names("T", 5), *names("a", 3))
        order = course.order()
        assert (order.index("a2"), order.index("a3")) < (order.index("S4"), order.index("S5"))

    asyncio.run(run())


def test_a_line_is_bounded_and_so_is_all_that_waits() -> None:
    async def run() -> None:
        course = Course(at_once=2, longest=6, longest_line=4).join(*names("a", 5))
        with pytest.raises(Refused, match="line full"):
            course.join("a6")
        course.join("b1", "c1")  # six wait: a2 to a5, b1, c1
        course.join("d1")
        assert isinstance(course.turns["a5"].exception(), Refused)  # the last of the longest made room
        course.join("b2")
        assert isinstance(course.turns["a4"].exception(), Refused)
        with pytest.raises(Refused, match="queue full"):
            course.join("b3")
        assert course.queue.waiting == 6
        assert course.order() == ["a1", "a2", "b1", "c1", "d1", "a3", "b2"]

    asyncio.run(run())


def test_customers_who_fill_the_queue_take_no_place_of_staff() -> None:
    async def run() -> None:
        course = Course(at_once=2, longest=3, longest_line=3).join(*names("a", 4))
        course.join(*names("S", 4))
        assert course.at_work() == {"a1", "S1"}
        assert course.queue.waiting == 6

    asyncio.run(run())


def test_who_goes_away_leaves_the_place_to_others() -> None:
    async def run() -> None:
        course = Course(at_once=2).join("a1", "a2", "a3", "b1")
        course.queue.withdraw(line("a2"), course.turns["a2"])
        assert course.queue.waiting == 2
        course.end("a1")
        assert course.at_work() == {"a3"} or course.at_work() == {"b1"}
        assert not course.turns["a2"].done()

    asyncio.run(run())


def test_a_turn_that_comes_as_its_client_goes_is_given_on() -> None:
    async def run() -> None:
        course = Course(at_once=2).join("a1", "a2")
        course.end("a1")
        course.queue.withdraw(line("a2"), course.turns["a2"])
        assert (course.queue.at_work, course.queue.waiting) == (0, 0)

    asyncio.run(run())


def test_what_goes_on_is_never_turned_away() -> None:
    async def run() -> None:
        course = Course(at_once=2, longest=1, longest_line=1).join("a1", "a2")
        further = course.queue.join(line("a3"), goes_on=True)
        course.end("a1").end("a2")
        assert further.done()

    asyncio.run(run())


def receiving(*messages: Any) -> Any:
    """Returns what an application receives: these messages, and then nothing for ever."""
    left = list(messages)

    async def receive() -> Any:
        return left.pop(0) if left else await asyncio.get_running_loop().create_future()

    return receive


@pytest.mark.parametrize(
    ("messages", "error"),
    [([], Refused), ([{"type": "http.disconnect"}], Disconnected)],
)
def test_nobody_waits_for_ever(messages: list[dict[str, object]], error: type[Exception]) -> None:
    async def run() -> None:
        course = Course(at_once=2).join("a1", "a2")
        with pytest.raises(error):
            await wait_for(course.turns["a2"], receiving(*messages), 0.01)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("sizes", "error"),
    [
        ([10, 10], None),
        ([10, 10, 1], TooLarge),
        ([], Disconnected),
    ],
)
def test_a_body_is_bounded_and_counted_while_it_is_held(sizes: list[int], error: type[Exception] | None) -> None:
    async def run() -> None:
        bodies = Bodies(100, 50)
        parts = [{"type": "http.request", "body": b"x" * size, "more_body": True} for size in sizes]
        end = {"type": "http.request", "body": b""} if sizes else {"type": "http.disconnect"}
        with pytest.raises(error) if error else nullcontext():
            async with bodies.received("alice", receiving(*parts, end), 20) as body:
                assert (body, bodies.held_bytes) == (b"x" * 20, 20)
        assert bodies.held_bytes == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("held", "sender", "is_taken"),
    [
        ({"alice": 40}, "alice", True),
        ({"alice": 41}, "alice", False),
        ({"alice": 41}, "bob", True),
        ({"alice": 45, "bob": 46}, "carol", False),
    ],
)
def test_all_bodies_are_bounded_and_those_of_one_sender(held: dict[str, int], sender: str, is_taken: bool) -> None:
    async def run() -> None:
        bodies = Bodies(100, 50)
        async with AsyncExitStack() as stack:
            for name, size in held.items():
                message = {"type": "http.request", "body": b"x" * size}
                await stack.enter_async_context(bodies.received(name, receiving(message), 50))
            with nullcontext() if is_taken else pytest.raises(Refused):
                async with bodies.received(sender, receiving({"type": "http.request", "body": b"x" * 10}), 50):
                    pass
            assert bodies.held_bytes == sum(held.values())
        assert bodies.held_bytes == 0

    asyncio.run(run())
