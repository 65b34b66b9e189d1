"""The proof of the payments: each promise one query."""

from django.utils.translation import gettext_noop as _

from sutler.books.audit import Check

CHECKS = (
    Check(
        "funds_credited",
        _("a request for funds that staff confirmed is credited once, in full and to its customer; any other is not"),
        "payments_fundsrequest",
        """
        SELECT 'request ' || asked.id || ' of customer ' || asked.customer_id || ' is ' || asked.state || ' with '
            || COALESCE(t.amount_micros, 0) || ' credited to customer ' || COALESCE(wallet.customer_id, 0) AS breach
        FROM payments_fundsrequest asked
        LEFT JOIN payments_checkout checkout ON checkout.request_id = asked.id
        LEFT JOIN books_transfer t ON t.cause = 'funds:' || asked.id
        LEFT JOIN books_ledgeraccount wallet ON wallet.id = t.credit_id
        WHERE (asked.state = 'confirmed' AND (checkout.id IS NULL OR asked.decided_by_id IS NOT NULL))
                <> (t.id IS NOT NULL)
            OR t.amount_micros <> asked.credit_micros OR wallet.customer_id <> asked.customer_id
        """,
    ),
    Check(
        "funds_decided",
        _("a request for funds has its hour of deciding exactly when it was decided"),
        "payments_fundsrequest",
        """
        SELECT 'request ' || id || ' is ' || state || CASE WHEN decided_at IS NULL THEN ' without' ELSE ' with' END
            || ' an hour of deciding' AS breach
        FROM payments_fundsrequest WHERE (state = 'waiting') <> (decided_at IS NULL)
        """,
    ),
    Check(
        "gateway_credited",
        _("a gateway's receipt has exactly one transfer under its cause, to its customer; a held one has none"),
        "payments_receipt",
        """
        SELECT 'receipt ' || r.id || ' (' || r.cause || ') is ' || r.state || ' with '
            || COALESCE(t.amount_micros, 0) || ' credited to customer ' || COALESCE(wallet.customer_id, 0) AS breach
        FROM payments_receipt r
        JOIN payments_fundsrequest asked ON asked.id = r.request_id
        LEFT JOIN books_transfer t ON t.cause = r.cause
        LEFT JOIN books_ledgeraccount wallet ON wallet.id = t.credit_id
        WHERE (r.state = 'credited') <> (t.id IS NOT NULL)
            OR t.amount_micros <> r.credit_micros OR wallet.customer_id <> asked.customer_id
        """,
    ),
    Check(
        "gateway_receipt",
        _("every transfer under a gateway's cause has its receipt"),
        "books_transfer",
        """
        SELECT 'transfer ' || t.id || ' (' || t.cause || ') has no receipt' AS breach
        FROM books_transfer t LEFT JOIN payments_receipt r ON r.cause = t.cause
        WHERE t.cause LIKE 'gateway:%' AND r.id IS NULL
        """,
    ),
    Check(
        "gateway_confirmed",
        _("what a gateway confirmed of a request is the sum of its credited receipts"),
        "payments_checkout",
        """
        SELECT 'request ' || asked.id || ' is confirmed with ' || asked.credit_micros || ', its receipts with '
            || COALESCE(SUM(r.credit_micros), 0) AS breach
        FROM payments_fundsrequest asked
        JOIN payments_checkout checkout ON checkout.request_id = asked.id
        LEFT JOIN payments_receipt r ON r.request_id = asked.id AND r.state = 'credited'
        WHERE asked.state = 'confirmed' AND asked.decided_by_id IS NULL
        GROUP BY asked.id, asked.credit_micros, asked.amount_micros
        HAVING COALESCE(SUM(r.credit_micros), 0) <> asked.credit_micros
            OR COALESCE(SUM(r.amount_micros), 0) <> asked.amount_micros
        """,
    ),
    Check(
        "gateway_taken_back",
        _("what is taken back of a receipt is what its transfers come to, and never more than was credited"),
        "payments_receipt",
        """
        SELECT 'receipt ' || r.id || ' says ' || r.taken_micros || ' taken back of ' || r.credit_micros
            || ', the books ' || COALESCE(SUM(t.amount_micros), 0) AS breach
        FROM payments_receipt r
        LEFT JOIN books_transfer t
            ON t.cause > 'gateway-back:' || r.id || ':' AND t.cause < 'gateway-back:' || r.id || ';'
        GROUP BY r.id, r.taken_micros, r.credit_micros
        HAVING COALESCE(SUM(t.amount_micros), 0) <> r.taken_micros OR r.taken_micros > r.credit_micros
        """,
    ),
    Check(
        "gateway_frozen",
        _("what a dispute freezes of a receipt is what its transfers come to, and nothing once it is closed"),
        "payments_receipt",
        """
        SELECT 'receipt ' || r.id || ' (dispute ' || r.dispute || ') says ' || COALESCE(r.frozen_micros, 0)
            || ' frozen, the books ' || COALESCE(SUM(
                CASE WHEN t.cause = 'gateway-frozen:' || r.id THEN t.amount_micros ELSE -t.amount_micros END), 0)
            AS breach
        FROM payments_receipt r
        LEFT JOIN books_transfer t ON t.cause = 'gateway-frozen:' || r.id
            OR (t.cause > 'gateway-released:' || r.id || ':' AND t.cause < 'gateway-released:' || r.id || ';')
        GROUP BY r.id, r.dispute, r.frozen_micros
        HAVING COALESCE(r.frozen_micros, 0) <> COALESCE(SUM(
                CASE WHEN t.cause = 'gateway-frozen:' || r.id THEN t.amount_micros ELSE -t.amount_micros END), 0)
            OR (r.dispute <> 'open' AND COALESCE(r.frozen_micros, 0) <> 0)
        """,
    ),
    Check(
        "frozen_receipt",
        _("what is frozen in a currency is what the receipts of disputed payments freeze"),
        "books_ledgeraccount",
        """
        SELECT 'frozen in ' || account.currency || ': the books hold ' || account.held || ', the receipts '
            || COALESCE(receipts.frozen, 0) AS breach
        FROM (
            SELECT a.id, a.currency, COALESCE(SUM(
                CASE WHEN t.credit_id = a.id THEN t.amount_micros ELSE -t.amount_micros END), 0) AS held
            FROM books_ledgeraccount a LEFT JOIN books_transfer t ON t.credit_id = a.id OR t.debit_id = a.id
            WHERE a.kind = 'frozen' GROUP BY a.id, a.currency
        ) AS account
        LEFT JOIN (
            SELECT asked.currency, SUM(r.frozen_micros) AS frozen FROM payments_receipt r
            JOIN payments_fundsrequest asked ON asked.id = r.request_id GROUP BY asked.currency
        ) AS receipts ON receipts.currency = account.currency
        WHERE account.held <> COALESCE(receipts.frozen, 0)
        """,
    ),
)
