"""The proof of the books: each promise about money is one query that returns a line for each breach.

The credit limit of today binds the balance of today. The past is held against the largest limit that the wallet ever
had: when a limit was lowered is not kept.
"""
# ruff: noqa: S608 - the queries are put together from constants of this file alone

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: its name, the promise as a sentence, the table it speaks of, and the query that finds breaches.

    The query has one column `breach`, a text, one row for each breach, and reads the same on both engines.
    """

    name: str
    sentence: str
    table: str
    sql: str


# Each transfer with its two ends.
_TRANSFERS = """
    books_transfer t
    JOIN books_ledgeraccount d ON d.id = t.debit_id
    JOIN books_ledgeraccount c ON c.id = t.credit_id
"""
# Which way money may go, and under what cause. `order_id` is empty exactly where no order is concerned.
_ROUTES = """
    (d.kind IN ('deposits', 'adjustments') AND c.kind = 'wallet' AND t.order_id IS NULL)
    OR (d.kind = 'wallet' AND c.kind = 'adjustments' AND t.order_id IS NULL)
    OR (d.kind = 'wallet' AND c.kind = 'frozen' AND t.cause LIKE 'gateway-frozen:%' AND t.order_id IS NULL)
    OR (d.kind = 'frozen' AND c.kind = 'wallet' AND t.cause LIKE 'gateway-released:%' AND t.order_id IS NULL)
    OR (d.kind = 'wallet' AND c.kind IN ('in hand', 'scheduled') AND t.cause = 'order:' || t.order_id)
    OR (d.kind = 'scheduled' AND c.kind = 'in hand' AND t.cause LIKE 'run:%:%' AND t.order_id IS NOT NULL)
    OR (d.kind = 'in hand' AND c.kind = 'revenue' AND t.cause = 'settle:' || t.order_id)
    OR (d.kind IN ('in hand', 'scheduled') AND c.kind = 'wallet' AND t.cause = 'return:' || t.order_id)
    OR (d.kind = 'deposits' AND c.kind = 'provider' AND t.cause LIKE 'topup:%' AND t.order_id IS NULL)
    OR (d.kind = 'provider' AND c.kind = 'deposits' AND t.cause LIKE 'drawn:%' AND t.order_id IS NULL)
    OR (d.kind = 'provider' AND c.kind = 'cost' AND t.order_id IS NOT NULL
        AND (t.cause LIKE 'cost:%' OR t.cause LIKE 'cost-more:%'))
    OR (d.kind = 'cost' AND c.kind = 'provider' AND t.order_id IS NOT NULL AND t.cause LIKE 'cost-back:%')
"""
# What each wallet was given (+) and what was taken from it (-).
_WALLET_MOVES = """
    SELECT t.id, w.id AS wallet_id, t.amount_micros AS delta
    FROM books_transfer t JOIN books_ledgeraccount w ON w.id = t.credit_id AND w.kind = 'wallet'
    UNION ALL
    SELECT t.id, w.id, -t.amount_micros
    FROM books_transfer t JOIN books_ledgeraccount w ON w.id = t.debit_id AND w.kind = 'wallet'
"""

CHECKS = (
    Check(
        "transfer_two_ends",
        _("every transfer has two different ends"),
        "books_transfer",
        """
        SELECT 'transfer ' || id || ' goes from account ' || debit_id || ' to itself' AS breach
        FROM books_transfer WHERE debit_id = credit_id
        """,
    ),
    Check(
        "transfer_positive",
        _("every transfer moves more than nothing"),
        "books_transfer",
        """
        SELECT 'transfer ' || id || ' moves ' || amount_micros AS breach
        FROM books_transfer WHERE amount_micros <= 0
        """,
    ),
    Check(
        "transfer_one_currency",
        _("both ends of a transfer are in one currency"),
        "books_transfer",
        f"""
        SELECT 'transfer ' || t.id || ' goes from ' || d.currency || ' to ' || c.currency AS breach
        FROM {_TRANSFERS} WHERE d.currency <> c.currency
        """,
    ),
    Check(
        "transfer_cause_once",
        _("every cause has moved money once: a deposit is credited once, an order charged once"),
        "books_transfer",
        """
        SELECT 'cause ' || cause || ' has ' || COUNT(*) || ' transfers' AS breach
        FROM books_transfer GROUP BY cause HAVING COUNT(*) > 1
        """,
    ),
    Check(
        "transfer_route",
        _("money goes only the ways there are, each under its own cause"),
        "books_transfer",
        f"""
        SELECT 'transfer ' || t.id || ' (' || t.cause || ', order ' || COALESCE(CAST(t.order_id AS text), 'none')
            || ') goes from ' || d.kind || ' to ' || c.kind AS breach
        FROM {_TRANSFERS} WHERE ({_ROUTES}) IS NOT TRUE
        """,
    ),
    Check(
        "wallet_of_customer",
        _("every customer has a wallet, in the customer's currency"),
        "accounts_customer",
        """
        SELECT 'customer ' || customer.id || ' (' || customer.currency || ') has a wallet in '
            || COALESCE(wallet.currency, 'no currency') AS breach
        FROM accounts_customer customer LEFT JOIN books_ledgeraccount wallet ON wallet.customer_id = customer.id
        WHERE COALESCE(wallet.currency, '') <> customer.currency
        """,
    ),
    Check(
        "wallet_balance",
        _("every wallet holds the sum of its transfers"),
        "books_ledgeraccount",
        f"""
        SELECT 'wallet ' || wallet.id || ' holds ' || wallet.balance_micros || ', its transfers make '
            || COALESCE(moved.total, 0) AS breach
        FROM books_ledgeraccount wallet
        LEFT JOIN (SELECT wallet_id, SUM(delta) AS total FROM ({_WALLET_MOVES}) AS moves GROUP BY wallet_id) AS moved
            ON moved.wallet_id = wallet.id
        WHERE wallet.kind = 'wallet' AND wallet.balance_micros <> COALESCE(moved.total, 0)
        """,
    ),
    Check(
        "wallet_limit",
        _("no wallet is below its credit limit, but by what reversed payments took"),
        "books_ledgeraccount",
        """
        SELECT 'wallet ' || id || ' holds ' || balance_micros || ', its credit limit is ' || credit_limit_micros
            AS breach
        FROM books_ledgeraccount
        WHERE kind = 'wallet' AND balance_micros < -credit_limit_micros - reversed_below_micros
        """,
    ),
    Check(
        "wallet_history",
        _("no wallet was ever below the largest credit limit it has had, but by what reversed payments took"),
        "books_transfer",
        f"""
        SELECT 'wallet ' || wallet.id || ' once held ' || past.lowest || ', its largest credit limit was '
            || wallet.largest_credit_limit_micros AS breach
        FROM books_ledgeraccount wallet JOIN (
            SELECT wallet_id, MIN(held) AS lowest FROM (
                SELECT wallet_id, SUM(delta) OVER (PARTITION BY wallet_id ORDER BY id) AS held
                FROM ({_WALLET_MOVES}) AS moves
            ) AS points GROUP BY wallet_id
        ) AS past ON past.wallet_id = wallet.id
        WHERE past.lowest < -wallet.largest_credit_limit_micros - wallet.reversed_below_micros
        """,
    ),
    Check(
        "snapshot_sum",
        _("every snapshot is the sum of the account's transfers until then"),
        "books_snapshot",
        """
        SELECT 'the snapshot of account ' || s.account_id || ' says ' || s.sum_micros || ' by ' || s.transfers
            || ' transfers, there are ' || COALESCE(SUM(moved.delta), 0) || ' by ' || COUNT(moved.delta) AS breach
        FROM books_snapshot s LEFT JOIN (
            SELECT id, credit_id AS account_id, amount_micros AS delta FROM books_transfer
            UNION ALL
            SELECT id, debit_id, -amount_micros FROM books_transfer
        ) AS moved ON moved.account_id = s.account_id AND moved.id <= s.through_id
        GROUP BY s.account_id, s.sum_micros, s.transfers
        HAVING s.sum_micros <> COALESCE(SUM(moved.delta), 0) OR s.transfers <> COUNT(moved.delta)
        """,
    ),
)
