"""E-mail: letters are written in the transaction of what they tell, and sent by the worker afterwards.

A letter is sent at least once: should the worker die between sending and noting it, it is sent again.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import translation

from sutler.accounts import letter_html, panel, secret_key
from sutler.accounts.models import Letter, Notice, User
from sutler.accounts.profile import wants
from sutler.storage.sealed import Unreadable, seal, unseal

LONGEST_SUBJECT = 200
# A letter is tried again after these times, then given up; a claim lasts as long as the first.
_PAUSES = tuple(timedelta(minutes=each) for each in (5, 15, 60, 240, 720))


def write(to: str, subject: str, text: str, now: datetime, *, is_secret: bool = False) -> Letter:
    """Stores a letter to be sent as soon as the transaction is over. What `is_secret` is stored sealed."""
    letter = Letter(to=to, subject=" ".join(subject.split())[:LONGEST_SUBJECT], written_at=now, due_at=now)
    if is_secret:
        letter.sealed_text = seal(text, secret_key.keys()[0])
    else:
        letter.text = text
    letter.save()
    return letter


def tell(people: Iterable[User], notice: Notice, compose: Callable[[], tuple[str, str]], now: datetime) -> None:
    """Writes to each person who wants this notice. `compose` gives subject and text, in the language switched on."""
    for person in people:
        if wants(person, notice):
            with translation.override(person.language or None):
                write(person.email, *compose(), now)


def send_due(now: datetime, limit: int = 20) -> int:
    """Sends at most `limit` letters that are due; returns how many were tried. A job of the worker.

    Claimed first, so that several workers never send one at once; nothing is sent inside a transaction. A server that
    cannot be reached is waited for once, not once a letter.
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
    server = get_connection()
    fault: Exception | None = None
    try:
        server.open()
    except (OSError, SMTPException) as error:
        fault = error
    try:
        for each in claimed:
            _note(each, fault or _fault_of_sending(each, server), now)
    finally:
        server.close()
    return len(claimed)


def count_waiting() -> int:
    """Returns how many letters are still to be sent."""
    return Letter.objects.filter(due_at__isnull=False).count()


def count_given_up() -> int:
    """Returns how many letters could not be sent."""
    return Letter.objects.filter(due_at=None, sent_at=None).count()


def _fault_of_sending(letter: Letter, server: BaseEmailBackend) -> Exception | None:
    """Sends the letter and returns what went wrong, or None."""
    try:
        text = unseal(letter.sealed_text, *secret_key.keys()) if letter.sealed_text else letter.text
        _message(letter, text, server).send()
    except (OSError, SMTPException, Unreadable) as error:
        return error
    return None


def _message(letter: Letter, text: str, server: BaseEmailBackend) -> EmailMessage:
    """Returns the letter in the panel's name. Sent twice it is one: its id is the same."""
    profile = panel.profile()
    name = profile.name
    subject = letter.subject if name in letter.subject else f"[{name}] {letter.subject}"
    message_id = f"<letter-{letter.pk}-{int(letter.written_at.timestamp())}@{panel.domain()}>"
    message = EmailMultiAlternatives(
        subject, text, to=[letter.to], connection=server, headers={"Message-ID": message_id}
    )
    message.attach_alternative(letter_html.html_of(text, name, profile.accent), "text/html")
    return message


def _note(letter: Letter, fault: Exception | None, now: datetime) -> None:
    if fault is None:
        letter.sent_at, letter.due_at, letter.fault = now, None, ""
    else:
        letter.fault = f"{type(fault).__name__}: {fault}"[:300]
        letter.due_at = letter.due_at if letter.attempts <= len(_PAUSES) else None
    if letter.due_at is None:
        letter.sealed_text = ""
    letter.save(update_fields=["sent_at", "due_at", "fault", "sealed_text"])
