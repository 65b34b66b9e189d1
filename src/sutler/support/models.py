"""Tickets, what was written in them, and announcements."""

from django.db import models
from django.db.models import Q


class Ticket(models.Model):
    """A conversation with a customer, or with somebody outside who reports something."""

    class State(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        CLOSED = "closed"

    class Category(models.TextChoices):
        ORDER = "order"
        PAYMENT = "payment"
        API = "api"
        REPORT = "report"
        OTHER = "other"

    class Priority(models.IntegerChoices):
        LOW = 1
        NORMAL = 2
        HIGH = 3

    customer = models.ForeignKey("accounts.Customer", null=True, on_delete=models.PROTECT, related_name="tickets")
    # Who reports from outside: where to answer, and the network address it came from, for its limit.
    reporter_email = models.EmailField(blank=True)
    reporter_address = models.CharField(max_length=45, blank=True)
    subject = models.CharField(max_length=200)
    category = models.CharField(max_length=10, choices=Category, default=Category.OTHER)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    assignee = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    # The last message, notes of staff apart: tickets are listed by it, the liveliest first.
    last_message_id = models.BigIntegerField(default=0)
    unread_by_customer = models.BooleanField(default=False)
    unread_by_staff = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(customer__isnull=False, reporter_email="") | (Q(customer=None) & ~Q(reporter_email="")),
                name="ticket_of_customer_or_reporter",
            )
        ]
        indexes = [
            models.Index(fields=["customer", "last_message_id"], name="ticket_of_customer"),
            models.Index(fields=["last_message_id"], name="ticket_by_last_message"),
            models.Index(fields=["state", "last_message_id"], name="ticket_by_state"),
            # How often an address has reported lately.
            models.Index(fields=["reporter_address", "opened_at"], condition=Q(customer=None), name="ticket_reports"),
        ]

    def __str__(self) -> str:
        return f"ticket {self.pk}"


class TicketOrder(models.Model):
    """An order that a ticket is about. Its customer is the ticket's."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="orders")
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="tickets")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "order"], name="order_tied_once")]

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.order_id}"


class Message(models.Model):
    """Something written in a ticket. Never changed."""

    class Kind(models.TextChoices):
        CUSTOMER = "customer"
        REPORTER = "reporter"
        STAFF = "staff"
        # Of staff for staff.
        NOTE = "note"

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=10, choices=Kind)
    author = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"message {self.pk}"


class Announcement(models.Model):
    """A word of staff to all customers, shown on their dashboards from a moment until another."""

    class Level(models.TextChoices):
        INFO = "info"
        SUCCESS = "success"
        WARNING = "warning"
        DANGER = "danger"

    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    shown_from = models.DateTimeField()
    # None: until it is taken back.
    shown_until = models.DateTimeField(null=True)
    written_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.title
