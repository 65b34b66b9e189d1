"""Reports about orders: every pair of states, the numbers, the money, and lists in which each stands alone."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.events import EventKind, remark
from sutler.core.lifecycle import FINAL, MOVES, CancelStatus, Status
from sutler.core.refusals import Reason, Refusal
from sutler.orders.change import Change
from sutler.orders.models import CancelRequest, LinkInUse, Order, OrderEvent
from sutler.orders.move import Report, recount, report
from tests.conftest import NOW, START_MICROS, make_customer, make_service
from tests.orders.ordering import balance, demand_sound_books, held, moves, placed, reported, transfers

pytestmark = pytest.mark.postgresql

REFUSED = Refusal(Reason.MOVE_NOT_ALLOWED)
# How an order comes to stand in each state.
ROADS: dict[Status, list[Status]] = {
    Status.PENDING: [],
    Status.PROCESSING: [Status.PROCESSING],
    Status.IN_PROGRESS: [Status.IN_PROGRESS],
    Status.COMPLETED: [Status.COMPLETED],
    Status.PARTIAL: [Status.PARTIAL],
    Status.CANCELED: [Status.CANCELED],
}


@pytest.mark.parametrize("target", Status)
@pytest.mark.parametrize("source", Status)
def test_only_the_moves_of_the_table_are_made(
    alice: Customer, service: Service, source: Status, target: Status
) -> None:
    order = placed(alice, service)
    for step in ROADS[source]:
        reported(order, step, remains=400)
    before = moves(order)
    outcome = report([Report(order.pk, target, remains=400)], "executor", NOW)[0]
    order.refresh_from_db()
    if target in MOVES[source]:
        assert isinstance(outcome, Change)
        assert order.status == target
        assert moves(order) == [*before, (source, target)]
    else:
        # Said again, a state is a success that changes nothing.
        assert isinstance(outcome, Change) if source is target else outcome == REFUSED
        assert (order.status, moves(order)) == (source, before)
    assert (order.finished_at == NOW) == (order.status in FINAL)
    demand_sound_books()


@pytest.mark.parametrize(
    ("status", "told", "remains", "settled", "returned"),
    [
        (Status.COMPLETED, None, 0, 900_000, 0),
        (Status.COMPLETED, 300, 0, 900_000, 0),
        (Status.COMPLETED, -30, -30, 900_000, 0),
        (Status.PARTIAL, 157, 157, 758_700, 141_300),
        (Status.PARTIAL, 0, 0, 900_000, 0),
        (Status.PARTIAL, 1000, 1000, 0, 900_000),
        (Status.CANCELED, None, 1000, 0, 900_000),
        (Status.CANCELED, 10, 1000, 0, 900_000),
    ],
)
def test_a_final_report_settles_the_charge(
    alice: Customer, service: Service, status: Status, told: int | None, remains: int, settled: int, returned: int
) -> None:
    order = placed(alice, service)
    report([Report(order.pk, status, remains=told)], "executor", NOW)
    order.refresh_from_db()
    assert (order.remains, order.returned_micros) == (remains, returned)
    expected = {f"order:{order.pk}": 900_000, f"return:{order.pk}": returned, f"settle:{order.pk}": settled}
    assert transfers(order) == {cause: amount for cause, amount in expected.items() if amount}
    assert balance(alice) == START_MICROS - settled
    assert (held("in hand"), held("revenue")) == (0, settled)


@pytest.mark.parametrize("told", [None, -1, 1001, 5000])
@pytest.mark.parametrize("known", [None, 400])
def test_partial_that_does_not_say_what_remains_moves_no_money(
    alice: Customer, service: Service, told: int | None, known: int | None
) -> None:
    order = placed(alice, service)
    reported(order, Status.IN_PROGRESS, remains=known)
    outcome = report([Report(order.pk, Status.PARTIAL, remains=told)], "executor", NOW)[0]
    assert outcome == Refusal(Reason.INCORRECT_FIELD, "remains")
    order.refresh_from_db()
    assert (order.status, order.remains, order.finished_at) == ("In progress", known or 1000, None)
    assert transfers(order) == {f"order:{order.pk}": 900_000}


def test_a_part_given_back_is_rounded_down(alice: Customer) -> None:
    order = placed(alice, make_service(rate_micros=999), quantity=1000)
    reported(order, Status.PARTIAL, remains=333)
    order.refresh_from_db()
    assert order.returned_micros == 332


@pytest.mark.parametrize(
    ("told", "start_count", "remains"),
    [
        ({}, None, 1000),
        ({"start_count": 3572}, 3572, 1000),
        ({"start_count": -1}, 0, 1000),
        ({"remains": 10}, None, 10),
        ({"remains": 1001}, None, 1000),
        ({"remains": -1}, None, 0),
    ],
)
def test_progress_is_kept_within_bounds(
    alice: Customer, service: Service, told: dict[str, Any], start_count: int | None, remains: int
) -> None:
    order = placed(alice, service)
    reported(order, Status.IN_PROGRESS, **told)
    order.refresh_from_db()
    assert (order.start_count, order.remains) == (start_count, remains)


def test_what_a_report_leaves_out_stays_as_it_was(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    reported(order, Status.IN_PROGRESS, start_count=7, remains=400)
    report([Report(order.pk)], "executor", NOW)
    order.refresh_from_db()
    assert (order.status, order.start_count, order.remains) == ("In progress", 7, 400)


def test_a_note_is_kept_with_who_wrote_it(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    report([Report(order.pk, note=remark("held " * 400))], "staff 1", NOW)
    [event] = OrderEvent.objects.filter(order=order)
    assert (event.actor, event.to_status, event.kind) == ("staff 1", None, EventKind.REMARK)
    assert event.data == {"text": ("held " * 400)[:1000]}


def test_each_report_of_a_list_stands_alone(alice: Customer, bob: Customer, service: Service) -> None:
    first, second, third = placed(alice, service), placed(bob, service), placed(alice, service)
    reported(third, Status.COMPLETED)
    outcomes = report(
        [
            Report(third.pk, Status.CANCELED),
            Report(second.pk, Status.CANCELED),
            Report(2**31 - 1, Status.COMPLETED),
            Report(first.pk, Status.PROCESSING),
        ],
        "executor",
        NOW,
    )
    assert outcomes[0] == REFUSED
    assert outcomes[2] == Refusal(Reason.INCORRECT_ORDER)
    assert [each.status for each in (outcomes[1], outcomes[3]) if isinstance(each, Change)] == [
        "Canceled",
        "Processing",
    ]
    assert balance(bob) == START_MICROS
    demand_sound_books()


@pytest.mark.parametrize(
    ("again", "is_refused"),
    [
        ({"status": Status.PARTIAL, "remains": 100}, False),
        ({"status": Status.PARTIAL, "remains": 200}, True),
        ({"status": Status.COMPLETED}, True),
        ({}, True),
    ],
)
def test_an_order_twice_in_a_list_must_be_told_the_same(
    alice: Customer, service: Service, again: dict[str, Any], is_refused: bool
) -> None:
    order = placed(alice, service)
    first = Report(order.pk, Status.PARTIAL, remains=100)
    outcomes = report([first, Report(order.pk, **again)], "executor", NOW)
    order.refresh_from_db()
    assert (outcomes[1] == REFUSED) is is_refused
    assert (order.status, order.remains) == ("Partial", 100)
    assert moves(order) == [("Pending", "Partial")]


@pytest.mark.parametrize(
    ("form", "type_"),
    [
        ({"runs": 3, "interval": 10}, "Default"),
        ({"username": "someone", "min": 100, "max": 200, "delay": 0}, "Subscriptions"),
    ],
)
def test_nobody_reports_a_parent(alice: Customer, form: dict[str, Any], type_: str) -> None:
    order = placed(alice, make_service(type=type_), **form)
    for status in (None, *Status):
        assert report([Report(order.pk, status)], "executor", NOW) == [REFUSED]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.CANCELED, CancelStatus.DONE),
        (Status.PARTIAL, CancelStatus.DONE),
        (Status.COMPLETED, CancelStatus.REJECTED),
    ],
)
def test_the_end_of_an_order_answers_a_request_to_cancel(
    alice: Customer, service: Service, status: Status, outcome: CancelStatus
) -> None:
    order = placed(alice, service)
    reported(order, Status.PROCESSING)
    request = CancelRequest.objects.create(order=order, requested_at=NOW)
    reported(order, status)
    request.refresh_from_db()
    assert (request.status, request.finished_at) == (outcome, NOW)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_the_end_of_an_order_sets_its_link_free(alice: Customer, status: Status) -> None:
    order = placed(alice, make_service(one_active_order_per_link=True))
    assert LinkInUse.objects.filter(order=order).exists()
    reported(order, Status.IN_PROGRESS)
    assert LinkInUse.objects.filter(order=order).exists()
    reported(order, status)
    assert not LinkInUse.objects.filter(order=order).exists()


def test_orders_of_several_currencies_are_settled_in_their_own(alice: Customer, service: Service) -> None:
    from sutler.catalogue.models import ExchangeRate

    ExchangeRate.objects.create(currency="EUR", base=1_080_000, units=1_000_000)
    claire = make_customer("Claire", "EUR")
    orders = [placed(alice, service), placed(claire, service)]
    report([Report(each.pk, Status.COMPLETED) for each in orders], "executor", NOW)
    assert (held("revenue", "USD"), held("revenue", "EUR")) == (900_000, 833_334)


ANY_REPORT = st.builds(
    Report,
    st.just(0),
    st.one_of(st.none(), st.sampled_from(Status)),
    st.one_of(st.none(), st.integers(-10, 2**40)),
    st.one_of(st.none(), st.integers(-(2**40), 2**40)),
    st.text(max_size=5).map(remark),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rate=st.integers(1, 10**7), reports=st.lists(ANY_REPORT, max_size=6))
def test_no_course_of_reports_returns_more_than_was_charged(db: None, rate: int, reports: list[Report]) -> None:
    customer = make_customer(f"Customer {Customer.objects.count()}")
    order = placed(customer, make_service(rate_micros=rate))
    for each in reports:
        report([Report(order.pk, each.status, each.start_count, each.remains)], "executor", NOW)
    order = Order.objects.get(pk=order.pk)
    assert 0 <= order.returned_micros <= order.charge_micros
    assert START_MICROS - balance(customer) == order.charge_micros - order.returned_micros
    demand_sound_books()


@pytest.mark.parametrize(
    ("start_count", "remains"), [(None, None), (5, 40), (-1, -3), (0, 10**12), (None, 0), (7, None)]
)
def test_counts_alone_are_taken_as_any_report_is(
    alice: Customer, service: Service, start_count: int | None, remains: int | None
) -> None:
    one, other = placed(alice, service), placed(alice, service)
    for each in (one, other):
        reported(each, Status.IN_PROGRESS)
    assert recount([Report(one.pk, Status.IN_PROGRESS, start_count, remains)], "executor", NOW) == []
    report([Report(other.pk, Status.IN_PROGRESS, start_count, remains)], "executor", NOW)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.start_count, one.remains) == (other.start_count, other.remains)
    assert moves(one) == moves(other)


@pytest.mark.parametrize("target", [None, Status.PENDING, Status.PROCESSING, Status.COMPLETED])
def test_what_moves_an_order_is_no_recount(alice: Customer, service: Service, target: Status | None) -> None:
    order = placed(alice, service)
    reported(order, Status.IN_PROGRESS)
    told = [Report(order.pk, target, 1, 1)]
    assert recount(told, "executor", NOW) == told
    order.refresh_from_db()
    assert (order.status, order.remains) == (Status.IN_PROGRESS, order.quantity)


def test_a_child_is_not_recounted_without_its_parent(alice: Customer, service: Service) -> None:
    parent, child = placed(alice, service), placed(alice, service)
    Order.objects.filter(pk=child.pk).update(parent=parent, status=Status.IN_PROGRESS)
    told = [Report(child.pk, Status.IN_PROGRESS, 1, 1)]
    assert recount(told, "executor", NOW) == told


def progress_events(order: Order) -> list[int]:
    return list(OrderEvent.objects.filter(order=order, kind=EventKind.PROGRESS).values_list("pk", flat=True))


def test_the_last_change_of_the_counts_is_an_event_until_the_order_ends(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    reported(order, Status.IN_PROGRESS, remains=900)
    assert progress_events(order) == []  # the move says it
    reported(order, Status.IN_PROGRESS, remains=800)
    [first] = progress_events(order)
    recount([Report(order.pk, Status.IN_PROGRESS, 5, 700)], "worker", NOW)
    [second] = progress_events(order)
    assert second > first
    reported(order, Status.IN_PROGRESS, start_count=5, remains=700)
    assert progress_events(order) == [second]
    reported(order, Status.COMPLETED, remains=0)
    assert progress_events(order) == []
