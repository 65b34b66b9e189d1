"""Unknown outcomes are settled: what was made is found, what was not is proven absent, the rest is for staff."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.event_texts import cause_text
from sutler.core.lifecycle import Status
from sutler.core.money import Micros
from sutler.fulfilment.models import (
    Alarm,
    Attempt,
    DeskOrder,
    Orphan,
    Provider,
    ProviderMinute,
    ProviderState,
    UpstreamOrder,
)
from sutler.fulfilment.providers import ledger
from sutler.fulfilment.reconciling import evidence, reconcile
from sutler.fulfilment.reconciling.id_scan import Scan
from sutler.orders import cancel
from sutler.orders.models import Order
from sutler.panels.results import Accepted, Balance, UpstreamStatus
from sutler.simulator.panel import Order as TheirOrder
from tests.conftest import NOW
from tests.fulfilment.upstream import alarms
from tests.fulfilment.upstream_world import TIMED_OUT, World, claim, plan_all, send, settle, states, there, world
from tests.orders.ordering import demand_sound_books, notes, placed, transfers

pytestmark = pytest.mark.postgresql

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def one(service: Service) -> Iterator[World]:
    """A world whose provider has confirmed an order and whose books agree with it."""
    with world(service) as found:
        ledger.open_with(found.provider, 10_000_000_000, NOW)
        ProviderState.objects.update(gap_micros=0)
        yield found


def settled(alice: Customer, one: World, link: str = "known") -> Order:
    """An order that the provider has accepted and confirmed."""
    order = placed(alice, one.service, one.now(), link=f"https://example.com/{link}")
    one.lie()
    one.live(20)
    one.look(300)
    assert there(order).confirmed_at is not None
    return order


def lost(alice: Customer, one: World, fault: str, link: str = "lost", quantity: int = 1000) -> Order:
    """An order whose answer was lost."""
    settled(alice, one)
    order = placed(alice, one.service, one.now(), link=f"https://example.com/{link}", quantity=quantity)
    one.lie(**{fault: 1.0}, created_late_seconds=200.0, only=frozenset({"add"}))
    one.live(130)
    assert states(order) == ["unknown"]
    one.lie()
    return order


def theirs(one: World, order: Order) -> list[TheirOrder]:
    return one.upstream.orders_for(order.link)


def attempt(order: Order) -> Attempt:
    return Attempt.objects.filter(order=order).earliest("pk")


@pytest.mark.parametrize("fault", ["answer_lost", "created_late"])
def test_what_was_made_is_found_after_the_settle_window_and_never_made_again(
    alice: Customer, one: World, fault: str
) -> None:
    order = lost(alice, one, fault)
    one.look(12 * 60)
    assert states(order) == ["unknown"]
    one.look(10 * 60)
    assert states(order) == ["accepted"]
    assert there(order).upstream_id == theirs(one, order)[0].id
    one.live(60)
    assert len(theirs(one, order)) == 1
    assert not Orphan.objects.exists()
    demand_sound_books()


def test_what_was_not_made_is_absent_once_a_later_id_is_known_and_is_then_sent_again(
    alice: Customer, one: World
) -> None:
    order = lost(alice, one, "request_lost")
    one.look(HOUR.total_seconds())
    assert states(order) == ["unknown"]
    settled(alice, one, "later")
    one.look(20 * 60)
    assert states(order)[0] == "absent"
    one.live(20)
    assert (states(order), len(theirs(one, order))) == (["absent", "accepted"], 1)
    demand_sound_books()


@pytest.mark.long
def test_a_cancel_that_was_kept_is_honoured_after_absent(alice: Customer, one: World) -> None:
    order = lost(alice, one, "request_lost")
    cancel.request_cancels(alice.pk, [order.pk], one.now())
    one.look(20 * 60)
    settled(alice, one, "later")
    one.look(20 * 60)
    order.refresh_from_db()
    assert (states(order), order.status, theirs(one, order)) == (["absent"], "Canceled", [])
    assert transfers(order) == {f"order:{order.pk}": order.charge_micros, f"return:{order.pk}": order.charge_micros}
    demand_sound_books()


@pytest.mark.long
def test_without_a_later_order_staff_decide_after_a_day(alice: Customer, one: World) -> None:
    order = lost(alice, one, "request_lost")
    one.look(20 * 60)
    one.skip(23 * 3600)
    one.look(600)
    assert states(order) == ["unknown"]
    one.look(3600)
    assert states(order) == ["staff"]
    assert alarms(Alarm.Kind.VERDICT) == [f"order {order.pk}"]
    assert "Staff must say" in notes(order.pk)[-1]


class TestRefusedInUnknownWords:
    """A presumption that nothing was placed: judged sooner, never without proof."""

    def refused(self, alice: Customer, one: World, fault: str = "unclear_error", done: float = 0.0) -> Order:
        settled(alice, one)
        order = placed(alice, one.service, one.now(), link="https://example.com/refused")
        one.lie(**{fault: 1.0}, done_share=done, created_late_seconds=290.0, only=frozenset({"add"}))
        one.live(10)
        assert states(order) == ["unknown"]
        assert attempt(order).refusal
        one.lie()
        return order

    def test_once_a_later_id_is_known_it_is_absent_long_before_the_settle_window(
        self, alice: Customer, one: World
    ) -> None:
        order = self.refused(alice, one)
        one.look(5 * 60)
        settled(alice, one, "later")
        one.look(5 * 60)
        assert states(order) == ["absent"]
        assert one.now() - NOW < timedelta(minutes=25)
        order.refresh_from_db()
        assert order.status == "Pending"

    @pytest.mark.long
    def test_then_its_route_is_spent_and_without_another_it_waits_at_the_desk(
        self, alice: Customer, one: World
    ) -> None:
        order = self.refused(alice, one)
        one.look(5 * 60)
        settled(alice, one, "later")
        one.look(5 * 60)
        one.live(600)
        assert states(order) == ["absent"]
        assert DeskOrder.objects.get().order_id == order.pk
        assert theirs(one, order) == []

    @pytest.mark.parametrize(("fault", "done"), [("unclear_error", 1.0), ("refused_late", 0.0)])
    def test_what_was_made_all_the_same_is_found(self, alice: Customer, one: World, fault: str, done: float) -> None:
        order = self.refused(alice, one, fault, done)
        one.look(5 * 60)
        settled(alice, one, "later")
        one.look(20 * 60)
        assert states(order) == ["accepted"]
        assert there(order).upstream_id == theirs(one, order)[0].id
        demand_sound_books()

    def test_without_a_later_order_staff_decide_after_a_day(self, alice: Customer, one: World) -> None:
        order = self.refused(alice, one)
        one.skip(24 * 3600)
        one.look(300)
        assert states(order) == ["staff"]

    def test_an_order_sent_before_that_is_no_end_of_its_window(self, alice: Customer, one: World) -> None:
        order = self.refused(alice, one)
        settled(alice, one, "soon")
        one.look(20 * 60)
        assert states(order) == ["unknown"]


@pytest.mark.long
def test_the_looks_go_on_while_a_later_order_is_waited_for_and_the_page_says_so(alice: Customer, one: World) -> None:
    order = lost(alice, one, "request_lost")
    one.look(10 * 60)
    known = evidence.of(order.pk, one.now())
    assert known is not None
    assert (known.ripe_at is not None and known.ripe_at > one.now(), known.waits_for_later_order) == (True, False)
    for _ in range(6):
        one.look(300)
        known = evidence.of(order.pk, one.now())
        assert known is not None
        assert known.waits_for_later_order == (known.ripe_at is not None and known.ripe_at <= one.now())
        looked_at = datetime.fromisoformat(known.looked["looked_at"])
        assert one.now() - looked_at <= timedelta(minutes=10)
    settled(alice, one, "later")
    one.look(10 * 60)
    assert states(order)[0] == "absent"


class Case:
    """One unknown outcome, judged by what a look found. The floor is 100, an order with id 200 was sent later."""

    def __init__(self, alice: Customer, one: World, **provider: Any) -> None:
        ProviderState.objects.update(highest_id=100)
        Provider.objects.update(**provider)
        self.provider = one.provider
        self.order = placed(alice, one.service)
        self.claimed = send(self.order, TIMED_OUT)
        self.now = NOW + 20 * MINUTE

    def later(self, alice: Customer, one: World, upstream_id: str = "200") -> None:
        """An order sent after the settle window, confirmed."""
        order = placed(alice, one.service, link="https://example.com/later", quantity=300)
        send(order, Accepted(upstream_id), NOW + 16 * MINUTE)
        UpstreamOrder.objects.update(confirmed_at=NOW + 17 * MINUTE)

    @property
    def why(self) -> str:
        """The reason that stands beside the state."""
        return cause_text(Attempt.objects.filter(order=self.order).order_by("pk")[0].cause)

    def look(self, *charges: int, whole: bool = True, missing: int | None = 0) -> str:
        """Decides by a look at which orders 150, 151, ... with these charges answered; returns the state then."""
        Attempt.objects.filter(state="unknown").update(due_at=self.now)
        docket = reconcile.read_docket(self.provider.pk, self.now)
        found = {
            150 + number: UpstreamStatus(Status.PENDING, "Pending", Micros(each)) for number, each in enumerate(charges)
        }
        held = ledger.book_balance_micros(self.provider.pk)
        said = None if missing is None else Balance(Micros(held - missing), "USD")
        reconcile.decide(self.provider.pk, docket, Scan(found, whole), said, self.now)
        self.now += MINUTE
        return states(self.order)[0]


@pytest.fixture
def case(alice: Customer, one: World) -> Case:
    return Case(alice, one)


class TestAbsent:
    @pytest.fixture(autouse=True)
    def _later(self, alice: Customer, one: World, case: Case) -> None:
        case.later(alice, one)

    def test_takes_two_whole_scans_where_the_balance_agrees(self, case: Case) -> None:
        assert [case.look(), case.look()] == ["unknown", "absent"]

        assert case.why.endswith("and the balance agrees")

    def test_takes_three_where_the_balance_says_nothing(self, case: Case) -> None:
        assert [case.look(missing=None) for _ in range(3)] == ["unknown", "unknown", "absent"]
        assert case.why.endswith("asked about again and again")

    def test_is_never_said_against_the_balance(self, case: Case) -> None:
        assert {case.look(missing=500_000) for _ in range(10)} == {"unknown"}
        case.now = NOW + 25 * HOUR
        assert case.look(missing=500_000) == "staff"
        assert "less is left at the provider" in case.why

    def test_begins_anew_after_a_scan_with_a_hole(self, case: Case) -> None:
        looks = [case.look(), case.look(whole=False), case.look(), case.look()]
        assert looks == ["unknown", "unknown", "unknown", "absent"]

    def test_is_never_said_while_an_unexplained_order_is_there(self, case: Case) -> None:
        assert {case.look(123) for _ in range(10)} == {"unknown"}
        case.now = NOW + 3 * HOUR
        assert case.look() == "staff"  # the orphan stays, though it was not told of again


def test_without_a_floor_or_a_ceiling_there_is_no_proof(alice: Customer, one: World, case: Case) -> None:
    assert {case.look() for _ in range(5)} == {"unknown"}
    Attempt.objects.update(floor_id=0)
    case.later(alice, one)
    assert {case.look() for _ in range(5)} == {"unknown"}
    case.now = NOW + 25 * HOUR
    assert case.look() == "staff"


def test_ids_that_do_not_rise_are_no_proof(alice: Customer, one: World, case: Case) -> None:
    case.later(alice, one, "99")
    assert {case.look() for _ in range(5)} == {"unknown"}


def test_a_window_too_wide_is_none(alice: Customer, one: World, case: Case) -> None:
    case.later(alice, one, str(101 + reconcile.MOST_IDS))
    assert {case.look() for _ in range(5)} == {"unknown"}


class TestFound:
    def test_one_order_with_the_charge_is_ours(self, case: Case) -> None:
        assert case.look(500_000) == "accepted"
        assert there(case.order).upstream_id == "150"

    def test_also_where_it_shows_less_by_now_than_as_it_was_first_seen(self, case: Case) -> None:
        case.now = NOW + 4 * MINUTE
        assert case.look(500_000) == "unknown"
        case.now = NOW + 20 * MINUTE
        assert case.look(100_000) == "accepted"

    def test_two_that_fit_are_for_staff_after_two_hours(self, case: Case) -> None:
        assert case.look(500_000, 500_000) == "unknown"
        case.now = NOW + 2 * HOUR
        assert case.look(500_000, 500_000) == "staff"
        assert attempt(case.order).evidence is not None
        assert [each["id"] for each in attempt(case.order).evidence["orphans"]] == [150, 151]  # type: ignore[index]

    def test_an_attempt_on_the_way_is_a_rival(self, alice: Customer, one: World, case: Case) -> None:
        placed(alice, one.service, link="https://example.com/rival")
        plan_all()
        [rival] = claim(case.provider)
        assert case.look(500_000) == "unknown"
        Attempt.objects.filter(pk=rival.attempt_id).update(state="declined")
        assert case.look(500_000) == "accepted"

    def test_before_the_window_is_over_nothing_is_decided(self, alice: Customer, one: World, case: Case) -> None:
        case.now = NOW + 14 * MINUTE
        assert case.look(500_000) == "unknown"

    @pytest.mark.parametrize(
        ("provider", "found"),
        [({"is_shared": True}, [500_000]), ({"may_scan": False}, [500_000]), ({"may_scan": False}, [])],
    )
    def test_where_people_share_the_account_or_ids_may_not_be_asked_staff_decide(
        self, case: Case, provider: dict[str, bool], found: list[int]
    ) -> None:
        Provider.objects.update(**provider)
        assert case.look(*found) == "staff"


def test_a_late_answer_between_the_look_and_the_verdict_wins(alice: Customer, one: World, case: Case) -> None:
    Attempt.objects.update(due_at=case.now)
    docket = reconcile.read_docket(case.provider.pk, case.now)
    settle(case.claimed, Accepted("160"), case.now)
    reconcile.decide(case.provider.pk, docket, Scan({}, True), None, case.now)
    assert (states(case.order), there(case.order).upstream_id) == (["accepted"], "160")
    assert alarms() == []


def test_ids_of_known_orders_are_not_asked_about_and_are_no_orphans(alice: Customer, one: World, case: Case) -> None:
    case.later(alice, one)
    send(placed(alice, one.service, link="https://example.com/early", quantity=400), Accepted("150"), NOW)
    Attempt.objects.update(due_at=case.now)
    docket = reconcile.read_docket(case.provider.pk, case.now)
    assert docket.ids == (*range(101, 150), *range(151, 200))
    assert case.look(500_000) == "unknown"
    assert not Orphan.objects.exists()


def test_the_window_is_ten_times_the_slowest_usual_answer(one: World) -> None:
    assert reconcile.settle_window(one.provider, NOW) == 15 * MINUTE
    slow = {"calls": 2, "total_milliseconds": 200_000}
    ProviderMinute.objects.create(provider=one.provider, minute=NOW - HOUR, **slow)
    assert reconcile.settle_window(one.provider, NOW) == timedelta(seconds=1000)
    # No answer takes longer than it is waited for: more is the sleep of a worker.
    ProviderMinute.objects.update(total_milliseconds=100_000_000)
    assert reconcile.settle_window(one.provider, NOW) == timedelta(seconds=1200)
    assert reconcile.settle_window(one.provider, NOW + 24 * HOUR) == 15 * MINUTE


def test_looks_come_soon_then_at_the_end_of_the_window(alice: Customer, one: World, case: Case) -> None:
    case.now = NOW + MINUTE
    looked = []
    while case.now < NOW + 30 * MINUTE:
        looked.append((case.now - NOW) / MINUTE)
        case.look()
        due = attempt(case.order).due_at
        assert due is not None
        case.now = due
    assert looked[:5] == [1, 4, 8, 15, pytest.approx(16.875)]
