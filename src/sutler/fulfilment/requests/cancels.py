"""Requests to cancel, upstream: claimed, settled, and judged by what became of the order where the answer was lost."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from sutler.core.attempts import AttemptState
from sutler.core.events import EventKind
from sutler.core.lifecycle import CancelStatus, Status
from sutler.fulfilment.models import Attempt, Provider, UpstreamOrder
from sutler.fulfilment.providers import call_log
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.requests.attempts import (
    ACTOR,
    RequestClaim,
    claimed,
    judge,
    lock_sending,
    move,
    not_forwarded,
    unsettled,
)
from sutler.orders import cancel
from sutler.orders.change import event, write_events
from sutler.orders.models import CancelRequest
from sutler.panels.results import Failure, Taken
from sutler.storage.transactions import durable

# As in the index, word for word: SQLite does not find it behind parameters.
_IN_INDEX_OPEN = RawSQL("orders_cancelrequest.status IN ('Open', 'Taken')", [], BooleanField())
# How often a request is sent whose outcome was unknown and that did nothing.
MOST_ABSENT = 2


def claim(provider_id: int, count: int, worker: str, now: datetime) -> list[RequestClaim]:
    """Claims up to `count` requests to cancel orders that go on there, in one durable transaction; send them at once.

    One whose id has not answered as ours yet waits for that: it could be another's order that is cancelled.
    Raises storage.transactions.Busy or CommitUnclear: then nothing may be sent either.
    """
    under_way = UpstreamOrder.objects.filter(provider=provider_id, finished_at=None, confirmed_at__isnull=False)
    waiting = not_forwarded(CancelRequest.objects.filter(_IN_INDEX_OPEN), under_way, now)
    if not waiting.exists():  # asking often must not take the write lock
        return []
    with durable():
        requests = list(waiting.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:count])
        there = {each.order_id: each for each in under_way.filter(order__in=[each.order_id for each in requests])}
        going_on = [each for each in requests if each.order_id in there]
        attempts = Attempt.objects.bulk_create(
            claimed(Attempt.Action.CANCEL, there[each.order_id], worker, now, each) for each in going_on
        )
        CancelRequest.objects.filter(pk__in=[each.pk for each in going_on]).update(status=CancelStatus.TAKEN)
    return [RequestClaim(each.pk, each.order_id, there[each.order_id].upstream_id) for each in attempts]


def record_answer(
    provider_id: int, answers: Mapping[int, Taken | Failure | None], calls: Sequence[LoggedExchange], now: datetime
) -> None:
    """Writes what came of asking to cancel, by attempt, in one durable transaction; safe to repeat.

    Taken: what comes of it the order's status says. Refused: the request is rejected and the order goes on. Not sent:
    it is asked again later. Unknown: after the settle window what became of the order tells.
    """
    with durable():
        provider = Provider.objects.get(pk=provider_id)
        events = []
        for attempt in lock_sending(answers):
            state, why = judge(answers[attempt.pk])
            move(attempt, state, why, provider, now)
            if state is AttemptState.DECLINED:
                cancel.reject([attempt.order_id], ACTOR, now)
            forwarded = {"provider": provider.name, "state": state, "cause": why}
            events.append(event(attempt.order_id, ACTOR, now, EventKind.CANCEL_FORWARDED, **forwarded))
        write_events(events)
        call_log.write(provider_id, calls)


def judge_unknown(provider_id: int, now: datetime) -> None:
    """Settles requests whose outcome is unknown once the settle window has passed: by what became of the order.

    Ended as Canceled or Partial: it was taken. Else it was not, and is asked once more; after that it is rejected.
    """
    ripe = unsettled(provider_id, Attempt.Action.CANCEL).filter(due_at__lte=now)
    if not ripe.exists():
        return
    with durable():
        provider = Provider.objects.get(pk=provider_id)
        for attempt in ripe.select_related("order").select_for_update(of=("self",)).order_by("pk"):
            was_done = attempt.order.status in {Status.CANCELED, Status.PARTIAL}
            move(attempt, AttemptState.ACCEPTED if was_done else AttemptState.ABSENT, attempt.cause, provider, now)
            absent = Attempt.objects.filter(cancel_request=attempt.cancel_request_id, order=attempt.order_id)
            if absent.filter(state=AttemptState.ABSENT).count() >= MOST_ABSENT:
                cancel.reject([attempt.order_id], ACTOR, now)
