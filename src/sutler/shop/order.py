"""One order: how it stands, what happened to it, its runs or posts, and asking for a refill or a cancel."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from sutler.core.lifecycle import FINAL
from sutler.core.refusals import Refusal
from sutler.core.text import text_input
from sutler.orders import cancel, history, parent_orders, refill, search, status
from sutler.orders.models import Order
from sutler.shop.history_text import NO_CANCEL, NO_REFILL, words
from sutler.shop.live_progress import digest, unless_seen
from sutler.shop.order_text import DEVICES, FIELDS, TRAFFIC, own_number
from sutler.shop.orders import live_rows, percent
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web import paging
from sutler.web.access import CustomerRequest, customer_page

# The choices that are kept as numbers, by field.
_NAMED: Mapping[str, Mapping[int, str | Promise]] = {"device": DEVICES, "type_of_traffic": TRAFFIC}


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of the order's type, as it was filled in; `lines` is above 1 for a list."""

    label: str | Promise
    text: str
    lines: int


@require_safe
@customer_page
def order(request: CustomerRequest, order_id: int) -> HttpResponse:
    """Shows an order; to htmx the same without its frame, or nothing if `seen` says that it is the same."""
    found = _own(request, order_id)
    told = history.of(found, request.now)
    given = {
        "order": found,
        "percent": percent(found),
        "is_open": found.status not in FINAL,
        "asked": _asked(found),
        "own_number": own_number(found.request_id),
        "history": told,
        "happenings": [(words(each), each.reason, each.at) for each in told.happenings],
        "no_refill": NO_REFILL[told.no_refill] if told.no_refill else "",
        "no_cancel": NO_CANCEL[told.no_cancel] if told.no_cancel else "",
        "is_too_early": told.no_refill is refill.Hindrance.TOO_EARLY,
        **_of_family(request, found),
    }
    counts = (found.status, found.start_count, found.remains, found.returned_micros)
    mark = digest((counts, told, given.get("standing"), given.get("children")))
    template = "shop/order_part.html" if request.htmx else "shop/order.html"
    return unless_seen(request, mark) or render(request, template, given | {"mark": mark})


@require_POST
@customer_page
def order_refill(request: CustomerRequest, order_id: int) -> HttpResponse:
    """Asks for a refill of an order."""
    found = _own(request, order_id)
    try:
        answer = refill.request_refills(request.customer.pk, [found.pk], request.now)[0]
    except (Busy, CommitUnclear):
        return _not_sure(request, found)
    if isinstance(answer, Refusal):
        messages.error(request, _("Refill is not available right now. See the reason under Refill / cancel."))
    else:
        messages.success(request, _("Refill requested. Refill ID: %(id)s.") % {"id": answer})
    return redirect("shop:order", found.pk)


@require_POST
@customer_page
def order_cancel(request: CustomerRequest, order_id: int) -> HttpResponse:
    """Cancels an order, or asks whoever delivers it to stop."""
    found = _own(request, order_id)
    try:
        refusal = cancel.request_cancels(request.customer.pk, [found.pk], request.now)[0]
    except (Busy, CommitUnclear):
        return _not_sure(request, found)
    if refusal is not None:
        messages.error(request, _("This order cannot be canceled. See the reason under Refill / cancel."))
    elif _own(request, order_id).status in FINAL:
        messages.success(request, _("Order canceled. The undelivered part was refunded to your balance."))
    else:
        messages.success(request, _("Cancel requested. The result will appear here."))
    return redirect("shop:order", found.pk)


def _own(request: CustomerRequest, order_id: int) -> Order:
    found = search.get(request.customer.pk, order_id)
    if found is None:
        raise Http404
    return found


def _not_sure(request: CustomerRequest, order: Order) -> HttpResponse:
    messages.error(request, _("Too many requests right now. Check the order, and try again if nothing has changed."))
    return redirect("shop:order", order.pk)


def _asked(order: Order) -> list[Asked]:
    rows = []
    for name, value in (order.details or {}).items():
        chosen = text_input.number(str(value))
        named = None if chosen is None else _NAMED.get(name, {}).get(chosen)
        text = str(named or value)
        rows.append(Asked(FIELDS[name].label if name in FIELDS else name, text, len(text.splitlines())))
    return rows


def _of_family(request: CustomerRequest, order: Order) -> dict[str, object]:
    """Returns what a drip-feed or a subscription shows besides: its children, and what they come to together."""
    if not parent_orders.is_parent(order):
        return {}
    start = paging.before(request)
    found = search.of_parent(request.customer.pk, order.pk, before=start, limit=paging.ROWS)
    standing = status.look_up([(request.customer.pk, [order.pk])])[0].get(order.pk)
    children = live_rows(found.orders, request.now)
    return {
        "standing": standing,
        "children": children["seen"],
        "rows": children["rows"],
        "page": paging.page(found.orders, start, found.next_before),
    }
