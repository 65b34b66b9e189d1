"""What reports would do to orders, before anybody makes them: the dry run of the desk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sutler.core.lifecycle import FINAL, Status
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.desk.desk import unclear_among
from sutler.fulfilment.models import UpstreamOrder
from sutler.orders import delegation, move, parent_orders
from sutler.orders.models import Order
from sutler.orders.move import Report


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of an order: what its customer gets back by it, in micros, or why nothing can be done.

    `there` is the order at a provider, if it goes on there whatever is reported here.
    """

    order: Order
    returned_micros: int
    refusal: Refusal | None = None
    there: UpstreamOrder | None = None


def preview(order_ids: Sequence[int], status: Status, remains: Mapping[int, int]) -> list[Preview]:
    """Returns what `desk.report` or, for CANCELED, `desk.cancel` would do, in the order given; changes nothing.

    `remains` counts for PARTIAL. Orders that are not there are left out.
    """
    found = Order.objects.select_related("customer", "service", "drip").in_bulk(order_ids)
    there = UpstreamOrder.objects.filter(order__in=found, finished_at=None).select_related("provider")
    upstream = {each.order_id: each for each in there}
    unclear = unclear_among(found)
    reports = [Report(each, status, remains=remains.get(each)) for each in found]
    decided = dict(zip(found, move.preview(list(found.values()), reports), strict=True))
    outlooks = {}
    for pk, order in found.items():
        if parent_orders.is_parent(order) and status is Status.CANCELED:
            outlooks[pk] = _of_parent(order)
            continue
        outcome = Refusal(Reason.MOVE_NOT_ALLOWED) if pk in unclear else decided[pk]
        if isinstance(outcome, Refusal):
            outlooks[pk] = Preview(order, 0, outcome, upstream.get(pk))
        else:
            back = outcome.returned_micros if outcome.ends else 0
            outlooks[pk] = Preview(order, back, None, upstream.get(pk))
    return [outlooks[each] for each in order_ids if each in outlooks]


def _of_parent(order: Order) -> Preview:
    """A drip-feed gives back at once what has not run; what its children give back shows as they end.

    One that was handed on whole gives back as it ends there.
    """
    if order.status in FINAL:
        return Preview(order, 0, Refusal(Reason.CANCEL_NOT_AVAILABLE))
    if delegation.handed_on([order]):
        return Preview(order, 0)
    runs_on = order.kind == Order.Kind.DRIP_FEED and order.drip.next_run_at is not None
    return Preview(order, parent_orders.unrun_micros(order) if runs_on else 0)
