"""What placing reads inside its transaction: wallets (locked), earlier equal requests, links in use, money spent."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Sum

from sutler.catalogue import version
from sutler.core.placing import WalletSnapshot
from sutler.orders.models import Order
from sutler.storage.statements import Row, Statement, is_postgres, moment, run

LinkKey = tuple[int, int, str]

_WALLETS = (
    "SELECT {answer} FROM {rows} JOIN books_ledgeraccount wallet ON wallet.customer_id = rows.customer_id"
    " JOIN accounts_customer customer ON customer.id = rows.customer_id"
    " LEFT JOIN accounts_customergroup grouped ON grouped.id = customer.group_id"
    " JOIN books_ledgeraccount hand"
    " ON hand.kind = 'in hand' AND hand.currency = wallet.currency AND hand.customer_id IS NULL"
    " JOIN books_ledgeraccount scheduled"
    " ON scheduled.kind = 'scheduled' AND scheduled.currency = wallet.currency AND scheduled.customer_id IS NULL"
    " ORDER BY wallet.id"
)
_CUSTOMER_IDS = {"customer_id": "bigint"}
_WALLET = (
    "wallet.customer_id",
    "wallet.id",
    "hand.id",
    "scheduled.id",
    "wallet.currency",
    "wallet.balance_micros",
    "wallet.credit_limit_micros",
    "customer.suspended_at IS NOT NULL",
    "customer.repeat_window_seconds",
    "COALESCE(grouped.discount_basis_points, 0)",
    "customer.country",
    "(SELECT token FROM catalogue_catalogueversion WHERE id = 1)",
)
_READ_PURSES = Statement(_WALLETS, _CUSTOMER_IDS, _WALLET)
_LOCK_PURSES = Statement(_WALLETS + " FOR UPDATE OF wallet", _CUSTOMER_IDS, _WALLET)

_PLACED_UNDER = Statement(
    "SELECT orders_order.customer_id, orders_order.request_id, orders_order.id, orders_order.fingerprint"
    " FROM {rows} JOIN orders_order"
    " ON orders_order.customer_id = rows.customer_id AND orders_order.request_id = rows.request_id",
    {"customer_id": "bigint", "request_id": "text"},
)
_REPEATED = Statement(
    "SELECT orders_order.customer_id, orders_order.fingerprint, MAX(orders_order.id)"
    " FROM {rows} JOIN orders_order ON orders_order.customer_id = rows.customer_id"
    " AND orders_order.fingerprint = rows.fingerprint AND orders_order.created_at > rows.since"
    " GROUP BY orders_order.customer_id, orders_order.fingerprint",
    {"customer_id": "bigint", "fingerprint": "text", "since": "timestamptz"},
)
_LINKS_IN_USE = Statement(
    "SELECT rows.customer_id, rows.service_id, rows.link_digest FROM {rows} JOIN orders_linkinuse"
    " ON orders_linkinuse.customer_id = rows.customer_id AND orders_linkinuse.service_id = rows.service_id"
    " AND orders_linkinuse.link_digest = rows.link_digest",
    {"customer_id": "bigint", "service_id": "bigint", "link_digest": "text"},
)


def lock_wallets(customer_ids: Collection[int]) -> tuple[dict[int, WalletSnapshot], str]:
    """Locks the customers' wallets in id order and returns their wallets, and the catalogue's token."""
    # On SQLite the transaction already holds the only write lock.
    return _found(_LOCK_PURSES if is_postgres() else _READ_PURSES, customer_ids)


def read_wallets(customer_ids: Collection[int]) -> tuple[dict[int, WalletSnapshot], str]:
    """Returns the customers' wallets and the catalogue's token as they are now, locking nothing."""
    return _found(_READ_PURSES, customer_ids)


def _found(wallets: Statement, customer_ids: Collection[int]) -> tuple[dict[int, WalletSnapshot], str]:
    found = run(wallets, [(each,) for each in customer_ids])
    token = found[0][-1] if found else version.current()
    return {row[0]: _wallet_snapshot(row) for row in found}, token or ""


def _wallet_snapshot(row: Row) -> WalletSnapshot:
    customer_id, wallet_id, in_hand_id, scheduled_id, currency, balance, limit, suspended, window, *more = row
    discount, country, _ = more
    return WalletSnapshot(
        customer_id,
        wallet_id,
        in_hand_id,
        scheduled_id,
        currency,
        balance,
        limit,
        bool(suspended),
        window,
        discount,
        country,
    )


def placed_under(request_ids: Collection[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, str]]:
    """Returns (order id, fingerprint) by (customer, request id), for those request ids that were used before."""
    return {(row[0], row[1]): (row[2], row[3]) for row in run(_PLACED_UNDER, list(request_ids))}


def repeated_within(windows: Sequence[tuple[int, str, int]], now: datetime) -> dict[tuple[int, str], int]:
    """Returns the latest order by (customer, fingerprint) that is younger than the window, given in seconds."""
    if not windows:
        return {}
    asked = {
        (customer_id, fingerprint, moment(now - timedelta(seconds=seconds)))
        for customer_id, fingerprint, seconds in windows
    }
    return {(row[0], row[1]): row[2] for row in run(_REPEATED, list(asked))}


def link_key(customer_id: int, service_id: int, link: str) -> LinkKey:
    """Returns what identifies a customer's link on a service; the link itself as a digest, so that it has one size."""
    return customer_id, service_id, hashlib.sha256(link.encode()).hexdigest()


def links_in_use(links: Collection[LinkKey]) -> set[LinkKey]:
    """Returns those of the links that have an active order."""
    return {(row[0], row[1], row[2]) for row in run(_LINKS_IN_USE, list(links))}


def spent_today(key_ids: Collection[int], now: datetime) -> dict[int, int]:
    """Returns what each capped key has spent since midnight UTC, in micros of its customer's currency."""
    if not key_ids:
        return {}
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    spent = (
        Order.objects.filter(capped_key_id__in=key_ids, created_at__gte=midnight)
        .values_list("capped_key_id")
        .annotate(spent=Sum("charge_micros"))
    )
    return {key_id: micros for key_id, micros in spent if key_id is not None}
