"""Reports from outside: anybody may tell the operator what is sold or used against the rules."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from sutler.core.refusals import Reason, Refusal
from sutler.core.text.text_input import one_line, paragraphs
from sutler.support.models import Message, Ticket
from sutler.support.tickets import LONGEST_SUBJECT, LONGEST_TEXT

# From one network address, and from all of them together.
MOST_AN_HOUR, MOST_AN_HOUR_FROM_ALL = 5, 200
_HOUR = timedelta(hours=1)


def report(email: str, subject: str, text: str, address: str, now: datetime) -> Ticket | Refusal:
    """Opens a ticket for somebody without an account; staff's answer goes to the e-mail address.

    `address` is the network address it came from. Refuses with INCORRECT_FIELD `email`, `subject` or `text`,
    TOO_MANY_REQUESTS (five in an hour from this address, or two hundred from all).
    """
    about, said = one_line(subject, LONGEST_SUBJECT), paragraphs(text, LONGEST_TEXT)
    for name, is_wrong in (("email", not _is_email(email)), ("subject", not about), ("text", not said)):
        if is_wrong:
            return Refusal(Reason.INCORRECT_FIELD, name)
    with transaction.atomic():
        lately = Ticket.objects.filter(customer=None, opened_at__gt=now - _HOUR)
        if lately.filter(reporter_address=address).count() >= MOST_AN_HOUR or lately.count() >= MOST_AN_HOUR_FROM_ALL:
            return Refusal(Reason.TOO_MANY_REQUESTS)
        ticket = Ticket.objects.create(
            reporter_email=email,
            reporter_address=address[:45],
            subject=about or "",
            category=Ticket.Category.REPORT,
            opened_at=now,
        )
        message = Message.objects.create(ticket=ticket, kind=Message.Kind.REPORTER, text=said or "", at=now)
        ticket.last_message_id = message.pk
        ticket.save(update_fields=["last_message_id"])
        return ticket


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254
