"""The ids that a restored panel must not give out again: customers, programs and gateways know them by others.

How far the panel had come is forgotten, so the next ids begin above all that can have been given out: ten times what
the busiest day brought, for each day since, and at least a number that no small panel reaches in a day.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

from django.db.models import Count, Model
from django.db.models.functions import TruncDate

from sutler.accounts.models import Customer, User
from sutler.backups.fault import BackupFault
from sutler.catalogue.models import Category, Service
from sutler.core.order_types import LARGEST_NUMBER
from sutler.fulfilment.models import Provider
from sutler.orders.models import CancelRequest, Order, Refill
from sutler.payments.models import FundsRequest, Method
from sutler.storage.statements import last_id, skip_ids
from sutler.support.models import Ticket

TIMES_THE_BUSIEST_DAY = 10
_LOOKED_BACK = timedelta(days=30)
# What people and programs know by its id: at least so many ids are passed over, and where a row says when it came into
# being, as many as its busiest day tells.
_PASSED_OVER: Mapping[type[Model], tuple[int, str]] = {
    Order: (1_000_000, "created_at"),
    Refill: (100_000, "requested_at"),
    CancelRequest: (100_000, "requested_at"),
    FundsRequest: (100_000, "asked_at"),
    Ticket: (100_000, "opened_at"),
    Customer: (10_000, "created_at"),
    User: (10_000, "date_joined"),
    Service: (1_000, ""),
    Category: (1_000, ""),
    Provider: (100, ""),
    Method: (100, ""),
}


def skip(taken_at: datetime, now: datetime, first_order_id: int | None = None) -> int:
    """Has all ids begin anew, in the caller's transaction; returns the one that the next order has at least.

    `first_order_id` is the operator's own word for it. Raises BackupFault if it is not above the last id in the
    backup, or if no id would be left: orders have 2,147,483,647.
    """
    days = max(1, ceil((now - taken_at) / timedelta(days=1)) + 1)
    for model, (least, moment) in _PASSED_OVER.items():
        table = model._meta.db_table
        last = last_id(table)
        busiest = _busiest_day(model, moment, taken_at) if moment else 0
        passed_over = max(least, TIMES_THE_BUSIEST_DAY * days * busiest)
        if model is Order and first_order_id is not None:
            if first_order_id <= last:
                raise BackupFault(f"orders up to {last:,} are in the backup: the next id must be above it")
            passed_over = first_order_id - 1 - last
        if last + passed_over >= LARGEST_NUMBER:
            raise BackupFault(
                f"no id would be left for {model._meta.verbose_name_plural} above {last + passed_over:,}:"
                " say from which id orders go on, with --first-order"
            )
        skip_ids(table, last + passed_over)
    return last_id(Order._meta.db_table) + 1


def _busiest_day(model: type[Model], moment: str, taken_at: datetime) -> int:
    """Returns how many came into being on the busiest of the last thirty days that the backup knows."""
    lately = model._default_manager.filter(**{f"{moment}__gte": taken_at - _LOOKED_BACK})
    days = lately.annotate(day=TruncDate(moment)).values_list("day").annotate(count=Count("pk"))
    return max((count for _, count in days), default=0)
