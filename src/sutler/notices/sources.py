"""Reading what has happened from the rows that other rooms keep: each thing once, none missed.

What is rare is compared with the notices there are, so the order of commits does not matter. Events of orders are many:
they are read in their order, up to a settled ID (docs/decisions/0042).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import CharField, Exists, Model, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from sutler.accounts.models import User
from sutler.books.models import Verification
from sutler.catalogue.models import ServiceUpdate
from sutler.core.events import EventKind
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.fulfilment.models import Alarm
from sutler.notices.kinds import Kind, kind_of_alarm
from sutler.notices.models import Notice, Reading
from sutler.orders.models import Approval, OrderEvent
from sutler.payments.models import Alert, FundsRequest
from sutler.support.models import Message

# How far back rare things are compared: no transaction lasts so long, and no worker should be away longer.
LOOK_BACK = timedelta(days=2)
MOST_AT_ONCE, MOST_EVENTS = 100, 1000
# Only so many of the newest rows of a table are compared, however large it grows.
MOST_COMPARED = 5000
# Longer than between two passes of a worker that is restarted.
WORKER_SILENT_FOR = timedelta(minutes=5)
_ENDS = {
    Status.COMPLETED.value: Kind.ORDER_COMPLETED,
    Status.PARTIAL.value: Kind.ORDER_PARTIAL,
    Status.CANCELED.value: Kind.ORDER_CANCELED,
}
Row = TypeVar("Row", bound=Model)
_REFILL_ENDS = (RefillStatus.COMPLETED.value, RefillStatus.REJECTED.value)


def rare(reading: Reading, now: datetime) -> Iterator[Notice]:
    """Yields what is new of all but orders, at most a hundred of each sort; not stored yet."""
    since = max(reading.since, now - LOOK_BACK)
    yield from _alarms(since)
    yield from _tickets(since)
    yield from _payments(since)
    yield from _approvals(since)
    yield from _audits(since)
    yield from _services(since)


def worker_silence(reading: Reading, now: datetime) -> Iterator[Notice]:
    """Yields that no worker has read for long: it can only be said afterwards, by the one that is back."""
    if now - reading.read_at > WORKER_SILENT_FOR:
        data = {"minutes": int((now - reading.read_at).total_seconds()) // 60}
        yield Notice(kind=Kind.WORKER, key=f"worker {int(now.timestamp())}", data=data, at=now)


def events(after: int, up_to: int) -> tuple[list[Notice], int]:
    """Returns what the next thousand events of orders say to customers who have people, and the last ID looked at."""
    rows = list(OrderEvent.objects.filter(pk__gt=after, pk__lte=up_to).order_by("pk")[:MOST_EVENTS])
    end = rows[-1].pk if len(rows) == MOST_EVENTS else up_to
    told = [each for each in rows if each.to_status in _ENDS or each.kind == EventKind.REFILL_MOVED]
    if not told:
        return [], end
    about = OrderEvent.objects.filter(pk__in=[each.pk for each in told], order__parent=None)
    customers = dict(about.values_list("pk", "order__customer_id"))
    read = User.objects.filter(customer__in=set(customers.values()), is_active=True)
    with_people = set(read.values_list("customer_id", flat=True))
    return [
        notice
        for each in told
        if customers.get(each.pk) in with_people and (notice := _of_event(each, customers[each.pk])) is not None
    ], end


def _of_event(event: OrderEvent, customer_id: int) -> Notice | None:
    key, data = f"event {event.pk}", {"order": event.order_id}
    if event.to_status in _ENDS:
        return Notice(kind=_ENDS[event.to_status], key=key, customer_id=customer_id, data=data, at=event.at)
    if event.data.get("after") in _REFILL_ENDS:
        data["is_completed"] = event.data["after"] == RefillStatus.COMPLETED.value
        return Notice(kind=Kind.REFILL, key=key, customer_id=customer_id, data=data, at=event.at)
    return None


def _new(rows: QuerySet[Row], prefix: str, suffix: str = "") -> QuerySet[Row]:
    """Returns those of the newest rows of which there is no notice."""
    newest = rows.model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = rows.filter(pk__gt=newest - MOST_COMPARED)
    key = Concat(Value(f"{prefix} "), Cast(OuterRef("pk"), CharField()), Value(suffix), output_field=CharField())
    return rows.filter(~Exists(Notice.objects.filter(key=key))).order_by("pk")[:MOST_AT_ONCE]


def _alarms(since: datetime) -> Iterator[Notice]:
    rows = Alarm.objects.select_related("provider")
    for alarm in _new(rows.filter(raised_at__gte=since), "alarm", " opened"):
        key = f"alarm {alarm.pk} opened"
        yield Notice(kind=kind_of_alarm(alarm.kind), key=key, data=_alarm(alarm), at=alarm.raised_at)
    ended = rows.filter(closed_at__gte=since)
    for alarm in _new(ended, "alarm", " ended"):
        data = {**_alarm(alarm), "times": alarm.times}
        at = alarm.closed_at or alarm.last_at
        yield Notice(kind=kind_of_alarm(alarm.kind), key=f"alarm {alarm.pk} ended", data=data, at=at)


def _alarm(alarm: Alarm) -> dict[str, object]:
    provider = alarm.provider.name if alarm.provider else ""
    one = Subject(SubjectType(alarm.subject_type), alarm.subject_id)
    subject = one if alarm.subjects.count() == 1 else WHOLE  # of many it would name one
    about = {"subject_type": subject.type, "subject_id": subject.id}
    return {"alarm": alarm.kind, "provider": provider, **about, "cause": alarm.cause}


def _tickets(since: datetime) -> Iterator[Notice]:
    by_others = (Message.Kind.CUSTOMER, Message.Kind.REPORTER)
    rows = Message.objects.filter(at__gte=since, kind__in=by_others).select_related("ticket")
    for message in _new(rows, "message"):
        data = {"ticket": message.ticket_id, "subject": message.ticket.subject}
        yield Notice(kind=Kind.TICKET, key=f"message {message.pk}", data=data, at=message.at)


def _payments(since: datetime) -> Iterator[Notice]:
    by_hand = FundsRequest.objects.filter(asked_at__gte=since, state=FundsRequest.State.WAITING, method__kind="")
    for asked in _new(by_hand, "payment"):
        data = {"payment": asked.pk, "amount": asked.amount_micros, "currency": asked.currency}
        yield Notice(kind=Kind.PAYMENT, key=f"payment {asked.pk}", data=data, at=asked.asked_at)
    for alert in _new(Alert.objects.filter(raised_at__gte=since), "payment alert"):
        data = {"payment": alert.request_id}
        yield Notice(kind=Kind.PAYMENT, key=f"payment alert {alert.pk}", data=data, at=alert.raised_at)


def _approvals(since: datetime) -> Iterator[Notice]:
    for approval in _new(Approval.objects.filter(asked_at__gte=since, state=Approval.State.WAITING), "approval"):
        data = {"order": approval.pk}
        yield Notice(kind=Kind.APPROVAL, key=f"approval {approval.pk}", data=data, at=approval.asked_at)


def _audits(since: datetime) -> Iterator[Notice]:
    done = Verification.objects.filter(finished_at__gte=since, state=Verification.State.DONE)
    for audit in _new(done, "audit"):
        data = {"breaches": sum(each["breaches"] for each in audit.findings)}
        if data["breaches"]:
            yield Notice(kind=Kind.BOOKS, key=f"audit {audit.pk}", data=data, at=audit.finished_at or since)


def _services(since: datetime) -> Iterator[Notice]:
    for update in _new(ServiceUpdate.objects.filter(at__gte=since).select_related("service"), "service update"):
        data = {"service": update.service_id, "name": update.service.name, "update": update.kind}
        data |= {"before": update.before, "after": update.after}
        yield Notice(kind=Kind.SERVICE, key=f"service update {update.pk}", data=data, at=update.at)
