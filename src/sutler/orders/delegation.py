"""Who runs a drip-feed or a subscription: this panel, or the provider that it was handed on to whole.

That is decided once, before the first run or post (`is_there` of its schedule), by whoever plans; what has begun here
stays here. One that a provider runs goes on until the provider says that it has ended: its runs are placed here as the
provider makes them, and its state and money follow from these as ever (`family`).
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import QuerySet

from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, house, post
from sutler.core.events import EventKind
from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES, order_fields
from sutler.orders import approval_gate, parent_orders
from sutler.orders.change import event, write_events
from sutler.orders.models import Drip, Order, Post, Subscription

_SCHEDULES = (Drip, Subscription)


def undecided(limit: int = 1000) -> QuerySet[Order]:
    """Returns up to so many drip-feeds and as many subscriptions of which nobody has decided who runs them.

    Not those that wait for approval. Two reads where there are none.
    """
    found = [pk for each in _SCHEDULES for pk in _undecided(each).values_list("pk", flat=True)[:limit]]
    return (
        approval_gate.free_orders(Order.objects.filter(pk__in=found)).order_by("pk") if found else Order.objects.none()
    )


def claim_undecided(order_ids: Collection[int]) -> list[Order]:
    """Locks those of the parents that are still undecided, in the caller's transaction, and returns them.

    What another transaction holds is passed over.
    """
    held_now = parent_orders.claim(Order.objects.filter(pk__in=order_ids), len(order_ids)) if order_ids else []
    open_ids = {
        pk for each in _SCHEDULES for pk in _undecided(each).filter(pk__in=order_ids).values_list("pk", flat=True)
    }
    return [each for each in held_now if each.pk in open_ids]


def begun_among(order_ids: Collection[int]) -> set[int]:
    """Returns those of the parents that have had a run or a post here."""
    dripping = Drip.objects.filter(pk__in=order_ids, runs_placed__gt=0).values_list("pk", flat=True)
    return {*dripping, *Post.objects.filter(subscription__in=order_ids).values_list("subscription", flat=True)}


def keep_here(order_ids: Collection[int]) -> None:
    """Decides that undecided parents run here, in the caller's transaction, who holds them."""
    for each in _SCHEDULES:
        _undecided(each).filter(pk__in=order_ids).update(is_there=False)


def hand_on_whole(order_ids: Collection[int]) -> None:
    """Decides that a provider runs these parents, in the caller's transaction, who holds them."""
    for each in _SCHEDULES:
        _undecided(each).filter(pk__in=order_ids).update(is_there=True)


def reconsider(order_ids: Iterable[int]) -> None:
    """Lets it be decided anew who runs these parents, of which a provider has placed nothing."""
    ids = list(order_ids)
    for each in _SCHEDULES if ids else ():
        each.objects.filter(pk__in=ids, is_there=True).update(is_there=None)


def handed_on(orders: Iterable[Order]) -> set[int]:
    """Returns the ids of those of the orders that are or may be with the provider that runs them, and go on there."""
    ids = [each.pk for each in orders if parent_orders.is_parent(each) and each.status != Status.PENDING]
    if not ids:
        return set()
    drips = Drip.objects.filter(pk__in=ids, is_there=True, next_run_at__isnull=False)
    subscriptions = Subscription.objects.filter(pk__in=ids, is_there=True, ended_at=None)
    return {*drips.values_list("pk", flat=True), *subscriptions.values_list("pk", flat=True)}


def numbers(parent: Order) -> dict[str, int]:
    """Returns the numbers that a drip-feed or a subscription was asked with, by the protocol's names."""
    if parent.kind == Order.Kind.DRIP_FEED:
        drip = parent.drip
        return {"quantity": drip.quantity_per_run, "runs": drip.runs, "interval": drip.interval_minutes}
    asked = parent.subscription
    optional = {"posts": asked.posts, "old_posts": asked.old_posts or None}
    needed = {"min": asked.minimum, "max": asked.maximum, "delay": asked.delay_minutes}
    return needed | {name: number for name, number in optional.items() if number is not None}


def fields(parent: Order) -> dict[str, str]:
    """Returns the fields with which it is placed whole at another panel, besides `service` (protocol, section 3)."""
    asked = numbers(parent)
    named = order_fields(ORDER_TYPES[parent.type], parent.link, asked.get("quantity", 0), parent.details or {})
    found = named | {name: str(number) for name, number in asked.items()}
    expiry = parent.subscription.expiry if parent.kind == Order.Kind.SUBSCRIPTION else None
    return found | ({"expiry": f"{expiry:%d/%m/%Y}"} if expiry else {})


def end(parents: Collection[Order], actor: str, now: datetime) -> None:
    """Ends what would still make children of the locked parents, and gives back what was scheduled for them."""
    if not parents:
        return
    keep_here([each.pk for each in parents])
    subscriptions = Subscription.objects.filter(order__in=parents)
    Post.objects.filter(subscription__in=subscriptions, due_at__isnull=False).update(due_at=None)
    subscriptions.filter(ended_at=None).update(ended_at=now)
    subscriptions.update(paused_at=None)
    drips = list(Drip.objects.filter(order__in=parents, next_run_at__isnull=False).select_related("order"))
    _return_unrun([each.order for each in drips], now)
    Drip.objects.filter(pk__in=[each.pk for each in drips]).update(next_run_at=None)
    write_events(
        event(each.order_id, actor, now, EventKind.RUNS_STOPPED, placed=each.runs_placed, runs=each.runs)
        for each in drips
        if each.runs_placed < each.runs
    )


def _undecided(schedule: type[Drip] | type[Subscription]) -> QuerySet[Drip] | QuerySet[Subscription]:
    return schedule.objects.filter(is_there=None).order_by("pk")


def _return_unrun(drip_feeds: Collection[Order], now: datetime) -> None:
    customers = {each.customer_id for each in drip_feeds}
    wallets = dict(LedgerAccount.objects.filter(customer__in=customers).values_list("customer_id", "pk"))
    post(
        [
            Entry(
                f"return:{each.pk}",
                house(LedgerAccount.Kind.SCHEDULED, each.currency),
                wallets[each.customer_id],
                parent_orders.unrun_micros(each),
                each.pk,
            )
            for each in drip_feeds
        ],
        now,
    )
