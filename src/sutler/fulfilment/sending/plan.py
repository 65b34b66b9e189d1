"""Planning: each Pending order of a routed service gets its next attempt, waits, goes to the desk, or is canceled."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, QuerySet

from sutler.catalogue import exchange_rates
from sutler.core import pricing
from sutler.core.attempts import LIVE, NOTHING_PLACED, AttemptState
from sutler.core.events import CauseKind, EventKind, Note, cause, note
from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES
from sutler.core.routing import Blocked, Candidate, Choice, EarlierAttempt, NoRoute, choose
from sutler.core.subjects import Subject, SubjectType
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Alarm, Attempt, DeskOrder, Provider, Route
from sutler.fulfilment.providers import alarms
from sutler.orders import approval_gate, delegation, hand_out
from sutler.orders.change import event, write_events
from sutler.orders.models import Order
from sutler.storage.transactions import durable

ACTOR = "worker"
MOST_AT_ONCE = 500
SWEEP = timedelta(seconds=60)
REFUSED = note(EventKind.REFUSED_BY_ALL)


class Planner:
    """Plans what is new at once, and beside it, once a minute, all that waits. Keeps only how far it has come."""

    def __init__(self) -> None:
        self._planned_to = 0
        # None while nothing that waits is being gone through.
        self._swept_to: int | None = None
        self._sweep_at: datetime | None = None

    def plan_waiting(self, now: datetime) -> int:
        """Plans up to 500 new orders and 500 that wait; returns how many it decided about. One transaction.

        Raises storage.transactions.Busy or CommitUnclear, as `durable` says.
        """
        if self._swept_to is None and (self._sweep_at is None or now >= self._sweep_at):
            # What waits, what a route was switched on for, and what was committed out of the order of ids.
            self._swept_to, self._sweep_at = 0, now + SWEEP
            take_back_stopped(now)
        newest = Order.objects.aggregate(newest=Max("pk"))["newest"] or 0
        new = _ids(unplanned().filter(pk__gt=self._planned_to))
        old = (
            [] if self._swept_to is None else _ids(unplanned().filter(pk__range=(self._swept_to + 1, self._planned_to)))
        )
        if new or old:
            with durable():
                plan([*old, *new], now)
        self._swept_to = old[-1] if len(old) == MOST_AT_ONCE else None
        self._planned_to = new[-1] if len(new) == MOST_AT_ONCE else newest
        return len(new) + len(old)


def _ids(orders: QuerySet[Order]) -> list[int]:
    return list(orders.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])


def unplanned() -> QuerySet[Order]:
    """The Pending orders of routed services with no attempt alive, that wait neither for approval nor at the desk."""
    alive = Attempt.objects.filter(order=OuterRef("pk"), action=Attempt.Action.ADD, state__in=LIVE)
    routed = Route.objects.filter(is_on=True).values("service")
    return approval_gate.free_orders(Order.objects.all()).filter(
        ~Exists(alive),
        status=Status.PENDING,
        kind=Order.Kind.SINGLE,
        service__in=routed,
        at_desk=None,
    )


def plan(order_ids: Collection[int], now: datetime) -> None:
    """Decides about each of the Pending orders, in the caller's transaction; about parents `whole_plan` does."""
    waiting = Order.objects.filter(pk__in=order_ids, status=Status.PENDING, kind=Order.Kind.SINGLE)
    orders = list(waiting.order_by("pk"))
    routes = routes_of({each.service_id for each in orders})
    pasts = pasts_of(order_ids)
    costs = Costs()
    planned: list[Attempt] = []
    to_desk: list[Order] = []
    to_cancel: dict[int, Note] = {}
    for order in orders:
        ways = routes.get(order.service_id, ())
        decision = choose(order.pk, [_way(each, order, costs) for each in ways], pasts.get(order.pk, ()), now)
        match decision:
            case Choice():
                route = next(each for each in ways if each.pk == decision.route_id)
                planned.append(attempt_of(order, route, decision.due_at))
                route.open_count += 1  # type: ignore[attr-defined]
            case NoRoute.DESK:
                to_desk.append(order)
            case NoRoute.CANCEL:
                to_cancel[order.pk] = REFUSED
    Attempt.objects.bulk_create(planned, ignore_conflicts=True)
    _send_to_desk(to_desk, now)
    hand_out.cancel(to_cancel, ACTOR, now)


def take_back_stopped(now: datetime) -> int:
    """Gives up what is planned at providers that were stopped or switched off; it is planned anew."""
    stopped = Provider.objects.exclude(state=Provider.State.ON).values("pk")
    planned = Attempt.objects.filter(action=Attempt.Action.ADD, state=AttemptState.PLANNED, provider__in=stopped)
    parents = list(planned.exclude(order__kind=Order.Kind.SINGLE).values_list("order_id", flat=True))
    with durable() if parents else nullcontext():
        count = planned.update(state=AttemptState.NOT_SENT, answered_at=now, cause=cause(CauseKind.PROVIDER_STOPPED))
        delegation.reconsider(parents)
    return count


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a route has to take: an upstream service of this type, and each order within these quantities."""

    type: str
    least: int
    most: int


class Costs:
    """Whether routes pay: the worth of currencies now and the operator's floor."""

    def __init__(self) -> None:
        self._worth = exchange_rates.worth()
        self._floor = settings.SUTLER["SUTLER_MARGIN_FLOOR_PERCENT"] * 100

    def allow(self, order: Order, route: Route) -> bool:
        """Returns True if the order leaves at least the operator's margin by this route."""
        worth = self._worth.get(route.upstream_service.provider.currency)
        if worth is None:
            return False
        cost = route.upstream_service.rate_micros
        return pricing.keeps_margin(order.rate_micros, order.exchange, cost, worth, self._floor)


def routes_of(service_ids: Collection[int]) -> dict[int, list[Route]]:
    """Returns the routes of these services that are on, by service, each with its upstream service and provider."""
    found = Route.objects.filter(service__in=service_ids, is_on=True).select_related("upstream_service__provider")
    routes: dict[int, list[Route]] = defaultdict(list)
    for each in _with_open_counts(found):
        routes[each.service_id].append(each)
    return routes


def _with_open_counts(routes: QuerySet[Route]) -> list[Route]:
    """The routes; those with a bound have `open_count`, how many orders are under way on them."""
    found = list(routes)
    bounded = [each.pk for each in found if each.most_open is not None]
    alive = Attempt.objects.filter(route__in=bounded, action=Attempt.Action.ADD, state__in=LIVE)
    under_way = alive.exclude(upstream_order__finished_at__isnull=False) if bounded else alive.none()
    counts = dict(under_way.values_list("route").annotate(Count("pk")))
    for each in found:
        each.open_count = counts.get(each.pk, 0)  # type: ignore[attr-defined]
    return found


def pasts_of(order_ids: Collection[int]) -> dict[int, list[EarlierAttempt]]:
    """Returns what came of the earlier attempts of these orders, oldest first."""
    ended = Attempt.objects.filter(order__in=order_ids, action=Attempt.Action.ADD, state__in=NOTHING_PLACED)
    pasts: dict[int, list[EarlierAttempt]] = defaultdict(list)
    for each in ended.exclude(sent_at=None).order_by("pk"):
        if each.route_id is None or each.answered_at is None:
            continue
        is_absent = each.state == AttemptState.ABSENT
        pasts[each.order_id].append(EarlierAttempt(each.route_id, declined_kind(each), each.answered_at, is_absent))
    return pasts


def declined_kind(attempt: Attempt) -> DeclineKind | None:
    """Returns what a declined attempt was declined for, OTHER for words that we do not know; None for any other."""
    if attempt.state == AttemptState.ABSENT and attempt.refusal:
        return DeclineKind.OTHER
    if attempt.state != AttemptState.DECLINED:
        return None
    return DeclineKind.__members__.get((attempt.cause or {}).get("decline_kind", ""), DeclineKind.OTHER)


def _way(route: Route, order: Order, costs: Costs) -> Candidate:
    wanted = Wanted(order.type, order.quantity, order.quantity)
    return Candidate(route.pk, route.preference, route.weight, bar(route, order, wanted, costs))


def bar(route: Route, order: Order, wanted: Wanted, costs: Costs) -> Blocked:
    """Returns whether the route, read by `routes_of`, may take what is wanted for this order."""
    upstream = route.upstream_service
    provider = upstream.provider
    if provider.state == Provider.State.OFF or upstream.gone_at is not None or upstream.type != wanted.type:
        return Blocked.FOR_GOOD
    is_counted = ORDER_TYPES[wanted.type].per == pricing.PER_THOUSAND
    if is_counted and not upstream.min <= wanted.least <= wanted.most <= upstream.max:
        return Blocked.FOR_GOOD
    if not costs.allow(order, route):
        return Blocked.FOR_GOOD
    is_full = route.most_open is not None and route.open_count >= route.most_open  # type: ignore[attr-defined]
    return Blocked.FOR_NOW if is_full or provider.state != Provider.State.ON else Blocked.NONE


def attempt_of(order: Order, route: Route, due_at: datetime) -> Attempt:
    """Returns the attempt, not stored yet, to place the order by this route, not before `due_at`."""
    upstream = route.upstream_service
    return Attempt(
        action=Attempt.Action.ADD,
        state=AttemptState.PLANNED,
        order=order,
        provider=upstream.provider,
        route=route,
        upstream_service=upstream,
        service_id=order.service_id,
        link_digest=hashlib.sha256(order.link.encode()).hexdigest(),
        expected_micros=pricing.charge(upstream.rate_micros, order.quantity, ORDER_TYPES[order.type].per),
        due_at=due_at,
    )


def _send_to_desk(orders: Sequence[Order], now: datetime) -> None:
    if not orders:
        return
    DeskOrder.objects.bulk_create([DeskOrder(order=each, at=now) for each in orders], ignore_conflicts=True)
    write_events(event(each.pk, ACTOR, now, EventKind.TO_DESK) for each in orders)
    for service_id in {each.service_id for each in orders}:
        alarms.sound(None, Alarm.Kind.DESK, Subject(SubjectType.SERVICE, service_id), cause(CauseKind.AT_DESK), now)
