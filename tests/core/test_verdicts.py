"""Verdicts on lost answers: what evidence is enough, and what is none."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sutler.core.charge_digits import SHOWN_WITHIN_MICROS
from sutler.core.lifecycle import Status
from sutler.core.verdicts import Doubt, Evidence, Found, Placed, Suspect

CHARGE = 500_000
RATE, QUANTITY = 500_000, 1000
SUSPECT = Suspect(1, 100, 200, CHARGE, QUANTITY, RATE, 1000)
UNBOUNDED = replace(SUSPECT, ceiling=None)
OURS = Found(150, CHARGE)


def rival(floor: int = 100, ceiling: int | None = None, charge: int = CHARGE, attempt_id: int = 2) -> Suspect:
    return Suspect(attempt_id, floor, ceiling, charge, charge // 500, RATE, 1000)


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
    others = [each for each in rivals if each != SUSPECT]
    assert Evidence(orphans, [*others, SUSPECT]).judge(SUSPECT) == verdict


def partial(remains: int | None, charge: int) -> Found:
    return Found(150, charge, Status.PARTIAL, remains)


@pytest.mark.parametrize(
    ("orphan", "rivals", "verdict"),
    [
        # A quarter was not delivered, and a quarter is given back.
        (partial(250, 375_000), [], Placed(150)),
        (partial(250, 375_010), [], Placed(150)),
        (partial(250, 375_011), [], Doubt.OTHER_CHARGE),
        # Counts that cannot be, or are not told.
        *((partial(remains, 375_000), [], Doubt.OTHER_CHARGE) for remains in (None, 0, -1, 1000, 10_000)),
        # The same charge and the same remains, of an order twice as large: not another's.
        (partial(250, 375_000), [rival(charge=2 * CHARGE)], Placed(150)),
        (partial(250, 875_000), [rival(charge=2 * CHARGE)], Doubt.NOTHING_FOUND),
        (partial(250, 375_000), [rival()], Doubt.RIVALS),
        # What one has left may be the whole of another.
        (partial(250, 375_000), [rival(charge=375_000)], Doubt.RIVALS),
        # A canceled order shows no charge at all; its quantity remains.
        (Found(150, 0, Status.CANCELED, 1000), [], Placed(150)),
        (Found(150, 0, Status.CANCELED, 1000), [rival(charge=2 * CHARGE)], Placed(150)),
        (Found(150, 0, Status.CANCELED, 2000), [rival(charge=2 * CHARGE)], Doubt.NOTHING_FOUND),
        (Found(150, 0, Status.CANCELED, 1000), [rival()], Doubt.RIVALS),
        (Found(150, 0, Status.CANCELED, 999), [], Doubt.OTHER_CHARGE),
        (Found(150, 0, Status.CANCELED, None), [], Doubt.OTHER_CHARGE),
        (Found(200, 0, Status.CANCELED, 1000), [], Doubt.NOTHING_FOUND),
        # One that goes on shows all that it took.
        (Found(150, 375_000, Status.IN_PROGRESS, 250), [], Doubt.OTHER_CHARGE),
    ],
)
def test_what_an_order_says_that_has_ended_before_it_was_seen(
    orphan: Found, rivals: list[Suspect], verdict: object
) -> None:
    assert Evidence([orphan], [*rivals, SUSPECT]).judge(SUSPECT) == verdict


def test_a_partial_order_says_nothing_where_the_rate_has_changed() -> None:
    changed = replace(SUSPECT, rate_micros=RATE + 1000)
    assert Evidence([partial(250, 375_000)], [changed]).judge(changed) is Doubt.OTHER_CHARGE


MADE = Found(150, CHARGE, may_be_made=True)
WHOLE = Suspect(1, 100, 200, 3 * CHARGE, 3 * QUANTITY, RATE, 1000, makes_more=True)
SUBSCRIPTION = Suspect(1, 100, 200, 0, 2, RATE, 1000, makes_more=True)


@pytest.mark.parametrize(
    ("suspect", "orphans", "rivals", "verdict"),
    [
        # What a provider may have made by itself, for what goes on there or for what is unknown, is no proof.
        (SUSPECT, [MADE], [], Doubt.RIVALS),
        (SUSPECT, [Found(150, 1, may_be_made=True)], [], Doubt.OTHER_CHARGE),
        (SUSPECT, [OURS], [replace(WHOLE, attempt_id=2, ceiling=None)], Doubt.RIVALS),
        (SUSPECT, [OURS], [replace(SUBSCRIPTION, attempt_id=2, ceiling=120)], Doubt.RIVALS),
        (SUSPECT, [OURS], [replace(SUBSCRIPTION, attempt_id=2, floor=150)], Placed(150)),
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
    others = [each for each in rivals if each.attempt_id != suspect.attempt_id]
    assert Evidence(orphans, [*others, suspect]).judge(suspect) == verdict


def test_of_what_costs_nothing_the_balance_says_nothing() -> None:
    assert [Evidence([], [SUBSCRIPTION]).balance_contradicts(SUBSCRIPTION, each) for each in (0, CHARGE, -CHARGE)] == [
        None
    ] * 3


def test_a_window_without_an_end_takes_every_id_above_its_floor() -> None:
    assert Evidence([Found(10**9, CHARGE)], [UNBOUNDED]).judge(UNBOUNDED) == Placed(10**9)


_SUSPECTS = st.builds(
    rival,
    st.integers(90, 110),
    st.none() | st.integers(100, 130),
    st.sampled_from([1000, 2000]),
    st.integers(1, 4),
)
_ORPHANS = st.lists(
    st.builds(Found, st.integers(90, 130), st.none() | st.sampled_from([0, 1000, 1005, 2000])),
    unique_by=lambda found: found.upstream_id,
    max_size=6,
)


@given(st.lists(_SUSPECTS, min_size=1, max_size=4, unique_by=lambda suspect: suspect.attempt_id), _ORPHANS)
def test_no_order_is_given_to_two_attempts(suspects: list[Suspect], orphans: list[Found]) -> None:
    evidence = Evidence(orphans, suspects)
    placed = [verdict for each in suspects if isinstance(verdict := evidence.judge(each), Placed)]
    assert len(placed) == len(set(placed))


@given(_SUSPECTS, st.lists(_SUSPECTS, max_size=3), _ORPHANS)
def test_nothing_is_found_only_where_no_orphan_is_left_unexplained(
    suspect: Suspect, rivals: list[Suspect], orphans: list[Found]
) -> None:
    others = [each for each in rivals if each.attempt_id != suspect.attempt_id]
    assume(Evidence(orphans, [*others, suspect]).judge(suspect) is Doubt.NOTHING_FOUND)
    own = [each for each in orphans if each.charge_micros == suspect.expected_micros]
    assert Evidence(own, [suspect]).judge(suspect) is Doubt.NOTHING_FOUND


@given(_SUSPECTS, st.lists(_SUSPECTS, max_size=4, unique_by=lambda one: one.attempt_id), _ORPHANS)
def test_evidence_that_is_arranged_says_what_every_orphan_beside_every_rival_says(
    suspect: Suspect, rivals: list[Suspect], orphans: list[Found]
) -> None:
    def within(orphan: Found, one: Suspect) -> bool:
        return one.floor < orphan.upstream_id < (one.ceiling or 10**9)

    def fits(orphan: Found, one: Suspect) -> bool:
        charge = orphan.charge_micros
        return charge is not None and within(orphan, one) and abs(charge - one.expected_micros) <= SHOWN_WITHIN_MICROS

    others = [each for each in rivals if each.attempt_id != suspect.attempt_id]
    fitting = [each for each in orphans if fits(each, suspect)]
    strange = [each for each in orphans if within(each, suspect) and not any(fits(each, one) for one in others)]
    verdict: object = Doubt.OTHER_CHARGE if strange else Doubt.NOTHING_FOUND
    if len(fitting) == 1:
        is_rivalled = any(fits(fitting[0], each) for each in others)
        verdict = Doubt.RIVALS if is_rivalled else Placed(fitting[0].upstream_id)
    elif fitting:
        verdict = Doubt.SEVERAL
    evidence = Evidence(orphans, [*others, suspect])
    assert evidence.judge(suspect) == verdict
    assert (
        list(evidence.within(suspect, 3))
        == sorted((each for each in orphans if within(each, suspect)), key=lambda each: each.upstream_id)[:3]
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
    evidence = Evidence(orphans, [SUSPECT, rival(charge=others)])
    assert evidence.balance_contradicts(SUSPECT, missing) is says
