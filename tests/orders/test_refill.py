"""Refills: who may ask when, what becomes of them, and that two who ask at once get one."""

from datetime import datetime, timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.lifecycle import REFILL_MOVES, RefillStatus, Status
from sutler.core.refusals import Reason, Refusal
from sutler.orders.models import Order, Refill
from sutler.orders.refill import look_up, report, request_refills
from tests.conftest import NOW, make_customer, make_service
from tests.orders.ordering import at_once, notes, placed, reported

pytestmark = pytest.mark.postgresql

NOT_AVAILABLE = Refusal(Reason.REFILL_NOT_AVAILABLE)
INCORRECT = Refusal(Reason.INCORRECT_ORDER)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + DAY


def completed(customer: Customer, service: Service, at: datetime = NOW) -> Order:
    order = placed(customer, service)
    reported(order, Status.COMPLETED, at)
    return order


def opened(customer: Customer, order: Order, at: datetime = LATER) -> int:
    answer = request_refills(customer.pk, [order.pk], at)[0]
    assert isinstance(answer, int), answer
    return answer


def test_a_completed_order_gets_a_refill(alice: Customer, service: Service) -> None:
    order = completed(alice, service)
    refill = Refill.objects.get(pk=opened(alice, order))
    assert (refill.order_id, refill.status, refill.requested_at, refill.finished_at) == (
        order.pk,
        "Pending",
        LATER,
        None,
    )


@pytest.mark.parametrize("status", [None, *Status])
def test_only_a_completed_order_gets_one(alice: Customer, service: Service, status: Status | None) -> None:
    order = placed(alice, service)
    if status not in {None, Status.PENDING}:
        assert status is not None
        reported(order, status)
    is_refused = request_refills(alice.pk, [order.pk], LATER) == [NOT_AVAILABLE]
    assert is_refused == (status is not Status.COMPLETED)


def test_a_service_without_refill_has_none(alice: Customer) -> None:
    order = completed(alice, make_service(refill=False))
    assert request_refills(alice.pk, [order.pk], LATER) == [NOT_AVAILABLE]


@pytest.mark.parametrize(
    ("days", "wait_hours", "age", "may"),
    [
        (30, 24, DAY, True),
        (30, 24, DAY - timedelta(microseconds=1), False),
        (30, 0, timedelta(0), True),
        (30, 24, 30 * DAY, True),
        (30, 24, 30 * DAY + timedelta(microseconds=1), False),
        (None, 24, 9000 * DAY, True),
        (2**31 - 1, 24, 9000 * DAY, True),
        (30, 2**31 - 1, 29 * DAY, False),
        (0, 0, timedelta(0), True),
        (0, 0, timedelta(microseconds=1), False),
    ],
)
def test_the_guarantee_and_the_wait_bound_the_time(
    alice: Customer, days: int | None, wait_hours: int, age: timedelta, may: bool
) -> None:
    order = completed(alice, make_service(refill_days=days, refill_wait_hours=wait_hours))
    answer = request_refills(alice.pk, [order.pk], NOW + age)[0]
    assert isinstance(answer, int) is may


def test_an_open_refill_stands_in_the_way_of_another(alice: Customer, service: Service) -> None:
    order = completed(alice, service)
    number = opened(alice, order)
    assert request_refills(alice.pk, [order.pk], LATER + 9 * DAY) == [NOT_AVAILABLE]
    report([(number, RefillStatus.IN_PROGRESS)], "executor", LATER)
    assert request_refills(alice.pk, [order.pk], LATER + 9 * DAY) == [NOT_AVAILABLE]


@pytest.mark.parametrize("outcome", [RefillStatus.COMPLETED, RefillStatus.REJECTED])
def test_after_a_refill_the_wait_begins_again(alice: Customer, service: Service, outcome: RefillStatus) -> None:
    order = completed(alice, service)
    number, ended = opened(alice, order), LATER + 5 * HOUR
    report([(number, outcome)], "executor", ended)
    assert request_refills(alice.pk, [order.pk], ended + 23 * HOUR) == [NOT_AVAILABLE]
    assert opened(alice, order, ended + 24 * HOUR) > number


def test_each_of_a_list_stands_alone_in_the_order_given(alice: Customer, bob: Customer, service: Service) -> None:
    first, second, foreign = (completed(each, service) for each in (alice, alice, bob))
    unfinished = placed(alice, service)
    asked = [second.pk, foreign.pk, unfinished.pk, 2**31 - 1, first.pk]
    one, *others, other = request_refills(alice.pk, asked, LATER)
    assert others == [INCORRECT, NOT_AVAILABLE, INCORRECT]
    assert dict(Refill.objects.values_list("order", "pk")) == {second.pk: one, first.pk: other}
    assert request_refills(alice.pk, [], LATER) == []


def test_an_owner_sees_how_a_refill_stands_and_nobody_else(alice: Customer, bob: Customer, service: Service) -> None:
    mine, theirs = opened(alice, completed(alice, service)), opened(bob, completed(bob, service))
    report([(theirs, RefillStatus.REJECTED)], "executor", LATER)
    asks = [(bob.pk, theirs), (bob.pk, mine), (alice.pk, mine), (alice.pk, 2**31 - 1), (alice.pk, mine)]
    pending, rejected = RefillStatus.PENDING, RefillStatus.REJECTED
    assert look_up(asks) == [rejected, None, pending, None, pending]
    assert look_up([]) == []


@pytest.mark.parametrize("target", RefillStatus)
@pytest.mark.parametrize("source", RefillStatus)
def test_only_the_moves_of_the_table_are_made(
    alice: Customer, service: Service, source: RefillStatus, target: RefillStatus
) -> None:
    order = completed(alice, service)
    refill = Refill.objects.create(order=order, customer_id=alice.pk, status=source, requested_at=NOW)
    answer = report([(refill.pk, target)], "executor", LATER)[0]
    refill.refresh_from_db()
    told = notes(order, actor="executor")
    if target in REFILL_MOVES[source]:
        assert (answer, refill.status) == (None, target)
        assert told == [f"Refill {refill.pk}: {source} -> {target}"]
        assert refill.finished_at == (LATER if target in {RefillStatus.COMPLETED, RefillStatus.REJECTED} else None)
    else:
        assert answer == (None if source is target else Refusal(Reason.MOVE_NOT_ALLOWED))
        assert (refill.status, told) == (source, [])


def test_reports_stand_alone_and_follow_each_other(alice: Customer, service: Service) -> None:
    number = opened(alice, completed(alice, service))
    course = [
        (2**31 - 1, RefillStatus.COMPLETED),
        (number, RefillStatus.IN_PROGRESS),
        (number, RefillStatus.PENDING),
        (number, RefillStatus.COMPLETED),
        (number, RefillStatus.COMPLETED),
    ]
    answers = report(course, "executor", LATER)
    assert answers == [Refusal(Reason.REFILL_NOT_FOUND), None, Refusal(Reason.MOVE_NOT_ALLOWED), None, None]
    assert Refill.objects.get(pk=number).status == "Completed"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_one_gets_a_refill() -> None:
    alice = make_customer("Alice")
    orders = [completed(alice, make_service()).pk for _ in range(3)]
    answers = at_once(*[lambda: request_refills(alice.pk, orders, LATER)] * 4)
    for of_one_order in zip(*answers, strict=True):
        assert sorted(isinstance(each, int) for each in of_one_order) == [False, False, False, True]
        assert {each for each in of_one_order if isinstance(each, Refusal)} == {NOT_AVAILABLE}
    assert Refill.objects.count() == 3
