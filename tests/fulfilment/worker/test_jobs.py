"""The worker: does what is due, survives its jobs and the database, stops when told."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from structlog.testing import capture_logs

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.clock import seeded
from sutler.fulfilment.worker.jobs import JOBS, work
from sutler.orders.models import Order, Subscription
from sutler.orders.subscriptions import report_post
from sutler.storage.transactions import Busy, CommitUnclear
from tests.conftest import NOW, make_customer, make_service
from tests.orders.ordering import placed

pytestmark = pytest.mark.postgresql


class Course:
    """A clock that a pass moves on by a minute, and that sets the stop when the course is over."""

    def __init__(self, minutes: int) -> None:
        self.at = NOW
        self.end = NOW + timedelta(minutes=minutes)
        self.stop = threading.Event()

    def now(self) -> datetime:
        at, self.at = self.at, self.at + timedelta(minutes=1)
        if at >= self.end:
            self.stop.set()
        return at

    def monotonic(self) -> float:
        return (self.at - NOW).total_seconds()


def worked(jobs: list[Callable[[datetime], int]]) -> list[dict[str, Any]]:
    """What the worker logs over ten passes with these jobs."""
    course = Course(10 * len(jobs))
    with capture_logs() as logs:
        work(course, seeded(1), course.stop, 0.0001, jobs)
    return [dict(each) for each in logs]


def failing(error: Exception, passes: set[int]) -> Callable[[datetime], int]:
    """A job that raises in these of its passes, counted from 0."""
    seen: list[datetime] = []

    def job(now: datetime) -> int:
        seen.append(now)
        if len(seen) - 1 in passes:
            raise error
        return 0

    return job


def due(now: datetime) -> int:
    """How much one pass finds due, and does."""
    return sum(job(now) for job in JOBS)


def test_a_pass_does_all_that_is_due(alice: Customer, service: Service) -> None:
    drip_feed = placed(alice, service, quantity=100, runs=2, interval=10)
    likes = make_service(type="Subscriptions")
    fields: dict[str, Any] = {"username": "someone", "min": 100, "max": 100, "delay": 0}
    wanted, expired = placed(alice, likes, **fields), placed(alice, likes, **fields, expiry="21/11/2026")
    report_post(wanted.pk, "https://example.com/1", NOW, seeded(1), "executor")
    assert due(NOW) == 4  # of two it is decided that they run here
    assert set(Order.objects.filter(parent__isnull=False).values_list("parent", flat=True)) == {drip_feed.pk, wanted.pk}
    assert due(NOW + timedelta(days=1)) == 2
    assert Subscription.objects.get(order=expired).ended_at is not None
    assert due(NOW + timedelta(days=1)) == 0


def test_the_loop_follows_the_clock(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, quantity=100, runs=3, interval=10)
    course = Course(70)
    work(course, seeded(1), course.stop, 0.0001)
    ages = [each.created_at - NOW for each in Order.objects.filter(parent=parent).order_by("pk")]
    assert [age // timedelta(minutes=10) for age in ages] == [0, 1, 2]


def test_a_job_that_fails_is_logged_each_time_and_the_others_go_on() -> None:
    done: list[datetime] = []

    def other(now: datetime) -> int:
        done.append(now)
        return 0

    logs = worked([failing(ValueError("a bug"), {0, 1}), other])
    assert [(each["event"], each["log_level"]) for each in logs] == [("worker.job_failed", "error")] * 2
    assert len(done) > 2


@pytest.mark.parametrize("error", [Busy("locked"), CommitUnclear(), OperationalError("locked"), InterfaceError()])
def test_a_busy_database_is_said_once_until_it_has_passed(error: Exception) -> None:
    logs = worked([failing(error, {0, 1, 2, 5})])
    said = ("worker.waits_for_the_database", "warning", "job")
    assert [(each["event"], each["log_level"], each["job"]) for each in logs] == [said, said]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file has no connection to lose")
@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_opened_again() -> None:
    parent = placed(make_customer("Alice"), make_service(), quantity=100, runs=2, interval=10)
    connection.connection.close()
    course = Course(9)
    with capture_logs() as logs:
        work(course, seeded(1), course.stop, 0.0001)
    assert [each["event"] for each in logs] == ["worker.waits_for_the_database"]
    assert Order.objects.filter(parent=parent).count() == 1


def test_work_goes_on_at_once_while_there_is_some() -> None:
    left = [3]

    def job(_: datetime) -> int:
        if left[0] == 0:
            course.stop.set()
            return 0
        left[0] -= 1
        return 1

    course = Course(60)
    work(course, seeded(1), course.stop, 3600, [job])
    assert left == [0]


def test_it_stops_out_of_its_wait_when_told() -> None:
    stop, passed = threading.Event(), threading.Event()
    job = failing(ValueError(), set())

    def watched(now: datetime) -> int:
        passed.set()
        return job(now)

    thread = threading.Thread(target=work, args=(Course(60), seeded(1), stop, 3600, [watched]))
    thread.start()
    assert passed.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_once_told_to_stop_it_begins_no_pass() -> None:
    course = Course(60)
    course.stop.set()
    work(course, seeded(1), course.stop, 0.0001, [failing(AssertionError(), {0})])
    assert course.at == NOW


class StandingClock(Course):
    def monotonic(self) -> float:
        return 0.0


def test_after_a_pass_without_work_a_change_is_waited_for() -> None:
    course, marks = StandingClock(100), iter([0, 0, 0, 1, 1, 1, 1])
    looks: list[object] = []

    def mark() -> object:
        looks.append(next(marks))
        return looks[-1]

    passes: list[int] = []

    def job(_: datetime) -> int:
        passes.append(len(looks))
        if len(passes) == 3:
            course.stop.set()
        return int(len(passes) == 2)

    work(course, seeded(1), course.stop, 0.0001, [job], mark)
    assert passes == [1, 5, 6]  # one more look after the change; a pass that did something is followed at once
