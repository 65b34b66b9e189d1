"""Following drip-feeds and subscriptions that were handed on whole: what a provider says of such a parent.

Its status names the orders that the provider makes for it; these become orders here (`children`). The parent goes on
here until the provider says that it has ended and all that was named has ended too: then it ends, and the state and the
money of it follow from its children as if it had run here (`orders.parent_orders`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import F, Sum
from django.db.models.functions import Greatest

from sutler.core.delegation import is_subscription, read_word, runs_made
from sutler.core.events import EventKind, note
from sutler.core.lifecycle import FINAL, Status
from sutler.core.text import text_input
from sutler.core.upstream_words import UnknownStatus
from sutler.fulfilment.models import NamedOrder, Orphan, Provider, UpstreamOrder
from sutler.fulfilment.polling.interpret import Followed, StatusUpdate, upstream_status
from sutler.orders import delegation, drip, move, parent_orders
from sutler.orders.change import Change, Event, write, write_events
from sutler.orders.models import Order
from sutler.panels.results import Declined, UpstreamStatus

ACTOR = "worker"
Answers = Mapping[int, UpstreamStatus | Declined | None]


def read(provider: Provider, rows: Sequence[Followed], answers: Answers, now: datetime) -> Answers:
    """Keeps what the answers name, in the caller's transaction, and returns the answers as `heard` is to take them.

    Of what costs nothing by itself the charge is left out: a subscription's is its posts', that of a drip-feed's run is
    in the whole. A parent has not ended while something that was named for it has not.
    """
    parents = [row for row in rows if row.kind != Order.Kind.SINGLE]
    if not parents and all(row.expected_micros for row in rows):
        return answers
    # Parents before children: `move.take` locks children after this.
    list(Order.objects.select_for_update().filter(pk__in=[row.order_id for row in parents]).order_by("pk"))
    heard_of = [(row, said) for row in rows if isinstance(said := answers[row.pk], UpstreamStatus)]
    _keep_named(provider, [(row, said) for row, said in heard_of if row.kind != Order.Kind.SINGLE], now)
    open_parents = _with_open_children(parents)
    return {**answers, **{row.pk: _plain(row, said, is_open=row.pk in open_parents) for row, said in heard_of}}


def move_on(heard: Iterable[StatusUpdate], now: datetime) -> None:
    """Moves the parents on, and ends those that have ended, in the caller's transaction."""
    told = {
        each.row.order_id: each
        for each in heard
        if each.row.kind != Order.Kind.SINGLE and each.report is not None and not each.is_disowned
    }
    if not told:
        return
    parents = Order.objects.filter(pk__in=told).exclude(status__in=FINAL).prefetch_related("drip", "subscription")
    for parent in parents.order_by("pk"):
        if parent.pk not in delegation.handed_on([parent]):
            continue  # staff have ended it here
        each = told[parent.pk]
        if each.finished_at is not None:
            _end(parent, each, now)
        elif parent.status == Status.PROCESSING and each.report is not None:
            _begin(parent, each, now)


def _keep_named(provider: Provider, told: Sequence[tuple[Followed, UpstreamStatus]], now: datetime) -> None:
    """Keeps the ids that are new. One that an order of ours has already is not believed to be another's child."""
    named = {upstream_id: row.pk for row, said in told for upstream_id in said.orders if upstream_id != row.upstream_id}
    if not named:
        return
    there = UpstreamOrder.objects.filter(provider=provider, upstream_id__in=named)
    known = {*NamedOrder.objects.filter(provider=provider, upstream_id__in=named).values_list("upstream_id", flat=True)}
    known |= {*there.values_list("upstream_id", flat=True)}
    new = [
        NamedOrder(provider=provider, upstream_id=upstream_id, parent_id=pk, named_at=now, ask_at=now)
        for upstream_id, pk in named.items()
        if upstream_id not in known
    ]
    NamedOrder.objects.bulk_create(new)
    numbers = map(text_input.number, [each.upstream_id for each in new])
    orphans = [each for each in numbers if each is not None]
    Orphan.objects.filter(provider=provider.account_id, upstream_id__in=orphans).delete()


def _with_open_children(parents: Sequence[Followed]) -> set[int]:
    """Returns those of the upstream orders for which something was named that has not ended, or is no order yet."""
    named = NamedOrder.objects.filter(parent__in=[row.pk for row in parents])
    awaited = named.filter(child=None, ask_at__isnull=False)
    unfinished = named.filter(child__isnull=False).exclude(child__status__in=FINAL)
    return {*awaited.values_list("parent", flat=True), *unfinished.values_list("parent", flat=True)}


def _plain(row: Followed, answer: UpstreamStatus, *, is_open: bool) -> UpstreamStatus:
    charge = answer.charge_micros if row.expected_micros else None
    if row.kind == Order.Kind.SINGLE or row.finished_at is not None:
        return answer._replace(charge_micros=charge)
    status = read_word(answer.status, answer.raw) if is_subscription(row.type) else answer.status
    if status in FINAL and is_open:
        status = Status.IN_PROGRESS
    remains = answer.remains
    if status in {Status.PARTIAL, Status.CANCELED} and row.kind == Order.Kind.DRIP_FEED:
        status, remains = _as_delivered(row, status, remains)
    return answer._replace(status=status, remains=remains, charge_micros=charge)


def _as_delivered(
    row: Followed, status: Status | UnknownStatus, remains: int | None
) -> tuple[Status | UnknownStatus, int | None]:
    """Of a drip-feed that has stopped early its runs tell what was delivered, if the provider has named any."""
    runs = Order.objects.filter(parent=row.order_id)
    if not runs.exists():
        return status, remains
    delivered = runs.aggregate(total=Sum(F("quantity") - Greatest(F("remains"), 0)))["total"] or 0
    return (Status.PARTIAL if delivered else Status.CANCELED), row.quantity - delivered


def _begin(parent: Order, heard: StatusUpdate, now: datetime) -> None:
    if heard.report is not None and heard.report.status is Status.IN_PROGRESS:
        change = Change(parent, Status.IN_PROGRESS, parent.start_count, parent.remains, parent.returned_micros)
        write([replace(change, note=heard.report.note)], ACTOR, now)


def _end(parent: Order, heard: StatusUpdate, now: datetime) -> None:
    made = _unnamed_runs(parent, heard, now) if parent.kind == Order.Kind.DRIP_FEED else []
    delegation.end([parent], ACTOR, now)
    write_events([Event(parent.pk, now, ACTOR, upstream_status(heard))])
    move.apply(made, ACTOR, now)
    parent_orders.refresh([parent.pk], ACTOR, now)


def _unnamed_runs(parent: Order, heard: StatusUpdate, now: datetime) -> list[Change]:
    """Places the runs that were delivered without being named; returns their ends.

    All that are missing of one that is Completed. Of a part only where none was named: then what remains tells it.
    """
    schedule, status = parent.drip, heard.report.status if heard.report is not None else None
    left: list[int] = []
    if status is Status.COMPLETED:
        left = [0] * (schedule.runs - schedule.runs_placed)
    elif status is Status.PARTIAL and not schedule.runs_placed:
        left = runs_made(parent.quantity - max(heard.remains or 0, 0), schedule.quantity_per_run)
    runs = [(drip.take_run(parent, now), remains) for remains in left[: schedule.runs - schedule.runs_placed]]
    unnamed = note(EventKind.RUN_NOT_NAMED)
    reports = [
        move.Report(run.pk, Status.PARTIAL if remains else Status.COMPLETED, remains=remains, note=unnamed)
        for run, remains in runs
    ]
    changes = move.preview([run for run, _ in runs], reports)
    return [each for each in changes if isinstance(each, Change)]
