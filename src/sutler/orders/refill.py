"""Refills: a customer asks that what was lost of a completed order be delivered again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from django.db.models import Max

from sutler.core.events import EventKind
from sutler.core.lifecycle import REFILL_FINAL, REFILL_MOVES, RefillStatus, Status
from sutler.core.refusals import Reason, Refusal
from sutler.orders.change import Event, event, write_events
from sutler.orders.models import Order, Refill
from sutler.storage.statements import Statement, moment, run
from sutler.storage.transactions import durable

# The partial unique index decides between two who ask at once: the later one's row falls away.
_INSERT_REFILLS = Statement(
    "INSERT INTO orders_refill (order_id, customer_id, status, requested_at)"
    " SELECT order_id, customer_id, status, requested_at FROM {rows} WHERE 1 = 1"
    " ON CONFLICT DO NOTHING RETURNING order_id, id",
    {"order_id": "integer", "customer_id": "bigint", "status": "text", "requested_at": "timestamptz"},
)
_REFILLS = Statement(
    "SELECT rows.ask, refill.status FROM {rows} JOIN orders_refill refill ON refill.id = rows.id"
    " AND refill.customer_id = rows.customer_id",
    {"ask": "integer", "customer_id": "bigint", "id": "bigint"},
)
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
MOST_ON_A_PAGE = 200


class Hindrance(Enum):
    """Why an order may have no refill now."""

    NOT_OFFERED = auto()
    NOT_COMPLETED = auto()
    GUARANTEE_OVER = auto()
    UNDER_WAY = auto()
    TOO_EARLY = auto()


@dataclass(frozen=True, slots=True)
class Page:
    """Refills with their orders and services; `next_before` asks for the page after, if any."""

    refills: list[Refill]
    next_before: int | None


def request_refills(customer_id: int, order_ids: Sequence[int], now: datetime) -> list[int | Refusal]:
    """Opens a refill for each order that may have one; answers refill ids in the order given.

    Refuses with INCORRECT_ORDER (not an order of the customer), REFILL_NOT_AVAILABLE unless the order is Completed,
    the service has refill, the order was completed no longer than the service's `refill_days` ago, no refill of it is
    open, and `refill_wait_hours` have passed since it was completed and since its last refill ended (the protocol,
    section 4).
    Raises storage.transactions.Busy or CommitUnclear, as `durable` says.
    """
    with durable() as receipt:
        orders = (
            Order.objects.filter(pk__in=order_ids, customer_id=customer_id)
            .select_related("service")
            .annotate(last_refill_at=Max("refills__finished_at"))
        )
        found = {each.pk: hindrance(each, each.last_refill_at, now) for each in orders}
        # In id order, so that two callers never wait for each other in a ring.
        asked = sorted(order_id for order_id, stands_in_the_way in found.items() if stands_in_the_way is None)
        opened: dict[int, int] = dict(
            run(_INSERT_REFILLS, [(each, customer_id, RefillStatus.PENDING, moment(now)) for each in asked])
        )
        if opened:
            receipt.wrote("orders_refill", min(opened.values()))
    return [
        opened.get(each, Refusal(Reason.REFILL_NOT_AVAILABLE if each in found else Reason.INCORRECT_ORDER))
        for each in order_ids
    ]


def hindrance(
    order: Order, last_refill_at: datetime | None, now: datetime, *, is_open: bool = False
) -> Hindrance | None:
    """Returns what stands in the way of a refill of the order (read with its service), None if nothing does.

    `last_refill_at` is when the last refill of it ended, `is_open` whether one is under way.
    """
    service = order.service
    if not service.refill:
        return Hindrance.NOT_OFFERED
    if order.status != Status.COMPLETED or order.finished_at is None:
        return Hindrance.NOT_COMPLETED
    # Whole numbers are compared: an operator's "for ever" in days is more than a timedelta holds.
    if service.refill_days is not None and -((order.finished_at - now) // _DAY) > service.refill_days:
        return Hindrance.GUARANTEE_OVER
    if is_open:
        return Hindrance.UNDER_WAY
    quiet_since = max(order.finished_at, last_refill_at or order.finished_at)
    return None if (now - quiet_since) // _HOUR >= service.refill_wait_hours else Hindrance.TOO_EARLY


def of_customer(
    customer_id: int, status: RefillStatus | None = None, *, before: int | None = None, limit: int = 50
) -> Page:
    """Returns a page of the refills of a customer's orders, newest first, by default of every status."""
    found = Refill.objects.filter(customer_id=customer_id).select_related("order__service")
    if status is not None:
        found = found.filter(status=status)
    if before is not None:
        found = found.filter(pk__lt=before)
    size = max(1, min(limit, MOST_ON_A_PAGE))
    rows = list(found.order_by("-pk")[: size + 1])
    return Page(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def look_up(asks: Sequence[tuple[int, int]]) -> list[RefillStatus | None]:
    """Returns how each refill stands, asked as (customer id, refill id); None where the customer has no such one."""
    rows = [(number, *ask) for number, ask in enumerate(asks)]
    found = {number: RefillStatus(status) for number, status in run(_REFILLS, rows)}
    return [found.get(number) for number in range(len(asks))]


def report(reports: Sequence[tuple[int, RefillStatus]], actor: str, now: datetime) -> list[Refusal | None]:
    """Moves refills, given as (refill id, new status); each on its own, answered in the order given (None: done).

    Refuses with REFILL_NOT_FOUND, or MOVE_NOT_ALLOWED (not in `lifecycle.REFILL_MOVES`). Repeating a report is a
    success that changes nothing. Each move leaves a note on the order.
    Raises storage.transactions.Busy or CommitUnclear, as `durable` says.
    """
    with durable():
        return apply_reports(reports, actor, now)


def apply_reports(reports: Sequence[tuple[int, RefillStatus]], actor: str, now: datetime) -> list[Refusal | None]:
    """Does what `report` does inside the caller's transaction."""
    ids = {refill_id for refill_id, _ in reports}
    refills = {each.pk: each for each in Refill.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    events: list[Event] = []
    answers = [_move(refills.get(refill_id), status, actor, now, events) for refill_id, status in reports]
    Refill.objects.bulk_update(refills.values(), ["status", "finished_at"])
    write_events(events)
    return answers


def moved(refill: Refill, before: RefillStatus, after: RefillStatus, actor: str, now: datetime) -> Event:
    """Returns the event of a refill's move, for its order."""
    return event(refill.order_id, actor, now, EventKind.REFILL_MOVED, refill=refill.pk, before=before, after=after)


def _move(
    refill: Refill | None, status: RefillStatus, actor: str, now: datetime, events: list[Event]
) -> Refusal | None:
    if refill is None:
        return Refusal(Reason.REFILL_NOT_FOUND)
    before = RefillStatus(refill.status)
    if status is before:
        return None
    if status not in REFILL_MOVES[before]:
        return Refusal(Reason.MOVE_NOT_ALLOWED)
    events.append(moved(refill, before, status, actor, now))
    refill.status = status
    refill.finished_at = now if status in REFILL_FINAL else None
    return None
