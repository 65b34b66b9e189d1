"""Payments, tickets and what was written in them."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from sutler.core.old_panels import moments, numbers, texts
from sutler.move_in.reading.known import Known, fitting_id
from sutler.move_in.sources.family import Row

LONGEST_METHOD, LONGEST_SUBJECT, LONGEST_MESSAGE, LONGEST_NOTE = 80, 200, 20_000, 200
_STATES = {"answered": "answered", "closed": "closed", "close": "closed"}


class PaymentRecord(msgspec.Struct, frozen=True, gc=False):
    """A payment that was credited."""

    id: int
    customer: int
    currency: str
    method: str
    transaction: str
    amount_micros: int
    created_at: datetime


class TicketRecord(msgspec.Struct, frozen=True, gc=False):
    """A ticket; `text` is its first message where the ticket itself holds one."""

    id: int
    customer: int
    subject: str
    state: str
    text: str
    created_at: datetime
    changed_at: datetime


class MessageRecord(msgspec.Struct, frozen=True, gc=False):
    """A message in a ticket."""

    ticket: int
    is_staff: bool
    text: str
    at: datetime


def read_payments(rows: Iterable[Row], known: Known) -> Iterator[PaymentRecord]:
    """Yields the payments that were paid; those that were not are no money, and do not come."""
    for row in rows:
        if not known.family.flag("payments", "is_paid", row, default=False):
            continue
        payment_id, customer = fitting_id(row["id"]), fitting_id(row["customer"])
        amount = numbers.micros(row["amount"])
        if payment_id is None or customer is None or customer not in known.customers:
            known.leave("payments", row, f"customer {row['customer']} is gone")
        elif amount is None or amount <= 0:
            known.leave("payments", row, f"the amount {row['amount']!r} is not above 0: it is in the balance alone")
        else:
            yield PaymentRecord(
                payment_id,
                customer,
                known.customers[customer],
                texts.line(row.get("method"), LONGEST_METHOD) or "Payment",
                texts.line(row.get("transaction"), LONGEST_NOTE),
                amount,
                moments.moment(row.get("created"), known.zone) or known.now,
            )


def read_tickets(rows: Iterable[Row], known: Known) -> Iterator[TicketRecord]:
    """Yields the tickets of customers that have come."""
    for row in rows:
        ticket_id, customer = fitting_id(row["id"]), fitting_id(row["customer"])
        if ticket_id is None or customer is None or customer not in known.customers:
            known.leave("tickets", row, f"customer {row['customer']} is gone")
            continue
        known.tickets[ticket_id] = customer
        created = moments.moment(row.get("created"), known.zone) or known.now
        yield TicketRecord(
            ticket_id,
            customer,
            texts.line(row.get("subject"), LONGEST_SUBJECT) or "Ticket",
            _STATES.get((row.get("status") or "").strip().lower(), "open"),
            texts.paragraphs(row.get("text"), LONGEST_MESSAGE),
            created,
            moments.moment(row.get("changed"), known.zone) or created,
        )


def read_messages(rows: Iterable[Row], known: Known) -> Iterator[MessageRecord]:
    """Yields the messages of tickets that have come; an empty one says nothing, and does not."""
    for row in rows:
        ticket = fitting_id(row["ticket"])
        text = texts.paragraphs(row.get("text"), LONGEST_MESSAGE)
        if ticket is None or ticket not in known.tickets:
            known.leave("messages", row, f"ticket {row['ticket']} is gone")
        elif not text:
            known.leave("messages", row, "it is empty")
        else:
            by_another = row.get("customer") is not None and fitting_id(row["customer"]) != known.tickets[ticket]
            is_staff = known.family.flag("messages", "is_staff", row, default=by_another)
            at = moments.moment(row.get("created"), known.zone) or known.now
            yield MessageRecord(ticket, is_staff, text, at)
