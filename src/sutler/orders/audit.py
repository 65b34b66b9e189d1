"""The proof of the orders: their money, their charges, their states and what hangs on them, each promise one query.

For every order the transfers under its own id add up (`parent_orders` says how): its charge goes into *in hand*, a
drip-feed's into *scheduled*; from there to revenue, back to the wallet, or on to the runs, and never more than that.
"""
# ruff: noqa: S608 - the queries are put together from constants of the code alone

from collections.abc import Iterable

from django.utils.translation import gettext_noop as _

from sutler.books.audit import Check
from sutler.core.events import EventKind
from sutler.core.lifecycle import FINAL, MOVES, REFILL_FINAL, CancelStatus, Status
from sutler.core.order_types import ORDER_TYPES
from sutler.core.pricing import PER_PIECE
from sutler.orders import audit_families
from sutler.orders.audit_families import BROODS, charge_sql


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{each}'" for each in sorted(values))


def _hour(table: str) -> str:
    """Returns the SQL that tells whether a row has its hour of finishing."""
    return f"CASE WHEN {table}.finished_at IS NULL THEN ' without' ELSE ' with' END || ' an hour of finishing'"


_FINAL = _words(FINAL)
_REFILL_FINAL = _words(REFILL_FINAL)
_CANCEL_FINAL = _words({CancelStatus.DONE, CancelStatus.REJECTED})
_ALLOWED = _words(f"{before}>{after}" for before, allowed in MOVES.items() for after in allowed)
_PACKAGES = _words(each.name for each in ORDER_TYPES.values() if each.per == PER_PIECE)

# What left the pockets of each order: to revenue, to the wallet, and from a drip-feed's to its runs'.
_GONE = """
    SELECT t.order_id, t.amount_micros
    FROM books_transfer t
    JOIN books_ledgeraccount d ON d.id = t.debit_id
    JOIN books_ledgeraccount c ON c.id = t.credit_id
    WHERE c.kind = 'revenue' OR (c.kind = 'wallet' AND d.kind IN ('in hand', 'scheduled'))
    UNION ALL
    SELECT child.parent_id, t.amount_micros
    FROM orders_order child
    JOIN books_transfer t ON t.order_id = child.id
    JOIN books_ledgeraccount d ON d.id = t.debit_id AND d.kind = 'scheduled'
    JOIN books_ledgeraccount c ON c.id = t.credit_id AND c.kind = 'in hand'
    WHERE child.parent_id IS NOT NULL
"""
_MONEY = (
    Check(
        "order_of_transfer",
        _("no transfer speaks of an order that is not there"),
        "books_transfer",
        """
        SELECT 'transfer ' || t.id || ' (' || t.cause || ') is of order ' || t.order_id || ', which is not there'
            AS breach
        FROM books_transfer t LEFT JOIN orders_order o ON o.id = t.order_id
        WHERE t.order_id IS NOT NULL AND o.id IS NULL
        """,
    ),
    Check(
        "order_charged",
        _("every order's charge was taken, no more and no less"),
        "orders_order",
        """
        SELECT 'order ' || o.id || ' costs ' || o.charge_micros || ', taken were ' || COALESCE(taken.total, 0) AS breach
        FROM orders_order o LEFT JOIN (
            SELECT t.order_id, c.kind, SUM(t.amount_micros) AS total
            FROM books_transfer t JOIN books_ledgeraccount c ON c.id = t.credit_id
            WHERE t.order_id IS NOT NULL AND c.kind IN ('in hand', 'scheduled') GROUP BY t.order_id, c.kind
        ) AS taken ON taken.order_id = o.id
            AND taken.kind = CASE WHEN o.kind = 'drip-feed' THEN 'scheduled' ELSE 'in hand' END
        WHERE o.charge_micros <> COALESCE(taken.total, 0)
        """,
    ),
    Check(
        "order_settled",
        _("an order settles and returns at most its charge, a finished one all of it"),
        "orders_order",
        f"""
        SELECT 'order ' || o.id || ' (' || o.status || ') cost ' || o.charge_micros
            || ', settled, returned or passed on were ' || COALESCE(gone.total, 0) AS breach
        FROM orders_order o
        LEFT JOIN (SELECT order_id, SUM(amount_micros) AS total FROM ({_GONE}) AS went GROUP BY order_id) AS gone
            ON gone.order_id = o.id
        WHERE COALESCE(gone.total, 0) > o.charge_micros
            OR (o.status IN ({_FINAL}) AND COALESCE(gone.total, 0) < o.charge_micros)
        """,
    ),
    Check(
        "order_returned",
        _("what an order says has gone back is what went back, a drip-feed's runs with it"),
        "orders_order",
        f"""
        SELECT 'order ' || o.id || ' says that ' || o.returned_micros || ' went back, its transfers say '
            || COALESCE(went.total, 0) + COALESCE(brood.returned_micros, 0) AS breach
        FROM orders_order o LEFT JOIN (
            SELECT t.order_id, SUM(t.amount_micros) AS total
            FROM books_transfer t JOIN books_ledgeraccount c ON c.id = t.credit_id AND c.kind = 'wallet'
            WHERE t.order_id IS NOT NULL GROUP BY t.order_id
        ) AS went ON went.order_id = o.id
        LEFT JOIN ({BROODS}) AS brood ON brood.parent_id = o.id AND o.kind = 'drip-feed'
        WHERE o.returned_micros <> COALESCE(went.total, 0) + COALESCE(brood.returned_micros, 0)
        """,
    ),
    Check(
        "order_wallet",
        _("an order's money comes from and goes to the wallet of its customer, in the order's currency"),
        "books_transfer",
        """
        SELECT 'transfer ' || t.id || ' (' || t.cause || ') touches wallet ' || w.id || ' of customer ' || w.customer_id
            || ', order ' || o.id || ' is of customer ' || o.customer_id || ' in ' || o.currency AS breach
        FROM books_transfer t JOIN orders_order o ON o.id = t.order_id
        JOIN books_ledgeraccount w ON w.id IN (t.debit_id, t.credit_id) AND w.kind = 'wallet'
        WHERE w.customer_id <> o.customer_id OR w.currency <> o.currency
        """,
    ),
    Check(
        "order_charge",
        _("a stored charge follows from the stored rate and quantity, but for an order that was charged elsewhere"),
        "orders_order",
        f"""
        SELECT 'order ' || o.id || ' costs ' || o.charge_micros || ', its rate and quantity make ' || o.due AS breach
        FROM (
            SELECT orders_order.*, CASE WHEN kind = 'subscription' THEN 0
                WHEN type IN ({_PACKAGES}) THEN rate_micros * quantity
                ELSE {charge_sql("rate_micros", "quantity")} END AS due
            FROM orders_order
        ) AS o
        LEFT JOIN orders_order parent ON parent.id = o.parent_id AND parent.kind = 'drip-feed'
        WHERE parent.id IS NULL AND o.charge_micros <> o.due AND NOT EXISTS (
            SELECT 1 FROM orders_orderevent came WHERE came.order_id = o.id AND came.kind = '{EventKind.MOVED_IN}'
        )
        """,
    ),
)

_STATES = (
    Check(
        "event_moves",
        _("orders move only as the table of moves allows, each move from where the last one led"),
        "orders_orderevent",
        f"""
        SELECT 'order ' || order_id || ' moves from ' || from_status || ' to ' || to_status || ' when it stood at '
            || stood || ' (event ' || id || ')' AS breach
        FROM (
            SELECT id, order_id,
                COALESCE(from_status, 'nothing') AS from_status, COALESCE(to_status, 'nothing') AS to_status,
                COALESCE(LAG(to_status, 1, '{Status.PENDING}') OVER (PARTITION BY order_id ORDER BY id), 'nothing')
                    AS stood
            FROM orders_orderevent WHERE from_status IS NOT NULL OR to_status IS NOT NULL
        ) AS moves
        WHERE from_status <> stood OR from_status || '>' || to_status NOT IN ({_ALLOWED})
        """,
    ),
    Check(
        "order_status",
        _("every order stands where its last move led"),
        "orders_order",
        f"""
        SELECT 'order ' || o.id || ' is ' || o.status || ', its events end at '
            || COALESCE(event.to_status, '{Status.PENDING}') AS breach
        FROM orders_order o LEFT JOIN (
            SELECT order_id, MAX(id) AS id FROM orders_orderevent WHERE to_status IS NOT NULL GROUP BY order_id
        ) AS last ON last.order_id = o.id
        LEFT JOIN orders_orderevent event ON event.id = last.id
        WHERE o.status <> COALESCE(event.to_status, '{Status.PENDING}')
        """,
    ),
    Check(
        "order_finished_at",
        _("an order has its hour of finishing exactly when it is finished"),
        "orders_order",
        f"""
        SELECT 'order ' || o.id || ' is ' || o.status || {_hour("o")} AS breach
        FROM orders_order o WHERE (o.status IN ({_FINAL})) <> (o.finished_at IS NOT NULL)
        """,
    ),
    Check(
        "order_remains",
        _("what remains is between nothing and the quantity; below nothing only where a completed order got more"),
        "orders_order",
        f"""
        SELECT 'order ' || id || ' (' || status || ') of ' || quantity || ' has ' || remains || ' remaining' AS breach
        FROM orders_order
        WHERE remains > quantity
            OR (remains < 0 AND status <> '{Status.COMPLETED}')
            OR (remains > 0 AND status = '{Status.COMPLETED}' AND kind <> 'subscription')
            OR (remains <> quantity AND status = '{Status.CANCELED}')
        """,
    ),
)

_HANGING_ON = (
    Check(
        "link_in_use",
        _("a link is held only by an active order, for its own customer and service"),
        "orders_linkinuse",
        f"""
        SELECT 'order ' || o.id || ' (' || o.status || ') holds a link of customer ' || link.customer_id
            || ' on service ' || link.service_id AS breach
        FROM orders_linkinuse link JOIN orders_order o ON o.id = link.order_id
        WHERE o.status IN ({_FINAL}) OR link.customer_id <> o.customer_id OR link.service_id <> o.service_id
        """,
    ),
    Check(
        "cancel_request",
        _("a request to cancel is open only while its order is, and has its hour of finishing exactly when it is not"),
        "orders_cancelrequest",
        f"""
        SELECT 'request ' || asked.id || ' to cancel order ' || o.id || ' (' || o.status || ') is ' || asked.status
            || {_hour("asked")} AS breach
        FROM orders_cancelrequest asked JOIN orders_order o ON o.id = asked.order_id
        WHERE (asked.status IN ({_CANCEL_FINAL})) <> (asked.finished_at IS NOT NULL)
            OR (asked.status NOT IN ({_CANCEL_FINAL}) AND o.status IN ({_FINAL}))
        """,
    ),
    Check(
        "refill",
        _(
            "only completed orders have refills, for their own customer;"
            " the finished ones alone have an hour of finishing"
        ),
        "orders_refill",
        f"""
        SELECT 'refill ' || refill.id || ' of order ' || o.id || ' (' || o.status || ') is ' || refill.status
            || {_hour("refill")} AS breach
        FROM orders_refill refill JOIN orders_order o ON o.id = refill.order_id
        WHERE o.status <> '{Status.COMPLETED}' OR refill.customer_id <> o.customer_id
            OR (refill.status IN ({_REFILL_FINAL})) <> (refill.finished_at IS NOT NULL)
        """,
    ),
    Check(
        "request_id_once",
        _("a request id has placed one order of its customer, and what was asked is kept with it"),
        "orders_order",
        """
        SELECT 'request id ' || request_id || ' of customer ' || customer_id || ' has placed ' || COUNT(*)
            || ' orders, ' || COUNT(fingerprint) || ' of them with what was asked' AS breach
        FROM orders_order WHERE request_id IS NOT NULL
        GROUP BY customer_id, request_id HAVING COUNT(*) > 1 OR COUNT(fingerprint) = 0
        """,
    ),
)

CHECKS = _MONEY + _STATES + audit_families.CHECKS + _HANGING_ON
