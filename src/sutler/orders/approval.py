"""Orders that staff must look at before anybody may take them: approved, or rejected and given back.

Each verb owns its transaction, and raises storage.transactions.Busy or CommitUnclear as `durable` says.
"""

from collections.abc import Sequence
from datetime import datetime

from sutler.core.events import EventKind
from sutler.core.refusals import Reason, Refusal
from sutler.core.text.text_input import one_line
from sutler.orders import cancel, parent_orders
from sutler.orders.change import event, write_events
from sutler.orders.models import Approval, Order
from sutler.storage.transactions import durable

LONGEST_REASON = 500
MOST_LISTED = 500
State = Approval.State


def waiting(limit: int = 100, *, after_id: int = 0) -> list[Approval]:
    """Returns up to `limit` orders that wait, with customer and service, oldest first, those after an order's id."""
    approvals = Approval.objects.filter(state=State.WAITING, pk__gt=after_id)
    return list(approvals.select_related("order__customer", "order__service").order_by("pk")[: min(limit, MOST_LISTED)])


def approve(order_ids: Sequence[int], actor: str, now: datetime) -> list[Refusal | None]:
    """Lets the orders go on to whoever fulfils them; each on its own, answered in the order given (None: done).

    Refuses with NOT_FOUND (never needed approval), MOVE_NOT_ALLOWED (it was decided otherwise, or the order has
    ended). Approving again is a success that changes nothing.
    """
    with durable():
        _, approvals = _lock(order_ids)
        answers = {pk: _may_become(approval, State.APPROVED) for pk, approval in approvals.items()}
        decided = [each for each in approvals if answers[each] is None and approvals[each].state == State.WAITING]
        _decide(decided, State.APPROVED, "", actor, now)
        write_events(event(each, actor, now, EventKind.APPROVED) for each in decided)
    return [answers.get(each, Refusal(Reason.NOT_FOUND)) for each in order_ids]


def reject(order_ids: Sequence[int], reason: str, actor: str, now: datetime) -> list[Refusal | None]:
    """Cancels the orders and gives all of their charge back; each on its own, answered in the order given (None: done).

    The reason is shown to the customer. Refuses with INCORRECT_FIELD `reason` (none, or over 500 characters), else
    as `approve` does.
    """
    told = one_line(reason, LONGEST_REASON)
    if not told:
        return [Refusal(Reason.INCORRECT_FIELD, "reason")] * len(order_ids)
    with durable():
        orders, approvals = _lock(order_ids)
        answers = {pk: _may_become(approval, State.REJECTED) for pk, approval in approvals.items()}
        decided = [each for each in approvals if answers[each] is None and approvals[each].state == State.WAITING]
        _decide(decided, State.REJECTED, told, actor, now)
        write_events(event(each, actor, now, EventKind.NOT_APPROVED, reason=told) for each in decided)
        cancel.stop_locked(decided, {each: orders[each] for each in decided}, decided, actor, now)
    return [answers.get(each, Refusal(Reason.NOT_FOUND)) for each in order_ids]


def _lock(order_ids: Sequence[int]) -> tuple[dict[int, Order], dict[int, Approval]]:
    """Locks the orders before the questions, as whoever cancels an order does: so nobody waits in a ring."""
    orders = parent_orders.lock(Order.objects.filter(pk__in=order_ids))
    approvals = Approval.objects.select_for_update().filter(pk__in=order_ids).order_by("pk")
    return orders, {each.pk: each for each in approvals}


def _may_become(approval: Approval, wanted: str) -> Refusal | None:
    return None if approval.state in {State.WAITING, wanted} else Refusal(Reason.MOVE_NOT_ALLOWED)


def _decide(order_ids: Sequence[int], state: str, reason: str, actor: str, now: datetime) -> None:
    Approval.objects.filter(pk__in=order_ids).update(state=state, reason=reason, decided_at=now, decided_by=actor)
