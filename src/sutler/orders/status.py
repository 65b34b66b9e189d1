"""Looking up orders for their owners, many owners at once, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from sutler.core.lifecycle import Status
from sutler.orders.models import Order
from sutler.storage.statements import Statement, run

_ORDERS = Statement(
    "SELECT {answer} FROM {rows}"
    " JOIN orders_order ON orders_order.id = rows.id AND orders_order.customer_id = rows.customer_id",
    {"ask": "integer", "customer_id": "bigint", "id": "bigint"},
    (
        "rows.ask",
        "orders_order.id",
        "orders_order.charge_micros - orders_order.returned_micros",
        "orders_order.start_count",
        "orders_order.status",
        "orders_order.remains",
        "orders_order.currency",
        "orders_order.kind",
    ),
)
_PARENTS = Statement(
    "SELECT rows.id, parent.kind,"
    " (SELECT COUNT(*) FROM orders_order run WHERE run.parent_id = parent.id"
    " AND run.status IN ('Completed', 'Partial')), subscription.expiry,"
    " (SELECT SUM(child.charge_micros - child.returned_micros) FROM orders_order child"
    " WHERE child.parent_id = parent.id),"
    " (SELECT COUNT(*) FROM orders_order child WHERE child.parent_id = parent.id)"
    " FROM {rows} JOIN orders_order parent ON parent.id = rows.id AND parent.customer_id = rows.customer_id"
    " LEFT JOIN orders_subscription subscription ON subscription.order_id = parent.id",
    {"customer_id": "bigint", "id": "bigint"},
)
_CHILDREN = Statement(
    "SELECT rows.id, orders_order.id FROM {rows} JOIN orders_order ON orders_order.parent_id = rows.id"
    " AND orders_order.customer_id = rows.customer_id ORDER BY orders_order.id",
    {"customer_id": "bigint", "id": "bigint"},
)


@dataclass(frozen=True, slots=True)
class Family:
    """What the answer for a parent adds: runs delivered or posts and expiry, and the ids of the children."""

    children: tuple[int, ...]
    runs: int | None = None
    posts: int | None = None
    expiry: str | None = None


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How an order stands, as its owner is shown it. `charge_micros` is net of what has gone back."""

    charge_micros: int
    start_count: int | None
    status: Status | str
    remains: int
    currency: str
    family: Family | None = None


def look_up(asks: Sequence[tuple[int, Sequence[int]]]) -> list[dict[int, Standing]]:
    """Returns, for each ask (customer id, order ids), how those of the orders stand that are the customer's.

    An order of another customer is left out exactly as one that does not exist, by the same statement.
    """
    answers: list[dict[int, Standing]] = [{} for _ in asks]
    rows = [(number, customer_id, each) for number, (customer_id, ids) in enumerate(asks) for each in ids]
    parents: list[tuple[int, int, Standing]] = []
    for number, order_id, charge, start_count, status, remains, currency, kind in run(_ORDERS, rows):
        standing = Standing(charge, start_count, status, remains, currency)
        answers[number][order_id] = standing
        if kind != Order.Kind.SINGLE:
            parents.append((number, order_id, standing))
    if parents:
        _add_families(asks, answers, parents)
    return answers


def _add_families(
    asks: Sequence[tuple[int, Sequence[int]]],
    answers: list[dict[int, Standing]],
    parents: Sequence[tuple[int, int, Standing]],
) -> None:
    rows = sorted({(asks[number][0], order_id) for number, order_id, _ in parents})
    children: dict[int, list[int]] = {order_id: [] for _, order_id in rows}
    for parent_id, child_id in run(_CHILDREN, rows):
        children[parent_id].append(child_id)
    found = {row[0]: row[1:] for row in run(_PARENTS, rows)}
    for number, order_id, standing in parents:
        kind, runs, expiry, charged, posts = found[order_id]
        subscribed = kind == Order.Kind.SUBSCRIPTION
        family = Family(
            tuple(children[order_id]),
            runs=None if subscribed else runs,
            posts=posts if subscribed else None,
            expiry=str(expiry) if expiry else None,
        )
        answers[number][order_id] = Standing(
            int(charged or 0) if subscribed else standing.charge_micros,
            standing.start_count,
            standing.status,
            standing.remains,
            standing.currency,
            family,
        )
