"""Fills the current database with completed orders, set-based, with books that `sutler verify` finds in order."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import connection, transaction

from sutler.accounts import customers
from sutler.books.models import LedgerAccount
from sutler.books.post import house, open_wallet
from sutler.catalogue import version
from sutler.catalogue.models import Category, Service
from sutler.core.clock import SystemClock
from sutler.storage.statements import Row, Statement, is_postgres, moment, run

CUSTOMERS = 1_000
ROUNDS = 50  # Orders of each customer in one transaction.

# One row for each customer; `place` counts them, `wanted` is how many orders the transaction is to make at most.
_INSERT_ORDERS = Statement(
    f"WITH RECURSIVE rounds (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM rounds WHERE i < {ROUNDS - 1})"
    " INSERT INTO orders_order (kind, customer_id, service_id, type, link, quantity, remains, currency, rate_micros,"
    " exchange_base, charge_micros, returned_micros, status, start_count, created_at, finished_at)"
    " SELECT 'single', customer_id, service_id, 'Default', 'https://example.com/' || place || '/' || i, quantity, 0,"
    " currency, rate_micros, 1000000, (rate_micros * quantity + 999) / 1000, 0, 'Completed', i, at, at"
    " FROM (SELECT rows.*, rounds.i, 50 + ((rows.place * 37 + rounds.i * 101) & 511) AS quantity"
    " FROM {rows} CROSS JOIN rounds) AS asked WHERE i * " + str(CUSTOMERS) + " + place < wanted ORDER BY i, place",
    {
        "place": "bigint",
        "customer_id": "bigint",
        "service_id": "bigint",
        "rate_micros": "bigint",
        "currency": "text",
        "at": "timestamptz",
        "wanted": "bigint",
    },
)
# All of the orders above the last id before: paid in, charged, settled, and what happened to them.
_TRANSFER = (
    "INSERT INTO books_transfer (cause, debit_id, credit_id, amount_micros, order_id, reason, created_at) SELECT "
)
_ORDERS = (
    " FROM orders_order JOIN books_ledgeraccount wallet ON wallet.customer_id = orders_order.customer_id"
    " WHERE orders_order.id > %(last)s"
)
_EVENT = "INSERT INTO orders_orderevent (order_id, at, actor, from_status, to_status) SELECT id, created_at,"
_WRITES = (
    _TRANSFER
    + "'deposit:growth:' || MIN(orders_order.id), %(deposits)s, wallet.id, SUM(charge_micros), NULL, 'growth',"
    " MIN(created_at)" + _ORDERS + " GROUP BY wallet.id",
    _TRANSFER
    + "'order:' || orders_order.id, wallet.id, %(in_hand)s, charge_micros, orders_order.id, '', created_at"
    + _ORDERS,
    _TRANSFER
    + "'settle:' || orders_order.id, %(in_hand)s, %(revenue)s, charge_micros, orders_order.id, '', created_at"
    + _ORDERS,
    _EVENT + " 'executor', 'Pending', 'Processing' FROM orders_order WHERE id > %(last)s ORDER BY id",
    _EVENT + " 'executor', 'Processing', 'In progress' FROM orders_order WHERE id > %(last)s ORDER BY id",
    _EVENT + " 'executor', 'In progress', 'Completed' FROM orders_order WHERE id > %(last)s ORDER BY id",
)


def fill(orders: int, progress: Callable[[int], object]) -> None:
    """Adds so many completed orders of a thousand customers and services; calls `progress` with each number added.

    Each transaction pays in what its orders cost, so that every wallet ends as it began: with nothing.
    """
    currency = str(settings.SUTLER["SUTLER_BASE_CURRENCY"])
    pairs = _make_customers_and_services(currency)
    done = 0
    while done < orders:
        wanted = min(orders - done, CUSTOMERS * ROUNDS)
        _add(pairs, wanted, currency)
        done += wanted
        progress(wanted)
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as the server does by itself a minute later


@transaction.atomic
def _make_customers_and_services(currency: str) -> list[Row]:
    """Returns (place, customer, service, rate) of each."""
    now = SystemClock().now()
    category, _ = Category.objects.get_or_create(name="Growth")
    services = Service.objects.bulk_create(
        Service(
            category=category,
            name=f"Growth {place}",
            type="Default",
            rate_micros=100_000 + place * 777,
            min=50,
            max=1000,
        )
        for place in range(CUSTOMERS)
    )
    version.renew()
    pairs: list[Row] = []
    for place, service in enumerate(services):
        customer = customers.create(f"Growth {place}", currency, now)
        open_wallet(customer.pk, currency)
        pairs.append((place, customer.pk, service.pk, service.rate_micros))
    return pairs


@transaction.atomic
def _add(pairs: Sequence[Row], wanted: int, currency: str) -> None:
    at = moment(SystemClock().now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM orders_order")
        ends = {"last": cursor.fetchone()[0]}
        for name, kind in (("in_hand", "in hand"), ("revenue", "revenue"), ("deposits", "deposits")):
            ends[name] = house(LedgerAccount.Kind(kind), currency)
        run(_INSERT_ORDERS, [(*pair, currency, at, wanted) for pair in pairs])
        for sql in _WRITES:
            cursor.execute(sql, ends)
