"""Limits on how often a key or an address may call, and how many may be at something, kept in the process."""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from sutler.api.gather import Full, ShareFull

_MOST_KEPT = 50_000


class RateLimit:
    """Allows each name `per_second` calls a second, and twice as many at once after a pause. 0 means no limit."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._burst = 2.0 * per_second
        # name -> (calls left, seconds of the clock when that was reckoned)
        self._left: OrderedDict[str | int, tuple[float, float]] = OrderedDict()

    def allows(self, name: str | int, now_seconds: float, cost: int = 1) -> bool:
        """Counts so many calls and returns whether they are within the limit, else counts none.

        `now_seconds` comes from a monotonic clock. What costs more than the burst takes all of it.
        """
        if not self._per_second:
            return True
        cost = min(cost, int(self._burst))
        left = self._left_of(name, now_seconds)
        allowed = left >= cost
        self._left.pop(name, None)
        self._left[name] = (left - cost if allowed else left, now_seconds)
        if len(self._left) > _MOST_KEPT:
            self._left.popitem(last=False)
        return allowed

    def is_spent(self, name: str | int, now_seconds: float) -> bool:
        """Returns True if not one call would be allowed now."""
        return bool(self._per_second) and self._left_of(name, now_seconds) < 1.0

    def give_back(self, name: str | int, cost: int) -> None:
        """Takes back so many calls that were counted."""
        if name in self._left:
            left, since = self._left[name]
            self._left[name] = (min(self._burst, left + cost), since)

    def _left_of(self, name: str | int, now_seconds: float) -> float:
        left, since = self._left.get(name, (self._burst, now_seconds))
        return min(self._burst, left + (now_seconds - since) * self._per_second)


class Room:
    """Room for so many at a time, `share` of them under one name."""

    def __init__(self, capacity: int, share: int) -> None:
        self._capacity, self._share = capacity, share
        self._inside: Counter[str | int] = Counter()
        self._all = 0

    def __len__(self) -> int:
        return self._all

    @contextmanager
    def taken_by(self, name: str | int) -> Iterator[None]:
        """Takes one place until the block ends. Raises Full if there is none, ShareFull if none for this name."""
        if self._all >= self._capacity:
            raise Full
        if self._inside[name] >= self._share:
            raise ShareFull
        self._inside[name] += 1
        self._all += 1
        try:
            yield
        finally:
            self._all -= 1
            self._inside[name] -= 1
            if not self._inside[name]:
                del self._inside[name]
