"""A customer's refills."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sutler.core.lifecycle import RefillStatus
from sutler.orders import refill
from sutler.shop import state_tabs
from sutler.web import paging
from sutler.web.access import CustomerRequest, customer_page


@require_safe
@customer_page
def refills(request: CustomerRequest) -> HttpResponse:
    """Shows a page of the refills, by `status`."""
    status, start = state_tabs.chosen(request.GET.get("status", ""), RefillStatus), paging.before(request)
    found = refill.of_customer(request.customer.pk, status, before=start, limit=paging.ROWS)
    given = {
        "tabs": state_tabs.tabs(request.GET, RefillStatus),
        "page": paging.page(found.refills, start, found.next_before),
        "is_filtered": bool(status or start),
    }
    return render(request, "shop/refills.html", given)
