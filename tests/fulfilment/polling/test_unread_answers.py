"""Orders whose status cannot be read: staff are told in some minutes, once, until it is read again."""

import httpx2
import pytest
from django.db.models import QuerySet

from sutler.core.event_texts import cause_text
from sutler.core.lifecycle import Status
from sutler.fulfilment.models import Alarm, AlarmSubject, AskTime, UpstreamOrder
from sutler.fulfilment.polling.poll import poll
from sutler.fulfilment.polling.unread_answers import UNTIL_ALARM
from sutler.orders.models import Order
from tests.conftest import NOW
from tests.fulfilment.upstream import There, alarms, saying
from tests.fulfilment.upstream import there as there  # noqa: PLC0414 - a fixture
from tests.ops.test_cli import done
from tests.orders.ordering import notes

UNREAD = Alarm.Kind.UNREAD


def looks(there: There, count: int) -> None:
    """So many looks, each when it is due."""
    for _ in range(count):
        first = AskTime.objects.order_by("ask_at").values_list("ask_at", flat=True)[0]
        there.time.passed = max(there.time.passed, (first - NOW).total_seconds())
        there.run(poll)


def about(order: UpstreamOrder) -> str:
    return f"order {order.order_id}"


def others() -> QuerySet[AlarmSubject]:
    return AlarmSubject.objects.filter(alarm__kind=UNREAD, alarm__closed_at=None)


@pytest.mark.parametrize("answer", ['{"error":"Something broke"}', "<html>", '{"status":{}}', "null"])
def test_where_none_is_read_one_alarm_tells_of_all(there: There, answer: str) -> None:
    first, _ = there.sent("https://example.com/1")
    there.sent("https://example.com/2")
    there.between = saying(answer)
    began = there.time.passed
    while not alarms(UNREAD):
        looks(there, 1)
        assert there.time.passed - began < 20 * 60
    assert there.time.passed - began >= 7 * 60
    assert alarms(UNREAD) == ["whole"]
    looks(there, 5)
    assert (alarms(UNREAD), others().count()) == (["whole"], 1)
    assert Order.objects.get(pk=first.order_id).status == Status.PROCESSING
    there.between = lambda _: None
    looks(there, 1)
    assert alarms(UNREAD) == []
    assert not AskTime.objects.filter(unread__gt=0, asked_at=there.time.now()).exists()


def test_one_among_others_has_an_alarm_of_its_own_an_event_and_a_count(there: There) -> None:
    bad, good = (there.sent(f"https://example.com/{number}")[0] for number in range(2))

    def odd(asked: dict[str, str]) -> httpx2.Response | None:
        if asked.get("order") == bad.upstream_id:
            return httpx2.Response(200, text='{"error":"Something broke"}')
        return None

    there.lie(missing_item=1.0)  # so that each is asked about singly
    there.between = odd
    while not alarms(UNREAD):
        looks(there, 1)
        assert there.time.passed < 20 * 60
    assert alarms(UNREAD) == [about(bad)]
    assert "Something broke" in cause_text(others().get().cause)
    assert [each for each in notes(bad.order_id) if "could not be read" in each] == [
        f"Upstream: Its status could not be read {UNTIL_ALARM} times: OTHER: Something broke"
    ]
    assert AskTime.objects.get(upstream_order=good).unread == 0
    assert "unreadable answers since" in done("order", "show", str(bad.order_id))
    there.between = lambda _: None
    while alarms(UNREAD):
        looks(there, 1)
    assert not AskTime.objects.filter(unread__gt=0).exists()
