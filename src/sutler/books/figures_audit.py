"""The proof of what is kept beside the transfers: adjustments by staff, and the figures of the days."""

from django.utils.translation import gettext_noop as _

from sutler.books.audit import Check

# Each transfer's share in the figures, as `books.figures` reckons it.
_SHARES = """
    SELECT CASE WHEN c.kind = 'revenue' THEN 'revenue'
            WHEN 'cost' IN (d.kind, c.kind) THEN 'cost'
            WHEN d.kind = 'deposits' THEN 'deposits'
            WHEN 'adjustments' IN (d.kind, c.kind) OR 'frozen' IN (d.kind, c.kind) THEN 'adjustments'
            WHEN d.kind = 'wallet' THEN 'orders' ELSE 'returns' END AS kind,
        c.currency, COALESCE(d.customer_id, c.customer_id, 0) AS customer_id,
        CASE WHEN d.kind = 'cost' OR (d.kind = 'wallet' AND c.kind IN ('adjustments', 'frozen')) THEN -t.amount_micros
            ELSE t.amount_micros END AS amount
    FROM books_transfer t
    JOIN books_ledgeraccount d ON d.id = t.debit_id
    JOIN books_ledgeraccount c ON c.id = t.credit_id
    WHERE (c.kind = 'revenue' OR 'wallet' IN (d.kind, c.kind) OR 'cost' IN (d.kind, c.kind))
        AND t.id <= (SELECT COALESCE(MAX(last_transfer_id), 0) FROM books_figuresmark)
"""

CHECKS = (
    Check(
        "adjustment_posted",
        _("an adjustment is in the books exactly when it is done, with its amount, at its customer's wallet"),
        "books_adjustment",
        """
        SELECT 'adjustment ' || made.id || ' of ' || made.amount_micros || ' is ' || made.state || ', in the books are '
            || COALESCE(t.amount_micros, 0) AS breach
        FROM books_adjustment made
        LEFT JOIN books_transfer t ON t.cause = 'adjustment:' || made.id
        LEFT JOIN books_ledgeraccount w
            ON w.id = CASE WHEN made.amount_micros > 0 THEN t.credit_id ELSE t.debit_id END
        WHERE (made.state = 'done' AND made.kind = 'balance') <> (t.id IS NOT NULL)
            OR t.amount_micros <> ABS(made.amount_micros) OR w.customer_id <> made.customer_id OR w.kind <> 'wallet'
        """,
    ),
    Check(
        "day_figures",
        _("the figures of the days add up to the transfers that they were made of"),
        "books_dayfigure",
        f"""
        SELECT 'figures of ' || kind || ' in ' || currency || ' of customer ' || customer_id || ' differ by '
            || SUM(amount) AS breach
        FROM (
            SELECT kind, currency, customer_id, amount FROM ({_SHARES}) AS shares
            UNION ALL
            SELECT kind, currency, 0, amount FROM ({_SHARES}) AS house WHERE customer_id <> 0
            UNION ALL
            SELECT kind, currency, customer_id, -amount_micros FROM books_dayfigure
        ) AS sums
        GROUP BY kind, currency, customer_id HAVING SUM(amount) <> 0
        """,  # noqa: S608 - put together from constants of this file alone
    ),
)
