"""Handing work out to whoever fulfils it, and taking it back before it has begun."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import Q, QuerySet

from sutler.core.events import NOTHING, Note
from sutler.core.lifecycle import CancelStatus, Status
from sutler.orders import delegation, move, parent_orders
from sutler.orders.change import Change, Event, write_events, write_handed_out
from sutler.orders.models import CancelRequest, Order
from sutler.storage.statements import Statement, run

OPEN_CANCELS = (CancelStatus.OPEN, CancelStatus.TAKEN)
_NO_NOTES: Mapping[int, Note] = {}
# Orders that stand alone: handing out a child needs its parent.
_LOCK_ALONE = Statement(
    "SELECT {answer} FROM {rows} JOIN orders_order ON orders_order.id = rows.id AND orders_order.status = 'Pending'"
    " AND orders_order.parent_id IS NULL",
    {"id": "bigint"},
    ("orders_order.id",),
    locks="orders_order SKIP LOCKED",
)


def hand_out(
    waiting: QuerySet[Order], count: int, actor: str, now: datetime, notes: Mapping[int, Note] = _NO_NOTES
) -> list[Order]:
    """Moves up to `count` of the Pending orders, oldest first, to Processing, in the caller's transaction.

    Returns them, with what `waiting` selects with them. What another transaction holds is passed over, so nobody waits
    and nothing is handed out twice. `notes` by order id go into the events.
    """
    # A child is only ever locked by who holds its parent.
    parents = waiting.filter(parent__isnull=False).order_by("pk").values_list("parent_id", flat=True)[:count]
    held = parent_orders.claim(Order.objects.filter(pk__in=set(parents)), count) if parents else []
    free = waiting.filter(Q(parent=None) | Q(parent__in=held))
    orders = list(free.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:count])
    move.apply([_moved(each, Status.PROCESSING, notes.get(each.pk, NOTHING)) for each in orders], actor, now)
    for each in orders:
        each.status = Status.PROCESSING
    return orders


def hand_out_named(notes: Mapping[int, Note], actor: str, now: datetime) -> set[int]:
    """Does what `hand_out` does with the Pending orders that `notes` names; returns those that were handed out."""
    found = run(_LOCK_ALONE, [(pk,) for pk in sorted(notes)])
    alone = sorted(pk for (pk,) in found)
    write_handed_out({pk: notes[pk] for pk in alone}, actor, now)
    if len(alone) == len(notes):
        return set(alone)
    others = {pk: note for pk, note in notes.items() if pk not in set(alone)}
    waiting = Order.objects.filter(pk__in=others, parent__isnull=False, status=Status.PENDING)
    return {*alone, *(each.pk for each in hand_out(waiting, len(others), actor, now, others))}


def hand_back(notes: Mapping[int, Note], actor: str, now: datetime) -> set[int]:
    """Takes orders back that were handed out and not begun, in the caller's transaction: Processing to Pending.

    `notes` has one for each order. Where the customer has asked to cancel meanwhile, the order is canceled and refunded
    instead. Returns the orders that wait as Pending now; whatever has left Processing stays as it is.
    """
    orders = parent_orders.lock(Order.objects.filter(pk__in=notes.keys()))
    back = [each for each in orders.values() if each.status == Status.PROCESSING]
    cancel_requests = CancelRequest.objects.filter(order__in=[each.pk for each in back], status__in=OPEN_CANCELS)
    to_cancel = set(cancel_requests.values_list("order_id", flat=True))
    waiting = [each for each in back if each.pk not in to_cancel]
    delegation.reconsider(each.pk for each in waiting if parent_orders.is_parent(each))
    move.apply([_moved(each, Status.PENDING, notes[each.pk]) for each in waiting], actor, now)
    _cancel([each for each in back if each.pk in to_cancel], notes, actor, now)
    return {each.pk for each in waiting}


def cancel(notes: Mapping[int, Note], actor: str, now: datetime) -> Collection[int]:
    """Cancels Pending orders that nobody will deliver and gives back their charges, in the caller's transaction.

    Returns those that it canceled: whoever was handed one meanwhile may deliver it. `notes` has a reason for each.
    """
    orders = parent_orders.lock(Order.objects.filter(pk__in=notes.keys()))
    ended = [each for each in orders.values() if each.status == Status.PENDING]
    _cancel(ended, notes, actor, now)
    return {each.pk for each in ended}


def _cancel(orders: Collection[Order], notes: Mapping[int, Note], actor: str, now: datetime) -> None:
    """Cancels locked orders of which nothing was begun. A parent's money is not in hand: its schedule gives it back."""
    parents = [each for each in orders if parent_orders.is_parent(each)]
    move.apply([move.canceled(each, notes[each.pk]) for each in orders if each not in parents], actor, now)
    delegation.end(parents, actor, now)
    parent_orders.refresh([each.pk for each in parents], actor, now)
    write_events(Event(each.pk, now, actor, notes[each.pk]) for each in parents)


def _moved(order: Order, status: Status, note: Note) -> Change:
    return Change(order, status, order.start_count, order.remains, order.returned_micros, note)
