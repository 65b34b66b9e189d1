"""Orders whose status cannot be read: put off, ever longer, and staff are told of it until it is read again."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sutler.core import poll_interval
from sutler.core.events import Cause, CauseKind, EventKind
from sutler.core.events import cause as cause_of
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.fulfilment.models import Alarm, AskTime, Provider
from sutler.fulfilment.polling.interpret import Followed
from sutler.fulfilment.providers import alarms
from sutler.orders.change import event, write_events
from sutler.storage.statements import Statement, moment, run

ACTOR = "worker"
# So often in a row, which is some eight minutes, until staff are told.
UNTIL_ALARM = 5
# If none at the provider was read for so long, the alarm is about all of them.
NONE_READ_FOR = timedelta(minutes=10)
_PUT_OFF = Statement(
    "UPDATE fulfilment_asktime SET ask_at = rows.ask_at, unread = rows.unread FROM {rows}"
    " WHERE fulfilment_asktime.upstream_order_id = rows.id",
    {"id": "bigint", "ask_at": "timestamptz", "unread": "integer"},
)


def put_off(provider: Provider, rows: Sequence[Followed], cause: Cause, now: datetime) -> None:
    """Has orders whose status could not be read asked about later; tells staff of those that were not for some time.

    In the caller's transaction. One alarm for the provider, about each of them, or about all where none is read.
    """
    run(_PUT_OFF, [(each.pk, moment(now + _pause(each)), each.unread + 1) for each in rows])
    silent = [each for each in rows if each.finished_at is None and each.unread + 1 >= UNTIL_ALARM]
    if not silent or alarms.last_sounded(provider.pk, Alarm.Kind.UNREAD, WHOLE) is not None:
        return
    ask_times = AskTime.objects.filter(provider=provider)
    if not ask_times.filter(asked_at__gt=now - NONE_READ_FOR).exists():
        minutes = NONE_READ_FOR.seconds // 60
        alarms.sound(
            provider.pk, Alarm.Kind.UNREAD, WHOLE, cause_of(CauseKind.NONE_READ, minutes=minutes, cause=cause), now
        )
        return
    events = []
    for each in silent:
        unread = cause_of(CauseKind.STATUS_UNREAD, count=each.unread + 1, cause=cause)
        odd = {"provider": provider.name, "cause": unread}
        why = cause_of(CauseKind.ORDER_ODD, order=each.order_id, id=each.upstream_id, **odd)
        if alarms.sound(provider.pk, Alarm.Kind.UNREAD, Subject(SubjectType.ORDER, each.order_id), why, now):
            events.append(event(each.order_id, ACTOR, now, EventKind.ODD_STATUS, **odd))
    write_events(events)


def read_again(provider: Provider, rows: Collection[Followed], now: datetime, *, is_any_read: bool) -> None:
    """Takes off the alarm what is read again, in the caller's transaction. `rows` were read, as they stood before."""
    if is_any_read and alarms.close(provider.pk, Alarm.Kind.UNREAD, WHOLE, ACTOR, now):
        return
    for each in rows:
        if each.unread >= UNTIL_ALARM:
            alarms.close(provider.pk, Alarm.Kind.UNREAD, Subject(SubjectType.ORDER, each.order_id), ACTOR, now)


def _pause(row: Followed) -> timedelta:
    return timedelta(seconds=poll_interval.missing_seconds(row.unread + 1))
