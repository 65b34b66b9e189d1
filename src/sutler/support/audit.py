"""The proof of the tickets: each promise one query."""

from django.utils.translation import gettext_noop as _

from sutler.books.audit import Check

CHECKS = (
    Check(
        "ticket_orders",
        _("a ticket of a customer is about orders of that customer"),
        "support_ticketorder",
        """
        SELECT 'ticket ' || ticket.id || ' of customer ' || ticket.customer_id || ' is about order ' || o.id
            || ' of customer ' || o.customer_id AS breach
        FROM support_ticketorder tied JOIN support_ticket ticket ON ticket.id = tied.ticket_id
        JOIN orders_order o ON o.id = tied.order_id
        WHERE ticket.customer_id <> o.customer_id
        """,
    ),
    Check(
        "ticket_last_message",
        _("a ticket knows its last message, staff's notes apart"),
        "support_ticket",
        """
        SELECT 'ticket ' || ticket.id || ' says message ' || ticket.last_message_id || ', its last is '
            || COALESCE(MAX(message.id), 0) AS breach
        FROM support_ticket ticket
        LEFT JOIN support_message message ON message.ticket_id = ticket.id AND message.kind <> 'note'
        GROUP BY ticket.id, ticket.last_message_id HAVING ticket.last_message_id <> COALESCE(MAX(message.id), 0)
        """,
    ),
)
