"""A customer's orders: the list with its filters, kept up to date while it is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sutler.core.lifecycle import FINAL, Status
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.text import text_input
from sutler.orders import cancel, refill, search
from sutler.orders.models import Order
from sutler.shop import state_tabs
from sutler.shop.live_progress import digest, unless_seen
from sutler.web import paging
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.date_range import DaysForm

# How many orders are changed by one request: where more are found, they are not offered as a whole.
MOST_AT_ONCE = 500


class FilterForm(DaysForm):
    """What the list is narrowed to, beside the state that its tab stands for."""

    q = forms.CharField(
        label=_("Order ID or link"),
        required=False,
        max_length=search.LONGEST_SEARCH,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )
    service = forms.IntegerField(
        label=_("Service ID"),
        required=False,
        min_value=1,
        max_value=LARGEST_NUMBER,
        widget=forms.NumberInput({"min": 1, "inputmode": "numeric"}),
    )
    status = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ["q", "service", "first", "last", "status"]

    def filters(self) -> search.Filters:
        """Returns what is asked for; a field that cannot be read narrows nothing. The form has been validated."""
        given = self.cleaned_data
        status = state_tabs.chosen(given.get("status", ""), Status)
        return search.Filters(
            frozenset({status}) if status else frozenset(),
            given.get("service"),
            given.get("q", ""),
            self.since(),
            self.until(),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """An order as a line of a list. `percent` is how much is delivered, None where that says nothing."""

    order: Order
    percent: int | None
    is_open: bool
    # As far as the order itself says: a request may be under way.
    may_refill: bool
    may_cancel: bool

    @classmethod
    def of(cls, order: Order, now: datetime) -> "Row":
        """Returns the order's line."""
        is_open = order.status not in FINAL
        may_refill = refill.hindrance(order, None, now) is None
        may_cancel = cancel.hindrance(order, is_open=False) is None
        return cls(order, percent(order) if is_open else None, is_open, may_refill, may_cancel)


@require_safe
@customer_page
def orders(request: CustomerRequest) -> HttpResponse:
    """Shows a page of the list, by `status`, `q`, `service`, `first`, `last`; to htmx how the orders `live` stand."""
    if request.htmx:
        return _live(request)
    form = FilterForm(request.GET)
    form.is_valid()
    filters, start = form.filters(), paging.before(request)
    found = search.of_customer(request.customer.pk, filters, before=start, limit=paging.ROWS)
    count = len(search.ids_of_customer(request.customer.pk, filters, MOST_AT_ONCE + 1))
    given = {
        "form": form,
        "tabs": state_tabs.tabs(request.GET, Status),
        "page": paging.page(found.orders, start, found.next_before),
        "is_filtered": bool(start) or filters != search.Filters(),
        "found": count if count <= MOST_AT_ONCE else 0,
        "query": [(name, request.GET[name]) for name in form.fields if request.GET.get(name)],
        "may_select": True,
        **live_rows(found.orders, request.now),
    }
    return render(request, "shop/orders.html", given)


def live_rows(orders: Sequence[Order], now: datetime) -> dict[str, Any]:
    """Returns what `shop/orders_rows.html` needs to show orders, and to ask for them again while some are open."""
    is_live = any(each.status not in FINAL for each in orders)
    return {
        "rows": [Row.of(each, now) for each in orders],
        "live": ",".join(str(each.pk) for each in orders) if is_live else "",
        "seen": _digest(orders),
    }


def percent(order: Order) -> int | None:
    """Returns how much of an order is delivered, in whole hundredths; None for a subscription without an end."""
    if order.status == Status.COMPLETED:
        return 100
    if order.quantity <= 0:
        return None
    return 100 * max(order.quantity - max(order.remains, 0), 0) // order.quantity


def _live(request: CustomerRequest) -> HttpResponse:
    asked = map(text_input.number, request.GET.get("live", "").split(",")[: paging.ROWS])
    found = search.these(request.customer.pk, [each for each in asked if each is not None])
    return unless_seen(request, _digest(found)) or render(
        request, "shop/orders_rows.html", live_rows(found, request.now) | {"may_select": "pick" in request.GET}
    )


def _digest(orders: Sequence[Order]) -> str:
    return digest([(each.pk, each.status, each.start_count, each.remains, each.returned_micros) for each in orders])
