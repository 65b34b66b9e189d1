"""The calls that follow orders: full batches, what they leave out, those that fail, the published pages' answers."""

from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.fulfilment.models import AskTime, LoggedCall, UpstreamOrder
from sutler.fulfilment.polling import interpret, schedule
from sutler.fulfilment.polling import poll as following
from sutler.fulfilment.polling.poll import poll
from sutler.fulfilment.providers import ask_statuses
from sutler.orders.models import Order
from tests.fulfilment.upstream import There, demand_that_orders_are_as_upstream, saying, to_the_end
from tests.panels.test_published_answers import OLDER_PARTIAL, OLDER_UNDER_WAY, OVER_DELIVERED, PARTIAL, UNDER_WAY

pytestmark = pytest.mark.postgresql


@pytest.fixture
def tens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of ten instead of a hundred, of which two are read at once."""
    monkeypatch.setattr(following, "BATCH_SIZE", 10)
    monkeypatch.setattr(schedule, "PAGE_SIZE", 20)


@pytest.mark.usefixtures("tens")
def test_batches_are_full_and_every_order_is_asked_about_once(alice: Customer, service: Service) -> None:
    there = There(alice, service)
    sent = [there.sent(f"https://example.com/{number}", 100)[0].upstream_id for number in range(25)]
    there.time.passed += 1
    assert there.run(poll) == 25
    asked = [each["orders"].split(",") for each in there.asked]
    assert sorted(map(len, asked)) == [5, 10, 10]
    assert sorted(each for batch in asked for each in batch) == sorted(sent)


def test_what_a_batch_leaves_out_is_asked_about_singly_within_bounds(
    there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_SINGLES", 7)
    for number in range(20):
        there.sent(f"https://example.com/{number}", 100)
    there.lie(missing_item=1)
    there.time.passed += 100
    assert there.run(poll) == 7
    assert [("orders" in each) for each in there.asked] == [True, *[False] * 7]
    assert AskTime.objects.filter(asked_at=None).count() == 13
    assert not AskTime.objects.filter(ask_at__lte=there.time.now()).exists()


def test_a_batch_that_is_refused_for_one_id_is_asked_about_singly(there: There) -> None:
    for number in range(5):
        there.sent(f"https://example.com/{number}", 100)
    refusal = httpx2.Response(200, text='{"error": "Incorrect order ID"}')
    there.between = lambda asked: refusal if "orders" in asked else None
    there.time.passed += 1
    assert there.run(poll) == 5


WAYS = ("unreachable", "request_lost", "answer_lost", "html", "empty", "null", "truncated", "cut_off", "http_500")


@pytest.mark.parametrize("fault", [*WAYS, "http_502", "http_504", "unclear_error", "rate_limited", "too_many_requests"])
def test_a_call_that_fails_changes_nothing_but_when_it_is_asked_again(there: There, fault: str) -> None:
    ours, _ = there.sent()
    there.lie(**{fault: 1})
    there.time.passed += 300
    [before] = UpstreamOrder.objects.values_list()
    assert there.run(poll) == 0
    asking = AskTime.objects.get()
    assert (asking.asked_at, asking.ask_at >= there.time.now()) == (None, True)
    assert list(UpstreamOrder.objects.values_list()) == [before]
    assert Order.objects.get().status == "Processing"
    assert LoggedCall.objects.filter(order_id=ours.order_id).exists() or fault == "unclear_error"
    there.lie()
    to_the_end(there)
    demand_that_orders_are_as_upstream(there)


def test_pauses_grow_while_nothing_is_answered(there: There) -> None:
    there.sent()
    there.lie(html=1)
    pauses = []
    for _ in range(12):
        there.run(poll)
        ask_at = AskTime.objects.get().ask_at
        pauses.append(round((ask_at - there.time.now()).total_seconds()))
        there.time.passed += pauses[-1]
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600]


@pytest.mark.usefixtures("tens")
def test_one_failed_batch_loses_no_other(alice: Customer, service: Service) -> None:
    there = There(alice, service, fields={"most_at_once": 2})
    for number in range(25):
        there.sent(f"https://example.com/{number}", 100)
    first = UpstreamOrder.objects.order_by("ask_time__ask_at", "pk")[0].upstream_id
    broken = httpx2.Response(502, text="<html>")
    there.between = lambda asked: broken if first in asked["orders"].split(",") else None
    there.time.passed += 1
    assert there.run(poll) == 15
    assert AskTime.objects.filter(asked_at=None).count() == 10


@pytest.mark.usefixtures("tens")
def test_a_provider_that_fails_all_the_time_is_not_asked_on_and_on(alice: Customer, service: Service) -> None:
    there = There(alice, service, fields={"most_at_once": 1})
    for number in range(55):
        there.sent(f"https://example.com/{number}", 100)
    there.lie(html=1)
    there.time.passed += 1
    assert there.run(poll) == 0
    assert len(there.asked) == ask_statuses.MOST_FAILURES
    assert AskTime.objects.filter(ask_at__lte=there.time.now()).count() == 25


def test_a_bug_about_one_order_keeps_no_other_from_being_heard(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        there.sent(f"https://example.com/{number}", 100)
    poison = UpstreamOrder.objects.order_by("pk")[4].pk
    hear = interpret.update_from

    def failing(row: interpret.Followed, *more: Any) -> interpret.StatusUpdate:
        if row.pk == poison:
            raise ValueError("a bug")
        return hear(row, *more)

    monkeypatch.setattr("sutler.fulfilment.polling.apply.update_from", failing)
    there.time.passed += 60
    with capture_logs() as logged:
        assert there.run(poll) == 8
    assert [(each["event"], each["upstream_order"]) for each in logged] == [("follow.not_applied", poison)]
    left = AskTime.objects.get(asked_at=None)
    assert left.pk == poison
    assert left.ask_at > there.time.now()


# The answers of the five published pages to `status`, for an order of 1,000 at 0.50.
@pytest.mark.parametrize(
    ("body", "status", "remains", "start_count"),
    [
        (PARTIAL, "Partial", 157, 3572),
        (UNDER_WAY, "In progress", 10, 234),
        (OLDER_PARTIAL, "Partial", 157, 3572),
        (OLDER_UNDER_WAY, "In progress", 10, 234),
        (OVER_DELIVERED, "Completed", -2, 168),
        ('{"error": "Incorrect order ID"}', "Processing", 1000, None),
    ],
)
@pytest.mark.parametrize("is_batch", [False, True])
def test_the_answers_of_the_published_pages(
    there: There, body: str, status: str, remains: int, start_count: int | None, is_batch: bool
) -> None:
    ours, _ = there.sent()
    other, _ = there.sent("https://example.com/other")
    if not is_batch:
        other.ask_time.delete()
    there.between = saying(f'{{"{ours.upstream_id}": {body}}}' if is_batch else body)
    there.time.passed += 1
    there.run(poll)
    order = Order.objects.get(pk=ours.order_id)
    assert (order.status, order.remains, order.start_count) == (status, remains, start_count)
    assert UpstreamOrder.objects.get(pk=ours.pk).misses == ("error" in body)
