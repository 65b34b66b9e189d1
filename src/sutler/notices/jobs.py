"""What the worker does besides sending: read what happened, plan who hears of it, forget what is old."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from sutler.notices import plan, sources
from sutler.notices.models import Delivery, Notice, Reading
from sutler.orders.models import OrderEvent
from sutler.storage.settled_ids import SettledIds

DELIVERIES_KEPT_FOR = timedelta(days=30)
# Longer than sources look back and than a delivery is tried: then nobody needs them.
NOTICES_KEPT_FOR = timedelta(days=4)
MOST_FORGOTTEN = 1000
# A pass that finds nothing writes down that it has looked, but not each time.
_MARK_EVERY = timedelta(seconds=30)


class Reader:
    """One worker's reader; any number may run, one at a time reads."""

    def __init__(self) -> None:
        self._settled = SettledIds(OrderEvent._meta.db_table)

    def read(self, now: datetime) -> int:
        """Stores what is new as notices, and who hears of it, in one transaction; returns how many there were. A job.

        Raises storage.transactions.Busy while events are held back by transactions that stay open.
        """
        up_to = self._settled.up_to()
        reading = Reading.objects.filter(pk=1).first()
        if reading is None:
            # What was before is nobody's news.
            Reading.objects.get_or_create(pk=1, defaults={"since": now, "read_at": now, "last_event_id": up_to})
            return 0
        if not self._is_due(reading, up_to, now):  # asking often must not take the write lock
            return 0
        with transaction.atomic():
            reading = Reading.objects.select_for_update().get(pk=1)
            notices, reading.last_event_id = self._new(reading, up_to, now)
            reading.read_at = now
            plan.deliver(Notice.objects.bulk_create(notices), now)
            reading.save()
        return len(notices)

    def _is_due(self, reading: Reading, up_to: int, now: datetime) -> bool:
        if reading.last_event_id < up_to or now - reading.read_at >= _MARK_EVERY:
            return True
        return next(sources.rare(reading, now), None) is not None

    def _new(self, reading: Reading, up_to: int, now: datetime) -> tuple[Sequence[Notice], int]:
        ended, last_id = sources.events(reading.last_event_id, max(up_to, reading.last_event_id))
        return [*sources.worker_silence(reading, now), *sources.rare(reading, now), *ended], last_id


def forget_old(now: datetime) -> int:
    """Deletes notices of more than four days and ended deliveries of more than thirty, a thousand of each at most;
    returns how many.
    """
    ended = [Delivery.State.SENT, Delivery.State.GIVEN_UP]
    deliveries = Delivery.objects.filter(state__in=ended, closed_at__lt=now - DELIVERIES_KEPT_FOR).values_list(
        "pk", flat=True
    )
    notices = Notice.objects.filter(at__lt=now - NOTICES_KEPT_FOR).values_list("pk", flat=True)
    count = 0
    for model, rows in ((Delivery, deliveries), (Notice, notices)):
        ids = list(rows.order_by("pk")[:MOST_FORGOTTEN])
        if ids:
            count += model._default_manager.filter(pk__in=ids).delete()[0]
    return count
