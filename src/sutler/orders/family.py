"""Orders that have children: a drip-feed and its runs, a subscription and its posts.

The state and the money of such a parent follow from its children; nobody reports them.
"""

from collections.abc import Collection
from datetime import datetime

from sutler.orders.models import Order


def is_parent(order: Order) -> bool:
    """Returns True if the order's state follows from its children."""
    raise NotImplementedError


def refresh(parent_ids: Collection[int], now: datetime) -> None:
    """Brings parents up to date with their children, in the caller's transaction."""
    raise NotImplementedError
