"""The tickets that a person means who types a few letters: an ID, or a part of a subject."""

from sutler.core.text import text_input
from sutler.storage.bounded_search import newest
from sutler.support.models import Ticket

# How many tickets a part of a subject is looked for in: no index serves it.
MOST_TICKETS_READ = 20_000


def tickets(text: str, limit: int, *, customer_id: int | None = None) -> list[Ticket]:
    """Returns at most `limit` tickets, newest first; with a customer, of their own alone."""
    listed = Ticket.objects.all() if customer_id is None else Ticket.objects.filter(customer_id=customer_id)
    number = text_input.number(text)
    if number is not None:
        return list(listed.filter(pk=number))
    return list(newest(listed, MOST_TICKETS_READ).filter(subject__icontains=text).order_by("-pk")[:limit])
