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
    Plant(
        "gateway_credited",
        ("UPDATE payments_receipt SET state = 'credited' WHERE id = {gateway_euros_receipt}",),
    ),
    Plant(
        "gateway_credited",
        ("UPDATE payments_receipt SET cause = 'gateway:signed:0-0' WHERE id = {gateway_paid_receipt}",),
        also=frozenset({"gateway_receipt"}),
    ),
    Plant("gateway_credited", ("UPDATE payments_fundsrequest SET customer_id = {bob} WHERE id = {gateway_paid}",)),
    Plant(
        "gateway_receipt",
        (
            "UPDATE books_transfer SET cause = 'gateway:x' WHERE cause LIKE 'adjustment:%'"
            " AND id = (SELECT MIN(id) FROM books_transfer WHERE cause LIKE 'adjustment:%')",
        ),
        also=frozenset({"adjustment_posted"}),
    ),
    Plant("gateway_confirmed", ("UPDATE payments_fundsrequest SET amount_micros = 1 WHERE id = {gateway_paid}",)),
    Plant(
        "gateway_confirmed",
        ("UPDATE payments_fundsrequest SET state = 'confirmed', decided_at = asked_at WHERE id = {gateway_open}",),
    ),
    Plant("gateway_taken_back", ("UPDATE payments_receipt SET taken_micros = 1 WHERE id = {gateway_paid_receipt}",)),
    Plant(
        "gateway_taken_back",
        ("UPDATE payments_receipt SET taken_micros = credit_micros + 1 WHERE id = {gateway_paid_receipt}",),
    ),
    Plant("gateway_frozen", ("UPDATE payments_receipt SET dispute = 'won' WHERE id = {gateway_disputed_receipt}",)),
    Plant(
        "gateway_frozen",
        ("UPDATE payments_receipt SET frozen_micros = 1 WHERE id = {gateway_disputed_receipt}",),
        also=frozenset({"frozen_receipt"}),
    ),
    Plant(
        "frozen_receipt",
        (transfer("gateway-frozen:999999", wallet("alice"), house("frozen")), give("alice", -5)),
    ),
    Plant("ticket_orders", ("UPDATE support_ticketorder SET order_id = {stopped} WHERE ticket_id = {ticket}",)),
    Plant(
        "ticket_last_message",
        ("UPDATE support_ticket SET last_message_id = last_message_id + 1 WHERE id = {ticket}",),
    ),
)
