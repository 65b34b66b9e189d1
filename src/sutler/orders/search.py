"""Lists of orders for pages, newest first, page by page: a customer's own, and staff's over all customers.

A page is asked for by the id that the last one ended at, so the thousandth costs what the first does. Staff's search
without a customer looks through so many ids for a page at most: what is rare may need several.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Exists, Q, QuerySet
from django.db.models.expressions import RawSQL

from sutler.core.lifecycle import FINAL, Status
from sutler.core.text import text_input
from sutler.orders.models import Order

MOST_ON_A_PAGE = 200
# How many ids staff's search passes for one page: an order is in none of the indexes by service or by link.
MOST_IDS_PASSED = 100_000
LONGEST_SEARCH = 200
_UNDER_WAY = frozenset({Status.PROCESSING, Status.IN_PROGRESS})
# The conditions of two partial indexes, word for word: SQLite does not find them behind parameters.
_IN_INDEX_UNDER_WAY = "orders_order.status IN ('Processing', 'In progress')"
_OPEN_BY_STATE = (
    "SELECT status, COUNT(*) FROM orders_order WHERE status IN ('Processing', 'In progress') GROUP BY status"
    " UNION ALL SELECT 'Pending', COUNT(*) FROM orders_order WHERE status = 'Pending' AND kind = 'single'"
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which orders a list is to hold; nothing given means any. The bounds of ids and moments are part of the range.

    `text` is what a person types: the number of an order, or a part of its link.
    """

    statuses: frozenset[Status] = frozenset()
    service_id: int | None = None
    text: str = ""
    placed_from: datetime | None = None
    placed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Orders with their service (for staff with their customer too); `next_before` asks for the page after, if any."""

    orders: list[Order]
    next_before: int | None


def of_customer(customer_id: int, filters: Filters, *, before: int | None = None, limit: int = 50) -> Page:
    """Returns a page of a customer's own orders, the runs of drip-feeds and the posts of subscriptions among them."""
    own = Order.objects.filter(customer_id=customer_id).select_related("service__category")
    return _page(_filtered(own, filters), before, limit)


def ids_of_customer(customer_id: int, filters: Filters, most: int) -> list[int]:
    """Returns the ids of the newest of a customer's own orders that the filters leave, at most so many."""
    own = _filtered(Order.objects.filter(customer_id=customer_id), filters)
    return list(own.order_by("-pk").values_list("pk", flat=True)[:most])


def of_parent(customer_id: int, parent_id: int, *, before: int | None = None, limit: int = 50) -> Page:
    """Returns a page of the children of a customer's drip-feed or subscription."""
    children = Order.objects.filter(parent_id=parent_id, customer_id=customer_id).select_related("service__category")
    return _page(children, before, limit)


def these(customer_id: int, order_ids: Collection[int]) -> list[Order]:
    """Returns those of at most 200 orders that are the customer's, newest first."""
    wanted = list(order_ids)[:MOST_ON_A_PAGE]
    own = Order.objects.filter(customer_id=customer_id, pk__in=wanted)
    return list(own.select_related("service__category").order_by("-pk"))


def of_all(
    filters: Filters,
    *,
    customer_id: int | None = None,
    only: Q | Exists | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Page:
    """Returns a page of everybody's orders, for staff, or of one customer's; `only` is a condition of rooms above,
    a Q if it names ids.

    It may hold fewer than `limit` although there are more: `next_before` goes on where this search stopped.
    """
    orders = _filtered(Order.objects.select_related("service__category", "customer"), filters)
    if only is not None:
        orders = orders.filter(only)
    if customer_id is not None:
        return _page(orders.filter(customer_id=customer_id), before, limit)
    if isinstance(only, Q) or text_input.number(filters.text.strip()) is not None:
        return _page(orders, before, limit)  # by ids: however old
    if filters.statuses and _UNDER_WAY.issuperset(filters.statuses):
        return _page(orders.filter(RawSQL(_IN_INDEX_UNDER_WAY, [], BooleanField())), before, limit)  # noqa: S611
    return _page_within(orders, before, limit)


def get(customer_id: int, order_id: int) -> Order | None:
    """Returns the customer's order with its service, or None if the customer has no such order."""
    orders = Order.objects.select_related("service__category", "parent", "drip", "subscription")
    return orders.filter(pk=order_id, customer_id=customer_id).first()


def count_open() -> dict[Status, int]:
    """Returns how many orders of the house are in each unfinished state, from indexes alone; parents that are Pending
    are left out: nobody can take them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_BY_STATE)
        found = {Status(status): int(count) for status, count in cursor.fetchall()}
    return {status: found.get(status, 0) for status in Status if status not in FINAL}


def _filtered(orders: QuerySet[Order], filters: Filters) -> QuerySet[Order]:
    conditions: dict[str, Any] = {
        "status__in": list(filters.statuses) or None,
        "service_id": filters.service_id,
        "created_at__gte": filters.placed_from,
        "created_at__lte": filters.placed_until,
    }
    text = filters.text.strip()[:LONGEST_SEARCH]
    if (pk := text_input.number(text)) is not None:
        conditions["pk"] = pk
    elif text:
        conditions["link__icontains"] = text
    return orders.filter(**{name: value for name, value in conditions.items() if value is not None})


def _page(orders: QuerySet[Order], before: int | None, limit: int) -> Page:
    size = max(1, min(limit, MOST_ON_A_PAGE))
    if before is not None:
        orders = orders.filter(pk__lt=before)
    found = list(orders.order_by("-pk")[: size + 1])
    return Page(found[:size], found[size - 1].pk if len(found) > size else None)


def _page_within(orders: QuerySet[Order], before: int | None, limit: int) -> Page:
    """Looks through the newest ids below `before`, and no further than a page may cost."""
    newest = (Order.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    top = min(before, newest) if before is not None else newest
    bottom = top - MOST_IDS_PASSED
    page = _page(orders.filter(pk__gte=bottom), top, limit)
    if page.next_before is None and bottom > 1:
        return Page(page.orders, bottom)
    return page
