"""The proof of approvals: each promise one query."""

from django.utils.translation import gettext_noop as _

from sutler.books.audit import Check

CHECKS = (
    Check(
        "approval_waiting",
        _("an order that waits for approval is Pending and has no children; a rejected one is Canceled"),
        "orders_approval",
        """
        SELECT 'order ' || o.id || ' is ' || o.status || ', its approval is ' || asked.state AS breach
        FROM orders_approval asked JOIN orders_order o ON o.id = asked.order_id
        WHERE (asked.state = 'waiting' AND (o.status <> 'Pending'
                OR EXISTS (SELECT 1 FROM orders_order child WHERE child.parent_id = o.id)))
            OR (asked.state = 'rejected' AND o.status <> 'Canceled')
        """,
    ),
)
