"""A decided change of an order, and how it is written: the row, the event, and what ends with the order.

Knows nothing of money: what a change costs or returns is settled by who decided it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sutler.core.lifecycle import FINAL, CancelStatus, Status
from sutler.orders import approval_gate
from sutler.orders.models import CancelRequest, LinkInUse, Order
from sutler.storage.statements import Statement, moment, run, run_counted

_UPDATE_ORDERS = Statement(
    "UPDATE orders_order SET status = rows.status, start_count = rows.start_count, remains = rows.remains,"
    " returned_micros = rows.returned_micros, finished_at = rows.finished_at"
    " FROM {rows} WHERE orders_order.id = rows.id AND orders_order.status = rows.from_status",
    {
        "id": "bigint",
        "from_status": "text",
        "status": "text",
        "start_count": "bigint",
        "remains": "bigint",
        "returned_micros": "bigint",
        "finished_at": "timestamptz",
    },
)
_INSERT_EVENTS = Statement(
    "INSERT INTO orders_orderevent (order_id, at, actor, from_status, to_status, note)"
    " SELECT order_id, at, actor, from_status, to_status, note FROM {rows} WHERE 1 = 1",
    {
        "order_id": "bigint",
        "at": "timestamptz",
        "actor": "text",
        "from_status": "text",
        "to_status": "text",
        "note": "text",
    },
)


@dataclass(frozen=True, slots=True)
class Change:
    """An order as it stood and what is made of it."""

    order: Order
    status: Status
    start_count: int | None
    remains: int
    returned_micros: int
    note: str = ""

    @property
    def moves(self) -> bool:
        """Whether the status changes."""
        return self.status != self.order.status

    @property
    def ends(self) -> bool:
        """Whether the order becomes final by this change."""
        return self.moves and self.status in FINAL

    @property
    def recounts(self) -> bool:
        """Whether what remains or what was returned changes."""
        return (self.remains, self.returned_micros) != (self.order.remains, self.order.returned_micros)


def write(changes: Sequence[Change], actor: str, now: datetime) -> None:
    """Writes changes of locked orders that are not final: rows, events, and what ends with an order: its hold on a
    link, its requests to cancel, its question for approval.
    """
    if not changes:
        return
    at = moment(now)
    written = run_counted(
        _UPDATE_ORDERS,
        [
            (
                each.order.pk,
                each.order.status,
                each.status,
                each.start_count,
                each.remains,
                each.returned_micros,
                at if each.ends else None,
            )
            for each in changes
        ],
    )
    assert written == len(changes)  # noqa: S101 - the rows are locked
    write_events(_event(each, actor, now) for each in changes if each.moves or each.note)
    ended = [each for each in changes if each.ends]
    if ended:
        LinkInUse.objects.filter(order__in=[each.order.pk for each in ended]).delete()
        _close_cancel_requests(ended, now)
        approval_gate.drop([each.order for each in ended], now)


class Event(NamedTuple):
    """An event of an order, not stored yet; without statuses it did not move the order."""

    order_id: int
    at: datetime
    actor: str
    note: str
    from_status: str | None = None
    to_status: str | None = None


def note(order_id: int, actor: str, now: datetime, text: str) -> Event:
    """Returns the event of something that happened to an order without moving it."""
    return Event(order_id, now, actor, text[:1000])


def write_events(events: Iterable[Event]) -> None:
    """Stores events, in the caller's transaction."""
    rows = [(e.order_id, moment(e.at), e.actor, e.from_status, e.to_status, e.note) for e in events]
    run(_INSERT_EVENTS, rows)


def _event(change: Change, actor: str, now: datetime) -> Event:
    moved = (change.order.status, change.status) if change.moves else (None, None)
    return Event(change.order.pk, now, actor, change.note[:1000], *moved)


def _close_cancel_requests(ended: Sequence[Change], now: datetime) -> None:
    for outcome, was_stopped in ((CancelStatus.DONE, True), (CancelStatus.REJECTED, False)):
        ids = [each.order.pk for each in ended if (each.status is not Status.COMPLETED) is was_stopped]
        CancelRequest.objects.filter(order__in=ids, status__in=[CancelStatus.OPEN, CancelStatus.TAKEN]).update(
            status=outcome, finished_at=now
        )
