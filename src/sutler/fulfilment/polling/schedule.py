"""Reading upstream orders as following needs them: a page of those that are due, or some, locked."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sutler.fulfilment.polling.interpret import Due, Followed
from sutler.panels.client import BATCH_SIZE
from sutler.storage.statements import Statement, moment, read_moment, run, select

PAGE_SIZE = 10 * BATCH_SIZE
# How far a list of due orders has been read: when the last was due, as the engine stores it, and which it was.
Place = tuple[str, int]

_PLAIN = (
    "orders_order.kind = 'single' AND there.confirmed_at IS NOT NULL AND due.asked_at IS NOT NULL"
    " AND there.misses = 0 AND due.unread = 0 AND there.finished_at IS NULL"
)
# The columns of `Due`, the moments last, and when it is asked about next.
_DUE_COLUMNS = (
    "there.id",
    "there.order_id",
    "there.upstream_id",
    _PLAIN,
    "orders_order.status",
    "there.expected_micros",
    "there.reported_micros",
    "there.word",
    "there.start_count",
    "there.remains",
    "orders_order.quantity",
    "service.usual_seconds",
    "there.placed_at",
    "due.asked_at",
    "due.ask_at",
)
# The columns of `Followed`, the moments last.
_COLUMNS = (
    "there.id",
    "there.attempt_id",
    "there.order_id",
    "there.upstream_service_id",
    "there.upstream_id",
    "there.expected_micros",
    "there.cost_micros",
    "there.reported_micros",
    "there.word",
    "there.start_count",
    "there.remains",
    "there.misses",
    "due.unread",
    "orders_order.quantity",
    "orders_order.kind",
    "orders_order.type",
    "orders_order.status",
    "service.rate_micros",
    "service.usual_seconds",
    "there.placed_at",
    "there.confirmed_at",
    "due.asked_at",
    "there.finished_at",
)
_DUE = Statement(
    "SELECT {answer} FROM (SELECT upstream_order_id, asked_at, ask_at, unread FROM fulfilment_asktime"
    " WHERE provider_id = ? AND ask_at <= ? AND (ask_at, upstream_order_id) > (?, ?)"
    " ORDER BY ask_at, upstream_order_id LIMIT ?) AS due"
    " JOIN fulfilment_upstreamorder there ON there.id = due.upstream_order_id"
    " JOIN orders_order ON orders_order.id = there.order_id"
    " JOIN fulfilment_upstreamservice service ON service.id = there.upstream_service_id",
    {},
    _DUE_COLUMNS,
)
_BEGINNING: Place = ("0001-01-01 00:00:00+00:00", 0)
_LOCK = Statement(
    "SELECT {answer} FROM {rows} JOIN fulfilment_asktime due ON due.upstream_order_id = rows.id"
    " JOIN fulfilment_upstreamorder there ON there.id = rows.id"
    " JOIN orders_order ON orders_order.id = there.order_id"
    " JOIN fulfilment_upstreamservice service ON service.id = there.upstream_service_id",
    {"id": "bigint"},
    _COLUMNS,
    locks="due, there",
)


def page(provider_id: int, now: datetime, after: Place | None) -> tuple[list[Due], Place | None]:
    """Returns up to 1,000 orders at the provider that are to be asked about, and where to read on; None at the end."""
    rows = select(_DUE, provider_id, moment(now), *(after or _BEGINNING), PAGE_SIZE)
    last = max((row[-1], row[0]) for row in rows) if len(rows) == PAGE_SIZE else None
    return [Due._make((*row[:12], read_moment(row[12]), _shared(row[13]))) for row in rows], last


def lock(upstream_order_ids: Sequence[int]) -> list[Followed]:
    """Locks those of the orders that are still asked about, in the caller's transaction, and returns them."""
    rows = run(_LOCK, [(pk,) for pk in sorted(upstream_order_ids)])
    return [
        Followed._make((*columns, read_moment(placed), _shared(confirmed), _shared(asked), _shared(finished)))
        for *columns, placed, confirmed, asked, finished in rows
    ]


# What was asked together has its moments in common.
_shared = lru_cache(maxsize=1024)(read_moment)
