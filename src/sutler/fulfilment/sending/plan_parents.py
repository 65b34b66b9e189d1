"""Deciding who runs a drip-feed or a subscription: a provider, to which it is handed on whole, or this panel.

It goes where an order of its service would go, by preference, weight, limits and margin. Where that route's upstream
service takes it whole and its provider is set to run such orders, one attempt is planned for the parent. Else, and
where no provider takes it, it runs here. What waits for a route that is full or stopped is decided later.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sutler.books.models import LedgerAccount
from sutler.core import pricing
from sutler.core.attempts import LIVE
from sutler.core.delegation import Taker, is_subscription, takes_whole
from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES
from sutler.core.routing import Blocked, Candidate, Choice, NoRoute, choose
from sutler.fulfilment.models import Attempt, Route
from sutler.fulfilment.sending.plan import ACTOR, REFUSED, Costs, Wanted, attempt_of, bar, pasts_of, routes_of
from sutler.orders import delegation, drip, hand_out
from sutler.orders.models import Order
from sutler.storage.transactions import durable

# A planned attempt, what `choose` has said instead, or None: it runs here.
Decision = Attempt | NoRoute | None


def place_due_runs(now: datetime) -> int:
    """Decides about drip-feeds and subscriptions that are new, then places the due runs of those that run here.

    Returns how much was done. Raises storage.transactions.Busy or CommitUnclear.
    """
    return decide(now) + drip.place_due_runs(now, only_decided=True)


def decide(now: datetime) -> int:
    """Decides who runs the parents of which that is open; returns how many were decided about.

    Several workers may call this at once. Raises storage.transactions.Busy or CommitUnclear.
    """
    undecided = list(delegation.undecided().prefetch_related("drip", "subscription"))
    decided = _decisions(undecided, now) if undecided else {}
    settled = {pk: decision for pk, decision in decided.items() if decision is not NoRoute.WAIT}
    if not settled:  # asking often must not take the write lock
        return 0
    with durable():
        claimed = {each.pk: settled[each.pk] for each in delegation.claim_undecided(settled.keys())}
        # Read again under the lock: it may have begun, ended or been planned since.
        alive = _alive(list(claimed))
        planned = [each for pk, each in claimed.items() if isinstance(each, Attempt) and pk not in alive]
        waiting = set(Order.objects.filter(pk__in=claimed, status=Status.PENDING).values_list("pk", flat=True))
        planned = [each for each in planned if each.order_id in waiting - delegation.begun_among(claimed)]
        Attempt.objects.bulk_create(planned)
        delegation.hand_on_whole([*alive, *(each.order_id for each in planned)])
        delegation.keep_here(claimed.keys())
        refused = [pk for pk, each in claimed.items() if each is NoRoute.CANCEL and pk in waiting - alive]
        hand_out.cancel(dict.fromkeys(refused, REFUSED), ACTOR, now)
    return len(claimed)


def _decisions(parents: Sequence[Order], now: datetime) -> dict[int, Decision]:
    routes = routes_of({each.service_id for each in parents})
    pasts = pasts_of([each.pk for each in parents])
    costs = Costs()
    begun = delegation.begun_among([each.pk for each in parents])
    decided: dict[int, Decision] = {}
    for parent in parents:
        ways = routes.get(parent.service_id, ())
        takers = {each.pk for each in ways if _is_taker(each, parent)}
        if not takers or parent.pk in begun or not _can_pay(parent):
            decided[parent.pk] = None
            continue
        barred = [Candidate(each.pk, each.preference, each.weight, _bar(each, parent, costs)) for each in ways]
        decision = choose(parent.pk, barred, pasts.get(parent.pk, ()), now)
        if isinstance(decision, Choice):
            route = next(each for each in ways if each.pk == decision.route_id)
            decided[parent.pk] = _attempt(parent, route, decision.due_at) if route.pk in takers else None
        else:
            decided[parent.pk] = None if decision is NoRoute.DESK else decision
    return decided


def _is_taker(route: Route, parent: Order) -> bool:
    upstream = route.upstream_service
    provider = upstream.provider
    taker = Taker(upstream.type, upstream.dripfeed, provider.drip_feed_there, provider.subscriptions_there)
    return takes_whole(parent.type, taker)


def _can_pay(parent: Order) -> bool:
    """A provider makes posts before they are paid for: what it makes first must be covered as it is handed on."""
    if not is_subscription(parent.type):
        return True
    asked, wallet = parent.subscription, LedgerAccount.objects.get(customer=parent.customer_id)
    means = (wallet.balance_micros or 0) + wallet.credit_limit_micros
    return pricing.charge(parent.rate_micros, asked.maximum * max(asked.old_posts, 1)) <= means


def _bar(route: Route, parent: Order, costs: Costs) -> Blocked:
    """What holds for each run or post holds for the whole."""
    if not is_subscription(parent.type):
        quantity = parent.drip.quantity_per_run
        return bar(route, parent, Wanted(parent.type, quantity, quantity), costs)
    kind = parent.type if _is_taker(route, parent) else ORDER_TYPES[parent.type].handed_on_as
    return bar(route, parent, Wanted(kind, parent.subscription.minimum, parent.subscription.maximum), costs)


def _attempt(parent: Order, route: Route, due_at: datetime) -> Attempt:
    """A drip-feed is charged at once for all its runs, a subscription for nothing: each post is."""
    attempt = attempt_of(parent, route, due_at)
    if is_subscription(parent.type):
        attempt.expected_micros = 0
        attempt.link_digest = hashlib.sha256(parent.subscription.username.encode()).hexdigest()
    return attempt


def _alive(order_ids: Sequence[int]) -> set[int]:
    alive = Attempt.objects.filter(order__in=order_ids, action=Attempt.Action.ADD, state__in=LIVE)
    return set(alive.values_list("order_id", flat=True))
