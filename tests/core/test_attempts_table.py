"""The table of an attempt's moves: what is alive stays alone, and what was sent is never planned again."""

from itertools import pairwise

import pytest

from sutler.core.attempts import ATTEMPT_MOVES, LIVE, NOTHING_PLACED, OPEN, UNSETTLED, AttemptState

S = AttemptState
# The reliability page's picture, each arrow once; and the one of decision 11.
ARROWS = {
    (S.PLANNED, S.SENDING),
    (S.PLANNED, S.NOT_SENT),
    (S.SENDING, S.ACCEPTED),
    (S.SENDING, S.NOT_SENT),
    (S.SENDING, S.DECLINED),
    (S.SENDING, S.UNKNOWN),
    (S.UNKNOWN, S.ACCEPTED),
    (S.UNKNOWN, S.DECLINED),
    (S.UNKNOWN, S.ABSENT),
    (S.UNKNOWN, S.STAFF),
    (S.STAFF, S.ACCEPTED),
    (S.STAFF, S.ABSENT),
    (S.ACCEPTED, S.UNKNOWN),
}


@pytest.mark.parametrize("before", S)
@pytest.mark.parametrize("after", S)
def test_every_move_is_an_arrow_of_the_picture(before: S, after: S) -> None:
    assert (after in ATTEMPT_MOVES[before]) == ((before, after) in ARROWS)


def reachable(first: S) -> set[S]:
    """Every state that an attempt may come to from this one."""
    found, left = set[S](), [first]
    while left:
        new = ATTEMPT_MOVES[left.pop()] - found
        found |= new
        left += new
    return found


@pytest.mark.parametrize("state", [state for state in S if state is not S.PLANNED])
def test_sending_never_goes_back(state: S) -> None:
    assert S.PLANNED not in reachable(state)
    assert state is S.SENDING or S.SENDING not in reachable(state)


def test_every_state_is_either_alive_or_proof_that_nothing_was_placed() -> None:
    assert set(LIVE) | set(NOTHING_PLACED) == set(S)
    assert not set(LIVE) & set(NOTHING_PLACED)
    assert all(set(inner) < set(outer) for inner, outer in pairwise((UNSETTLED, OPEN, LIVE)))


def test_proof_is_final() -> None:
    assert all(not ATTEMPT_MOVES[each] for each in NOTHING_PLACED)
