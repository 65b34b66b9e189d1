"""The desk: who is handed what, what a list holds, and what is said of orders, refills and requests to cancel."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.clock import seeded
from sutler.core.events import EventKind
from sutler.core.lifecycle import CancelStatus, RefillStatus, Status
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.desk import desk
from sutler.fulfilment.desk.desk import Wanted
from sutler.orders import cancel, drip, refill, subscriptions
from sutler.orders.models import CancelRequest, Order, OrderEvent, Post, Refill
from sutler.orders.move import Report
from sutler.storage.transactions import Busy
from tests.conftest import NOW, START_MICROS, make_customer, make_service
from tests.orders.ordering import balance, demand_sound_books, moves, placed, reported

pytestmark = pytest.mark.postgresql

STAFF = "staff 1"
SECOND = timedelta(seconds=1)


def ids(orders: list[Order]) -> list[int]:
    return [each.pk for each in orders]


def test_pull_hands_out_the_oldest_pending_orders_once(alice: Customer, bob: Customer, service: Service) -> None:
    orders = [placed(each, service, link=f"https://example.com/{each.name}") for each in (alice, bob, alice)]
    first = desk.pull(None, 2, STAFF, NOW)
    assert ids(first) == ids(orders[:2])
    assert [each.status for each in first] == [Status.PROCESSING] * 2
    assert ids(desk.pull(None, 100, STAFF, NOW)) == ids(orders[2:])
    assert desk.pull(None, 100, STAFF, NOW) == []
    assert moves(orders[0]) == [("Pending", "Processing")]
    assert set(OrderEvent.objects.values_list("actor", flat=True)) == {STAFF}


@pytest.mark.parametrize("limit", [0, -1])
def test_pull_of_nothing_takes_nothing(alice: Customer, service: Service, limit: int) -> None:
    order = placed(alice, service)
    assert desk.pull(None, limit, STAFF, NOW) == []
    assert moves(order) == []


def test_pull_is_bounded(alice: Customer, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "MOST_HANDED_OUT", 2)
    for _ in range(3):
        placed(alice, service)
    assert len(desk.pull(None, 1_000_000, STAFF, NOW)) == 2


def test_pull_keeps_to_the_services_asked_for(alice: Customer, service: Service) -> None:
    other = make_service(name="Likes")
    placed(alice, service)
    wanted = placed(alice, other)
    assert ids(desk.pull([other.pk, 999_999], 100, STAFF, NOW)) == [wanted.pk]
    assert desk.pull([999_999], 100, STAFF, NOW) == []


def test_pull_leaves_alone_what_came_after_the_moment(alice: Customer, service: Service) -> None:
    old, young = placed(alice, service), placed(alice, service, NOW + 5 * SECOND)
    assert ids(desk.pull(None, 100, STAFF, NOW, until=NOW + SECOND)) == [old.pk]
    assert ids(desk.pull(None, 100, STAFF, NOW, until=NOW + 9 * SECOND)) == [young.pk]


def test_parents_are_not_handed_out_but_their_children_are(alice: Customer, service: Service) -> None:
    parent = placed(alice, service, runs=2, interval=1)
    subscribed = make_service(type="Subscriptions", name="New posts")
    subscription = placed(alice, subscribed, username="alice", min=50, max=60, delay=0)
    assert desk.pull(None, 100, STAFF, NOW) == []
    drip.place_due_runs(NOW + SECOND)
    subscriptions.report_post(subscription.pk, "https://example.com/p/1", NOW, seeded(1), STAFF)
    subscriptions.place_due_posts(NOW + SECOND)
    children = desk.pull(None, 100, STAFF, NOW)
    assert [each.parent_id for each in children] == [parent.pk, subscription.pk]
    parent.refresh_from_db()
    assert parent.status == Status.IN_PROGRESS
    assert desk.pull(None, 100, STAFF, NOW) == []


def persistently(pull: Callable[[], list[Order]]) -> list[int]:
    """Pulls until there is nothing left, as an executor that is told `busy` asks again."""
    found: list[int] = []
    try:
        while True:
            try:
                taken = pull()
            except (Busy, OperationalError):
                continue
            if not taken:
                return found
            found += ids(taken)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_executors_at_once_never_get_the_same_order() -> None:
    alice, service = make_customer("Alice"), make_service()
    orders = [placed(alice, service, quantity=50) for _ in range(24)]
    with ThreadPoolExecutor(4) as pool:
        taken = pool.map(lambda _: persistently(lambda: desk.pull(None, 3, STAFF, NOW)), range(4))
        handed_out = [order_id for each in taken for order_id in each]
    # One that passes over what others hold may leave some for the next call, never take them twice.
    handed_out += ids(desk.pull(None, 100, STAFF, NOW))
    assert sorted(handed_out) == ids(orders)
    assert OrderEvent.objects.count() == len(orders)


@pytest.mark.django_db(transaction=True)
def test_pull_passes_over_orders_that_another_executor_is_taking() -> None:
    if connection.vendor != "postgresql":
        return  # SQLite has one writer at a time: there is nothing to pass over
    alice, service = make_customer("Alice"), make_service()
    orders = [placed(alice, service) for _ in range(3)]
    held, done = threading.Event(), threading.Event()

    def hold_the_first() -> None:
        with transaction.atomic():
            list(Order.objects.select_for_update().filter(pk=orders[0].pk))
            held.set()
            done.wait(10)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold_the_first)
        assert held.wait(10)
        taken = desk.pull(None, 100, STAFF, NOW)
        done.set()
    assert ids(taken) == ids(orders[1:])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [4, 3, 2, 1, 0]),
        (Wanted(newest_first=False), [0, 1, 2, 3, 4]),
        (Wanted(limit=2), [4, 3]),
        (Wanted(limit=2, offset=2), [2, 1]),
        (Wanted(limit=0), []),
        (Wanted(statuses=[Status.PENDING]), [4, 3, 2]),
        (Wanted(statuses=[Status.COMPLETED, Status.IN_PROGRESS]), [1, 0]),
        (Wanted(statuses=[Status.IN_PROGRESS]), [1]),
        (Wanted(statuses=[]), []),
        (Wanted(created_from=NOW + 3 * SECOND), [4, 3]),
        (Wanted(created_until=NOW + SECOND / 2), [0]),
        (Wanted(created_from=NOW + SECOND / 2, created_until=NOW + 5 * SECOND / 2), [2, 1]),
    ],
)
def test_a_list_holds_what_is_wanted(alice: Customer, service: Service, wanted: Wanted, expected: list[int]) -> None:
    orders = [placed(alice, service, NOW + each * SECOND) for each in range(5)]
    reported(orders[0], Status.COMPLETED)
    reported(orders[1], Status.IN_PROGRESS)
    assert ids(desk.find(wanted)) == [orders[each].pk for each in expected]


def test_a_list_can_be_narrowed_to_ids_and_services(alice: Customer, service: Service) -> None:
    other = make_service(name="Likes")
    orders = [placed(alice, each) for each in (service, other, service, service)]
    numbers = ids(orders)
    assert ids(desk.find(Wanted(ids=[numbers[0], numbers[3], 999_999]))) == [numbers[3], numbers[0]]
    assert ids(desk.find(Wanted(service_ids=[other.pk]))) == [numbers[1]]
    assert ids(desk.find(Wanted(first_id=numbers[1], last_id=numbers[2]))) == [numbers[2], numbers[1]]


def test_one_order_can_be_looked_up(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    found = desk.get(order.pk)
    assert found is not None
    assert (found, found.customer.name, found.service.name) == (order, "Alice", "Followers")
    assert desk.get(999_999) is None


def test_reports_stand_alone(alice: Customer, service: Service) -> None:
    order, done = placed(alice, service), placed(alice, service)
    reported(done, Status.COMPLETED)
    told = [
        Report(order.pk, Status.IN_PROGRESS, start_count=7),
        Report(999_999, Status.COMPLETED),
        Report(done.pk, Status.CANCELED),
    ]
    refused = [Refusal(Reason.INCORRECT_ORDER), Refusal(Reason.MOVE_NOT_ALLOWED)]
    assert desk.report(told, STAFF, NOW) == [None, *refused]
    order.refresh_from_db()
    assert (order.status, order.start_count) == (Status.IN_PROGRESS, 7)


def test_an_order_ends_early_or_with_nothing(alice: Customer, service: Service) -> None:
    part, none = placed(alice, service), placed(alice, service)
    assert desk.set_partial(part.pk, 500, STAFF, NOW) is None
    assert desk.cancel([none.pk, 999_999], STAFF, NOW) == [None, Refusal(Reason.INCORRECT_ORDER)]
    assert balance(alice) == START_MICROS - 450_000
    assert desk.set_partial(none.pk, 1, STAFF, NOW) == Refusal(Reason.MOVE_NOT_ALLOWED)
    demand_sound_books()


@pytest.fixture
def asked_refills(alice: Customer) -> list[int]:
    eager = make_service(name="Eager", refill_wait_hours=0)
    orders = [placed(alice, eager) for _ in range(3)]
    for each in orders:
        reported(each, Status.COMPLETED)
    opened = refill.request_refills(alice.pk, ids(orders), NOW)
    return [each for each in opened if isinstance(each, int)]


def test_refills_are_handed_out_once_and_reported(asked_refills: list[int]) -> None:
    first = desk.pull_refills(None, 2, STAFF, NOW)
    assert [each.pk for each in first] == asked_refills[:2]
    assert {each.status for each in first} == {RefillStatus.IN_PROGRESS}
    assert [each.pk for each in desk.pull_refills(None, 2, STAFF, NOW)] == asked_refills[2:]
    assert desk.pull_refills(None, 2, STAFF, NOW) == []
    assert [each.pk for each in desk.refills_under_way(100)] == asked_refills
    told = [(asked_refills[0], RefillStatus.COMPLETED), (asked_refills[1], RefillStatus.REJECTED)]
    assert desk.report_refills(told, STAFF, NOW) == [None, None]
    assert [each.pk for each in desk.refills_under_way(100)] == asked_refills[2:]
    told = [(asked_refills[0], RefillStatus.REJECTED), (999_999, RefillStatus.COMPLETED)]
    refused = [Refusal(Reason.MOVE_NOT_ALLOWED), Refusal(Reason.REFILL_NOT_FOUND)]
    assert desk.report_refills(told, STAFF, NOW) == refused
    moved = OrderEvent.objects.filter(kind=EventKind.REFILL_MOVED, actor=STAFF).order_by("pk")[0]
    assert moved.data == {"refill": asked_refills[0], "before": "Pending", "after": "In progress"}


def test_refills_are_narrowed_like_orders(asked_refills: list[int]) -> None:
    assert desk.pull_refills([999_999], 100, STAFF, NOW) == []
    assert desk.pull_refills(None, 100, STAFF, NOW, until=NOW - SECOND) == []
    service_id = Refill.objects.select_related("order").first().order.service_id  # type: ignore[union-attr]
    assert len(desk.pull_refills([service_id], 100, STAFF, NOW, until=NOW + SECOND)) == len(asked_refills)


@pytest.fixture
def asked_cancels(alice: Customer, service: Service) -> list[Order]:
    orders = [placed(alice, service) for _ in range(3)]
    for each in orders:
        reported(each, Status.IN_PROGRESS)
    assert cancel.request_cancels(alice.pk, ids(orders), NOW) == [None] * 3
    return orders


def states(orders: list[Order]) -> list[str]:
    found = CancelRequest.objects.filter(order__in=orders).order_by("pk")
    return [each.status for each in found]


def test_requests_to_cancel_are_handed_out_once(asked_cancels: list[Order]) -> None:
    first = desk.pull_cancels(None, 2)
    assert [each.order for each in first] == asked_cancels[:2]
    assert {each.status for each in first} == {CancelStatus.TAKEN}
    assert states(asked_cancels) == ["Taken", "Taken", "Open"]
    assert desk.pull_cancels([999_999], 100) == []
    assert desk.pull_cancels(None, 100, until=NOW - SECOND) == []
    assert len(desk.pull_cancels([asked_cancels[0].service_id], 100, until=NOW + SECOND)) == 1
    assert desk.pull_cancels(None, 100) == []


def test_requests_to_cancel_are_carried_out_or_rejected(alice: Customer, asked_cancels: list[Order]) -> None:
    canceled, kept, untaken = asked_cancels
    desk.pull_cancels(None, 2)
    assert desk.cancel([canceled.pk], STAFF, NOW) == [None]
    refused = Refusal(Reason.CANCEL_NOT_AVAILABLE)
    answers = desk.reject_cancels([kept.pk, canceled.pk, 999_999, untaken.pk, kept.pk], STAFF, NOW)
    assert answers == [None, refused, refused, None, None]
    assert states(asked_cancels) == ["Done", "Rejected", "Rejected"]
    assert desk.reject_cancels([kept.pk], STAFF, NOW) == [refused]
    assert OrderEvent.objects.filter(order=kept, kind=EventKind.CANCEL_REJECTED).count() == 1
    # What was rejected may be asked again.
    assert cancel.request_cancels(alice.pk, [kept.pk], NOW) == [None]
    kept.refresh_from_db()
    assert kept.status == Status.IN_PROGRESS


def test_subscriptions_that_take_posts_are_listed_with_what_they_had(alice: Customer) -> None:
    service = make_service(type="Subscriptions", name="New posts")
    fresh, quiet, ended = (
        placed(alice, service, username=name, min=50, max=60, delay=0) for name in ("fresh", "quiet", "ended")
    )
    later = NOW + 10 * SECOND
    for number in (1, 2):
        assert desk.report_post(quiet.pk, f"https://example.com/{number}", later, seeded(1), STAFF) is None
    cancel.request_cancels(alice.pk, [ended.pk], NOW)

    def listed(posts_below: int, until_seconds: int) -> list[tuple[int, str, int]]:
        found = desk.open_subscriptions(100, posts_below=posts_below, until=NOW + until_seconds * SECOND)
        return [(each.order_id, each.username, each.posts_reported) for each in found]

    assert listed(3, 11) == [(fresh.pk, "fresh", 0), (quiet.pk, "quiet", 2)]
    assert listed(3, 5) == listed(2, 11) == [(fresh.pk, "fresh", 0)]
    assert listed(0, 11) == []
    assert Post.objects.count() == 2


@pytest.mark.parametrize(
    ("link", "refusal"),
    [
        ("https://example.com/p/1", None),
        ("", Refusal(Reason.INCORRECT_FIELD, "link")),
        ("a\x00b", Refusal(Reason.INCORRECT_FIELD, "link")),
    ],
)
def test_a_post_needs_a_link(alice: Customer, link: str, refusal: Refusal | None) -> None:
    service = make_service(type="Subscriptions", name="New posts")
    order = placed(alice, service, username="alice", min=50, max=60, delay=0)
    assert desk.report_post(order.pk, link, NOW, seeded(1), STAFF) == refusal
    assert Post.objects.count() == (refusal is None)


def test_staff_cancel_a_drip_feed_with_all_its_runs(alice: Customer) -> None:
    never = make_service(dripfeed=True, cancel=False)
    parent = placed(alice, never, runs="3", interval="5")
    plain = placed(alice, never)
    assert desk.cancel([parent.pk, plain.pk, 10**9], "staff 1", NOW) == [
        None,
        None,
        Refusal(Reason.INCORRECT_ORDER),
    ]
    parent.refresh_from_db()
    assert (parent.status, parent.returned_micros) == ("Canceled", parent.charge_micros)
