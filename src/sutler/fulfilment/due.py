"""Reading upstream orders as following needs them: a page of those that are due, or some, locked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from sutler.fulfilment.heard import Followed
from sutler.fulfilment.models import UpstreamOrder
from sutler.fulfilment.panel_v2 import BATCH_SIZE
from sutler.storage.statements import Statement, read_moment, run

PAGE_SIZE = 10 * BATCH_SIZE
# How far a list of due orders has been read: when the last was due, and which it was.
Place = tuple[datetime, int]

# The columns of `Followed`, the moments last, and whether it is still asked about. As a condition, that would lead
# PostgreSQL to read the whole index of what is due where it thinks that little is.
_READ = Statement(
    "SELECT {answer} FROM {rows} JOIN fulfilment_upstreamorder there ON there.id = rows.id"
    " JOIN orders_order ON orders_order.id = there.order_id"
    " JOIN fulfilment_upstreamservice service ON service.id = there.upstream_service_id",
    {"id": "bigint"},
    (
        *("there.id", "there.attempt_id", "there.order_id", "there.upstream_service_id", "there.upstream_id"),
        *("there.expected_micros", "there.cost_micros", "there.reported_micros", "there.word", "there.start_count"),
        *("there.remains", "there.misses", "orders_order.quantity", "orders_order.kind", "orders_order.type"),
        "orders_order.status",
        *("service.rate_micros", "service.usual_seconds"),
        *("there.placed_at", "there.confirmed_at", "there.asked_at", "there.finished_at"),
        "there.ask_at IS NOT NULL",
    ),
)
_LOCK = replace(_READ, locks="there")


def page(provider_id: int, now: datetime, after: Place | None) -> tuple[list[Followed], Place | None]:
    """Returns up to 1,000 orders at the provider that are to be asked about, and where to read on; None at the end."""
    found = UpstreamOrder.objects.filter(provider=provider_id, ask_at__lte=now)
    if after is not None:
        at, last = after
        found = found.filter(Q(ask_at__gt=at) | Q(pk__gt=last), ask_at__gte=at)
    places = [(at, pk) for at, pk in found.order_by("ask_at", "pk").values_list("ask_at", "pk")[:PAGE_SIZE] if at]
    return _read(_READ, [pk for _, pk in places]), places[-1] if len(places) == PAGE_SIZE else None


def lock(upstream_order_ids: Sequence[int]) -> list[Followed]:
    """Locks those of the orders that are still asked about, in the caller's transaction, and returns them."""
    return _read(_LOCK, sorted(upstream_order_ids))


def _read(statement: Statement, ids: Sequence[int]) -> list[Followed]:
    moments = Followed._fields.index("placed_at")
    rows = run(statement, [(pk,) for pk in ids])
    return [
        Followed._make((*columns[:moments], *map(read_moment, columns[moments:])))
        for *columns, is_asked in rows
        if is_asked
    ]
