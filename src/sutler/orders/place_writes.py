"""What placing writes: orders, transfers, wallets and what hangs on an order, set-based, in one go."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec

from sutler.books.post import ADD_TO_WALLETS, INSERT_TRANSFERS
from sutler.core.order_types import Measure
from sutler.core.placing import Draft, WalletSnapshot
from sutler.orders.models import Order
from sutler.orders.place_reads import LinkKey
from sutler.storage.statements import Row, Statement, moment, new_ids, run_together

INSERT_ORDERS = Statement(
    "INSERT INTO orders_order (id, customer_id, service_id, type, link, quantity, remains, details, currency,"
    " rate_micros, exchange_base, exchange_units, charge_micros, request_id, fingerprint, capped_key_id, created_at,"
    " parent_id, kind, returned_micros, status)"
    " SELECT id, customer_id, service_id, type, link, quantity, quantity, details, currency, rate_micros,"
    " exchange_base, exchange_units, charge_micros, request_id, fingerprint, capped_key_id, created_at,"
    " parent_id, kind, 0, 'Pending'"
    " FROM {rows} WHERE 1 = 1",
    {
        "id": "integer",
        "customer_id": "bigint",
        "service_id": "bigint",
        "type": "text",
        "link": "text",
        "quantity": "bigint",
        "details": "jsonb",
        "currency": "text",
        "rate_micros": "bigint",
        "exchange_base": "bigint",
        "exchange_units": "bigint",
        "charge_micros": "bigint",
        "request_id": "text",
        "fingerprint": "text",
        "capped_key_id": "bigint",
        "created_at": "timestamptz",
        "parent_id": "integer",
        "kind": "text",
    },
)
_INSERT_LINKS = Statement(
    "INSERT INTO orders_linkinuse (order_id, customer_id, service_id, link_digest)"
    " SELECT order_id, customer_id, service_id, link_digest FROM {rows} WHERE 1 = 1",
    {"order_id": "integer", "customer_id": "bigint", "service_id": "bigint", "link_digest": "text"},
)
_INSERT_APPROVALS = Statement(
    "INSERT INTO orders_approval (order_id, state, asked_at, decided_by, reason)"
    " SELECT order_id, 'waiting', asked_at, '', '' FROM {rows} WHERE 1 = 1",
    {"order_id": "integer", "asked_at": "timestamptz"},
)
_INSERT_DRIPS = Statement(
    "INSERT INTO orders_drip (order_id, quantity_per_run, runs, interval_minutes, next_run_at, runs_placed)"
    " SELECT order_id, quantity_per_run, runs, interval_minutes, next_run_at, 0 FROM {rows} WHERE 1 = 1",
    {
        "order_id": "integer",
        "quantity_per_run": "bigint",
        "runs": "integer",
        "interval_minutes": "integer",
        "next_run_at": "timestamptz",
    },
)
_INSERT_SUBSCRIPTIONS = Statement(
    "INSERT INTO orders_subscription (order_id, username, minimum, maximum, posts, old_posts, delay_minutes, expiry)"
    " SELECT order_id, username, minimum, maximum, posts, old_posts, delay_minutes, expiry FROM {rows} WHERE 1 = 1",
    {
        "order_id": "integer",
        "username": "text",
        "minimum": "bigint",
        "maximum": "bigint",
        "posts": "integer",
        "old_posts": "integer",
        "delay_minutes": "integer",
        "expiry": "date",
    },
)


class NewOrder(msgspec.Struct, frozen=True, gc=False):
    """An accepted order on its way into the database."""

    draft: Draft
    wallet: WalletSnapshot
    request_id: str | None
    fingerprint: str | None
    capped_key_id: int | None
    link: LinkKey | None


def write(orders: Sequence[NewOrder], now: datetime) -> list[int]:
    """Writes the orders, takes their charges from the wallets, and returns their ids in the order given."""
    if not orders:
        return []
    ids = new_ids("orders_order", len(orders))
    numbered = list(zip(ids, orders, strict=True))
    at = moment(now)
    taken: dict[int, int] = defaultdict(int)
    for order in orders:
        taken[order.wallet.wallet_id] -= order.draft.charge_micros
    run_together(
        [
            (INSERT_ORDERS, [_order_row(number, order, at) for number, order in numbered]),
            (INSERT_TRANSFERS, [_transfer_row(*each, at) for each in numbered if each[1].draft.charge_micros]),
            (_INSERT_LINKS, [(number, *order.link) for number, order in numbered if order.link]),
            (_INSERT_APPROVALS, [(number, at) for number, order in numbered if order.draft.terms.needs_approval]),
            (_INSERT_DRIPS, [_drip_row(*each, at) for each in numbered if each[1].draft.input.runs]),
            (
                _INSERT_SUBSCRIPTIONS,
                [_subscription_row(*each) for each in numbered if _kind(each[1].draft) == Order.Kind.SUBSCRIPTION],
            ),
            (ADD_TO_WALLETS, [each for each in taken.items() if each[1]]),
        ]
    )
    return ids


def _order_row(number: int, order: NewOrder, at: str) -> Row:
    asked = order.draft
    details = asked.input.details
    return (
        number,
        order.wallet.customer_id,
        asked.terms.service_id,
        asked.terms.type.name,
        asked.input.link,
        asked.quantity,
        msgspec.json.encode(details).decode() if details else None,
        order.wallet.currency,
        asked.rate_micros,
        *asked.exchange,
        asked.charge_micros,
        order.request_id,
        order.fingerprint,
        order.capped_key_id,
        at,
        None,
        _kind(asked),
    )


def _kind(asked: Draft) -> str:
    if asked.terms.type.measure is Measure.POSTS:
        return Order.Kind.SUBSCRIPTION
    return Order.Kind.DRIP_FEED if asked.input.runs else Order.Kind.SINGLE


def _transfer_row(number: int, order: NewOrder, at: str) -> Row:
    wallet = order.wallet
    to = wallet.scheduled_id if order.draft.input.runs else wallet.in_hand_id
    return (f"order:{number}", wallet.wallet_id, to, order.draft.charge_micros, number, "", at)


def _drip_row(number: int, order: NewOrder, at: str) -> Row:
    asked = order.draft.input
    return (number, asked.quantity, asked.runs, asked.interval_minutes, at)


def _subscription_row(number: int, order: NewOrder) -> Row:
    asked = order.draft.input
    return (
        number,
        asked.details["username"],
        asked.minimum,
        asked.maximum,
        asked.posts,
        asked.old_posts,
        asked.delay_minutes,
        asked.expiry.isoformat() if asked.expiry else None,
    )
