"""Ordering again: an order read back into the fields of the form that it came from."""

from sutler.core.order_types import ORDER_TYPES, Measure
from sutler.orders import delegation, parent_orders
from sutler.orders.models import Order


def form(customer_id: int, order_id: int) -> dict[str, str] | None:
    """Returns the fields that ask for the same again, `service` among them, or None if the customer has no such order.

    A day that a subscription was to end on is left out: it may be over.
    """
    order = (
        Order.objects.select_related("drip", "subscription", "parent")
        .filter(pk=order_id, customer_id=customer_id)
        .first()
    )
    if order is None:
        return None
    if order.parent is not None and order.parent.kind == Order.Kind.SUBSCRIPTION:
        # The child of a post cannot be ordered by itself: its service sells subscriptions.
        return form(customer_id, order.parent_id or 0)
    fields = {"service": str(order.service_id), "link": order.link} | {
        name: str(text) for name, text in (order.details or {}).items()
    }
    return fields | {name: str(number) for name, number in _numbers(order).items()}


def _numbers(order: Order) -> dict[str, int]:
    if parent_orders.is_parent(order):
        return delegation.numbers(order)
    is_measured = ORDER_TYPES[order.type].measure is Measure.QUANTITY
    return {"quantity": order.quantity} if is_measured else {}
