"""From notices to deliveries: who hears of each, and what is one letter."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max, QuerySet

from sutler.accounts.models import User
from sutler.notices import preferences
from sutler.notices.kinds import KINDS, Kind
from sutler.notices.models import Channel, Delivery, Notice, Preferences

# The topic of what goes into one letter a day.
DIGEST = "digest"
# So many notices are shown in one letter; the others are counted.
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Receiver:
    """A person or a channel, as `Delivery` names it, with what they want."""

    person_id: int | None
    channel_id: int | None
    kinds: frozenset[Kind]
    wishes: Preferences = field(compare=False)
    time_zone: str = ""


def deliver(notices: Sequence[Notice], now: datetime) -> None:
    """Adds stored notices to the open deliveries of all who want them, and opens those that are not there.

    Belongs into the transaction that stores the notices; one at a time (`jobs`).
    """
    by_group: dict[tuple[_Receiver, str], list[Notice]] = defaultdict(list)
    staff, customers = _staff(), _customers(notices)
    for notice in notices:
        kind = Kind(notice.kind)
        if KINDS[kind].permission is not None:
            receivers = staff
        elif notice.customer_id is not None:
            receivers = customers.get(notice.customer_id, [])
        else:
            receivers = [each for people in customers.values() for each in people]
        for each in receivers:
            if kind in each.kinds:
                topic = DIGEST if preferences.is_daily(each.wishes) else kind.value
                by_group[each, topic].append(notice)
    for (receiver, topic), group in by_group.items():
        _add(receiver, topic, group, now)


def _staff() -> list[_Receiver]:
    channels = [
        _Receiver(None, each.pk, frozenset(map(Kind, each.kinds)), Preferences())
        for each in Channel.objects.filter(is_on=True)
    ]
    return channels + _people(list(User.objects.filter(is_staff=True, is_active=True)))


def _customers(notices: Sequence[Notice]) -> Mapping[int, list[_Receiver]]:
    """Returns the people of the customers that the notices are of; of all customers who asked, if one is for all."""
    people = User.objects.filter(customer__in={each.customer_id for each in notices}, is_active=True)
    for kind in {
        each.kind for each in notices if each.customer_id is None and KINDS[Kind(each.kind)].permission is None
    }:
        people |= User.objects.filter(customer__isnull=False, is_active=True, **{f"hears__kinds__{kind}": True})
    by_customer: dict[int, list[_Receiver]] = defaultdict(list)
    users = list(people)
    customers = {each.pk: each.customer_id for each in users}
    for receiver in _people(users):
        by_customer[customers[receiver.person_id or 0] or 0].append(receiver)
    return by_customer


def _people(users: Sequence[User]) -> list[_Receiver]:
    wishes = preferences.of_all(users)
    return [
        _Receiver(each.pk, None, preferences.wanted(each, wishes[each.pk]), wishes[each.pk], each.time_zone)
        for each in users
    ]


def _add(receiver: _Receiver, topic: str, notices: Sequence[Notice], now: datetime) -> None:
    receiver_ids = {"person_id": receiver.person_id, "channel_id": receiver.channel_id}
    own = Delivery.objects.filter(**receiver_ids, topic=topic)
    delivery = own.select_for_update().filter(is_open=True).first()
    if delivery is None:
        due_at = preferences.due_at(receiver.wishes, receiver.time_zone, _earliest(own, topic, now))
        delivery = Delivery(**receiver_ids, topic=topic, opened_at=now, due_at=due_at)
    delivery.notice_ids = [*delivery.notice_ids, *(each.pk for each in notices)][:MOST_SHOWN]
    delivery.count += len(notices)
    delivery.save()


def _earliest(own: QuerySet[Delivery], topic: str, now: datetime) -> datetime:
    """Returns when the next letter of a topic may leave: a pause after the one before."""
    if topic == DIGEST:
        return now
    last = own.filter(is_open=False).aggregate(last=Max("closed_at"))["last"]
    return now if last is None else max(now, last + KINDS[Kind(topic)].pause)
