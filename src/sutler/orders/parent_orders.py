"""Orders that have children: a drip-feed and its runs, a subscription and its posts.

The state and the money of such a parent follow from its children; nobody reports them.

Money. A drip-feed's `order:P` moves its whole charge from the wallet to *scheduled*, under the order P. Run K takes its
share on to *in hand* with `run:P:K`, under the child's id, and from there the child settles like any order. What never
runs goes back with `return:P`, under P. So for every order the transfers under its own id add up: into *in hand* (a
parent: into *scheduled*) its charge; and for a drip-feed P: charge = return:P + the children's charges + what is still
scheduled. `returned_micros` of P is all of its charge that went back, through return:P and through its children.
A subscription's own charge is 0; each post's child is charged by `order:CHILD`.

Locks. Parents before children, each in id order, wallets last: who ends or recounts a child holds its parent first.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Greatest

from sutler.core import pricing
from sutler.core.lifecycle import FINAL, Status
from sutler.core.money import Micros
from sutler.orders.change import Change, write, write_progress
from sutler.orders.models import Order, Post


def is_parent(order: Order) -> bool:
    """Returns True if the order's state follows from its children."""
    return order.kind != Order.Kind.SINGLE


def lock(orders: QuerySet[Order]) -> dict[int, Order]:
    """Locks the orders, and the parents of those that are children before them. Returns the orders by id."""
    wanted = dict(orders.values_list("pk", "parent_id"))
    roots = {parent_id or pk for pk, parent_id in wanted.items()}
    children = wanted.keys() - roots
    held = _lock_in_order(Order.objects.filter(pk__in=roots))
    held |= _lock_in_order(Order.objects.filter(pk__in=children)) if children else {}
    return {pk: held[pk] for pk in wanted}


def lock_children(parents: Collection[Order]) -> list[Order]:
    """Locks the unfinished children of locked parents and returns them in id order."""
    unfinished = Order.objects.filter(parent__in=parents).exclude(status__in=FINAL)
    return list(_lock_in_order(unfinished).values()) if parents else []


def claim(parents: QuerySet[Order], limit: int) -> list[Order]:
    """Locks at most `limit` of the parents, passing over those that another transaction holds."""
    return list(parents.select_for_update(skip_locked=True).order_by("pk")[:limit])


def child_of(parent: Order, now: datetime, *, link: str, quantity: int, charge_micros: int) -> Order:
    """Returns a child, not stored yet: the parent's owner, service and price, with a link and a charge of its own."""
    return Order(
        parent=parent,
        customer_id=parent.customer_id,
        service_id=parent.service_id,
        type=parent.type,
        link=link,
        quantity=quantity,
        remains=quantity,
        details=parent.details,
        currency=parent.currency,
        rate_micros=parent.rate_micros,
        exchange_base=parent.exchange_base,
        exchange_units=parent.exchange_units,
        charge_micros=charge_micros,
        created_at=now,
    )


def unrun_micros(parent: Order) -> Micros:
    """Returns the part of a drip-feed's charge that belongs to runs not placed."""
    drip = parent.drip
    return Micros(parent.charge_micros - pricing.charge(parent.rate_micros, drip.quantity_per_run * drip.runs_placed))


def refresh(parent_ids: Collection[int], actor: str, now: datetime) -> None:
    """Brings parents up to date with their children, in the caller's transaction.

    A drip-feed is Pending until its first run is placed, In progress while runs or children are open; then Completed
    if every run was, Canceled if nothing ran or every run was canceled, else Partial. A subscription is Pending until
    its first post is placed, In progress until it has ended, no post is due and no child is open; then Completed if it
    had a child, else Canceled. One that a provider runs waits for its first child as it is. Each move leaves its event.
    """
    if not parent_ids:
        return
    # Locked before the children are read: of two children that end at once, the second sees the first.
    unfinished = Order.objects.filter(pk__in=parent_ids).exclude(status__in=FINAL)
    # Prefetched, not joined: a join would show the schedule as it stood before the lock was waited for.
    parents = list(_lock_in_order(unfinished.prefetch_related("drip", "subscription")).values())
    broods = _broods([each.pk for each in parents])
    due_posts = Post.objects.filter(subscription__in=broods, due_at__isnull=False)
    waiting = set(due_posts.values_list("subscription", flat=True))
    decided = [
        _drip_feed(each, broods[each.pk])
        if each.kind == Order.Kind.DRIP_FEED
        else _subscription(each, broods[each.pk], has_due_posts=each.pk in waiting)
        for each in parents
    ]
    write([each for each in decided if each.moves or each.recounts], actor, now)
    # Its children stand in its answer, though neither its status nor its counts have changed.
    write_progress([each.order.pk for each in decided if not (each.moves or each.recounts)], actor, now)


@dataclass(slots=True)
class _Brood:
    """The children of one parent, added up."""

    placed: int = 0
    open: int = 0
    completed: int = 0
    canceled: int = 0
    remains: int = 0
    undelivered: int = 0
    returned_micros: int = 0


def _broods(parent_ids: Collection[int]) -> dict[int, _Brood]:
    broods = {each: _Brood() for each in parent_ids}
    rows = (
        Order.objects.filter(parent__in=broods)
        .values_list("parent_id", "status")
        .annotate(Count("pk"), Sum("remains"), undelivered=Sum(Greatest(F("remains"), 0)), back=Sum("returned_micros"))
    )
    for parent_id, status, count, remains, undelivered, returned in rows:
        brood = broods[parent_id]
        brood.placed += count
        brood.open += count if status not in FINAL else 0
        brood.completed += count if status == Status.COMPLETED else 0
        brood.canceled += count if status == Status.CANCELED else 0
        brood.remains += remains
        brood.undelivered += undelivered
        brood.returned_micros += returned
    return broods


def _drip_feed(parent: Order, brood: _Brood) -> Change:
    drip = parent.drip
    going_on = drip.next_run_at is not None
    returned = brood.returned_micros + (0 if going_on else unrun_micros(parent))
    if brood.completed == drip.runs and not (drip.is_there and going_on):
        return Change(parent, Status.COMPLETED, parent.start_count, brood.remains, returned)
    if going_on and not brood.placed:
        status = _unbegun(parent, is_there=drip.is_there)
    elif going_on or brood.open:
        status = Status.IN_PROGRESS
    else:
        status = Status.CANCELED if brood.canceled == brood.placed else Status.PARTIAL
    # One run's over-delivery does not make up for what another lacks.
    remains = brood.undelivered + drip.quantity_per_run * (drip.runs - drip.runs_placed)
    return Change(parent, status, parent.start_count, remains, returned)


def _subscription(parent: Order, brood: _Brood, *, has_due_posts: bool) -> Change:
    if parent.subscription.ended_at is not None and not has_due_posts and not brood.open:
        status = Status.COMPLETED if brood.placed else Status.CANCELED
    else:
        status = Status.IN_PROGRESS if brood.placed else _unbegun(parent, is_there=parent.subscription.is_there)
    return Change(parent, status, parent.start_count, max(parent.quantity - brood.placed, 0), 0)


def _unbegun(parent: Order, *, is_there: bool | None) -> Status:
    """Returns the state before the first child: of one that a provider runs, as the provider has it."""
    return Status(parent.status) if is_there else Status.PENDING


def _lock_in_order(orders: QuerySet[Order]) -> dict[int, Order]:
    return {each.pk: each for each in orders.select_for_update(of=("self",)).order_by("pk")}
