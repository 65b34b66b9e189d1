"""Payments as confirmed requests for funds with their deposits; tickets and their messages."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Max

from sutler.books.models import LedgerAccount
from sutler.books.post import ADD_TO_WALLETS, INSERT_TRANSFERS, house
from sutler.core.money import LARGEST_MICROS
from sutler.move_in.reading.talk import MessageRecord, PaymentRecord, TicketRecord
from sutler.payments.models import FundsRequest, Method
from sutler.storage.statements import Row, moment, run_together
from sutler.support.models import Message, Ticket


def write_payments(records: Sequence[PaymentRecord]) -> None:
    """Writes payments, each credited under the day it was made. Their methods are not offered any more."""
    methods = {key: _method(*key) for key in {(each.method, each.currency) for each in records}}
    FundsRequest.objects.bulk_create(
        FundsRequest(
            pk=each.id,
            customer_id=each.customer,
            method=methods[each.method, each.currency],
            currency=each.currency,
            amount_micros=each.amount_micros,
            credit_micros=each.amount_micros,
            note=each.transaction,
            state=FundsRequest.State.CONFIRMED,
            asked_at=each.created_at,
            decided_at=each.created_at,
        )
        for each in records
    )
    customers = {each.customer for each in records}
    wallets = dict(LedgerAccount.objects.filter(customer__in=customers).values_list("customer_id", "pk"))
    deposits = {each.currency: house(LedgerAccount.Kind.DEPOSITS, each.currency) for each in records}
    transfers: list[Row] = []
    credited: dict[int, int] = defaultdict(int)
    for each in records:
        ends = (deposits[each.currency], wallets[each.customer])
        transfers.append((f"funds:{each.id}", *ends, each.amount_micros, None, "", moment(each.created_at)))
        credited[ends[1]] += each.amount_micros
    run_together([(INSERT_TRANSFERS, transfers), (ADD_TO_WALLETS, sorted(credited.items()))])


def write_tickets(records: Sequence[TicketRecord]) -> None:
    """Writes tickets, each with the message that the ticket itself held."""
    Ticket.objects.bulk_create(
        Ticket(
            pk=each.id,
            customer_id=each.customer,
            subject=each.subject,
            state=each.state,
            opened_at=each.created_at,
            closed_at=each.changed_at if each.state == Ticket.State.CLOSED else None,
            unread_by_staff=each.state == Ticket.State.OPEN,
        )
        for each in records
    )
    write_messages([MessageRecord(each.id, False, each.text, each.created_at) for each in records if each.text])


def write_messages(records: Sequence[MessageRecord]) -> None:
    """Writes messages, and what their tickets say was the last one."""
    Message.objects.bulk_create(
        Message(
            ticket_id=each.ticket,
            kind=Message.Kind.STAFF if each.is_staff else Message.Kind.CUSTOMER,
            text=each.text,
            at=each.at,
        )
        for each in records
    )
    tickets = {each.ticket for each in records}
    last = Message.objects.filter(ticket__in=tickets).values("ticket").annotate(last=Max("pk"))
    Ticket.objects.bulk_update(
        [Ticket(pk=each["ticket"], last_message_id=each["last"]) for each in last], ["last_message_id"]
    )


def _method(name: str, currency: str) -> Method:
    """Returns the method of the old panel by its name, made the first time."""
    return Method.objects.get_or_create(
        name=f"{name} (old panel)",
        currency=currency,
        defaults={
            "instructions": "",
            "min_micros": 1,
            "max_micros": LARGEST_MICROS,
            "is_offered": False,
        },
    )[0]
