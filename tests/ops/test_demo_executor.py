"""The simulated executor, in simulated time: everything it takes comes to its end, and a restart changes nothing."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.clock import seeded
from sutler.core.lifecycle import FINAL, Status
from sutler.fulfilment.desk import desk
from sutler.ops.demo import executor as executor_module
from sutler.ops.demo.executor import Executor
from sutler.orders import cancel, refill, subscriptions
from sutler.orders.models import CancelRequest, Order, OrderEvent, Post, Refill, Subscription
from tests.conftest import NOW, START_MICROS, make_service
from tests.orders.ordering import balance, demand_sound_books, moves, placed


def moments(seconds: int, start: datetime = NOW) -> list[datetime]:
    """The moments at which the executor steps: one a second, for so many seconds, the first before a second is over."""
    return [start + timedelta(seconds=each + 0.9) for each in range(seconds)]


def let_pass(seconds: int, start: datetime = NOW, make: Callable[[], Executor] | None = None) -> None:
    """Lets time pass with an executor at work; with `make`, with a fresh one for each step."""
    lasting = Executor(seeded(1))
    for moment in moments(seconds, start):
        (make() if make else lasting).step(moment)


def results() -> list[tuple[str, int | None, int]]:
    return list(Order.objects.order_by("pk").values_list("status", "start_count", "remains"))


def test_an_order_goes_through_every_state_within_ten_seconds(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    seen = []
    executor = Executor(seeded(3))
    for moment in moments(10):
        executor.step(moment)
        order.refresh_from_db()
        seen.append(order.status)
    assert list(dict.fromkeys(seen))[:3] == ["Pending", "Processing", "In progress"]
    assert seen[0] == "Pending"
    assert seen[-1] in FINAL
    assert order.start_count is not None
    assert OrderEvent.objects.filter(order=order).values_list("actor", flat=True).distinct().get() == "executor"


def test_orders_end_in_every_way_and_the_books_are_sound(alice: Customer, service: Service) -> None:
    for _ in range(150):
        placed(alice, service)
    let_pass(10)
    ends = Counter("over" if remains < 0 else status for status, _, remains in results())
    assert set(ends) == {"Completed", "Partial", "Canceled", "over"}
    assert ends["Completed"] > 100
    for order in Order.objects.filter(status=Status.PARTIAL):
        assert 0 < order.remains < order.quantity
        assert 0 < order.returned_micros < order.charge_micros
    kept = sum(each.charge_micros - each.returned_micros for each in Order.objects.all())
    assert balance(alice) == START_MICROS - kept
    demand_sound_books()


def test_a_package_is_never_done_in_part(alice: Customer) -> None:
    package = make_service(type="Package", min=1, max=1)
    for _ in range(30):
        placed(alice, package)
    let_pass(10)
    assert Counter(status for status, _, _ in results()).keys() <= {"Completed", "Canceled"}


def test_a_restart_at_any_moment_changes_nothing(alice: Customer, service: Service) -> None:
    for _ in range(20):
        placed(alice, service)
    fates = [Executor(seeded(1)).fate(each.pk, each.quantity) for each in Order.objects.order_by("pk")]
    let_pass(10, make=lambda: Executor(seeded(1)))
    expected = [(each.status, each.start_count, each.remains) for each in fates]
    assert results() == expected
    others = [Executor(seeded(2)).fate(each.pk, each.quantity) for each in Order.objects.order_by("pk")]
    assert others != fates


def test_what_waited_while_it_was_away_is_done_at_once(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    let_pass(3, NOW + timedelta(days=2))
    order.refresh_from_db()
    assert order.status in FINAL
    assert [each for _, each in moves(order)][:2] == ["Processing", "In progress"]


def test_more_than_it_can_do_in_a_step_is_done_in_the_next(
    alice: Customer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "AT_A_TIME", 4)
    for _ in range(10):
        placed(alice, service)
    executor, later = Executor(seeded(1)), NOW + timedelta(minutes=1)
    assert executor.step(later) is True
    assert Order.objects.exclude(status=Status.PENDING).count() == 4
    for _ in range(9):
        executor.step(later)
    assert not Order.objects.exclude(status__in=FINAL).exists()


def test_a_young_order_can_still_be_canceled_at_once(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    Executor(seeded(1)).step(NOW + timedelta(seconds=0.9))
    assert cancel.request_cancels(alice.pk, [order.pk], NOW + timedelta(seconds=0.95)) == [None]
    order.refresh_from_db()
    assert order.status == Status.CANCELED
    assert balance(alice) == START_MICROS


def test_requests_to_cancel_are_answered(alice: Customer, service: Service) -> None:
    orders = [placed(alice, service) for _ in range(40)]
    let_pass(3)
    asked = NOW + timedelta(seconds=3)
    assert cancel.request_cancels(alice.pk, [each.pk for each in orders], asked) == [None] * 40
    Executor(seeded(1)).step(asked)
    answers = Counter(CancelRequest.objects.values_list("status", flat=True))
    assert set(answers) == {"Done", "Rejected"}
    assert answers["Done"] > answers["Rejected"]
    stopped = Counter(Order.objects.filter(status__in=FINAL).values_list("status", flat=True))
    assert set(stopped) == {"Canceled", "Partial"}
    let_pass(8, asked)
    assert not Order.objects.exclude(status__in=FINAL).exists()
    demand_sound_books()


def test_refills_are_answered_within_seconds(alice: Customer) -> None:
    eager = make_service(name="Eager", refill_wait_hours=0)
    orders = [placed(alice, eager) for _ in range(40)]
    let_pass(10)
    asked = NOW + timedelta(seconds=20)
    refill.request_refills(alice.pk, [each.pk for each in orders], asked)
    seen = set()
    for moment in moments(7, asked):
        Executor(seeded(1)).step(moment)
        seen |= set(Refill.objects.values_list("status", flat=True))
    assert seen == {"Pending", "In progress", "Completed", "Rejected"}
    answers = Counter(Refill.objects.values_list("status", flat=True))
    assert set(answers) == {"Completed", "Rejected"}
    assert answers["Completed"] > answers["Rejected"]


def test_subscriptions_come_alive(alice: Customer) -> None:
    service = make_service(type="Subscriptions", name="New posts")
    order = placed(alice, service, username="some one/é", min=50, max=60, posts=3, delay=0)
    # Time for the last child too: how long it takes follows from its id, and ids go on from test to test on PostgreSQL.
    for moment in moments(40):
        Executor(seeded(1)).step(moment)
        subscriptions.place_due_posts(moment)
    links = list(Post.objects.order_by("pk").values_list("link", flat=True))
    assert links == [f"https://example.com/some%20one%2F%C3%A9/post/{number}" for number in (1, 2, 3)]
    order.refresh_from_db()
    assert order.children.count() == 3
    assert order.status == Status.COMPLETED
    assert Subscription.objects.get().ended_at is not None


def test_an_endless_subscription_goes_quiet_in_the_end(alice: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_module, "MOST_POSTS", 2)
    placed(alice, make_service(type="Subscriptions", name="New posts"), username="u" * 2048, min=50, max=60, delay=0)
    let_pass(14)
    assert Post.objects.count() == 2


class Ticks:
    """A clock that goes half a second on whenever it is asked, and ends the day after so many times."""

    def __init__(self, stop: threading.Event, times: int) -> None:
        self.stop, self.left, self.moment = stop, times, NOW

    def now(self) -> datetime:
        self.left -= 1
        if self.left <= 0:
            self.stop.set()
        self.moment += timedelta(seconds=0.5)
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No real waiting, and the test's own connection is left open."""
    monkeypatch.setattr(executor_module, "STEP_SECONDS", 0)
    monkeypatch.setattr(executor_module, "connection", type("Kept", (), {"close": staticmethod(lambda: None)}))


def test_it_runs_until_told_to_stop(alice: Customer, service: Service, unhurried: None) -> None:
    order = placed(alice, service)
    stop = threading.Event()
    Executor(seeded(1)).run(Ticks(stop, 20), stop)
    order.refresh_from_db()
    assert order.status in FINAL


def test_it_outlives_a_locked_database(
    alice: Customer, service: Service, unhurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = placed(alice, service)
    pull, times = desk.pull, iter(range(100))

    def locked_at_first(*given: object, **more: object) -> object:
        if next(times) < 3:
            raise OperationalError("database is locked")
        return pull(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(desk, "pull", locked_at_first)
    stop = threading.Event()
    Executor(seeded(1)).run(Ticks(stop, 25), stop)
    order.refresh_from_db()
    assert order.status in FINAL
