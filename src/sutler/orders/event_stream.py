"""Reading the events of orders in their order, none missed and none twice: from one cursor, an event's ID, to the next.

Only up to a settled ID (`storage.settled_ids`): what lies below it is complete.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sutler.orders.models import OrderEvent
from sutler.storage.settled_ids import SettledIds
from sutler.storage.statements import Statement, read_json, select

# A reader who comes back after a week passes over everybody's events; so many IDs are looked at in one statement.
MOST_PASSED_OVER = 20_000
# What changes the answer to `status`, or to `refill_status`.
_OF_CUSTOMER = Statement(
    "SELECT {answer} FROM (SELECT event.id, event.order_id, event.kind, event.data FROM orders_orderevent event"
    " JOIN orders_order ON orders_order.id = event.order_id"
    " WHERE event.id > ? AND event.id <= ? AND orders_order.customer_id = ?"
    " AND (event.to_status IS NOT NULL OR event.kind IN ('progress', 'refill moved'))"
    " ORDER BY event.id LIMIT ?) AS event",
    {},
    ("event.id", "event.order_id", "event.kind", "event.data"),
)
_CUSTOMERS = Statement(
    "SELECT {answer} FROM (SELECT DISTINCT orders_order.customer_id AS id FROM orders_orderevent event"
    " JOIN orders_order ON orders_order.id = event.order_id"
    " WHERE event.id > ? AND event.id <= ?"
    " AND (event.to_status IS NOT NULL OR event.kind IN ('progress', 'refill moved'))) AS customer",
    {},
    ("customer.id",),
)


class Changes(NamedTuple):
    """What has changed for a customer: orders and refills by ID. The next look begins at `cursor`; `more` waits now."""

    orders: Sequence[int]
    refills: Sequence[int]
    cursor: int
    more: bool


def settled() -> SettledIds:
    """Returns what tells up to where the events are complete; one for each thread."""
    return SettledIds(OrderEvent._meta.db_table)


def changes(customer_id: int, after: int, up_to: int, limit: int) -> Changes:
    """Returns what at most `limit` events behind `after` have changed; `up_to` is a settled ID."""
    end = min(up_to, after + MOST_PASSED_OVER)
    rows = sorted(select(_OF_CUSTOMER, after, end, customer_id, limit))
    if len(rows) == limit:
        end = rows[-1][0]
    refills = {read_json(data)["refill"] for _, _, kind, data in rows if kind == "refill moved"}
    orders = {order_id for _, order_id, kind, _ in rows if kind != "refill moved"}
    return Changes(sorted(orders), sorted(refills), max(end, after), end < up_to)


def customers(after: int, up_to: int) -> set[int]:
    """Returns for whom something changes from one settled ID to another."""
    return {pk for (pk,) in select(_CUSTOMERS, after, up_to)}
