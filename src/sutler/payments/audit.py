"""The proof of the payments: each promise one query."""

from sutler.books.audit import Check

CHECKS = (
    Check(
        "funds_credited",
        "a confirmed request for funds is credited once, in full and to its customer; any other is not",
        "payments_fundsrequest",
        """
        SELECT 'request ' || asked.id || ' of customer ' || asked.customer_id || ' is ' || asked.state || ' with '
            || COALESCE(t.amount_micros, 0) || ' credited to customer ' || COALESCE(wallet.customer_id, 0) AS breach
        FROM payments_fundsrequest asked
        LEFT JOIN books_transfer t ON t.cause = 'funds:' || asked.id
        LEFT JOIN books_ledgeraccount wallet ON wallet.id = t.credit_id
        WHERE (asked.state = 'confirmed') <> (t.id IS NOT NULL)
            OR t.amount_micros <> asked.credit_micros OR wallet.customer_id <> asked.customer_id
        """,
    ),
    Check(
        "funds_decided",
        "a request for funds has its hour of deciding exactly when it was decided",
        "payments_fundsrequest",
        """
        SELECT 'request ' || id || ' is ' || state || CASE WHEN decided_at IS NULL THEN ' without' ELSE ' with' END
            || ' an hour of deciding' AS breach
        FROM payments_fundsrequest WHERE (state = 'waiting') <> (decided_at IS NULL)
        """,
    ),
)
