"""Refills and cancels of orders that are upstream: forwarded once, followed, and settled where the answer was lost."""

from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest

from sutler.core.attempts import AttemptState
from sutler.core.lifecycle import CancelStatus, RefillStatus, Status
from sutler.fulfilment.desk import desk
from sutler.fulfilment.models import Alarm, Attempt, Provider, UpstreamOrder
from sutler.fulfilment.polling.poll import poll
from sutler.fulfilment.requests.forward import forward
from sutler.fulfilment.sending.claims import LEASE
from sutler.orders import cancel
from sutler.orders.models import CancelRequest, Order, Refill
from sutler.orders.refill import request_refills
from tests.fulfilment.upstream import There, alarms, all_due, demand_that_orders_are_as_upstream, to_the_end
from tests.orders.ordering import demand_sound_books, moves, notes, placed, reported

pytestmark = pytest.mark.postgresql

DAY = 86_400.0
Says = Callable[[dict[str, str]], httpx2.Response | None]
S = AttemptState


def to(action: str, body: str, code: int = 200) -> Says:
    """An upstream that answers this to one action, and the truth to every other."""
    return lambda asked: httpx2.Response(code, text=body) if asked["action"] == action else None


def delivered(there: There) -> UpstreamOrder:
    """An order that was completed a day ago."""
    ours, _ = there.sent_until(Status.COMPLETED)
    to_the_end(there)
    there.time.passed += DAY
    there.asked.clear()
    return ours


def refill_of(there: There, ours: UpstreamOrder) -> Refill:
    answer = request_refills(there.customer.pk, [ours.order_id], there.time.now())[0]
    assert isinstance(answer, int), answer
    return Refill.objects.get(pk=answer)


def status_of(asked: Refill) -> str:
    return Refill.objects.get(pk=asked.pk).status


def attempts(action: str) -> list[str]:
    return list(Attempt.objects.filter(action=action).order_by("pk").values_list("state", flat=True))


def calls(there: There, action: str) -> int:
    return sum(each["action"] == action for each in there.asked)


def until(there: There, is_done: Callable[[], bool], step_seconds: float = 60, most: int = 100) -> None:
    for _ in range(most):
        if is_done():
            return
        there.run(forward)
        there.time.passed += step_seconds
    raise AssertionError(attempts("refill") + attempts("cancel"))


def under_way(there: There) -> UpstreamOrder:
    """An order In progress that its customer wants to be canceled."""
    ours, _ = there.sent_until(Status.COMPLETED)
    all_due(there, 350)
    there.run(poll)
    assert cancel.request_cancels(there.customer.pk, [ours.order_id], there.time.now()) == [None]
    there.asked.clear()
    return ours


def request_status() -> str:
    return CancelRequest.objects.get().status


def test_a_refill_is_forwarded_and_followed(there: There) -> None:
    ours = delivered(there)
    asked = refill_of(there, ours)
    assert there.run(forward) == 1
    assert (status_of(asked), attempts("refill")) == ("In progress", [S.ACCEPTED])
    assert there.run(forward) == 0
    until(there, lambda: status_of(asked) in ("Completed", "Rejected"))
    theirs = there.upstream.panel.refills[Attempt.objects.get(action="refill").upstream_id or ""]
    assert status_of(asked) == theirs.outcome
    assert calls(there, "refill") == 1
    assert not Attempt.objects.filter(action="refill", due_at__isnull=False).exists()
    assert alarms() == []


@pytest.mark.parametrize(
    ("body", "state", "status"),
    [
        ('{"refill": "7"}', S.ACCEPTED, "In progress"),
        ('{"refill": true}', S.ACCEPTED, "In progress"),
        ('{"error": "Refill is not available for this order"}', S.DECLINED, "Rejected"),
        ('{"refill": {"error": "Incorrect order ID"}}', S.DECLINED, "Rejected"),
        ('{"error": "Too many requests"}', S.NOT_SENT, "In progress"),
        ('{"error": "Invalid API key"}', S.NOT_SENT, "In progress"),
        ('{"error": "Something went wrong"}', S.UNKNOWN, "In progress"),
        ("<html>", S.UNKNOWN, "In progress"),
        ("", S.UNKNOWN, "In progress"),
    ],
)
def test_what_the_answer_makes_of_a_refill(there: There, body: str, state: str, status: str) -> None:
    asked = refill_of(there, delivered(there))
    there.between = to("refill", body)
    there.run(forward)
    assert (attempts("refill"), status_of(asked)) == ([state], status)


def test_a_refill_taken_under_no_id_is_for_staff(there: There) -> None:
    asked = refill_of(there, delivered(there))
    there.between = to("refill", '{"refill": true}')
    there.run(forward)
    assert alarms(Alarm.Kind.VERDICT) == [f"refill {asked.pk}"]


def test_a_refill_that_was_not_sent_is_sent_later(there: There) -> None:
    asked = refill_of(there, delivered(there))
    there.lie(unreachable=1)
    there.run(forward)
    assert (attempts("refill"), status_of(asked)) == ([S.NOT_SENT], "In progress")
    there.lie()
    there.run(forward)
    assert attempts("refill") == [S.NOT_SENT]
    there.time.passed += 60
    there.run(forward)
    assert attempts("refill") == [S.NOT_SENT, S.ACCEPTED]


def test_a_refill_of_unknown_outcome_is_never_sent_again_and_staff_decide(there: There) -> None:
    asked = refill_of(there, delivered(there))
    there.lie(answer_lost=1)
    there.run(forward)
    there.lie()
    until(there, lambda: S.STAFF in attempts("refill"))
    for _ in range(5):
        there.time.passed += DAY
        there.run(forward)
    assert (attempts("refill"), calls(there, "refill"), status_of(asked)) == ([S.STAFF], 1, "In progress")
    assert alarms(Alarm.Kind.VERDICT) == [f"refill {asked.pk}"]
    desk.report_refills([(asked.pk, RefillStatus.COMPLETED)], "staff 1", there.time.now())
    there.run(forward)
    assert (attempts("refill"), alarms()) == ([S.ACCEPTED], [])
    demand_sound_books()


def test_a_cancel_is_forwarded_and_the_order_ends_as_upstream(there: There) -> None:
    ours = under_way(there)
    assert there.run(forward) == 1
    assert (attempts("cancel"), request_status()) == ([S.ACCEPTED], CancelStatus.TAKEN)
    assert there.run(forward) == 0
    to_the_end(there)
    ended = Order.objects.get(pk=ours.order_id).status
    assert request_status() == (CancelStatus.REJECTED if ended == "Completed" else CancelStatus.DONE)
    assert calls(there, "cancel") == 1
    demand_that_orders_are_as_upstream(there)


def test_a_cancel_waits_until_the_id_has_answered_as_ours(there: There) -> None:
    ours, _ = there.sent()
    cancel.request_cancels(there.customer.pk, [ours.order_id], there.time.now())
    assert (there.run(forward), calls(there, "cancel")) == (0, 0)
    UpstreamOrder.objects.update(confirmed_at=there.time.now())
    assert (there.run(forward), calls(there, "cancel")) == (1, 1)


def test_cancels_go_in_batches(there: There) -> None:
    orders = [there.sent(f"https://example.com/{number}")[0].order_id for number in range(5)]
    cancel.request_cancels(there.customer.pk, orders, there.time.now())
    UpstreamOrder.objects.update(confirmed_at=there.time.now())
    assert there.run(forward) == 5
    assert calls(there, "cancel") == 1
    assert attempts("cancel") == [S.ACCEPTED] * 5


@pytest.mark.parametrize(
    ("body", "state", "status"),
    [
        ('[{"order": "{id}", "cancel": 1}]', S.ACCEPTED, CancelStatus.TAKEN),
        ('[{"order": "{id}", "cancel": {"error": "Cancel is not available for this order"}}]', S.DECLINED, "Rejected"),
        ('{"error": "Incorrect order ID"}', S.DECLINED, CancelStatus.REJECTED),
        ('{"error": "Too many requests"}', S.NOT_SENT, CancelStatus.TAKEN),
        ('{"error": "Something went wrong"}', S.UNKNOWN, CancelStatus.TAKEN),
        ("[]", S.UNKNOWN, CancelStatus.TAKEN),
        ("<html>", S.UNKNOWN, CancelStatus.TAKEN),
    ],
)
def test_what_the_answer_makes_of_a_cancel(there: There, body: str, state: str, status: str) -> None:
    ours = under_way(there)
    there.between = to("cancel", body.replace("{id}", ours.upstream_id))
    there.run(forward)
    assert (attempts("cancel"), request_status()) == ([state], status)
    assert Order.objects.get(pk=ours.order_id).status == "In progress"


def test_a_cancel_of_unknown_outcome_that_was_taken_is_known_by_the_orders_end(there: There) -> None:
    ours = under_way(there)
    theirs = there.upstream.panel.orders[ours.upstream_id]
    there.between = to("cancel", "<html>")
    there.run(forward)
    there.upstream.panel._end(theirs, there.time.now() + timedelta(seconds=5), Status.PARTIAL, 400)
    to_the_end(there)
    until(there, lambda: S.UNKNOWN not in attempts("cancel"))
    assert (attempts("cancel"), request_status(), calls(there, "cancel")) == ([S.ACCEPTED], CancelStatus.DONE, 1)


def test_a_cancel_of_unknown_outcome_that_did_nothing_is_asked_once_more_and_then_rejected(there: There) -> None:
    ours = under_way(there)
    there.between = to("cancel", "<html>")
    until(there, lambda: attempts("cancel") == [S.ABSENT, S.ABSENT])
    there.time.passed += DAY
    assert there.run(forward) == 0
    assert (calls(there, "cancel"), request_status()) == (2, CancelStatus.REJECTED)
    assert Order.objects.get(pk=ours.order_id).status == "In progress"
    assert "Request to cancel rejected" in notes(ours.order_id)


def test_a_worker_that_dies_over_a_request_leaves_it_unknown(there: There) -> None:
    from sutler.fulfilment.requests import cancels, refills

    asked = refill_of(there, delivered(there))
    under_way(there)
    now = there.time.now()
    assert len(refills.claim(there.provider.pk, 9, "dead", now)) == 1
    assert len(cancels.claim(there.provider.pk, 9, "dead", now)) == 1
    assert refills.claim(there.provider.pk, 9, "other", now) == []
    assert cancels.claim(there.provider.pk, 9, "other", now) == []
    there.time.passed += LEASE.total_seconds() + 1
    assert there.run(forward) == 0
    assert (attempts("refill"), attempts("cancel")) == ([S.UNKNOWN], [S.UNKNOWN])
    assert (calls(there, "refill"), calls(there, "cancel"), status_of(asked)) == (0, 0, "In progress")


def test_the_desk_hands_out_nothing_that_is_upstream(there: There) -> None:
    ours = delivered(there)
    refill_of(there, ours)
    under_way(there)
    here = placed(there.customer, there.service, there.time.now(), link="https://example.com/here")
    reported(here, Status.PROCESSING, there.time.now())
    cancel.request_cancels(there.customer.pk, [here.pk], there.time.now())
    now = there.time.now()
    assert [each.order_id for each in desk.pull_cancels(None, 9)] == [here.pk]
    assert desk.pull_refills(None, 9, "executor", now) == []
    # Unless nobody speaks with the provider any more.
    Provider.objects.update(state=Provider.State.OFF)
    assert [each.order_id for each in desk.pull_refills(None, 9, "executor", now)] == [ours.order_id]
    assert len(desk.pull_cancels(None, 9)) == 1


def test_a_cancel_waits_while_nobody_knows_whether_the_order_was_placed(there: There) -> None:
    ours, _ = there.sent()
    UpstreamOrder.objects.all().delete()
    Attempt.objects.update(state=S.UNKNOWN, upstream_id=None)
    cancel.request_cancels(there.customer.pk, [ours.order_id], there.time.now())
    assert there.run(forward) == 0
    assert desk.pull_cancels(None, 9) == []
    assert (request_status(), moves(ours.order_id)) == (CancelStatus.OPEN, [("Pending", "Processing")])
