"""Drip-feed: an order delivered in runs, each a child order placed when its time has come."""

from datetime import datetime, timedelta

from django.db.models import Q

from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, house, post
from sutler.core.pricing import run_share
from sutler.orders import approval_gate, parent_orders
from sutler.orders.models import Drip, Order
from sutler.storage.transactions import durable

ACTOR = "worker"


def place_due_runs(now: datetime, limit: int = 100, *, only_decided: bool = False) -> int:
    """Places the next run of at most `limit` drip-feeds whose run is due; returns how many were placed.

    Not of those that a provider runs; with `only_decided` of those alone that were decided to run here (`schedules`).

    Each run is a child order of its own, whose share of the charge moves from *scheduled* to *in hand*. The next one
    is due an interval after this one was; after a stop longer than that, an interval from now: missed runs do not come
    all at once. Several workers may call this at once. Raises storage.transactions.Busy or CommitUnclear.
    """
    here = Q(is_there=False) if only_decided else Q(is_there=False) | Q(is_there=None)
    due = approval_gate.free_drips(Drip.objects.filter(here, next_run_at__lte=now))
    if not due.exists():  # asking often must not take the write lock
        return 0
    with durable():
        parents = {
            each.pk: each for each in parent_orders.claim(Order.objects.filter(pk__in=due.values("order")), limit)
        }
        # Read again under the lock: another worker may have been here since.
        drips = list(due.filter(order__in=parents).order_by("order"))
        runs = Order.objects.bulk_create(_run(parents[each.pk], each, now) for each in drips)
        for each in drips:
            _advance(each, now)
        Drip.objects.bulk_update(drips, ["runs_placed", "next_run_at", "is_there"])
        post([_share(run, drip) for run, drip in zip(runs, drips, strict=True)], now)
        parent_orders.refresh([each.pk for each in drips], ACTOR, now)
        return len(drips)


def take_run(parent: Order, now: datetime) -> Order:
    """Places the next run of a locked drip-feed, which the provider that runs it has made, in the caller's transaction.

    Returns it, Pending. The caller moves it on and brings the parent up to date (`parent_orders.refresh`).
    """
    drip = parent.drip
    run = _run(parent, drip, now)
    Order.objects.bulk_create([run])
    drip.runs_placed += 1
    drip.save(update_fields=["runs_placed"])
    post([_share(run, drip)], now)
    return run


def _run(parent: Order, drip: Drip, now: datetime) -> Order:
    share = run_share(parent.rate_micros, drip.quantity_per_run, drip.runs_placed + 1)
    return parent_orders.child_of(parent, now, link=parent.link, quantity=drip.quantity_per_run, charge_micros=share)


def _advance(drip: Drip, now: datetime) -> None:
    """Counts the run that was just placed and sets the time of the next one, None after the last."""
    drip.runs_placed, drip.is_there = drip.runs_placed + 1, False
    interval = timedelta(minutes=drip.interval_minutes)
    if drip.next_run_at is None or drip.runs_placed == drip.runs:
        drip.next_run_at = None
    elif drip.next_run_at + interval > now:
        drip.next_run_at += interval
    else:
        drip.next_run_at = now + interval


def _share(run: Order, drip: Drip) -> Entry:
    """A share of nothing makes no transfer: rounded up, the runs before it have paid for it."""
    scheduled = house(LedgerAccount.Kind.SCHEDULED, run.currency)
    in_hand = house(LedgerAccount.Kind.IN_HAND, run.currency)
    return Entry(f"run:{drip.pk}:{drip.runs_placed}", scheduled, in_hand, run.charge_micros, run.pk)
