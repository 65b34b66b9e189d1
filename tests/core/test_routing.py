"""Which way an order goes: preference, weight, what was refused before, and what is left."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.routing import Blocked, Candidate, Choice, EarlierAttempt, NoRoute, choose
from sutler.core.upstream_words import REFUSES_ADD, DeclineKind
from tests.conftest import NOW

K = DeclineKind
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FIRST, SECOND, THIRD = Candidate(1, 1, 1), Candidate(2, 2, 1), Candidate(3, 3, 1)
FOR_THE_ORDER = (K.LINK, K.QUANTITY, K.FIELD)
OF_THE_ROUTE = (K.SERVICE,)
PASSING = (K.RATE, K.FUNDS, K.AUTH)


def past(
    route_id: int, kind: DeclineKind | None, ago: timedelta = timedelta(0), *, absent: bool = False
) -> EarlierAttempt:
    return EarlierAttempt(route_id, kind, NOW - ago, absent)


def barred(way: Candidate, bar: Blocked) -> Candidate:
    return Candidate(way.route_id, way.preference, way.weight, bar)


def test_every_kind_that_proves_a_refusal_has_its_consequence() -> None:
    assert {*FOR_THE_ORDER, *OF_THE_ROUTE, *PASSING, K.DUPLICATE} == REFUSES_ADD


def test_the_first_preference_goes_first_whatever_the_weights() -> None:
    assert choose(1, [Candidate(2, 2, 1000), FIRST], [], NOW) == Choice(1, NOW)


@pytest.mark.parametrize("kind", [*FOR_THE_ORDER, *OF_THE_ROUTE])
def test_what_was_refused_for_good_goes_to_the_next_at_once_and_never_back(kind: DeclineKind) -> None:
    assert choose(1, [FIRST, SECOND], [past(1, kind)], NOW) == Choice(2, NOW)
    assert choose(1, [FIRST, SECOND, THIRD], [past(1, kind), past(2, kind)], NOW) == Choice(3, NOW)
    assert isinstance(choose(1, [FIRST], [past(1, kind, HOUR * 1000)], NOW), NoRoute)


@pytest.mark.parametrize("kind", [*sorted(PASSING, key=str), None])
def test_a_passing_condition_goes_to_the_next_and_comes_back_where_there_is_none(kind: DeclineKind | None) -> None:
    assert choose(1, [FIRST, SECOND], [past(1, kind)], NOW) == Choice(2, NOW)
    went = choose(1, [FIRST, SECOND], [past(1, kind, MINUTE), past(2, K.SERVICE)], NOW)
    assert isinstance(went, Choice)
    assert went.route_id == 1


@pytest.mark.parametrize("kind", [*sorted(PASSING, key=str), None])
def test_a_passing_condition_is_tried_again_later_and_later(kind: DeclineKind | None) -> None:
    waits = []
    for tries in range(1, 15):
        went = choose(1, [FIRST], [past(1, kind)] * tries, NOW)
        assert isinstance(went, Choice)
        waits.append((went.due_at - NOW).total_seconds())
    assert waits[:6] == [20, 40, 80, 160, 320, 600]
    assert set(waits[5:]) == {600}


def test_what_was_due_long_ago_goes_now() -> None:
    assert choose(1, [FIRST], [past(1, K.RATE, HOUR)], NOW) == Choice(1, NOW)


def test_of_two_that_wait_the_one_that_is_due_first_goes() -> None:
    pasts = [past(1, K.RATE), past(1, K.RATE), past(2, K.RATE)]
    assert choose(1, [FIRST, SECOND], pasts, NOW) == Choice(2, NOW + timedelta(seconds=20))


def test_a_link_that_is_active_there_waits_ten_minutes_and_is_given_up_after_a_day() -> None:
    assert choose(1, [FIRST], [past(1, K.DUPLICATE)], NOW) == Choice(1, NOW + 10 * MINUTE)
    nearly = [past(1, K.DUPLICATE, timedelta(hours=23, minutes=59)), past(1, K.DUPLICATE)]
    assert choose(1, [FIRST], nearly, NOW) == Choice(1, NOW + 10 * MINUTE)
    over = [past(1, K.DUPLICATE, timedelta(hours=24)), past(1, K.DUPLICATE)]
    assert choose(1, [FIRST], over, NOW) is NoRoute.CANCEL


def test_what_was_never_placed_may_go_the_same_way_at_once_but_only_once_more() -> None:
    absent = past(1, None, absent=True)
    assert choose(1, [FIRST, SECOND], [absent], NOW) == Choice(1, NOW)
    assert choose(1, [FIRST, SECOND], [absent, absent], NOW) == Choice(2, NOW)
    assert choose(1, [FIRST], [absent, absent], NOW) is NoRoute.DESK


def test_what_was_absent_after_a_refusal_never_goes_the_same_way() -> None:
    refused = past(1, K.OTHER, absent=True)
    assert choose(1, [FIRST, SECOND], [refused], NOW) == Choice(2, NOW)
    assert choose(1, [FIRST], [refused], NOW) is NoRoute.DESK
    assert choose(1, [FIRST, barred(SECOND, Blocked.FOR_NOW)], [refused], NOW) is NoRoute.WAIT


@pytest.mark.parametrize("kind", [*sorted(PASSING, key=str), None])
def test_a_passing_condition_is_waited_out_for_three_days(kind: DeclineKind | None) -> None:
    nearly = [past(1, kind, timedelta(hours=71)), past(1, kind)]
    assert isinstance(choose(1, [FIRST], nearly, NOW), Choice)
    assert choose(1, [FIRST], [past(1, kind, timedelta(hours=72)), past(1, kind)], NOW) is NoRoute.DESK


@pytest.mark.parametrize(
    ("ways", "pasts", "outcome"),
    [
        ([], [], NoRoute.DESK),
        ([barred(FIRST, Blocked.FOR_GOOD)], [], NoRoute.DESK),
        ([barred(FIRST, Blocked.FOR_NOW)], [], NoRoute.WAIT),
        ([barred(FIRST, Blocked.FOR_NOW), barred(SECOND, Blocked.FOR_GOOD)], [], NoRoute.WAIT),
        ([barred(FIRST, Blocked.FOR_NOW), SECOND], [], Choice(2, NOW)),
        ([FIRST], [past(1, K.SERVICE)], NoRoute.DESK),
        ([FIRST], [past(1, K.LINK)], NoRoute.CANCEL),
        ([FIRST, SECOND], [past(1, K.LINK), past(2, K.LINK)], NoRoute.CANCEL),
        # One that may take it later is waited for: it may know the link.
        ([FIRST, barred(SECOND, Blocked.FOR_NOW)], [past(1, K.LINK)], NoRoute.WAIT),
        # A refusal for good counts, whatever bars the route now.
        ([barred(FIRST, Blocked.FOR_NOW)], [past(1, K.LINK)], NoRoute.CANCEL),
        ([barred(FIRST, Blocked.FOR_GOOD)], [past(1, K.FUNDS)], NoRoute.DESK),
    ],
)
def test_what_is_left_where_no_route_is_free(
    ways: list[Candidate], pasts: list[EarlierAttempt], outcome: object
) -> None:
    assert choose(1, ways, pasts, NOW) == outcome


def test_within_a_preference_the_weights_share_the_orders() -> None:
    ways = [Candidate(1, 1, 1), Candidate(2, 1, 3), Candidate(3, 2, 100)]
    went = Counter(getattr(choose(number, ways, [], NOW), "route_id", None) for number in range(4000))
    assert went.keys() == {1, 2}
    assert 900 < went[1] < 1100


_WAYS = st.lists(
    st.builds(Candidate, st.integers(1, 5), st.integers(1, 3), st.integers(1, 9), st.sampled_from(Blocked)),
    unique_by=lambda way: way.route_id,
    max_size=5,
)
_PASTS = st.lists(
    st.builds(
        past,
        st.integers(1, 5),
        st.none() | st.sampled_from(sorted(REFUSES_ADD, key=lambda kind: kind.name)),
        st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds)),
    ),
    max_size=8,
).map(lambda pasts: sorted(pasts, key=lambda each: each.ended_at))


@given(st.integers(1, 10**9), _WAYS, _PASTS)
def test_whatever_happened_an_order_goes_a_free_way_not_refused_for_good_and_never_before_now(
    order_id: int, ways: list[Candidate], pasts: list[EarlierAttempt]
) -> None:
    went = choose(order_id, ways, pasts, NOW)
    assert went == choose(order_id, list(reversed(ways)), pasts, NOW)
    if isinstance(went, Choice):
        assert went.due_at >= NOW
        assert went.route_id in {each.route_id for each in ways if each.bar is Blocked.NONE}
        assert went.route_id not in {each.route_id for each in pasts if each.kind in {*FOR_THE_ORDER, *OF_THE_ROUTE}}
