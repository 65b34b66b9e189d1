"""Channels as staff set them up: what they type in, secrets sealed and never shown again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings as django_settings

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line
from sutler.notices.channels.registry import channel_kinds
from sutler.notices.channels.shape import ChannelKind
from sutler.notices.kinds import FOR_STAFF
from sutler.notices.models import Channel
from sutler.payments.gateways.shape import Settings
from sutler.payments.setting_fields import closed, fill, lacking, opened, opened_if_readable
from sutler.storage.transactions import durable

MOST_CHANNELS = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """A channel as staff write it; its kind never changes."""

    kind: str
    name: str
    kinds: Collection[str]
    language: str
    is_on: bool
    settings: Settings


def kind_of(channel: Channel) -> ChannelKind | None:
    """Returns the kind of a channel; None if it is not installed any more."""
    return channel_kinds().get(channel.kind)


def settings_of(channel: Channel) -> Settings:
    """Returns a channel's settings, secrets among them. Raises storage.sealed.Unreadable."""
    return {**channel.settings, **opened(channel.sealed_settings)}


def secrets_there(channel: Channel) -> frozenset[str]:
    """Returns the names of the secrets that a channel has: none where they cannot be opened."""
    return frozenset(opened_if_readable(channel.sealed_settings))


def save(draft: Draft, actor: User, now: datetime, *, channel_id: int | None = None) -> Channel | Refusal:
    """Makes a channel, or changes one. A secret that is left empty stays as it was.

    Refuses with NOT_FOUND, TOO_MANY_REQUESTS (there are twenty), INCORRECT_FIELD naming what will not do: `name`,
    `kinds`, `language`, `kind`, or a setting. Raises storage.transactions.Busy or CommitUnclear.
    """
    name = one_line(draft.name, 60)
    faults = {
        "name": not name,
        "kind": draft.kind not in channel_kinds(),
        "kinds": not set(draft.kinds) <= set(FOR_STAFF),
        "language": draft.language not in {"", *dict(django_settings.LANGUAGES)},
    }
    for field, is_wrong in faults.items():
        if is_wrong:
            return Refusal(Reason.INCORRECT_FIELD, field)
    with durable():
        if channel_id is None and Channel.objects.count() >= MOST_CHANNELS:
            return Refusal(Reason.TOO_MANY_REQUESTS)
        rows = Channel.objects.select_for_update().filter(pk=channel_id or 0, kind=draft.kind)
        channel = rows.first() if channel_id is not None else Channel(kind=draft.kind, created_at=now)
        if channel is None:
            return Refusal(Reason.NOT_FOUND)
        wrong = _put(channel, draft.settings)
        if wrong:
            return Refusal(Reason.INCORRECT_FIELD, wrong)
        channel.name, channel.language, channel.is_on = name or "", draft.language, draft.is_on
        channel.kinds = [each.value for each in FOR_STAFF if each in draft.kinds]
        channel.save()
        after = {"name": channel.name, "kinds": ", ".join(channel.kinds), "on": channel.is_on}
        audit_log.write(actor, "channel saved", Subject(SubjectType.CHANNEL, channel.pk), now, after=after)
        return channel


def remove(channel_id: int, actor: User, now: datetime) -> Refusal | None:
    """Removes a channel with what waits for it. Refuses with NOT_FOUND. Raises as `save` does."""
    with durable():
        if not Channel.objects.filter(pk=channel_id).delete()[0]:
            return Refusal(Reason.NOT_FOUND)
        audit_log.write(actor, "channel removed", Subject(SubjectType.CHANNEL, channel_id), now)
    return None


def _put(channel: Channel, given: Mapping[str, str]) -> str:
    """Puts settings into a channel that is not saved yet; returns the name of one that will not do, or nothing."""
    kind = channel_kinds()[channel.kind]
    plain, secrets = dict(channel.settings), opened_if_readable(channel.sealed_settings)
    wrong = fill(kind.fields, plain, secrets, given) or lacking(kind.fields, kind.fault, {**plain, **secrets})
    if not wrong:
        channel.settings, channel.sealed_settings = plain, closed(secrets)
    return wrong
