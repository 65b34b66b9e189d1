"""The one door through which time and chance come in.

Everything else takes `now`, a `Clock`, a `Random` or a `new_token` as a parameter, so that the whole system can run in
simulated time from one seed. A check (`tests/test_house.py`) refuses any other use of the standard library's clocks.
"""

import random
import secrets
import time
from datetime import UTC, datetime
from typing import Protocol

Random = random.Random


class Clock(Protocol):
    """Tells the time. The running panel uses `SystemClock`, tests and the simulation their own."""

    def now(self) -> datetime:
        """Returns the present moment in UTC."""

    def monotonic(self) -> float:
        """Returns seconds that never go backwards, for limits and time-outs."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Returns the present moment in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Returns seconds that never go backwards."""
        return time.monotonic()


def new_token() -> str:
    """Returns a fresh secret of 256 bits as 64 hexadecimal digits, from the system's generator."""
    return secrets.token_hex(32)


def seeded(seed: int) -> Random:
    """Returns a generator whose whole course follows from the seed."""
    return random.Random(seed)  # noqa: S311 - repeatable on purpose, no secret


def unpredictable() -> Random:
    """Returns the system's own generator, for choices that nobody should foresee."""
    return random.SystemRandom()
