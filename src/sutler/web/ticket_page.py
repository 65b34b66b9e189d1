"""What the pages of a ticket have in common, for customers and for staff."""

from django import forms
from django.utils.translation import gettext_lazy

from sutler.accounts.models import User
from sutler.support import tickets
from sutler.support.models import Ticket
from sutler.support.tickets import Thread

NO_MESSAGE = gettext_lazy("Enter a message of at most 10,000 characters.")
CATEGORIES = {
    Ticket.Category.ORDER: gettext_lazy("Order"),
    Ticket.Category.PAYMENT: gettext_lazy("Payment"),
    Ticket.Category.API: gettext_lazy("API"),
    Ticket.Category.REPORT: gettext_lazy("Abuse report"),
    Ticket.Category.OTHER: gettext_lazy("Other"),
}


class MessageForm(forms.Form):
    """A message in a ticket. `last` is the last message that its writer has seen: two sendings become one message."""

    text = forms.CharField(
        label=gettext_lazy("Your message"),
        max_length=tickets.LONGEST_TEXT,
        widget=forms.Textarea({"rows": 7}),
        error_messages={"required": NO_MESSAGE},
    )
    last = forms.IntegerField(required=False, widget=forms.HiddenInput)


def last_message_id(thread: Thread) -> int:
    """Returns the id of the newest message; 0 if there is none."""
    return thread.messages[-1].pk if thread.messages else 0


def is_sent_already(thread: Thread, author: User, text: str) -> bool:
    """Returns True if the newest message is this one: the form was sent twice."""
    newest = thread.messages[-1] if thread.messages else None
    return newest is not None and newest.author_id == author.pk and newest.text.split() == text.split()
