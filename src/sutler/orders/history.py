"""What happened to an order, as its customer is told: moves, refills, requests to cancel, approval.

Neither the notes of staff nor the words of those who fulfil an order are part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import pairwise

from django.db.models import Q

from sutler.core.lifecycle import REFILL_FINAL, CancelStatus, RefillStatus
from sutler.orders import cancel, parent_orders, refill
from sutler.orders.models import Approval, CancelRequest, Order, OrderEvent, Refill

# An order that is handed to and fro for ever still has a page.
MOST_OF_EACH = 100
_OPEN = {CancelStatus.OPEN, CancelStatus.TAKEN}


class What(Enum):
    """What happened. A MOVED has the state it led to, a REFILL_ENDED that of the refill."""

    PLACED = auto()
    APPROVAL_WAITS = auto()
    APPROVED = auto()
    NOT_APPROVED = auto()
    MOVED = auto()
    CANCEL_ASKED = auto()
    CANCEL_REFUSED = auto()
    REFILL_ASKED = auto()
    REFILL_ENDED = auto()


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened. `reason` is what staff told the customer."""

    at: datetime
    what: What
    status: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """An order's happenings, oldest first, and what may be asked for now.

    `refill_from` is when a refill may be asked for where it is too early, `refill_until` the last moment where it may.
    """

    happenings: list[Happening]
    no_refill: refill.Hindrance | None
    refill_from: datetime | None
    refill_until: datetime | None
    no_cancel: cancel.Hindrance | None


def of(order: Order, now: datetime) -> History:
    """Returns the history of an order that was read with its service (`search.get`), in four statements."""
    events = OrderEvent.objects.filter(order=order, to_status__isnull=False).order_by("-pk")[:MOST_OF_EACH]
    refills = list(Refill.objects.filter(order=order).order_by("-pk")[:MOST_OF_EACH])
    whose = Q(order=order) | Q(order__parent_id=order.pk) if parent_orders.is_parent(order) else Q(order=order)
    cancels = list(CancelRequest.objects.filter(whose).order_by("-pk")[:MOST_OF_EACH])
    told = [
        Happening(order.created_at, What.PLACED),
        *_of_approval(Approval.objects.filter(order=order).first()),
        *(Happening(each.at, What.MOVED, each.to_status or "") for each in reversed(events)),
        *_of_refills(refills),
        *_of_cancels(cancels),
    ]
    last_refill_at = max((each.finished_at for each in refills if each.finished_at), default=None)
    return History(
        _once(sorted(told, key=lambda each: each.at)),
        refill.hindrance(order, last_refill_at, now, is_open=any(not each.finished_at for each in refills)),
        _later(last_refill_at or order.finished_at, timedelta(hours=1), order.service.refill_wait_hours),
        _later(order.finished_at, timedelta(days=1), order.service.refill_days),
        cancel.hindrance(order, is_open=any(each.status in _OPEN for each in cancels)),
    )


def _of_approval(approval: Approval | None) -> list[Happening]:
    if approval is None:
        return []
    told = [Happening(approval.asked_at, What.APPROVAL_WAITS)]
    if approval.decided_at and approval.state == Approval.State.APPROVED:
        told.append(Happening(approval.decided_at, What.APPROVED))
    if approval.decided_at and approval.state == Approval.State.REJECTED:
        told.append(Happening(approval.decided_at, What.NOT_APPROVED, reason=approval.reason))
    return told


def _of_refills(refills: Sequence[Refill]) -> list[Happening]:
    asked = [Happening(each.requested_at, What.REFILL_ASKED, RefillStatus.PENDING) for each in refills]
    return asked + [
        Happening(each.finished_at, What.REFILL_ENDED, each.status)
        for each in refills
        if each.finished_at and each.status in REFILL_FINAL
    ]


def _of_cancels(cancels: Sequence[CancelRequest]) -> list[Happening]:
    asked = [Happening(each.requested_at, What.CANCEL_ASKED) for each in cancels]
    return asked + [
        Happening(each.finished_at, What.CANCEL_REFUSED)
        for each in cancels
        if each.finished_at and each.status == CancelStatus.REJECTED
    ]


def _once(told: list[Happening]) -> list[Happening]:
    """Leaves out what says again what stands just before it: the children of one order are cancelled together."""
    return told[:1] + [after for before, after in pairwise(told) if after != before]


def _later(at: datetime | None, unit: timedelta, count: int | None) -> datetime | None:
    """Returns the moment so many units later; None where there is none, or it lies beyond all calendars."""
    try:
        return at + unit * count if at is not None and count is not None else None
    except OverflowError:
        return None
