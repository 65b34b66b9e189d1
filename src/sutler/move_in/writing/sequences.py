"""What comes next is counted above everything that came."""

from django.db import connection

from sutler.core.order_types import LARGEST_NUMBER
from sutler.storage.statements import is_postgres

_TABLES = (
    "accounts_customer",
    "catalogue_category",
    "catalogue_service",
    "fulfilment_provider",
    "orders_order",
    "payments_fundsrequest",
    "support_ticket",
)


def raise_above(last_order_id: int = 0) -> None:
    """Raises the counters of all tables whose ids came along above what is there, orders' above `last_order_id` too, in
    the caller's transaction.

    An id of an order that could not come is not given to another.
    """
    with connection.cursor() as cursor:
        for table in _TABLES:
            least = last_order_id if table == "orders_order" and last_order_id < LARGEST_NUMBER else 0
            if is_postgres():
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence(%s, 'id'),"  # noqa: S608 - our own table names
                    f" GREATEST((SELECT COALESCE(MAX(id), 1) FROM {table}), %s, 1))",
                    [table, least],
                )
            else:
                cursor.execute("UPDATE sqlite_sequence SET seq = MAX(seq, %s) WHERE name = %s", [least, table])
