"""Verdicts on lost answers: what evidence is enough, and what is none."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sutler.core.verdicts import SHOWN_WITHIN_MICROS, Doubt, Found, Placed, Suspect, balance_contradicts, judge

CHARGE = 500_000
SUSPECT = Suspect(1, 100, 200, CHARGE)
UNBOUNDED = Suspect(1, 100, None, CHARGE)
OURS = Found(150, CHARGE)


def rival(floor: int = 100, ceiling: int | None = None, charge: int = CHARGE, attempt_id: int = 2) -> Suspect:
    return Suspect(attempt_id, floor, ceiling, charge)


@pytest.mark.parametrize(
    ("orphans", "rivals", "verdict"),
    [
        ([], [], Doubt.NOTHING_FOUND),
        ([OURS], [], Placed(150)),
        # It stands among the open outcomes itself.
        ([OURS], [SUSPECT], Placed(150)),
        ([Found(101, CHARGE)], [], Placed(101)),
        ([Found(199, CHARGE)], [], Placed(199)),
        # Outside the window it is another's.
        ([Found(100, CHARGE)], [], Doubt.NOTHING_FOUND),
        ([Found(200, CHARGE)], [], Doubt.NOTHING_FOUND),
        ([Found(99, CHARGE), OURS, Found(201, CHARGE)], [], Placed(150)),
        # Five decimals are shown, of six.
        ([Found(150, CHARGE - SHOWN_WITHIN_MICROS)], [], Placed(150)),
        ([Found(150, CHARGE + SHOWN_WITHIN_MICROS)], [], Placed(150)),
        ([Found(150, CHARGE + SHOWN_WITHIN_MICROS + 1)], [], Doubt.OTHER_CHARGE),
        ([Found(150, None)], [], Doubt.OTHER_CHARGE),
        ([Found(150, 1), Found(160, CHARGE)], [], Placed(160)),
        ([OURS, Found(151, CHARGE)], [], Doubt.SEVERAL),
        ([OURS, Found(151, CHARGE)], [rival()], Doubt.SEVERAL),
        # A rival for whom it fits; one that was sent after it was made, or at another charge, is none.
        ([OURS], [rival()], Doubt.RIVALS),
        ([OURS], [rival(floor=149)], Doubt.RIVALS),
        ([OURS], [rival(floor=150)], Placed(150)),
        ([OURS], [rival(ceiling=150)], Placed(150)),
        ([OURS], [rival(charge=2 * CHARGE)], Placed(150)),
        # What fits another open outcome alone says nothing of this one.
        ([Found(150, 2 * CHARGE)], [rival(charge=2 * CHARGE)], Doubt.NOTHING_FOUND),
        ([Found(150, 2 * CHARGE)], [rival(floor=150, charge=2 * CHARGE)], Doubt.OTHER_CHARGE),
    ],
)
def test_what_orphans_say(orphans: list[Found], rivals: list[Suspect], verdict: object) -> None:
    assert judge(SUSPECT, rivals, orphans) == verdict


MADE = Found(150, CHARGE, may_be_made=True)
WHOLE = Suspect(1, 100, 200, 3 * CHARGE, makes_more=True)
SUBSCRIPTION = Suspect(1, 100, 200, 0, makes_more=True)


@pytest.mark.parametrize(
    ("suspect", "orphans", "rivals", "verdict"),
    [
        # What a provider may have made by itself, for what goes on there or for what is unknown, is no proof.
        (SUSPECT, [MADE], [], Doubt.RIVALS),
        (SUSPECT, [Found(150, 1, may_be_made=True)], [], Doubt.OTHER_CHARGE),
        (SUSPECT, [OURS], [Suspect(2, 100, None, 3 * CHARGE, makes_more=True)], Doubt.RIVALS),
        (SUSPECT, [OURS], [Suspect(2, 100, 120, 0, makes_more=True)], Doubt.RIVALS),
        (SUSPECT, [OURS], [Suspect(2, 150, None, 0, makes_more=True)], Placed(150)),
        # A drip-feed costs as much as all its runs: its own id is told by that, beside those of its runs.
        (WHOLE, [Found(150, 3 * CHARGE), Found(151, CHARGE)], [WHOLE], Placed(150)),
        (WHOLE, [Found(151, CHARGE)], [WHOLE], Doubt.OTHER_CHARGE),
        # A subscription costs nothing: whatever is there may be it, or one of its posts.
        (SUBSCRIPTION, [], [], Doubt.NOTHING_FOUND),
        (SUBSCRIPTION, [Found(150, 0)], [], Doubt.NO_CHARGE),
        (SUBSCRIPTION, [OURS], [rival()], Doubt.NO_CHARGE),
        (SUBSCRIPTION, [Found(201, 0)], [], Doubt.NOTHING_FOUND),
    ],
)
def test_what_orphans_say_where_a_provider_makes_orders_by_itself(
    suspect: Suspect, orphans: list[Found], rivals: list[Suspect], verdict: object
) -> None:
    assert judge(suspect, rivals, orphans) == verdict


def test_of_what_costs_nothing_the_balance_says_nothing() -> None:
    assert [balance_contradicts(SUBSCRIPTION, each, [], 0) for each in (0, CHARGE, -CHARGE)] == [None] * 3


def test_a_window_without_an_end_takes_every_id_above_its_floor() -> None:
    assert judge(UNBOUNDED, [], [Found(10**9, CHARGE)]) == Placed(10**9)


_SUSPECTS = st.builds(
    Suspect, st.integers(1, 4), st.integers(90, 110), st.none() | st.integers(100, 130), st.sampled_from([1000, 2000])
)
_ORPHANS = st.lists(
    st.builds(Found, st.integers(90, 130), st.none() | st.sampled_from([0, 1000, 1005, 2000])),
    unique_by=lambda found: found.upstream_id,
    max_size=6,
)


@given(st.lists(_SUSPECTS, min_size=1, max_size=4, unique_by=lambda suspect: suspect.attempt_id), _ORPHANS)
def test_no_order_is_given_to_two_attempts(suspects: list[Suspect], orphans: list[Found]) -> None:
    placed = [verdict for each in suspects if isinstance(verdict := judge(each, suspects, orphans), Placed)]
    assert len(placed) == len(set(placed))


@given(_SUSPECTS, st.lists(_SUSPECTS, max_size=3), _ORPHANS)
def test_nothing_is_found_only_where_no_orphan_is_left_unexplained(
    suspect: Suspect, rivals: list[Suspect], orphans: list[Found]
) -> None:
    assume(judge(suspect, rivals, orphans) is Doubt.NOTHING_FOUND)
    assert judge(suspect, [], [each for each in orphans if each.charge_micros == suspect.expected_micros]) is (
        Doubt.NOTHING_FOUND
    )


@pytest.mark.parametrize(
    ("missing", "orphans", "others", "says"),
    [
        (0, [], 0, False),
        (CHARGE, [], 0, True),
        (CHARGE - SHOWN_WITHIN_MICROS, [], 0, True),
        (CHARGE - SHOWN_WITHIN_MICROS - 1, [], 0, False),
        # What an orphan took is explained.
        (CHARGE, [Found(150, CHARGE)], 0, False),
        (2 * CHARGE, [Found(150, CHARGE)], 0, True),
        (CHARGE, [Found(150, None)], 0, True),
        # Another open outcome may have taken it; if so much is missing that both must have, it cannot.
        (CHARGE, [], CHARGE, None),
        (0, [], CHARGE, None),
        (2 * CHARGE, [], CHARGE, True),
        # Money came back that the books do not know of.
        (-CHARGE, [], 0, False),
    ],
)
def test_what_the_balance_says(missing: int, orphans: list[Found], others: int, says: bool | None) -> None:
    assert balance_contradicts(SUSPECT, missing, orphans, others) is says
