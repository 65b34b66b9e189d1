"""What a report about an order does to it: one conditional update, one event, and the money where it ends there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, house, post
from sutler.core.lifecycle import FINAL, MOVES, CancelStatus, Status
from sutler.core.order_types import ORDER_TYPES
from sutler.core.pricing import give_back
from sutler.core.refusals import Reason, Refusal
from sutler.orders import family
from sutler.orders.models import CancelRequest, LinkInUse, Order, OrderEvent
from sutler.storage.statements import Statement, moment, run

_UPDATE_ORDERS = Statement(
    "UPDATE orders_order SET status = rows.status, start_count = rows.start_count, remains = rows.remains,"
    " returned_micros = rows.returned_micros, finished_at = rows.finished_at"
    " FROM {rows} WHERE orders_order.id = rows.id AND orders_order.status = rows.from_status RETURNING orders_order.id",
    {
        "id": "bigint",
        "from_status": "text",
        "status": "text",
        "start_count": "bigint",
        "remains": "bigint",
        "returned_micros": "bigint",
        "finished_at": "timestamptz",
    },
)


@dataclass(frozen=True, slots=True)
class Report:
    """What whoever fulfils an order says of it. None means: nothing said, keep what is known."""

    order_id: int
    status: Status | None = None
    start_count: int | None = None
    remains: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """An order as it stood and what the report makes of it."""

    order: Order
    status: Status
    start_count: int | None
    remains: int
    returned_micros: int
    note: str

    @property
    def moves(self) -> bool:
        """Whether the status changes."""
        return self.status != self.order.status


def report(reports: Sequence[Report], actor: str, now: datetime) -> list[Change | Refusal]:
    """Applies the reports in one transaction; each succeeds or is refused on its own, answered in the order given.

    Refuses with INCORRECT_ORDER (no such order), MOVE_NOT_ALLOWED (not in `lifecycle.MOVES`, or the order's state
    follows from its children). Repeating a final report is a success that changes nothing.
    Reaching a final state settles the money: Completed keeps the charge, Partial gives back the undelivered part
    (rounded down), Canceled gives back all.
    """
    with transaction.atomic():
        ids = sorted({each.order_id for each in reports})
        orders = {each.pk: each for each in Order.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
        outcomes: list[Change | Refusal] = []
        changes: dict[int, Change] = {}
        for each in reports:
            order = orders.get(each.order_id)
            outcome = _second(each, changes) if each.order_id in changes else _decide(order, each)
            if isinstance(outcome, Change) and order is not None and not _is_settled(order):
                changes[order.pk] = outcome
            outcomes.append(outcome)
        apply(list(changes.values()), actor, now)
        return outcomes


def apply(changes: Sequence[Change], actor: str, now: datetime) -> None:
    """Writes decided changes of locked orders: rows, events, money, links, requests to cancel, parents."""
    if not changes:
        return
    ended = [each for each in changes if each.moves and each.status in FINAL]
    written = run(
        _UPDATE_ORDERS,
        [
            (
                each.order.pk,
                each.order.status,
                each.status,
                each.start_count,
                each.remains,
                each.returned_micros,
                moment(now) if each in ended else None,
            )
            for each in changes
        ],
    )
    assert len(written) == len(changes)  # noqa: S101 - the rows are locked
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order=each.order,
            at=now,
            actor=actor,
            from_status=each.order.status if each.moves else None,
            to_status=each.status if each.moves else None,
            note=each.note,
        )
        for each in changes
        if each.moves or each.note
    )
    if ended:
        _finish(ended, now)
    family.refresh({each.order.parent_id for each in changes if each.order.parent_id}, now)


def _is_settled(order: Order) -> bool:
    return order.status in FINAL


def _second(again: Report, changes: dict[int, Change]) -> Change | Refusal:
    """The same order twice in one list: the first report holds, the second must not contradict it."""
    first = changes[again.order_id]
    return first if again.status in {None, first.status} else Refusal(Reason.MOVE_NOT_ALLOWED)


def _decide(order: Order | None, told: Report) -> Change | Refusal:
    if order is None:
        return Refusal(Reason.INCORRECT_ORDER)
    before = Status(order.status)
    after = told.status or before
    same = Change(order, before, order.start_count, order.remains, order.returned_micros, "")
    if before in FINAL:
        return same if after is before else Refusal(Reason.MOVE_NOT_ALLOWED)
    if family.is_parent(order) or (after is not before and after not in MOVES[before]):
        return Refusal(Reason.MOVE_NOT_ALLOWED)
    remains = _remains(order, after, told.remains)
    start_count = order.start_count if told.start_count is None else max(told.start_count, 0)
    return Change(order, after, start_count, remains, _returned(order, after, remains), told.note[:1000])


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


def _finish(ended: Sequence[Change], now: datetime) -> None:
    entries = []
    wallets = {
        wallet.customer_id: wallet.pk
        for wallet in LedgerAccount.objects.filter(customer__in={each.order.customer_id for each in ended})
    }
    ends = {
        currency: (house(LedgerAccount.Kind.IN_HAND, currency), house(LedgerAccount.Kind.REVENUE, currency))
        for currency in {each.order.currency for each in ended}
    }
    for each in ended:
        order = each.order
        in_hand, revenue = ends[order.currency]
        kept = order.charge_micros - each.returned_micros
        entries.append(Entry(f"return:{order.pk}", in_hand, wallets[order.customer_id], each.returned_micros, order.pk))
        entries.append(Entry(f"settle:{order.pk}", in_hand, revenue, kept, order.pk))
    post(entries, now)
    ids = [each.order.pk for each in ended]
    LinkInUse.objects.filter(order__in=ids).delete()
    _close_cancel_requests(ended, now)


def _close_cancel_requests(ended: Sequence[Change], now: datetime) -> None:
    for outcome, was_canceled in ((CancelStatus.DONE, True), (CancelStatus.REJECTED, False)):
        ids = [each.order.pk for each in ended if (each.status is not Status.COMPLETED) is was_canceled]
        CancelRequest.objects.filter(order__in=ids, status__in=[CancelStatus.OPEN, CancelStatus.TAKEN]).update(
            status=outcome, finished_at=now
        )
