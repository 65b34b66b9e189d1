"""Whose turn is next: lines of waiting requests, served in turn and bounded, with a share kept for staff."""

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

# Of the turns that are given at once so many are for staff alone.
FOR_STAFF = 1

Turn = asyncio.Future[None]


class Refused(Exception):
    """Too much is waiting, or it has waited too long. Nothing was done; `reason` is a word for the metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Line:
    """Who a request counts as: a session, a staff key or an address."""

    name: str
    is_staff: bool = False


class FairQueue:
    """Gives `at_once` turns at a time, one line after the other. Used on one event loop only.

    Customers never hold all turns: FOR_STAFF of them are kept for staff. Nor does one line hold all that its group may
    have, where the group has more than one. In each of the two groups at most `longest` requests wait, at most
    `longest_line` of them in one line; when a group is full, the last of its longest line makes room for a shorter one.
    """

    def __init__(self, at_once: int, longest: int, longest_line: int) -> None:
        for_customers = max(1, at_once - FOR_STAFF)
        self._at_once = for_customers + FOR_STAFF
        self._customers = _Group(for_customers, max(1, for_customers - 1), longest, longest_line)
        self._staff = _Group(self._at_once, max(1, for_customers - 1), longest, longest_line)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._customers.waiting + self._staff.waiting

    @property
    def at_work(self) -> int:
        """How many have theirs."""
        return self._customers.at_work + self._staff.at_work

    def join(self, line: Line, *, goes_on: bool = False) -> Turn:
        """Returns a future that is done when it is this line's turn; `leave` must then be called once.

        Raises Refused at once if too much waits, as the future does if it is pushed out later. What `goes_on` from an
        earlier turn is not refused.
        """
        turn: Turn = asyncio.get_running_loop().create_future()
        self._group(line).add(line.name, turn, makes_room=not goes_on)
        self._give()
        return turn

    def leave(self, line: Line) -> None:
        """Ends a turn; the next has it."""
        self._group(line).end(line.name)
        self._give()

    def withdraw(self, line: Line, turn: Turn) -> None:
        """Takes back what waits no longer, or ends the turn that came in the meantime."""
        if not self._group(line).remove(line.name, turn) and not turn.cancelled() and turn.exception() is None:
            self.leave(line)

    def _group(self, line: Line) -> "_Group":
        return self._staff if line.is_staff else self._customers

    def _give(self) -> None:
        while self.at_work < self._at_once:
            first, second = self._customers, self._staff
            if self._staff.at_work < FOR_STAFF:
                first, second = second, first
            if not (first.give() or second.give()):
                return


class _Group:
    """The lines of customers, or of staff. The line whose turn it was last stands last."""

    def __init__(self, at_once: int, at_once_in_line: int, longest: int, longest_line: int) -> None:
        self._at_once, self._at_once_in_line = at_once, at_once_in_line
        self._longest, self._longest_line = longest, longest_line
        self._lines: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._at_work: Counter[str] = Counter()
        self.waiting = 0
        self.at_work = 0

    def add(self, name: str, turn: Turn, *, makes_room: bool) -> None:
        if makes_room:
            self._make_room(len(self._lines.get(name, ())))
        self._lines.setdefault(name, deque()).append(turn)
        self.waiting += 1

    def give(self) -> bool:
        """Gives one turn to the first line that may have it. Returns False if there is none."""
        if self.at_work >= self._at_once:
            return False
        name = next((each for each in self._lines if self._at_work[each] < self._at_once_in_line), None)
        if name is None:
            return False
        turn = self._lines[name].popleft()
        self._lines.move_to_end(name)
        self._taken_from(name)
        self._at_work[name] += 1
        self.at_work += 1
        turn.set_result(None)
        return True

    def end(self, name: str) -> None:
        self.at_work -= 1
        self._at_work[name] -= 1
        if not self._at_work[name]:
            del self._at_work[name]

    def remove(self, name: str, turn: Turn) -> bool:
        """Takes a waiting one out of its line. Returns False if it is not there any more."""
        line = self._lines.get(name, deque())
        if turn not in line:
            return False
        line.remove(turn)
        self._taken_from(name)
        return True

    def _make_room(self, own: int) -> None:
        if own >= self._longest_line:
            raise Refused("line full")
        if self.waiting < self._longest:
            return
        name = max(self._lines, key=lambda each: len(self._lines[each]))
        if len(self._lines[name]) <= own + 1:
            raise Refused("queue full")
        self._lines[name].pop().set_exception(Refused("pushed out"))
        self._taken_from(name)

    def _taken_from(self, name: str) -> None:
        self.waiting -= 1
        if not self._lines[name]:
            del self._lines[name]
