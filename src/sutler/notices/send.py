"""Sending what is due: letters into the queue of letters, messages to channels; trying again, giving up, saying so."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import translation

from sutler.accounts import mail, panel
from sutler.core.events import CauseKind, cause
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.models import Alarm
from sutler.fulfilment.providers import alarms
from sutler.notices import channel_settings, texts
from sutler.notices.models import Channel, Delivery, Notice
from sutler.payments.gateways import http
from sutler.payments.gateways.shape import Ask, Failure
from sutler.storage.sealed import Unreadable
from sutler.storage.transactions import durable

MOST_AT_ONCE = 20
# A message to a channel is tried again after these times, then given up; a claim lasts as long as the first.
PAUSES = tuple(timedelta(minutes=each) for each in (5, 15, 60, 240, 720))
EMAIL = "email"
State = Delivery.State


def new_ask() -> Ask:
    """Returns the way to channels: private addresses only where the operator allows the host."""
    return http.opened(settings.SUTLER["SUTLER_UPSTREAM_PRIVATE_HOSTS"])


def send_due(now: datetime, ask: Ask | None = None) -> int:
    """Sends at most twenty deliveries that are due; returns how many were tried. A job of the worker.

    Claimed first, so that several workers never send one at once; a channel is never called inside a transaction.
    """
    due = Delivery.objects.filter(due_at__lte=now)
    if not due.exists():  # asking often must not take the write lock
        return 0
    with transaction.atomic():
        claimed = list(due.select_for_update(skip_locked=True).order_by("due_at", "pk")[:MOST_AT_ONCE])
        for delivery in claimed:
            _claim(delivery, now)
    for delivery in claimed:
        if delivery.channel_id is not None:
            _note(delivery, _send(delivery, ask or new_ask()), now)
    return len(claimed)


def follow_letters(now: datetime) -> int:
    """Notes what became of letters that were queued; returns of how many. A job of the worker."""
    ended = Q(letter=None) | Q(letter__due_at=None)
    rows = Delivery.objects.filter(ended, state=State.QUEUED).select_related("letter").order_by("pk")[:100]
    deliveries = list(rows)
    for delivery in deliveries:
        letter = delivery.letter
        if letter is not None and letter.sent_at is not None:
            _end(delivery, State.SENT, now, sent_at=letter.sent_at)
        else:
            _end(delivery, State.GIVEN_UP, now, fault=letter.fault if letter else "")
    return len(deliveries)


def send_test(channel: Channel, ask: Ask | None = None) -> Failure | None:
    """Sends a test message to a channel at once; returns why it did not arrive, or None."""
    with translation.override(channel.language or translation.get_language()):
        name = panel.profile().name
        text = translation.gettext("This is a test message. Notices will arrive here.")
    return _call(channel, f"[{name}]", text, ask or new_ask())


def count_waiting() -> int:
    """Returns how many letters and messages of notices are still to be sent."""
    return Delivery.objects.filter(state__in=[State.WAITING, State.QUEUED]).count()


def _claim(delivery: Delivery, now: datetime) -> None:
    """Closes the delivery for more, words it, and queues its letter or leaves it to be sent to its channel."""
    delivery.closed_at = delivery.closed_at or now
    delivery.is_open = False
    if delivery.person is not None:
        message = _message(delivery, delivery.person.language, is_letter=True)
        delivery.letter = mail.write(delivery.person.email, message.subject, message.text(), now)
        delivery.state, delivery.due_at = State.QUEUED, None
    else:
        assert delivery.channel is not None  # noqa: S101 - it has one receiver
        message = _message(delivery, delivery.channel.language, is_letter=False)
        delivery.due_at = now + PAUSES[min(delivery.attempts, len(PAUSES) - 1)]
        delivery.attempts += 1
    delivery.subject = message.subject[: mail.LONGEST_SUBJECT]
    delivery.save()


def _message(delivery: Delivery, language: str, *, is_letter: bool) -> texts.Message:
    notices = _notices(delivery)
    is_for_staff = delivery.person is None or delivery.person.is_staff
    with translation.override(language or settings.LANGUAGE_CODE):
        return texts.message(delivery.topic, notices, delivery.count, is_for_staff=is_for_staff, is_letter=is_letter)


def _notices(delivery: Delivery) -> Sequence[Notice]:
    found = Notice.objects.in_bulk(delivery.notice_ids)
    return [found[each] for each in delivery.notice_ids if each in found]


def _send(delivery: Delivery, ask: Ask) -> Failure | None:
    assert delivery.channel is not None  # noqa: S101 - the caller has looked
    message = _message(delivery, delivery.channel.language, is_letter=False)
    return _call(delivery.channel, f"[{panel.profile().name}] {message.subject}", message.text(), ask)


def _call(channel: Channel, subject: str, text: str, ask: Ask) -> Failure | None:
    kind = channel_settings.kind_of(channel)
    if kind is None:
        return Failure(f"the kind of channel {channel.kind} is not installed")
    try:
        values = channel_settings.settings_of(channel)
    except Unreadable:
        return Failure("the secrets cannot be unsealed with the panel's secret key")
    return asyncio.run(kind.send(values, subject, text, ask))


def _note(delivery: Delivery, failure: Failure | None, now: datetime) -> None:
    if failure is None:
        _end(delivery, State.SENT, now, sent_at=now)
    elif delivery.attempts > len(PAUSES):
        _end(delivery, State.GIVEN_UP, now, fault=failure.why)
    else:
        Delivery.objects.filter(pk=delivery.pk).update(fault=failure.why[:300])


def _end(delivery: Delivery, state: str, now: datetime, *, sent_at: datetime | None = None, fault: str = "") -> None:
    """Notes that it was sent or given up, which sounds the alarm about its channel; one that was sent closes it."""
    by_email = delivery.channel_id is None
    subject = Subject(SubjectType.EMAIL) if by_email else Subject(SubjectType.CHANNEL, delivery.channel_id or 0)
    with durable():
        rows = Delivery.objects.filter(pk=delivery.pk)
        rows.update(state=state, due_at=None, sent_at=sent_at, fault=fault[:300])
        if state == State.GIVEN_UP:
            name = delivery.channel.name if delivery.channel else EMAIL
            why = cause(CauseKind.NOTICE_GIVEN_UP, channel=name, fault=fault)
            alarms.sound(None, Alarm.Kind.NOTICES, subject, why, now)
        elif alarms.last_sounded(None, Alarm.Kind.NOTICES, subject) is not None:
            alarms.close(None, Alarm.Kind.NOTICES, subject, "worker", now)
