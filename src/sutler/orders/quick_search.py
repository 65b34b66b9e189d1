"""The orders that a person means who types a few letters into the search of every page: an ID, or a part of a link.

No index holds links: one costs a third of an insert (decision 47). A link is looked for in the newest orders only.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import QuerySet

from sutler.core.text import text_input
from sutler.orders.models import Order
from sutler.storage.bounded_search import newest

# How many orders a link is looked for in: about 30 ms.
MOST_ORDERS_READ = 50_000
# The hint in the order form is asked for as one types.
MOST_READ_FOR_HINT = 10_000
# A shorter text is in nearly every link.
SHORTEST_LINK = 3


def of_customer(customer_id: int, text: str, limit: int) -> list[Order]:
    """Returns at most `limit` of the customer's own orders, newest first."""
    return _found(Order.objects.filter(customer_id=customer_id), text, limit)


def of_all(text: str, limit: int, ids: Collection[int] = ()) -> list[Order]:
    """Returns at most `limit` of everybody's orders, for staff, newest first; those of `ids` among them."""
    return _found(Order.objects.select_related("customer"), text, limit, ids)


def same_link_at(customer_id: int, link: str) -> tuple[int, datetime] | None:
    """Returns the newest order with this very link out of the customer's newest 10,000: its id, when it was placed."""
    own = newest(Order.objects.filter(customer_id=customer_id, parent=None), MOST_READ_FOR_HINT)
    return own.filter(link=link).order_by("-pk").values_list("pk", "created_at").first()


def recent_services(customer_id: int, most: int) -> list[int]:
    """Returns the ids of the services that the customer ordered last, out of their newest 100 orders."""
    own = Order.objects.filter(customer_id=customer_id).order_by("-pk")
    return list(dict.fromkeys(own.values_list("service_id", flat=True)[:100]))[:most]


def _found(orders: QuerySet[Order], text: str, limit: int, ids: Collection[int] = ()) -> list[Order]:
    orders = orders.select_related("service")
    number = text_input.number(text)
    if number is not None or ids:
        found = orders.filter(pk__in={*ids, number or 0})
    elif len(text) >= SHORTEST_LINK:
        found = newest(orders, MOST_ORDERS_READ).filter(link__icontains=text)
    else:
        return []
    return list(found.order_by("-pk")[:limit])
