"""Following orders at a scripted upstream: with each lie about a status, to the end and after it."""

from datetime import timedelta
from typing import Any

import pytest

from sutler.core.attempts import AttemptState
from sutler.core.event_texts import cause_text
from sutler.core.lifecycle import FINAL, Status
from sutler.fulfilment.models import Alarm, AskTime, Attempt, LoggedCall, ProviderMinute, UpstreamOrder, UpstreamService
from sutler.fulfilment.polling.poll import poll
from sutler.orders.models import Order, OrderEvent
from tests.fulfilment.upstream import (
    There,
    alarms,
    all_due,
    demand_that_orders_are_as_upstream,
    saying,
    to_the_end,
)
from tests.orders.ordering import demand_sound_books, held, moves, notes, reported, transfers

pytestmark = pytest.mark.postgresql

Kind = Alarm.Kind
LONG = 3600.0
BEGUN = [("Pending", "Processing"), ("Processing", "In progress")]


def one_of_each(there: There) -> dict[Status, tuple[UpstreamOrder, Any]]:
    return {each: there.sent_until(each) for each in sorted(FINAL)}


def test_orders_are_followed_to_their_ends(there: There) -> None:
    orders = one_of_each(there)
    to_the_end(there)
    for status, (ours, theirs) in orders.items():
        assert moves(ours.order_id) == [*BEGUN, ("In progress", status)]
        assert Order.objects.get(pk=ours.order_id).start_count == theirs.start_count
    demand_that_orders_are_as_upstream(there)
    assert alarms() == []
    assert LoggedCall.objects.count() == 0
    assert ProviderMinute.objects.exists()
    assert 300 <= (UpstreamService.objects.get().usual_seconds or 0) <= 960


def test_what_is_not_due_is_not_asked_about(there: There) -> None:
    there.sent()
    AskTime.objects.update(ask_at=there.time.now() + timedelta(seconds=1))
    assert (there.run(poll), there.asked) == (0, [])
    there.time.passed += 1
    assert there.run(poll) == 1
    assert there.run(poll) == 0


HARMLESS = ("other_words", "thousands", "null_numbers", "start_counter", "missing_item", "passing_error")


@pytest.mark.parametrize("fault", [*HARMLESS, "numeric_status", "unknown_status", "jump_back"])
def test_a_lie_that_passes_changes_no_end(there: There, fault: str) -> None:
    """Struck by the fault half of the time, every order ends as it did there, and the books with it."""
    orders = one_of_each(there)
    there.lie(**{fault: 0.5})
    to_the_end(there)
    demand_that_orders_are_as_upstream(there)
    for status, (ours, _) in orders.items():
        assert moves(ours.order_id)[-1][1] == status
    # A part that goes on again is charged less than what goes on should be.
    told = {Kind.UNDERCHARGE} if fault == "jump_back" else {Kind.UNKNOWN_STATUS, Kind.NOT_FOUND}
    assert set(Alarm.objects.values_list("kind", flat=True)) <= told
    if fault in HARMLESS[:-1] and fault != "null_numbers":
        assert alarms() == []


@pytest.mark.parametrize("fault", ["numeric_status", "unknown_status"])
def test_a_status_that_nobody_knows_changes_nothing_and_is_told_once(there: There, fault: str) -> None:
    ours, _ = there.sent()
    there.lie(**{fault: 1})
    for _ in range(3):
        all_due(there, LONG)
        there.run(poll)
    found = UpstreamOrder.objects.get()
    assert (found.finished_at, Order.objects.get().status) == (None, "Processing")
    assert alarms() in ([], [f"order {ours.order_id}"])
    assert len(notes(ours.order_id)) == len(alarms())
    # An empty word says nothing at all; each other is told.
    assert LoggedCall.objects.filter(outcome="Remarked").count() == len(alarms(Kind.UNKNOWN_STATUS))
    there.lie()
    to_the_end(there)
    demand_that_orders_are_as_upstream(there)


def test_a_status_that_jumps_back_is_ignored_and_stands_in_the_log(there: There) -> None:
    ours, theirs = there.sent_until(Status.COMPLETED)
    all_due(there, 450)
    there.run(poll)
    assert Order.objects.get(pk=ours.order_id).status == "In progress"
    theirs.begins_at += timedelta(hours=1)
    theirs.ends_at += timedelta(hours=1)
    for _ in range(3):
        all_due(there, 30)
        there.run(poll)
    assert Order.objects.get(pk=ours.order_id).status == "In progress"
    [logged] = LoggedCall.objects.filter(order_id=ours.order_id)
    assert cause_text(logged.cause) == f"Its status jumps back to {logged.answer}, which is ignored"
    assert alarms() == []


@pytest.mark.parametrize(
    ("fault", "final", "remains", "returned"),
    [
        ("negative_remains", Status.COMPLETED, -2, 0),
        ("negative_remains", Status.PARTIAL, 0, 0),
        ("huge_remains", Status.COMPLETED, 0, 0),
        ("huge_remains", Status.PARTIAL, 1000, 900_000),
        ("huge_remains", Status.CANCELED, 1000, 900_000),
    ],
)
def test_remains_out_of_range_are_clamped(there: There, fault: str, final: Status, remains: int, returned: int) -> None:
    ours, _ = there.sent_until(final)
    there.lie(**{fault: 1})
    to_the_end(there)
    order = Order.objects.get(pk=ours.order_id)
    assert (order.status, order.remains, order.returned_micros) == (final, remains, returned)
    demand_sound_books()


def test_a_partial_that_does_not_say_what_remains_is_asked_again(there: There) -> None:
    ours, _ = there.sent_until(Status.PARTIAL)
    there.lie(null_numbers=1)
    for _ in range(3):
        all_due(there, LONG)
        there.run(poll)
    assert Order.objects.get(pk=ours.order_id).status not in FINAL
    assert alarms() == [f"order {ours.order_id}"]
    assert len([each for each in notes(ours.order_id) if "without saying" in each]) == 1
    there.lie()
    to_the_end(there)
    demand_that_orders_are_as_upstream(there)


@pytest.mark.parametrize(("fault", "kind"), [("overcharge", Kind.OVERCHARGE), ("undercharge", Kind.UNDERCHARGE)])
def test_a_wrong_charge_is_told_within_one_pass_and_counts(there: There, fault: str, kind: Kind) -> None:
    there.lie(**{fault: 1})
    ours, theirs = there.sent_until(Status.COMPLETED)
    there.lie()
    all_due(there, 1)
    there.run(poll)
    assert f"order {ours.order_id}" in alarms(kind)
    assert "It costs" in notes(ours.order_id)[0]
    to_the_end(there)
    there_now = UpstreamOrder.objects.get(pk=ours.pk)
    assert there_now.cost_micros == theirs.charge_micros
    cause, amount = ("cost-more", theirs.charge_micros - 500_000)
    if amount < 0:
        cause, amount = "cost-back", -amount
    assert transfers(ours.order_id)[f"{cause}:{ours.pk}"] == amount
    demand_sound_books()


def test_a_silent_refund_raises_an_alarm_and_moves_no_money(there: There) -> None:
    there.lie(silent_refund=1)
    ours, _ = there.sent_until(Status.COMPLETED)
    to_the_end(there)
    before = transfers(ours.order_id)
    for _ in range(6):
        there.time.passed += 2 * LONG
        there.run(poll)
    assert f"order {ours.order_id}" in alarms(Kind.REFUND)
    assert transfers(ours.order_id) == before
    assert Order.objects.get(pk=ours.order_id).status == "Completed"


def test_after_its_end_an_order_is_looked_at_five_times_and_then_let_be(there: There) -> None:
    there.sent_until(Status.COMPLETED)
    to_the_end(there)
    there.asked.clear()
    for _ in range(10 * 24):
        there.time.passed += LONG
        there.run(poll)
    ids = [each.get("orders", each.get("order", "")).split(",") for each in there.asked]
    assert {each: sum(each in asked for asked in ids) for each in ids[0]} == dict.fromkeys(ids[0], 5)
    assert not AskTime.objects.exists()


def test_a_change_after_the_end_raises_an_alarm_and_changes_nothing(there: There) -> None:
    ours, theirs = there.sent_until(Status.COMPLETED)
    to_the_end(there)
    before, cost = transfers(ours.order_id), UpstreamOrder.objects.get(pk=ours.pk).cost_micros
    theirs.final, theirs.left, theirs.refunded_micros = Status.CANCELED, 1000, theirs.charge_micros
    all_due(there, LONG)
    there.run(poll)
    found = UpstreamOrder.objects.get(pk=ours.pk)
    assert Order.objects.get(pk=ours.order_id).status == "Completed"
    assert (found.cost_micros, transfers(ours.order_id)) == (cost, before)
    assert sorted(Alarm.objects.values_list("kind", flat=True)) == sorted([Kind.LATE_CHANGE, Kind.REFUND])


def test_an_order_that_staff_have_ended_is_followed_for_its_cost(there: There) -> None:
    ours, theirs = there.sent_until(Status.PARTIAL)
    reported(ours.order_id, Status.CANCELED)
    events = OrderEvent.objects.filter(order=ours.order_id).count()
    to_the_end(there)
    found = UpstreamOrder.objects.get(pk=ours.pk)
    assert found.cost_micros == theirs.charge_micros - theirs.refunded_micros
    assert Order.objects.get(pk=ours.order_id).status == "Canceled"
    assert OrderEvent.objects.filter(order=ours.order_id).count() == events
    demand_sound_books()


def test_an_order_that_has_failed_there_is_for_staff_and_asked_about_seldom(there: There) -> None:
    ours, _ = there.sent()
    there.between = saying('{"charge": "0.5", "start_count": "1", "remains": "1000", "status": "Failed"}')
    for _ in range(3):
        all_due(there)
        there.run(poll)
    assert alarms(Kind.FAILED) == [f"order {ours.order_id}"]
    assert len(notes(ours.order_id)) == 1
    assert AskTime.objects.get().ask_at == there.time.now() + timedelta(hours=1)
    assert Order.objects.get().status == "Processing"


def foreign(there: There) -> UpstreamOrder:
    """An order whose `add` was answered with another customer's id."""
    ours, _ = there.sent()
    Attempt.objects.update(upstream_id="999999")
    UpstreamOrder.objects.update(upstream_id="999999")
    ours.refresh_from_db()
    return ours


def test_an_id_that_was_never_ours_is_given_up_after_the_settle_window(there: There) -> None:
    ours = foreign(there)
    asked = 0
    for _ in range(1000):
        there.time.passed += 5
        asked += there.run(poll)
        assert Order.objects.get().status == "Processing"
        if not UpstreamOrder.objects.exists():
            break
    assert there.time.passed >= 15 * 60
    assert 5 <= asked <= 7
    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.upstream_id) == (AttemptState.UNKNOWN, None)
    assert attempt.due_at == there.time.now() + timedelta(minutes=1)
    assert transfers(ours.order_id) == {
        f"order:{ours.order_id}": 900_000,
        f"cost:{ours.pk}": 500_000,
        f"cost-back:{ours.pk}": 500_000,
    }
    assert held("cost") == held("provider") == 0
    assert notes(ours.order_id) == ["The id 999999 at Upstream was never ours"]
    assert moves(ours.order_id) == [("Pending", "Processing")]
    demand_sound_books()


def test_an_order_that_was_there_and_is_not_found_is_never_ended(there: There) -> None:
    ours, _ = there.sent()
    all_due(there, 1)
    there.run(poll)
    there.lie(passing_error=1)
    for _ in range(20):
        all_due(there, LONG)
        there.run(poll)
    assert UpstreamOrder.objects.get().misses == 20
    assert alarms() == [f"order {ours.order_id}"]
    assert len(notes(ours.order_id)) == 1
    there.lie()
    to_the_end(there)
    demand_that_orders_are_as_upstream(there)


def test_two_workers_that_hear_the_same_end_move_money_once(there: There) -> None:
    """A worker whose lease another has taken over settles what it had asked before."""
    from sutler.core.clock import seeded
    from sutler.fulfilment.polling.apply import apply_answers

    ours, _ = there.sent_until(Status.COMPLETED)
    there.time.passed += LONG

    async def ask(line: Any) -> Any:
        return await line.ask(lambda panel: panel.status(ours.upstream_id))

    said = there.run(ask)
    for _ in range(2):
        apply_answers(there.provider.pk, {ours.pk: said}, (), there.time.now(), seeded(1))
    assert moves(ours.order_id) == [("Pending", "Processing"), ("Processing", "Completed")]
    demand_sound_books()
    assert alarms() == []
