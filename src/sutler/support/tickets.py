"""Tickets: opened and answered by customers, answered and closed by staff.

A customer's verbs take the customer's id and find only their tickets; another's answers as one that is not there.
Each verb owns its transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from sutler.accounts import mail
from sutler.accounts.models import Notice, User
from sutler.core.refusals import Reason, Refusal
from sutler.core.text.text_input import one_line, paragraphs
from sutler.orders.models import Order
from sutler.support.models import Message, Ticket, TicketOrder

LONGEST_SUBJECT, LONGEST_TEXT = 200, 10_000
MOST_OPEN, MOST_ORDERS, MOST_MESSAGES = 20, 50, 500
MOST_ON_A_PAGE = 200
State, Kind = Ticket.State, Message.Kind


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tickets staff's list is to hold; nothing given means any."""

    states: frozenset[str] = frozenset()
    category: str = ""
    customer_id: int | None = None
    assignee_id: int | None = None
    unread_only: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """A ticket with what was written in it, oldest first, and the ids of the orders that it is about."""

    ticket: Ticket
    messages: list[Message] = field(default_factory=list)
    order_ids: list[int] = field(default_factory=list)


def open_(
    customer_id: int,
    author: User | None,
    subject: str,
    text: str,
    now: datetime,
    *,
    category: str = Ticket.Category.OTHER,
    order_ids: Sequence[int] = (),
) -> Ticket | Refusal:
    """Opens a customer's ticket with its first message.

    Refuses with INCORRECT_FIELD `subject`, `text`, `category` or `orders` (not all are the customer's own),
    TOO_MANY_REQUESTS (twenty are open).
    """
    about, said = one_line(subject, LONGEST_SUBJECT), paragraphs(text, LONGEST_TEXT)
    wrong = _wrong(about, said, category)
    if wrong:
        return Refusal(Reason.INCORRECT_FIELD, wrong)
    with transaction.atomic():
        own = set(Order.objects.filter(customer_id=customer_id, pk__in=order_ids).values_list("pk", flat=True))
        if own != set(order_ids) or len(own) > MOST_ORDERS:
            return Refusal(Reason.INCORRECT_FIELD, "orders")
        if Ticket.objects.filter(customer_id=customer_id).exclude(state=State.CLOSED).count() >= MOST_OPEN:
            return Refusal(Reason.TOO_MANY_REQUESTS)
        ticket = Ticket.objects.create(customer_id=customer_id, subject=about or "", category=category, opened_at=now)
        TicketOrder.objects.bulk_create(TicketOrder(ticket=ticket, order_id=each) for each in sorted(own))
        _write(ticket, Kind.CUSTOMER, author, said or "", now)
        return ticket


def reply(customer_id: int, ticket_id: int, author: User | None, text: str, now: datetime) -> Message | Refusal:
    """Stores a customer's message in their ticket, which is open again by it.

    Refuses with NOT_FOUND, INCORRECT_FIELD `text`, TOO_MANY_REQUESTS (five hundred messages are enough).
    """
    return _add(Ticket.objects.filter(customer_id=customer_id), ticket_id, Kind.CUSTOMER, author, text, now)


def answer(ticket_id: int, author: User, text: str, now: datetime) -> Message | Refusal:
    """Stores staff's answer, which is sent by e-mail too. Refuses as `reply` does."""
    return _add(Ticket.objects.all(), ticket_id, Kind.STAFF, author, text, now)


def note(ticket_id: int, author: User, text: str, now: datetime) -> Message | Refusal:
    """Stores a note that staff alone see. Refuses as `reply` does."""
    return _add(Ticket.objects.all(), ticket_id, Kind.NOTE, author, text, now)


def close(ticket_id: int, now: datetime, *, customer_id: int | None = None) -> Refusal | None:
    """Closes a ticket; again changes nothing. With a customer, only one of theirs. Refuses with NOT_FOUND."""
    return _change(ticket_id, customer_id, state=State.CLOSED, closed_at=now, unread_by_staff=False)


def reopen(ticket_id: int, *, customer_id: int | None = None) -> Refusal | None:
    """Opens a closed ticket again; an open one stays as it is. Refuses with NOT_FOUND."""
    if not _own(customer_id).filter(pk=ticket_id).exists():
        return Refusal(Reason.NOT_FOUND)
    _own(customer_id).filter(pk=ticket_id, state=State.CLOSED).update(state=State.OPEN, closed_at=None)
    return None


def tie(ticket_id: int, order_id: int, *, customer_id: int | None = None) -> Refusal | None:
    """Says that a ticket is about an order; again changes nothing.

    Refuses with NOT_FOUND, or INCORRECT_ORDER where the order is not of the ticket's customer (for a report: exists).
    """
    with transaction.atomic():
        ticket = _own(customer_id).select_for_update().filter(pk=ticket_id).first()
        if ticket is None:
            return Refusal(Reason.NOT_FOUND)
        orders = Order.objects.filter(pk=order_id)
        if ticket.customer_id is not None:
            orders = orders.filter(customer_id=ticket.customer_id)
        if not orders.exists() or TicketOrder.objects.filter(ticket=ticket).count() >= MOST_ORDERS:
            return Refusal(Reason.INCORRECT_ORDER)
        TicketOrder.objects.bulk_create([TicketOrder(ticket=ticket, order_id=order_id)], ignore_conflicts=True)
    return None


def assign(ticket_id: int, assignee: User | None) -> Refusal | None:
    """Gives a ticket to a member of staff, or to nobody. Refuses with NOT_FOUND, INCORRECT_FIELD `assignee`."""
    if assignee is not None and not (assignee.is_staff and assignee.is_active):
        return Refusal(Reason.INCORRECT_FIELD, "assignee")
    return _change(ticket_id, None, assignee=assignee)


def set_priority(ticket_id: int, priority: int) -> Refusal | None:
    """Says how urgent a ticket is. Refuses with NOT_FOUND, INCORRECT_FIELD `priority`."""
    if priority not in Ticket.Priority.values:
        return Refusal(Reason.INCORRECT_FIELD, "priority")
    return _change(ticket_id, None, priority=priority)


def of_customer(customer_id: int, *, before: int | None = None, limit: int = 50) -> list[Ticket]:
    """Returns the customer's tickets, the liveliest first, with a `last_message_id` below `before`."""
    return _listed(Ticket.objects.filter(customer_id=customer_id), before, limit)


def of_all(filters: Filters, *, before: int | None = None, limit: int = 50) -> list[Ticket]:
    """Returns everybody's tickets, for staff, with customer and assignee, ordered likewise."""
    tickets = Ticket.objects.select_related("customer", "assignee")
    conditions = {
        "state__in": list(filters.states) or None,
        "category": filters.category or None,
        "customer_id": filters.customer_id,
        "assignee_id": filters.assignee_id,
        "unread_by_staff": filters.unread_only or None,
    }
    return _listed(tickets.filter(**{k: value for k, value in conditions.items() if value is not None}), before, limit)


def read_by_customer(customer_id: int, ticket_id: int) -> Thread | None:
    """Returns the customer's ticket without staff's notes, and marks it as read; None if they have no such one."""
    return _read(_own(customer_id), ticket_id, ~Q(kind=Kind.NOTE), "unread_by_customer")


def read_by_staff(ticket_id: int) -> Thread | None:
    """Returns a ticket with all that was written, and marks it as read by staff; None if there is no such one."""
    return _read(_own(None), ticket_id, Q(), "unread_by_staff")


def _own(customer_id: int | None) -> QuerySet[Ticket]:
    return Ticket.objects.all() if customer_id is None else Ticket.objects.filter(customer_id=customer_id)


def _wrong(subject: str | None, text: str | None, category: str) -> str:
    faults = {"subject": not subject, "text": not text, "category": category not in Ticket.Category.values}
    return next((name for name, is_wrong in faults.items() if is_wrong), "")


def _add(
    tickets: QuerySet[Ticket], ticket_id: int, kind: str, author: User | None, text: str, now: datetime
) -> Message | Refusal:
    said = paragraphs(text, LONGEST_TEXT)
    if not said:
        return Refusal(Reason.INCORRECT_FIELD, "text")
    with transaction.atomic():
        ticket = tickets.select_for_update().filter(pk=ticket_id).first()
        if ticket is None:
            return Refusal(Reason.NOT_FOUND)
        if ticket.messages.count() >= MOST_MESSAGES:
            return Refusal(Reason.TOO_MANY_REQUESTS)
        message = _write(ticket, kind, author, said, now)
        if kind == Kind.STAFF:
            _tell(ticket, message, now)
        return message


def _write(ticket: Ticket, kind: str, author: User | None, text: str, now: datetime) -> Message:
    """Stores a message and what it does to its ticket. A note does nothing."""
    message = Message.objects.create(ticket=ticket, kind=kind, author=author, text=text, at=now)
    if kind == Kind.NOTE:
        return message
    by_staff = kind == Kind.STAFF
    ticket.state = State.ANSWERED if by_staff else State.OPEN
    ticket.closed_at = None
    ticket.last_message_id = message.pk
    ticket.unread_by_customer, ticket.unread_by_staff = by_staff, not by_staff
    ticket.save()
    return message


def _tell(ticket: Ticket, message: Message, now: datetime) -> None:
    def compose() -> tuple[str, str]:
        return _("Reply to your ticket: %(subject)s") % {"subject": ticket.subject}, message.text

    if ticket.customer is None:
        mail.write(ticket.reporter_email, *compose(), now)
    else:
        mail.tell(ticket.customer.people.all(), Notice.TICKETS, compose, now)


def _change(ticket_id: int, customer_id: int | None, **values: object) -> Refusal | None:
    changed = _own(customer_id).filter(pk=ticket_id).update(**values)
    return None if changed else Refusal(Reason.NOT_FOUND)


def _listed(tickets: QuerySet[Ticket], before: int | None, limit: int) -> list[Ticket]:
    if before is not None:
        tickets = tickets.filter(last_message_id__lt=before)
    return list(tickets.order_by("-last_message_id")[: max(1, min(limit, MOST_ON_A_PAGE))])


def _read(tickets: QuerySet[Ticket], ticket_id: int, seen: Q, mark: str) -> Thread | None:
    ticket = tickets.select_related("customer", "assignee").filter(pk=ticket_id).first()
    if ticket is None:
        return None
    # Only up to what is shown here: a message that comes at this moment stays unread.
    Ticket.objects.filter(pk=ticket_id, last_message_id=ticket.last_message_id, **{mark: True}).update(**{mark: False})
    messages = list(ticket.messages.filter(seen).select_related("author").order_by("pk"))
    return Thread(ticket, messages, list(ticket.orders.order_by("order").values_list("order_id", flat=True)))
