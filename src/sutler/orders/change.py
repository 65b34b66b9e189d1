"""The one door for changes of an order's status: the row, the event, and what ends with the order.

Knows nothing of money: what a change costs or returns is settled by who decided it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from sutler.core.events import NOTHING, EventKind, Note, note
from sutler.core.lifecycle import FINAL, CancelStatus, Status
from sutler.orders import approval_gate
from sutler.orders.models import CancelRequest, LinkInUse, Order
from sutler.storage.statements import Statement, moment, run, run_counted

_encode = msgspec.json.Encoder().encode
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
_HAND_OUT = Statement(
    "UPDATE orders_order SET status = 'Processing' FROM {rows} WHERE orders_order.id = rows.id"
    " AND orders_order.status = 'Pending'",
    {"id": "bigint"},
)
_INSERT_EVENTS = Statement(
    "INSERT INTO orders_orderevent (order_id, at, actor, from_status, to_status, kind, data)"
    " SELECT order_id, at, actor, from_status, to_status, kind, data FROM {rows} WHERE {begun}",
    {
        "order_id": "bigint",
        "at": "timestamptz",
        "actor": "text",
        "from_status": "text",
        "to_status": "text",
        "kind": "text",
        "data": "jsonb",
    },
)
_FORGET_PROGRESS = Statement(
    "DELETE FROM orders_orderevent WHERE kind = 'progress' AND order_id IN (SELECT order_id FROM {rows})",
    {"order_id": "bigint"},
)


@dataclass(frozen=True, slots=True)
class Change:
    """An order as it stood and what is made of it."""

    order: Order
    status: Status
    start_count: int | None
    remains: int
    returned_micros: int
    note: Note = NOTHING

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

    @property
    def progresses(self) -> bool:
        """Whether nothing changes but the counts."""
        return not self.moves and (self.recounts or self.start_count != self.order.start_count)


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
    write_events(_event(each, actor, now) for each in changes if each.moves or each.note != NOTHING)
    write_progress([each.order.pk for each in changes if each.progresses], actor, now)
    ended = [each for each in changes if each.ends]
    if ended:
        run(_FORGET_PROGRESS, [(each.order.pk,) for each in ended])
        LinkInUse.objects.filter(order__in=[each.order.pk for each in ended]).delete()
        _close_cancel_requests(ended, now)
        approval_gate.drop([each.order for each in ended], now)


def write_handed_out(notes: Mapping[int, Note], actor: str, now: datetime) -> None:
    """Does what `write` does where locked Pending orders become Processing and nothing else changes; they need not be
    read. `notes` has what the event of each says.
    """
    written = run_counted(_HAND_OUT, [(pk,) for pk in notes])
    assert written == len(notes)  # noqa: S101 - the rows are locked
    moved = Status.PENDING, Status.PROCESSING
    write_events(Event(pk, now, actor, each, *moved) for pk, each in notes.items())


class Event(NamedTuple):
    """An event of an order, not stored yet; without statuses it did not move the order."""

    order_id: int
    at: datetime
    actor: str
    note: Note
    from_status: str | None = None
    to_status: str | None = None


def event(order_id: int, actor: str, now: datetime, kind: EventKind, **data: Any) -> Event:
    """Returns the event of something that happened to an order without moving it; what is None is no data of it."""
    return Event(order_id, now, actor, note(kind, **data))


def write_events(events: Iterable[Event]) -> None:
    """Stores events, in the caller's transaction."""
    rows = [
        (each.order_id, moment(each.at), each.actor, each.from_status, each.to_status, kind, _json(data))
        for each in events
        for kind, data in [each.note]
    ]
    run(_INSERT_EVENTS, rows)


def _json(data: Mapping[str, Any]) -> str:
    return _encode(data).decode() if data else "{}"


def write_progress(order_ids: Collection[int], actor: str, now: datetime) -> None:
    """Stores that locked orders, none final, now answer `status` otherwise without having moved.

    Only the last such event of an order is kept, and none once it has ended: there would be dozens of each.
    """
    if order_ids:
        run(_FORGET_PROGRESS, [(each,) for each in order_ids])
        write_events(event(each, actor, now, EventKind.PROGRESS) for each in sorted(order_ids))


def _event(change: Change, actor: str, now: datetime) -> Event:
    moved = (change.order.status, change.status) if change.moves else (None, None)
    return Event(change.order.pk, now, actor, change.note, *moved)


def _close_cancel_requests(ended: Sequence[Change], now: datetime) -> None:
    for outcome, was_stopped in ((CancelStatus.DONE, True), (CancelStatus.REJECTED, False)):
        ids = [each.order.pk for each in ended if (each.status is not Status.COMPLETED) is was_stopped]
        CancelRequest.objects.filter(order__in=ids, status__in=[CancelStatus.OPEN, CancelStatus.TAKEN]).update(
            status=outcome, finished_at=now
        )
