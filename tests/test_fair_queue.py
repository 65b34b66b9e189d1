"""Whose turn is next: told as courses, `a1` the first request of line a, `S1` of a line of staff."""

import asyncio

import pytest

from sutler.admission.fair_queue import FairQueue, Line, Refused, Turn


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
