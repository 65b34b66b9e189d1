"""Limits on how often a key or an address may call, kept in the process."""

from collections import OrderedDict

_MOST_KEPT = 50_000


class RateLimit:
    """Allows each name `per_second` calls a second, and twice as many at once after a pause. 0 means no limit."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._burst = 2.0 * per_second
        # name -> (calls left, seconds of the clock when that was reckoned)
        self._left: OrderedDict[str | int, tuple[float, float]] = OrderedDict()

    def allows(self, name: str | int, now_seconds: float) -> bool:
        """Counts one call and returns whether it is within the limit. `now_seconds` comes from a monotonic clock."""
        if not self._per_second:
            return True
        left, since = self._left.pop(name, (self._burst, now_seconds))
        left = min(self._burst, left + (now_seconds - since) * self._per_second)
        allowed = left >= 1.0
        self._left[name] = (left - 1.0 if allowed else left, now_seconds)
        if len(self._left) > _MOST_KEPT:
            self._left.popitem(last=False)
        return allowed
