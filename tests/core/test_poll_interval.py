"""When an upstream order is asked about: the figures, and that every pause stays within its bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core import poll_interval
from sutler.core.clock import Random, seeded

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
seconds = st.floats(0, 1e9)
shares = st.floats(0, 1)
usual = st.none() | st.integers(1, 10**8)


class Even(Random):
    """Chance that takes the middle."""

    def random(self) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("usual_seconds", "wait"), [(None, 60), (1, 30), (600, 30), (1200, 60), (DAY, HOUR), (7200, 360), (10 * DAY, HOUR)]
)
def test_an_order_is_first_asked_about_after_a_twentieth_of_what_is_usual(usual_seconds: int, wait: float) -> None:
    assert poll_interval.first_ask_seconds(usual_seconds) == wait


@pytest.mark.parametrize(
    ("age", "usual_seconds", "done", "gained", "since", "wait"),
    [
        # Grows with its age, at least a twentieth of what is usual.
        (60, 1200, 0, 0, 60, 60),
        (1200, 1200, 0, 0, 60, 120),
        (3 * HOUR, 1200, 0, 0, 60, 18 * MINUTE),
        (30 * DAY, 1200, 0, 0, HOUR, HOUR),
        (60, 7200, 0, 0, 60, 360),
        (60, None, 0, 0, 60, 60),
        (1, 1, 0, 0, 1, 30),
        # Half of what is left by its pace since the last answer.
        (5 * HOUR, 1200, 0.9, 0.1, 600, 300),
        (5 * HOUR, 1200, 0.99, 0.5, 600, 30),
        (5 * HOUR, 1200, 0.5, 0.01, 600, 1800),
        # Where nothing was gained lately, by its pace since the beginning.
        (5 * HOUR, 1200, 0.9, 0, 600, 1000),
        # What goes back counts for nothing.
        (5 * HOUR, 1200, 0.9, -0.05, 600, 1000),
        (5 * HOUR, 1200, 1, 0.1, 600, 30),
    ],
)
def test_an_order_is_asked_about_again_by_its_age_and_its_own_pace(
    age: float, usual_seconds: int, done: float, gained: float, since: float, wait: float
) -> None:
    asked = poll_interval.next_ask_seconds(age, usual_seconds, done, gained, since, Even())
    assert asked == pytest.approx(wait)


@given(age=seconds, usual_seconds=usual, done=shares, gained=st.floats(-1, 1), since=seconds, seed=st.integers())
def test_every_pause_is_between_half_a_minute_and_an_hour(
    age: float, usual_seconds: int | None, done: float, gained: float, since: float, seed: int
) -> None:
    waits = [
        poll_interval.first_ask_seconds(usual_seconds),
        poll_interval.next_ask_seconds(age, usual_seconds, done, gained, since, seeded(seed)),
        poll_interval.retry_seconds(age),
        poll_interval.missing_seconds(int(age)),
    ]
    assert all(poll_interval.SHORTEST <= each <= poll_interval.LONGEST for each in waits)


@given(age=seconds, older=seconds, usual_seconds=usual)
def test_an_order_of_no_pace_is_asked_about_more_seldom_the_older_it_is(
    age: float, older: float, usual_seconds: int | None
) -> None:
    waits = [poll_interval.next_ask_seconds(each, usual_seconds, 0, 0, 60, Even()) for each in sorted((age, older))]
    assert waits == sorted(waits)


def test_orders_sent_together_are_spread_by_chance() -> None:
    chance = seeded(1)
    waits = {poll_interval.next_ask_seconds(HOUR, None, 0, 0, 60, chance) for _ in range(100)}
    assert len(waits) > 90
    assert all(0.9 * 360 <= each <= 1.1 * 360 for each in waits)


@pytest.mark.parametrize(
    ("misses", "wait"), [(0, 30), (1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (8, HOUR), (10**9, HOUR)]
)
def test_an_order_that_is_not_found_is_asked_about_in_growing_pauses(misses: int, wait: float) -> None:
    assert poll_interval.missing_seconds(misses) == wait


@pytest.mark.parametrize(
    ("ended", "wait"),
    [
        (0, HOUR),
        (1, HOUR - 1),
        (HOUR, 5 * HOUR),
        (2 * HOUR, 4 * HOUR),
        (6 * HOUR, 18 * HOUR),
        (DAY, 2 * DAY),
        (3 * DAY, 4 * DAY),
        (7 * DAY - 1, 1),
        (7 * DAY, None),
        (8 * DAY, None),
    ],
)
def test_after_its_end_an_order_is_looked_at_five_times(ended: float, wait: float | None) -> None:
    assert poll_interval.after_end_seconds(ended) == wait


@pytest.mark.parametrize(
    ("before", "took", "after"), [(None, 600.4, 600), (None, 0, 1), (800, 1600, 900), (800, 0, 700), (1, 0, 1)]
)
def test_what_is_usual_follows_what_orders_take(before: int | None, took: float, after: int) -> None:
    assert poll_interval.usual_seconds(before, took) == after


@given(took=st.integers(1, 10**7), start=st.none() | st.integers(1, 10**7))
def test_what_is_usual_comes_near_to_what_orders_always_take(took: int, start: int | None) -> None:
    usual_seconds = start
    for _ in range(200):
        usual_seconds = poll_interval.usual_seconds(usual_seconds, took)
    assert abs((usual_seconds or 0) - took) <= 8
