"""Breaches of what the office keeps, as `tests.fulfilment.breaches` has those of books and orders."""

from tests.fulfilment.breaches import Plant, give, house, transfer, wallet

OFFICE_PLANTS = (
    Plant("adjustment_posted", ("UPDATE books_adjustment SET state = 'done' WHERE id = {undecided}",)),
    Plant("adjustment_posted", ("UPDATE books_adjustment SET amount_micros = -2000001 WHERE id = {small}",)),
    Plant("adjustment_posted", ("UPDATE books_adjustment SET customer_id = {alice} WHERE id = {large}",)),
    Plant(
        "adjustment_posted",
        (
            transfer("adjustment:{undecided}", house("adjustments"), wallet("bob"), 160_000_000),
            give("bob", 160_000_000),
        ),
    ),
    Plant("day_figures", ("UPDATE books_dayfigure SET amount_micros = amount_micros + 1 WHERE kind = 'revenue'",)),
    Plant("day_figures", ("DELETE FROM books_dayfigure WHERE kind = 'returns' AND customer_id = 0",)),
    Plant("approval_waiting", ("UPDATE orders_approval SET state = 'rejected' WHERE order_id = {approved}",)),
    Plant(
        "approval_waiting",
        ("UPDATE orders_approval SET state = 'waiting', decided_at = NULL WHERE order_id = {refused}",),
    ),
    Plant("funds_credited", ("UPDATE payments_fundsrequest SET customer_id = {bob} WHERE id = {credited}",)),
    Plant("funds_credited", ("UPDATE payments_fundsrequest SET credit_micros = 1 WHERE id = {credited}",)),
    Plant(
        "funds_credited",
        ("UPDATE payments_fundsrequest SET state = 'confirmed', decided_at = asked_at WHERE id = {expected}",),
    ),
    Plant("funds_credited", ("UPDATE payments_fundsrequest SET state = 'rejected' WHERE id = {credited}",)),
    Plant("funds_decided", ("UPDATE payments_fundsrequest SET decided_at = NULL WHERE id = {rejected}",)),
    Plant("ticket_orders", ("UPDATE support_ticketorder SET order_id = {stopped} WHERE ticket_id = {ticket}",)),
    Plant(
        "ticket_last_message",
        ("UPDATE support_ticket SET last_message_id = last_message_id + 1 WHERE id = {ticket}",),
    ),
)
