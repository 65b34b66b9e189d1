"""What a report about an order does to it: one conditional update, one event, and the money where it ends there."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, house, post
from sutler.core.events import NOTHING, Note
from sutler.core.lifecycle import FINAL, MOVES, Status
from sutler.core.order_types import ORDER_TYPES
from sutler.core.pricing import give_back
from sutler.core.refusals import Reason, Refusal
from sutler.orders import approval_gate, parent_orders
from sutler.orders.change import Change, write, write_progress
from sutler.orders.models import Order
from sutler.storage.statements import Statement, run, run_counted
from sutler.storage.transactions import durable

__all__ = ["Change", "Report", "apply", "apply_reports", "canceled", "preview", "recount", "report"]

# Only of orders that stand alone: what is reckoned from a child's counts needs its parent held.
_RECOUNT = Statement(
    "UPDATE orders_order SET start_count = COALESCE(rows.start_count, orders_order.start_count),"
    " remains = CASE WHEN rows.remains > orders_order.quantity THEN orders_order.quantity"
    " ELSE COALESCE(rows.remains, orders_order.remains) END"
    " FROM {rows} WHERE orders_order.id = rows.id AND orders_order.status = rows.status"
    " AND orders_order.kind = 'single' AND orders_order.parent_id IS NULL",
    {"id": "bigint", "status": "text", "start_count": "bigint", "remains": "bigint"},
)
_IS_RECOUNTED = Statement(
    "SELECT {answer} FROM {rows} JOIN orders_order ON orders_order.id = rows.id AND orders_order.status = rows.status"
    " AND orders_order.kind = 'single' AND orders_order.parent_id IS NULL",
    {"id": "bigint", "status": "text"},
    ("rows.id",),
)


class Report(NamedTuple):
    """What whoever fulfils an order says of it. None means: nothing said, keep what is known."""

    order_id: int
    status: Status | None = None
    start_count: int | None = None
    remains: int | None = None
    note: Note = NOTHING


def report(reports: Sequence[Report], actor: str, now: datetime) -> list[Change | Refusal]:
    """Applies the reports in one transaction; each succeeds or is refused on its own, answered in the order given.

    Refuses with INCORRECT_ORDER (no such order), MOVE_NOT_ALLOWED (not in `lifecycle.MOVES`, the order's state follows
    from its children, it waits for approval, or the list has said something else of the order before), INCORRECT_FIELD
    `remains` (Partial that does not itself say what remains, from 0 to the quantity: what is not said would be given
    back). Repeating a final report is a success that changes nothing.
    Reaching a final state settles the money: Completed keeps the charge, Partial gives back the undelivered part
    (rounded down), Canceled gives back all. Raises storage.transactions.Busy or CommitUnclear, as `durable` says.
    """
    with durable():
        return apply_reports(reports, actor, now)


def apply_reports(reports: Sequence[Report], actor: str, now: datetime) -> list[Change | Refusal]:
    """Does what `report` does inside the caller's transaction."""
    if not reports:
        return []
    orders = parent_orders.lock(Order.objects.filter(pk__in={each.order_id for each in reports}))
    waiting = approval_gate.waiting_among(orders.values())
    outcomes: list[Change | Refusal] = []
    changes: dict[int, Change] = {}
    for each in reports:
        outcome = _decide(orders.get(each.order_id), each, is_waiting=each.order_id in waiting)
        if isinstance(outcome, Change) and changes.setdefault(each.order_id, outcome) != outcome:
            outcome = Refusal(Reason.MOVE_NOT_ALLOWED)
        outcomes.append(outcome)
    apply([each for each in changes.values() if each.order.status not in FINAL], actor, now)
    return outcomes


def preview(orders: Collection[Order], reports: Sequence[Report]) -> list[Change | Refusal]:
    """Returns what `report` would do with orders as they were read, in the order given; changes nothing."""
    known = {each.pk: each for each in orders}
    waiting = approval_gate.waiting_among(orders)
    return [_decide(known.get(each.order_id), each, is_waiting=each.order_id in waiting) for each in reports]


def recount(reports: Sequence[Report], actor: str, now: datetime) -> list[Report]:
    """Takes what only the counts of an unfinished order change for, in the caller's transaction; returns the others.

    Does what `take` would, in one statement for all: most of what is reported is that an order has got on.
    """
    told = Counter(each.order_id for each in reports)
    counts = [
        (each.order_id, each.status, _not_below_zero(each.start_count), _not_below_zero(each.remains))
        for each in reports
        if each.status is not None and each.status not in FINAL and each.note == NOTHING and told[each.order_id] == 1
    ]
    if run_counted(_RECOUNT, sorted(counts)) == len(reports):
        write_progress([pk for pk, *_ in counts], actor, now)
        return []
    done = {pk for (pk,) in run(_IS_RECOUNTED, [(pk, status) for pk, status, *_ in counts])}
    write_progress(done, actor, now)
    return [each for each in reports if each.order_id not in done]


def _not_below_zero(count: int | None) -> int | None:
    return None if count is None else max(count, 0)


def apply(changes: Sequence[Change], actor: str, now: datetime) -> None:
    """Writes decided changes of orders locked by `parent_orders.lock`, none final yet: money, rows, events, parents."""
    _settle([each for each in changes if each.ends], now)
    write(changes, actor, now)
    # Only what a parent is reckoned from: handing a child out must not wait for its parent.
    reckoned = [each.order.parent_id for each in changes if each.ends or each.recounts]
    parent_orders.refresh({parent_id for parent_id in reckoned if parent_id is not None}, actor, now)


def canceled(order: Order, note: Note = NOTHING) -> Change:
    """Returns the change that cancels an order and gives back all of its charge."""
    return Change(order, Status.CANCELED, order.start_count, order.quantity, order.charge_micros, note)


def _decide(order: Order | None, told: Report, *, is_waiting: bool) -> Change | Refusal:
    if order is None:
        return Refusal(Reason.INCORRECT_ORDER)
    before = Status(order.status)
    after = told.status or before
    if before in FINAL:
        same = Change(order, before, order.start_count, order.remains, order.returned_micros)
        return same if after is before else Refusal(Reason.MOVE_NOT_ALLOWED)
    if is_waiting and after is not Status.CANCELED:
        return Refusal(Reason.MOVE_NOT_ALLOWED)
    if parent_orders.is_parent(order) or (after is not before and after not in MOVES[before]):
        return Refusal(Reason.MOVE_NOT_ALLOWED)
    if after is Status.PARTIAL and (told.remains is None or not 0 <= told.remains <= order.quantity):
        return Refusal(Reason.INCORRECT_FIELD, "remains")
    remains = _remains(order, after, told.remains)
    start_count = order.start_count if told.start_count is None else max(told.start_count, 0)
    return Change(order, after, start_count, remains, _returned(order, after, remains), told.note)


def _remains(order: Order, after: Status, told: int | None) -> int:
    """Returns what is left, clamped to 0..quantity; below zero only for a completed order that got more."""
    if after is Status.CANCELED:
        return order.quantity
    if after is Status.COMPLETED:
        return min(told or 0, 0)
    return order.remains if told is None else min(max(told, 0), order.quantity)


def _returned(order: Order, after: Status, remains: int) -> int:
    if after is Status.CANCELED:
        return order.charge_micros
    if after is Status.PARTIAL:
        per = ORDER_TYPES[order.type].per
        return give_back(order.charge_micros, order.rate_micros, order.quantity, remains, per)
    return 0


def _settle(ended: Sequence[Change], now: datetime) -> None:
    """Moves what is in hand of ended orders: back to the wallet what is returned, on to revenue what is kept."""
    if not ended:
        return
    wallets = dict(
        LedgerAccount.objects.filter(customer__in={each.order.customer_id for each in ended}).values_list(
            "customer_id", "pk"
        )
    )
    ends = {
        currency: (house(LedgerAccount.Kind.IN_HAND, currency), house(LedgerAccount.Kind.REVENUE, currency))
        for currency in {each.order.currency for each in ended}
    }
    entries = []
    for each in ended:
        order = each.order
        in_hand, revenue = ends[order.currency]
        kept = order.charge_micros - each.returned_micros
        entries.append(Entry(f"return:{order.pk}", in_hand, wallets[order.customer_id], each.returned_micros, order.pk))
        entries.append(Entry(f"settle:{order.pk}", in_hand, revenue, kept, order.pk))
    post(entries, now)
