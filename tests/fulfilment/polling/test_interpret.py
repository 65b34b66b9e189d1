"""What one answer means for an upstream order: statuses, counts, charges, orders that are not found. No I/O."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.clock import seeded
from sutler.core.events import NOTHING, EventKind, note
from sutler.core.lifecycle import FINAL, Status
from sutler.core.money import LARGEST_MICROS, Micros
from sutler.core.upstream_words import LARGEST_WHOLE, UnknownStatus, read_status
from sutler.fulfilment.models import Alarm
from sutler.fulfilment.polling.interpret import Due, Followed, StatusUpdate, get_on, miss, update_from
from sutler.orders.move import Report
from sutler.panels.results import UpstreamStatus
from tests.conftest import NOW

Kind = Alarm.Kind
SENT = NOW - timedelta(hours=2)
WINDOW = timedelta(minutes=15)
# 1,000 at 0.50 a thousand, under way, as the last answer had it.
UNDER_WAY = Followed(
    pk=1,
    attempt_id=2,
    order_id=3,
    upstream_service_id=4,
    upstream_id="555",
    expected_micros=500_000,
    cost_micros=500_000,
    reported_micros=500_000,
    word="In progress",
    start_count=10,
    remains=600,
    placed_at=SENT,
    confirmed_at=SENT,
    asked_at=NOW,
    misses=0,
    unread=0,
    finished_at=None,
    quantity=1000,
    kind="single",
    type="Default",
    order_status="In progress",
    rate_micros=500_000,
    usual_seconds=3600,
)
NEW = UNDER_WAY._replace(
    word="", order_status="Processing", start_count=None, remains=None, reported_micros=None, confirmed_at=None
)
ENDED = UNDER_WAY._replace(word="Completed", order_status="Completed", remains=0, finished_at=NOW - timedelta(hours=1))


def said(word: str, charge: int | None = 500_000, start: int | None = 10, remains: int | None = 600) -> UpstreamStatus:
    return UpstreamStatus(read_status(word), word, None if charge is None else Micros(charge), "USD", start, remains)


def heard(row: Followed, told: UpstreamStatus) -> StatusUpdate:
    return update_from(row, told, "USD", NOW, seeded(1))


def moved_to(status: Status, remains: int, word: str = "") -> Report:
    return Report(3, status, 10, remains, note(EventKind.UPSTREAM_STATUS, id="555", word=word or status))


def kinds(found: StatusUpdate) -> list[Kind | None]:
    return [each.kind for each in found.remarks]


@pytest.mark.parametrize(
    ("row", "told", "report"),
    [
        # Not begun there: nothing changes here.
        (NEW, said("Pending", start=0, remains=1000), None),
        (NEW, said("processing", start=0, remains=1000), None),
        # Begun; going on; nothing new; and what is not said stays.
        (NEW, said("In progress"), moved_to(Status.IN_PROGRESS, 600)),
        (UNDER_WAY, said("In progress"), None),
        (UNDER_WAY, said("active"), None),
        (UNDER_WAY, said("In progress", remains=500), Report(3, Status.IN_PROGRESS, 10, 500)),
        (UNDER_WAY, said("In progress", start=11), Report(3, Status.IN_PROGRESS, 11, 600)),
        (UNDER_WAY, said("In progress", start=None, remains=None), None),
        # Jumping back.
        (UNDER_WAY, said("Pending", remains=1000), None),
        (UNDER_WAY, said("Processing", remains=1000), None),
        # The end, from anywhere.
        (NEW, said("Completed", remains=0), moved_to(Status.COMPLETED, 0)),
        (UNDER_WAY, said("Complete", remains=-2), moved_to(Status.COMPLETED, -2, "Complete")),
        (UNDER_WAY, said("Partial", 350_000, remains=300), moved_to(Status.PARTIAL, 300)),
        (UNDER_WAY, said("Refunded", 0, remains=1000), moved_to(Status.CANCELED, 1000, "Refunded")),
        # An end that does not say what was delivered is none yet.
        (UNDER_WAY, said("Partial", 350_000, remains=None), None),
        # Words that nobody knows, and those that a person must look at.
        (UNDER_WAY, said("Queued"), None),
        (UNDER_WAY, said("0"), None),
        (UNDER_WAY, said("Failed"), None),
        # Staff have ended it by hand: it is followed for its cost alone.
        (UNDER_WAY._replace(order_status="Canceled"), said("Completed", remains=0), None),
        (UNDER_WAY._replace(order_status="Completed"), said("In progress", remains=1), None),
        # It has ended there before.
        (ENDED, said("Completed", remains=0), None),
        (ENDED, said("Canceled", 0, remains=1000), None),
        (ENDED, said("In progress"), None),
    ],
)
def test_what_the_order_is_told(row: Followed, told: UpstreamStatus, report: Report | None) -> None:
    assert heard(row, told).report == report


@pytest.mark.parametrize(
    ("row", "told", "kinds_told"),
    [
        (NEW, said("In progress"), []),
        (UNDER_WAY, said("Completed", remains=0), []),
        (UNDER_WAY, said("Queued"), [Kind.UNKNOWN_STATUS]),
        (UNDER_WAY, said("2"), [Kind.UNKNOWN_STATUS]),
        (UNDER_WAY, said("Fail"), [Kind.FAILED]),
        (UNDER_WAY, said("Partial", 350_000, remains=None), [Kind.UNKNOWN_STATUS]),
        # Jumping back is for the provider's log alone, once.
        (UNDER_WAY, said("Pending"), [None]),
        (UNDER_WAY._replace(word="Pending"), said("Pending"), []),
        # Charges, as soon as they show; five decimals are no difference, nothing yet is none either.
        (NEW, said("Pending", 500_001), []),
        (NEW, said("Pending", 500_010), []),
        (NEW, said("Pending", 500_011), [Kind.OVERCHARGE]),
        (NEW, said("Pending", 499_989), [Kind.UNDERCHARGE]),
        (NEW, said("Pending", 0), []),
        (NEW, said("Pending", None), []),
        (UNDER_WAY._replace(reported_micros=600_000), said("In progress", 600_000), []),
        (UNDER_WAY, said("Completed", 0, remains=0), [Kind.UNDERCHARGE]),
        (UNDER_WAY, said("Completed", 700_000, remains=0), [Kind.OVERCHARGE]),
        (UNDER_WAY, said("Partial", 350_000, remains=300), []),
        (UNDER_WAY, said("Partial", 500_000, remains=300), [Kind.OVERCHARGE]),
        (UNDER_WAY, said("Canceled", 0, remains=1000), []),
        (UNDER_WAY, said("Canceled", 500_000, remains=1000), [Kind.OVERCHARGE]),
        # After the end every change is told.
        (ENDED, said("Completed", remains=0), []),
        (ENDED, said("complete", remains=0), []),
        (ENDED, said("Completed", 250_000, remains=0), [Kind.REFUND]),
        (ENDED, said("Completed", 600_000, remains=0), [Kind.LATE_CHANGE]),
        (ENDED, said("In progress"), [Kind.LATE_CHANGE]),
        (ENDED, said("Canceled", 0, remains=1000), [Kind.LATE_CHANGE, Kind.REFUND]),
        (ENDED, said("Queued"), [Kind.LATE_CHANGE]),
    ],
)
def test_what_staff_are_told(row: Followed, told: UpstreamStatus, kinds_told: list[Kind | None]) -> None:
    assert kinds(heard(row, told)) == kinds_told


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        (said("Completed", 500_000, remains=0), 500_000),
        (said("Completed", 500_009, remains=0), 500_000),
        (said("Completed", None, remains=0), 500_000),
        (said("Completed", 700_000, remains=0), 700_000),
        (said("Partial", 350_000, remains=300), 350_000),
        (said("Partial", None, remains=300), 350_000),
        (said("Partial", 499_500, remains=1), 499_500),
        (said("Partial", None, remains=-2), 500_000),
        (said("Partial", None, remains=10_000), 0),
        (said("Canceled", 0, remains=1000), 0),
        (said("Canceled", None, remains=None), 0),
        (said("Canceled", 120_000, remains=1000), 120_000),
        # While it goes on it costs what was expected, whatever it says.
        (said("In progress", 700_000), 500_000),
        (said("Failed", 0), 500_000),
    ],
)
def test_what_an_order_has_cost(told: UpstreamStatus, cost: int) -> None:
    assert heard(UNDER_WAY._replace(reported_micros=None), told).cost_micros == cost


@pytest.mark.parametrize(
    ("word", "confirms"),
    [("Pending", True), ("In progress", True), ("Completed", True), ("Awaiting moderation", False), ("Failed", False)],
)
def test_only_a_state_that_is_known_shows_whose_an_id_is(word: str, confirms: bool) -> None:
    found = heard(UNDER_WAY._replace(confirmed_at=None, word=""), said(word, 700_000))
    assert (found.confirmed_at is not None) is confirms
    later = heard(UNDER_WAY._replace(confirmed_at=found.confirmed_at, word=word), said("In progress", 700_000))
    assert later.tells_odd_charge


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        (said("Canceled", None, remains=1000), 0),
        (said("Partial", None, remains=300), 350_000),
        (said("Completed", None, remains=0), 700_000),
    ],
)
def test_what_was_charged_before_a_refund_says_nothing_of_what_is_left(told: UpstreamStatus, cost: int) -> None:
    assert heard(UNDER_WAY._replace(reported_micros=700_000), told).cost_micros == cost


def test_a_charge_in_another_currency_says_nothing() -> None:
    found = update_from(
        UNDER_WAY._replace(reported_micros=None), said("Completed", 99, remains=0), "EUR", NOW, seeded(1)
    )
    assert (found.reported_micros, found.cost_micros, kinds(found)) == (None, 500_000, [])


def test_what_ended_is_ended_once_and_costs_nothing_more() -> None:
    found = heard(ENDED, said("Partial", 100, remains=900))
    assert (found.finished_at, found.cost_micros, found.report) == (ENDED.finished_at, 500_000, None)


@pytest.mark.parametrize(
    ("misses", "age", "is_disowned", "kinds_told"),
    [
        (0, timedelta(hours=1), False, []),
        (3, timedelta(hours=1), False, []),
        (4, timedelta(minutes=14), False, []),
        (4, WINDOW, True, []),
        (9, WINDOW, True, []),
    ],
)
def test_an_id_that_never_answered_as_ours_is_given_up(
    misses: int, age: timedelta, is_disowned: bool, kinds_told: list[Kind]
) -> None:
    found = miss(NEW._replace(misses=misses, placed_at=NOW - age), WINDOW, NOW)
    assert (found.is_disowned, kinds(found), found.report, found.finished_at) == (is_disowned, kinds_told, None, None)


@pytest.mark.parametrize(("misses", "kinds_told"), [(0, []), (1, []), (2, [Kind.NOT_FOUND]), (3, []), (500, [])])
def test_one_that_was_there_is_never_given_up_and_staff_are_told_once(misses: int, kinds_told: list[Kind]) -> None:
    found = miss(UNDER_WAY._replace(misses=misses), WINDOW, NOW)
    assert (found.is_disowned, kinds(found), found.report, found.misses) == (False, kinds_told, None, misses + 1)
    assert found.ask_at is not None


def due(row: Followed) -> Due:
    """The same order, as it is read to be asked about."""
    is_met = row.confirmed_at is not None and row.asked_at is not None
    is_plain = row.kind == "single" and is_met and not row.misses and row.finished_at is None
    shared = row._asdict() | {"is_plain": is_plain}
    return Due(**{name: shared[name] for name in Due._fields})


words = st.sampled_from(
    ["Pending", "Processing", "In progress", "Completed", "Partial", "Canceled", "Failed", "Queued"]
)
numbers = st.none() | st.integers(-LARGEST_WHOLE, LARGEST_WHOLE)
amounts = st.none() | st.integers(0, LARGEST_MICROS)
rows = st.sampled_from([NEW, UNDER_WAY, ENDED, UNDER_WAY._replace(order_status="Canceled"), NEW._replace(quantity=0)])


@given(row=rows, word=words, charge=amounts, start=numbers, remains=numbers)
def test_whatever_is_said_the_cost_is_sound_and_only_a_first_end_ends(
    row: Followed, word: str, charge: int | None, start: int | None, remains: int | None
) -> None:
    found = heard(row, said(word, charge, start, remains))
    ends = row.finished_at is None and found.finished_at is not None
    assert ends == (
        row.finished_at is None and read_status(word) in FINAL and not (word == "Partial" and remains is None)
    )
    assert 0 <= found.cost_micros <= LARGEST_MICROS
    assert ends or found.cost_micros == row.cost_micros
    assert found.report is None or found.report.status in (*FINAL, Status.IN_PROGRESS)
    assert (found.ask_at is None) == (row.finished_at is not None and NOW - row.finished_at >= timedelta(days=7))
    assert not isinstance(read_status(word), UnknownStatus) or found.report is None
    assert found.misses == 0


@given(
    row=rows,
    word=words,
    charge=st.sampled_from([None, 0, 500_000, 700_000]),
    start=st.sampled_from([None, 0, 10]),
    remains=st.sampled_from([None, 0, 600]),
    misses=st.sampled_from([0, 1]),
)
def test_an_order_that_only_gets_on_tells_its_counts_and_nothing_else(
    row: Followed, word: str, charge: int | None, start: int | None, remains: int | None, misses: int
) -> None:
    row = row._replace(misses=misses)
    told = said(word, charge, start, remains)
    found = get_on(due(row), told, "USD", NOW, seeded(1))
    if found is not None:
        whole = heard(row, told)
        assert whole.ask_at == NOW + timedelta(seconds=found.wait_seconds)
        counts = whole.word, whole.start_count, whole.remains, whole.reported_micros
        before = row.word, row.start_count, row.remains, row.reported_micros
        assert (found.counts, found.report) == (None if counts == before else counts, whole.report)
        assert (whole.remarks, whole.finished_at, whole.is_disowned, whole.misses) == ([], None, False, 0)
        assert (whole.cost_micros, whole.confirmed_at) == (row.cost_micros, row.confirmed_at)
        assert found.report is None or (found.report.status, found.report.note) == (row.order_status, NOTHING)


@pytest.mark.parametrize(
    ("row", "told", "gets_on"),
    [
        (UNDER_WAY, said("In progress"), True),
        (UNDER_WAY, said("In progress", remains=599), True),
        (UNDER_WAY, said("In progress", start=11), True),
        (UNDER_WAY, said("In progress", charge=None), True),
        (UNDER_WAY, said("In progress", charge=700_000), False),
        (UNDER_WAY, said("Pending"), False),
        (UNDER_WAY._replace(order_status="Processing", word="Pending"), said("Pending"), True),
        (UNDER_WAY._replace(order_status="Processing", word="Pending"), said("In progress"), False),
        (UNDER_WAY._replace(misses=1), said("In progress"), False),
        (UNDER_WAY._replace(confirmed_at=None), said("In progress"), False),
        (UNDER_WAY._replace(word="Failed"), said("Failed"), False),
        (UNDER_WAY, said("Completed", remains=0), False),
        (ENDED, said("Completed", remains=0), False),
    ],
)
def test_which_answers_are_no_more_than_that(row: Followed, told: UpstreamStatus, gets_on: bool) -> None:
    assert (get_on(due(row), told, "USD", NOW, seeded(1)) is not None) is gets_on


def asked_in(row: Followed, told: UpstreamStatus) -> timedelta:
    found = heard(row, told)
    assert found.ask_at is not None
    return found.ask_at - NOW


def test_one_that_failed_is_asked_about_seldom_and_one_near_its_end_soon() -> None:
    before = UNDER_WAY._replace(asked_at=NOW - timedelta(minutes=10))
    assert asked_in(before, said("Failed")) == timedelta(hours=1)
    assert asked_in(before, said("In progress", remains=590)) > timedelta(minutes=10)
    assert asked_in(before, said("In progress", remains=5)) == timedelta(seconds=30)
    assert asked_in(before, said("Completed", remains=0)) == timedelta(hours=1)
