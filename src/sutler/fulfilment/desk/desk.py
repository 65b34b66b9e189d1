"""The desk: where staff and executors take work and say what became of it.

Everything that fulfils orders, over the wire, on a page or in the demo, goes through these verbs. Each owns its
transaction, and raises storage.transactions.Busy or CommitUnclear as `durable` says. What is handed out to one
executor is not handed out to another.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import BooleanField, Count, Exists, Max, Model, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from sutler.catalogue.models import Service
from sutler.core.attempts import LIVE, UNSETTLED, AttemptState
from sutler.core.clock import Random
from sutler.core.events import Note, remark
from sutler.core.lifecycle import CancelStatus, RefillStatus, Status
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.models import Attempt, DeskOrder, Provider, Route
from sutler.orders import approval_gate, move, parent_orders, refill, subscriptions
from sutler.orders.cancel import reject, stop
from sutler.orders.change import Event, write_events
from sutler.orders.hand_out import hand_out
from sutler.orders.models import CancelRequest, Order, Refill, Subscription
from sutler.orders.move import Report
from sutler.storage.transactions import durable

_Row = TypeVar("_Row", bound=Model)

MOST_HANDED_OUT = 500
MOST_REPORTED = 500
MOST_LISTED = 1000
UNDECIDED = (AttemptState.SENDING, *UNSETTLED)
UNDER_WAY = frozenset({Status.PROCESSING, Status.IN_PROGRESS})
# The condition of the index `order_under_way`, word for word: SQLite does not find it behind parameters.
IN_INDEX_UNDER_WAY = RawSQL("orders_order.status IN ('Processing', 'In progress')", [], BooleanField())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders a list is to hold. None means any; the bounds of ids and moments are part of the range."""

    statuses: Collection[Status] | None = None
    service_ids: Collection[int] | None = None
    ids: Collection[int] | None = None
    first_id: int | None = None
    last_id: int | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    newest_first: bool = True
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class OpenSubscription:
    """A subscription that takes posts: whose, how many were reported, and when the last (or the order) came."""

    order_id: int
    username: str
    posts_reported: int
    last_at: datetime


def pull(
    service_ids: Collection[int] | None, limit: int, actor: str, now: datetime, *, until: datetime | None = None
) -> list[Order]:
    """Hands out up to `limit` (at most 500) Pending orders, oldest first, and moves them to Processing.

    Without services, of all. Parents are never handed out, their children are; nor is what waits for approval, nor what
    is the worker's: orders of services with a route, unless no route would take them. With `until`, only orders that
    were placed by then. Two executors at once never get the same order.
    """
    waiting = _narrowed(for_the_desk(service_ids), "service", None, "created_at", until)
    if not waiting.exists():  # asking often must not take the write lock
        return []
    count = _bounded(limit, MOST_HANDED_OUT)
    with durable():
        return hand_out(waiting.select_related("customer", "service"), count, actor, now)


def find(wanted: Wanted) -> list[Order]:
    """Returns the orders that are wanted, by id, with customer and service; at most 1,000."""
    conditions = {
        "service__in": wanted.service_ids,
        "status__in": wanted.statuses,
        "pk__in": wanted.ids,
        "pk__gte": wanted.first_id,
        "pk__lte": wanted.last_id,
        "created_at__gte": wanted.created_from,
        "created_at__lte": wanted.created_until,
    }
    orders = Order.objects.select_related("customer", "service").filter(
        **{name: value for name, value in conditions.items() if value is not None}
    )
    if wanted.statuses is not None and UNDER_WAY.issuperset(wanted.statuses):
        orders = orders.filter(IN_INDEX_UNDER_WAY)
    count = _bounded(wanted.limit, MOST_LISTED)
    return list(orders.order_by("-pk" if wanted.newest_first else "pk")[wanted.offset : wanted.offset + count])


def get(order_id: int) -> Order | None:
    """Returns the order with its customer and service, or None if there is none."""
    return Order.objects.select_related("customer", "service").filter(pk=order_id).first()


def report(reports: Sequence[Report], actor: str, now: datetime) -> list[Refusal | None]:
    """Applies the reports in one transaction, each on its own; None stands for success, in the order given.

    Refuses with INCORRECT_ORDER or MOVE_NOT_ALLOWED; see `orders.move.report`, which settles the money. While it is not
    known whether a provider has placed an order, nothing moves it (reliability page).
    """
    ids = {each.order_id for each in reports}
    with durable():
        parent_orders.lock(Order.objects.filter(pk__in=ids))
        unclear = unclear_among(ids)
        taken = iter(move.apply_reports([each for each in reports if each.order_id not in unclear], actor, now))
        answers = [Refusal(Reason.MOVE_NOT_ALLOWED) if each.order_id in unclear else next(taken) for each in reports]
    return [each if isinstance(each, Refusal) else None for each in answers]


def set_partial(order_id: int, remains: int, actor: str, now: datetime) -> Refusal | None:
    """Ends an order early; the customer gets back the part that `remains`. Refuses as `report` does."""
    return report([Report(order_id, Status.PARTIAL, remains=remains)], actor, now)[0]


def unclear_among(order_ids: Collection[int]) -> set[int]:
    """Returns those of the orders of which nobody knows whether a provider has placed them."""
    open_adds = Attempt.objects.filter(order__in=order_ids, action=Attempt.Action.ADD, state__in=UNDECIDED)
    return set(open_adds.values_list("order_id", flat=True))


def keep_note(order_id: int, note: Note, actor: str, now: datetime) -> Refusal | None:
    """Keeps a note of staff with the order's events; customers do not see it. Refuses with INCORRECT_ORDER."""
    if not Order.objects.filter(pk=order_id).exists():
        return Refusal(Reason.INCORRECT_ORDER)
    write_events([Event(order_id, now, actor, note)])
    return None


def cancel(order_ids: Sequence[int], actor: str, now: datetime, *, reason: str = "") -> list[Refusal | None]:
    """Ends orders with nothing delivered; the customers get everything back. The reason stays with the events.

    A drip-feed places no more runs and a subscription takes no more posts; what they have begun is stopped as the
    customer would stop it. One that a provider runs is to be cancelled there; if that was asked before, it ends here,
    whatever goes on there. Refuses as `report` does, or with CANCEL_NOT_AVAILABLE for such a parent that is final.
    """
    parents = set(Order.objects.filter(pk__in=order_ids).exclude(kind=Order.Kind.SINGLE).values_list("pk", flat=True))
    asked = set(CancelRequest.objects.filter(order__in=parents).values_list("order_id", flat=True))
    singles = [Report(each, Status.CANCELED, note=remark(reason)) for each in order_ids if each not in parents]
    with durable():
        at_once = asked - unclear_among(asked)
        stopped = stop([each for each in order_ids if each in parents], actor, now, at_once=at_once)
        reported = report(singles, actor, now)
        outcomes = {True: iter(stopped), False: iter(reported)}
        answers = [next(outcomes[each in parents]) for each in order_ids]
        told = {
            pk for pk, answer in zip(order_ids, answers, strict=True) if pk in parents and answer is None and reason
        }
        write_events(Event(each, now, actor, remark(reason)) for each in sorted(told))
    return answers


def pull_refills(
    service_ids: Collection[int] | None, limit: int, actor: str, now: datetime, *, until: datetime | None = None
) -> list[Refill]:
    """Hands out up to `limit` (at most 500) Pending refills, oldest first, and moves them to In progress.

    Not those of orders that a provider has, which the worker forwards, unless the provider is switched off.
    """
    waiting = Refill.objects.filter(~is_upstream(), status=RefillStatus.PENDING)
    waiting = _narrowed(waiting, "order__service", service_ids, "requested_at", until)
    if not waiting.exists():
        return []
    with durable():
        refills = _claim(waiting, limit)
        ids = [each.pk for each in refills]
        Refill.objects.filter(pk__in=ids, status=RefillStatus.PENDING).update(status=RefillStatus.IN_PROGRESS)
        write_events(refill.moved(each, RefillStatus.PENDING, RefillStatus.IN_PROGRESS, actor, now) for each in refills)
    for each in refills:
        each.status = RefillStatus.IN_PROGRESS
    return refills


def refills_under_way(limit: int) -> list[Refill]:
    """Returns up to `limit` (at most 500) refills In progress, oldest first."""
    refills = Refill.objects.filter(status=RefillStatus.IN_PROGRESS).select_related("order__customer", "order__service")
    return list(refills.order_by("pk")[: _bounded(limit, MOST_HANDED_OUT)])


def report_refills(reports: Sequence[tuple[int, RefillStatus]], actor: str, now: datetime) -> list[Refusal | None]:
    """Applies reports (refill id, status), each on its own. Refuses with REFILL_NOT_FOUND or MOVE_NOT_ALLOWED."""
    return refill.report(reports, actor, now)


def pull_cancels(
    service_ids: Collection[int] | None, limit: int, *, until: datetime | None = None
) -> list[CancelRequest]:
    """Hands out up to `limit` (at most 500) open requests to cancel, oldest first, and marks them Taken.

    Whoever takes one either reports its order as Canceled or Partial, or rejects it with `reject_cancels`. Not those of
    orders that a provider has or may have, which the worker forwards, unless the provider is switched off.
    """
    waiting = CancelRequest.objects.filter(~is_upstream(), status=CancelStatus.OPEN)
    waiting = _narrowed(waiting, "order__service", service_ids, "requested_at", until)
    if not waiting.exists():
        return []
    with durable():
        requests = _claim(waiting, limit)
        ids = [each.pk for each in requests]
        CancelRequest.objects.filter(pk__in=ids, status=CancelStatus.OPEN).update(status=CancelStatus.TAKEN)
    for each in requests:
        each.status = CancelStatus.TAKEN
    return requests


def reject_cancels(order_ids: Sequence[int], actor: str, now: datetime) -> list[Refusal | None]:
    """Turns down the open requests to cancel these orders, which go on. None stands for success, in the order given.

    Refuses with CANCEL_NOT_AVAILABLE where an order has no open request.
    """
    with durable():
        found = reject(order_ids, actor, now)
    return [None if each in found else Refusal(Reason.CANCEL_NOT_AVAILABLE) for each in order_ids]


def open_subscriptions(limit: int, *, posts_below: int, until: datetime) -> list[OpenSubscription]:
    """Returns up to `limit` subscriptions that take posts and are not paused; not those that a provider runs.

    Only those with fewer than `posts_below` reported posts, whose last post (or the order itself) came by `until`.
    """
    found = (
        Subscription.objects.filter(ended_at=None, paused_at=None)
        .exclude(is_there=True)
        .annotate(
            posts_reported=Count("reported_posts"),
            last_at=Coalesce(Max("reported_posts__reported_at"), "order__created_at"),
        )
        .filter(posts_reported__lt=posts_below, last_at__lte=until)
        .order_by("pk")[: _bounded(limit, MOST_HANDED_OUT)]
    )
    return [OpenSubscription(each.pk, each.username, each.posts_reported, each.last_at) for each in found]


def report_post(order_id: int, link: str, now: datetime, chance: Random, actor: str) -> Refusal | None:
    """Reports a new post of a subscription's username; see `orders.subscriptions.report_post` for its refusals."""
    return subscriptions.report_post(order_id, link, now, chance, actor)


def for_the_desk(service_ids: Collection[int] | None) -> QuerySet[Order]:
    """Returns the Pending orders that no provider takes, of these services."""
    waiting = approval_gate.free_orders(Order.objects.filter(status=Status.PENDING, kind=Order.Kind.SINGLE))
    # All services rather than no condition: only so does SQLite use the partial index of the queue.
    services = Service.objects.filter(**({} if service_ids is None else {"pk__in": service_ids}))
    unrouted = services.exclude(pk__in=Route.objects.filter(is_on=True).values("service"))
    left_over = Q(service__in=services.values("pk"), pk__in=DeskOrder.objects.values("order"))
    return waiting.filter(Q(service__in=unrouted.values("pk")) | left_over)


def is_upstream() -> Exists:
    """Tells whether the order of a refill or of a request to cancel is, or may be, at a provider that is not off."""
    adds = Attempt.objects.filter(order=OuterRef("order_id"), action=Attempt.Action.ADD, state__in=LIVE)
    return Exists(adds.exclude(provider__state=Provider.State.OFF))


def _narrowed(
    waiting: QuerySet[_Row],
    service: str,
    service_ids: Collection[int] | QuerySet[Any] | None,
    moment: str,
    until: datetime | None,
) -> QuerySet[_Row]:
    if service_ids is not None:
        waiting = waiting.filter(**{f"{service}__in": service_ids})
    return waiting if until is None else waiting.filter(**{f"{moment}__lte": until})


def _claim(waiting: QuerySet[_Row], limit: int) -> list[_Row]:
    """Locks up to `limit` rows about orders, oldest first, passing over those that another transaction holds."""
    locked = waiting.select_for_update(skip_locked=True, of=("self",))
    rows = locked.select_related("order__customer", "order__service").order_by("pk")
    return list(rows[: _bounded(limit, MOST_HANDED_OUT)])


def _bounded(limit: int, most: int) -> int:
    return max(0, min(limit, most))
