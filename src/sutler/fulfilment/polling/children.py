"""The orders that a provider makes for what was handed on to it whole: each becomes an order here, bound to its id.

A run takes its share of the drip-feed's money, a post is charged as it is placed; from then on both are followed,
cancelled and refilled as any order. A drip-feed's cost is booked in one with the parent, that of a post with the post.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet, Sum

from sutler.core import poll_interval
from sutler.core.attempts import AttemptState
from sutler.core.delegation import post_quantity
from sutler.core.events import CauseKind, EventKind, cause, note
from sutler.core.lifecycle import FINAL, Status
from sutler.core.pricing import charge
from sutler.core.subjects import Subject, SubjectType
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Alarm, AskTime, Attempt, NamedOrder, Provider, UpstreamOrder, account_rows
from sutler.fulfilment.providers import alarms, call_log, costs
from sutler.fulfilment.providers.ask_statuses import StatusCalls
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.costs import Costed
from sutler.fulfilment.providers.session import ProviderSession
from sutler.orders import delegation, drip, hand_out, parent_orders, subscriptions
from sutler.orders.change import event, write_events
from sutler.orders.models import CancelRequest, Order
from sutler.panels.client import BATCH_SIZE
from sutler.panels.results import Declined, UpstreamStatus
from sutler.storage.transactions import durable

ACTOR = "worker"
# So often in a row an id is not found until it is given up: then it was none.
MOST_MISSES = 8
# So long before it was written down an answer may have been given.
ON_THE_WAY = timedelta(minutes=3)
UNPAID_AGAIN = timedelta(minutes=10)
_IS_MADE = Exists(NamedOrder.objects.filter(child=OuterRef("order")))
Answers = Mapping[int, UpstreamStatus | Declined | None]


def named_until(provider_id: int) -> datetime | None:
    """Returns the moment up to which all that the provider has made by itself is known; None if it makes nothing.

    What it made later may be an order of ours that nobody here knows of yet.
    """
    going_on = UpstreamOrder.objects.filter(
        provider__in=account_rows(provider_id), ask_time__isnull=False, finished_at=None
    )
    rows = going_on.exclude(order__kind=Order.Kind.SINGLE).values_list("ask_time__asked_at", "placed_at")
    last_heard = [asked_at or placed_at for asked_at, placed_at in rows]
    return min(last_heard) - ON_THE_WAY if last_heard else None


def made_micros(provider_id: int, since: datetime) -> int:
    """Returns what the orders cost, in the provider's currency, that it made by itself and that we learned of since."""
    there = UpstreamOrder.objects.filter(_IS_MADE, provider__in=account_rows(provider_id), placed_at__gt=since)
    return there.aggregate(total=Sum("expected_micros"))["total"] or 0


def sent_by_us(there: QuerySet[UpstreamOrder]) -> QuerySet[UpstreamOrder]:
    """Returns those of the upstream orders whose ids were given as we sent them, not before we heard of them."""
    return there.filter(~_IS_MADE)


async def adopt(session: ProviderSession) -> int:
    """Asks once about up to 100 ids that were named and are no orders here yet, and makes orders of those that answer.

    Returns how many answered.
    """
    named = await session.database.run(due, session.provider.pk, session.clock.now())
    if not named:
        return 0
    statuses = await StatusCalls(session).ask({each.upstream_id: None for each in named})
    answers = {each.pk: statuses.get(each.upstream_id) for each in named}
    now = session.clock.now()
    return await session.database.run_until_done(make_children, session.provider.pk, answers, session.take_calls(), now)


def due(provider_id: int, now: datetime) -> Sequence[NamedOrder]:
    """Returns up to 100 named ids that are to be asked about, in the order in which they were named."""
    return list(NamedOrder.objects.filter(provider=provider_id, ask_at__lte=now).order_by("pk")[:BATCH_SIZE])


def make_children(provider_id: int, answers: Answers, calls: Sequence[LoggedExchange], now: datetime) -> int:
    """Makes orders of the named ids that have answered, and keeps the calls, in one durable transaction.

    Returns how many answered. An id of a parent that has ended here, or beyond what was asked for, stays nobody's and
    raises an alarm; so does a post that its customer cannot pay: it is asked about again, and the subscription there is
    to be cancelled. Raises storage.transactions.Busy or CommitUnclear; repeating is safe.
    """
    with durable():
        provider = Provider.objects.get(pk=provider_id)
        named_orders = NamedOrder.objects.filter(pk__in=answers, ask_at__isnull=False).order_by("pk")
        ids = set(named_orders.values_list("parent__order", flat=True))
        locked = Order.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
        parents = {each.pk: each for each in locked.prefetch_related("drip", "subscription")}
        # Read under the lock: another worker may have been here since.
        found = list(named_orders.select_related("parent__upstream_service", "parent__provider"))
        made = []
        for each in found:
            said = answers[each.pk]
            if not isinstance(said, UpstreamStatus):
                _not_found(each, said, now)
            elif (child := _placed(provider, each, parents[each.parent.order_id], said, now)) is not None:
                made.append((each, child, said))
        _follow(provider, made, now)
        parent_orders.refresh({child.parent_id for _, child, _ in made if child.parent_id is not None}, ACTOR, now)
        call_log.write(provider_id, calls)
    return sum(isinstance(each, UpstreamStatus) for each in answers.values())


def _not_found(named: NamedOrder, said: Declined | None, now: datetime) -> None:
    """It is asked again, ever later; an id that the provider keeps denying was none."""
    named.misses += said is not None and said.kind is DeclineKind.NOT_FOUND
    later = now + timedelta(seconds=poll_interval.missing_seconds(named.misses))
    named.ask_at = None if named.misses >= MOST_MISSES else later
    named.save(update_fields=["misses", "ask_at"])


def _placed(
    provider: Provider, named: NamedOrder, parent: Order, answer: UpstreamStatus, now: datetime
) -> Order | None:
    """Returns the order that the id becomes, placed and paid for; None where it is none now."""
    if parent.status in FINAL or parent.pk not in delegation.handed_on([parent]) or _is_one_too_many(parent):
        unwanted = cause(CauseKind.ORDER_UNWANTED, id=named.upstream_id, order=parent.pk)
        alarms.sound(
            provider.pk, Alarm.Kind.ORPHAN, Subject(SubjectType.PROVIDER_ORDER, named.upstream_id), unwanted, now
        )
        NamedOrder.objects.filter(pk=named.pk).update(ask_at=None)
        return None
    if parent.kind == Order.Kind.DRIP_FEED:
        return drip.take_run(parent, now)
    quantity = _quantity(named, parent, answer)
    if quantity is None:
        NamedOrder.objects.filter(pk=named.pk).update(ask_at=now + timedelta(seconds=poll_interval.SHORTEST))
        return None
    child = subscriptions.take_post(parent, quantity, now)
    if child is None:
        _cannot_be_paid(provider, named, parent, now)
    else:
        alarms.close(provider.pk, Alarm.Kind.UNPAID, Subject(SubjectType.ORDER, parent.pk), ACTOR, now)
    return child


def _is_one_too_many(parent: Order) -> bool:
    if parent.kind == Order.Kind.DRIP_FEED:
        return parent.drip.runs_placed >= parent.drip.runs
    asked = parent.subscription
    if asked.posts is None:
        return False
    return Order.objects.filter(parent=parent).count() >= asked.posts + asked.old_posts


def _quantity(named: NamedOrder, parent: Order, answer: UpstreamStatus) -> int | None:
    asked, rate = parent.subscription, named.parent.upstream_service.rate_micros
    return post_quantity(answer.status, answer.charge_micros, answer.remains, rate, asked.minimum, asked.maximum)


def _cannot_be_paid(provider: Provider, named: NamedOrder, parent: Order, now: datetime) -> None:
    """The provider has made it all the same: no more of them, and this one is charged once there is money."""
    NamedOrder.objects.filter(pk=named.pk).update(ask_at=now + UNPAID_AGAIN)
    unpaid = cause(CauseKind.POST_UNPAID, order=parent.pk, provider=provider.name, id=named.upstream_id)
    if not alarms.sound(provider.pk, Alarm.Kind.UNPAID, Subject(SubjectType.ORDER, parent.pk), unpaid, now):
        return
    if not CancelRequest.objects.filter(order=parent).exists():
        CancelRequest.objects.create(order=parent, requested_at=now)
        write_events([event(parent.pk, ACTOR, now, EventKind.CANCEL_UNPAID, provider=provider.name)])


def _follow(provider: Provider, made: Sequence[tuple[NamedOrder, Order, UpstreamStatus]], now: datetime) -> None:
    """Follows each as any order that was accepted upstream."""
    attempts = Attempt.objects.bulk_create(_attempt(named, child, said, now) for named, child, said in made)
    there = [_there(attempt, named, now) for attempt, (named, _, _) in zip(attempts, made, strict=True)]
    booked = [Costed(each.pk, each.order_id, 0, each.cost_micros) for each in UpstreamOrder.objects.bulk_create(there)]
    AskTime.objects.bulk_create(AskTime(upstream_order=each, provider=provider, ask_at=now) for each in there)
    costs.accept(provider.pk, provider.currency, booked, now)
    for named, child, _ in made:
        NamedOrder.objects.filter(pk=named.pk).update(child=child, ask_at=None)
    notes = {
        child.pk: note(EventKind.MADE_BY_PROVIDER, provider=provider.name, id=named.upstream_id)
        for named, child, _ in made
    }
    hand_out.hand_out(Order.objects.filter(pk__in=notes), len(notes), ACTOR, now, notes)


def _attempt(named: NamedOrder, child: Order, answer: UpstreamStatus, now: datetime) -> Attempt:
    return Attempt(
        action=Attempt.Action.ADD,
        state=AttemptState.ACCEPTED,
        order=child,
        provider_id=named.provider_id,
        upstream_service=named.parent.upstream_service,
        service_id=child.service_id,
        link_digest=hashlib.sha256(child.link.encode()).hexdigest(),
        expected_micros=_expected(named, child, answer),
        sent_at=now,
        answered_at=now,
        upstream_id=named.upstream_id,
        cause=cause(CauseKind.MADE_FOR, order=child.parent_id),
    )


def _expected(named: NamedOrder, child: Order, answer: UpstreamStatus) -> int:
    """A run is paid for in the whole. A post costs what is told, at the price that the provider kept for it."""
    if named.parent.expected_micros:
        return 0
    own = charge(named.parent.upstream_service.rate_micros, child.quantity)
    told = answer.charge_micros if answer.status not in {Status.PARTIAL, Status.CANCELED} else None
    return told if told and costs.differs(told, own) else own


def _there(attempt: Attempt, named: NamedOrder, now: datetime) -> UpstreamOrder:
    return UpstreamOrder(
        attempt=attempt,
        order_id=attempt.order_id,
        provider=named.parent.provider,
        upstream_service=named.parent.upstream_service,
        upstream_id=named.upstream_id,
        expected_micros=attempt.expected_micros,
        cost_micros=attempt.expected_micros,
        placed_at=now,
    )
