"""E-mail: letters are written in the transaction of what they tell, and sent by the worker afterwards.

A letter is sent at least once: should the worker die between sending and noting it, it is sent again.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation

from sutler.accounts.models import Letter, Notice, User
from sutler.accounts.profile import wants

LONGEST_SUBJECT = 200
# A letter is tried again after these times, then given up; a claim lasts as long as the first.
_PAUSES = tuple(timedelta(minutes=each) for each in (5, 15, 60, 240, 720))


def write(to: str, subject: str, text: str, now: datetime) -> Letter:
    """Stores a letter to be sent as soon as the transaction is over."""
    line = " ".join(subject.split())[:LONGEST_SUBJECT]
    return Letter.objects.create(to=to, subject=line, text=text, written_at=now, due_at=now)


def tell(people: Iterable[User], notice: Notice, compose: Callable[[], tuple[str, str]], now: datetime) -> None:
    """Writes to each person who wants this notice. `compose` gives subject and text, in the language switched on."""
    for person in people:
        if wants(person, notice):
            with translation.override(person.language or None):
                write(person.email, *compose(), now)


def send_due(now: datetime, limit: int = 20) -> int:
    """Sends at most `limit` letters that are due; returns how many were tried. A job of the worker.

    Claimed first, so that several workers never send one at once; nothing is sent inside a transaction.
    """
    due = Letter.objects.filter(due_at__lte=now)
    if not due.exists():  # asking often must not take the write lock
        return 0
    with transaction.atomic():
        claimed = list(due.select_for_update(skip_locked=True).order_by("due_at", "pk")[:limit])
        for each in claimed:
            each.due_at = now + _PAUSES[min(each.attempts, len(_PAUSES) - 1)]
            each.attempts += 1
        Letter.objects.bulk_update(claimed, ["due_at", "attempts"])
    for each in claimed:
        _send(each, now)
    return len(claimed)


def _send(letter: Letter, now: datetime) -> None:
    try:
        EmailMessage(letter.subject, letter.text, to=[letter.to]).send()
    except (OSError, SMTPException) as error:
        letter.fault = f"{type(error).__name__}: {error}"[:300]
        letter.due_at = letter.due_at if letter.attempts <= len(_PAUSES) else None
    else:
        letter.sent_at, letter.due_at, letter.fault = now, None, ""
    letter.save(update_fields=["sent_at", "due_at", "fault"])
