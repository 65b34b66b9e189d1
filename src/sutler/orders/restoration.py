"""A panel that was restored from a backup: what came after the backup is forgotten, and must not be done again.

From `begin` to `end` nothing is sent to providers and no gateway's payment is credited: an order that looks new here
may be upstream already. Ids begin anew above all that can have been given out (docs/decisions/0038).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from sutler.orders.models import Order, Restoration
from sutler.storage.statements import Statement, select

_OPEN = Statement(
    "SELECT {answer} FROM (SELECT id FROM orders_restoration WHERE ended_at IS NULL) AS found", {}, ("id",)
)


def is_open() -> bool:
    """Returns True from a restore until what it has forgotten is found and settled. One small read."""
    return bool(select(_OPEN))


def current() -> Restoration | None:
    """Returns the one that is open."""
    return Restoration.objects.filter(ended_at=None).first()


def begin(taken_at: datetime, first_order_id: int, now: datetime) -> Restoration:
    """Begins one, in the caller's transaction: all that happened since `taken_at` is forgotten.

    One that is open already (the backup of a panel that was itself just restored) goes on, from the earlier moment.
    """
    before = current()
    if before is None:
        return Restoration.objects.create(taken_at=taken_at, restored_at=now, first_order_id=first_order_id)
    before.taken_at, before.restored_at = min(taken_at, before.taken_at), now
    before.first_order_id = first_order_id
    before.save()
    return before


def end(restoration: Restoration, report: Mapping[str, Any], now: datetime) -> None:
    """Ends it, in the caller's transaction: the panel goes on. `report` is what was found, for people."""
    Restoration.objects.filter(pk=restoration.pk, ended_at=None).update(ended_at=now, report=report)


def doubtful(restoration: Restoration) -> QuerySet[Order]:
    """Returns the orders that may have been sent since the backup: those from before it, and the runs and posts of
    those, which may have been placed once already under other ids."""
    first = restoration.first_order_id
    return Order.objects.filter(Q(pk__lt=first) | Q(parent__lt=first))
