"""The search of the menu, for customers: among their own orders, payments and tickets, and what they are sold."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sutler.orders import quick_search as orders
from sutler.payments import funds
from sutler.shop.services import storefront_of
from sutler.support import quick_search as support
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.search_page import MOST, Group, Hit, answer, words_of
from sutler.web.templatetags.web import STATES


@require_safe
@customer_page
def search(request: CustomerRequest) -> HttpResponse:
    """Shows what `q` may mean: an order's ID or link, a service, a payment's reference, a ticket, a page."""
    text = words_of(request)
    return answer(request, request.htmx, text, _groups(request, text))


def _groups(request: CustomerRequest, text: str) -> Iterator[Group]:
    own, query = request.customer.pk, urlencode({"q": text})
    found = orders.of_customer(own, text, MOST + 1)
    more = f"{reverse('shop:orders')}?{query}" if len(found) > MOST else ""
    hits = [
        Hit(
            reverse("shop:order", args=[each.pk]),
            f"{each.pk} · {each.service}",
            f"{each.link} {STATES[each.status][0]}",
        )
        for each in found[:MOST]
    ]
    yield Group(_("Orders"), hits, more)
    sold = storefront_of(request.customer).find(text)
    more = f"{reverse('shop:services')}?{query}" if len(sold) > MOST else ""
    new = reverse("shop:order_new")
    yield Group(
        _("Services"), [Hit(f"{new}?service={each.pk}", f"{each.pk} · {each.name}") for each in sold[:MOST]], more
    )
    paid = funds.of_customer(own, text=text, limit=MOST)
    hits = [Hit(reverse("shop:funds_request", args=[each.pk]), each.reference, each.method.name) for each in paid]
    yield Group(_("Payments"), hits)
    tickets = support.tickets(text, MOST, customer_id=own)
    yield Group(
        _("Tickets"), [Hit(reverse("shop:ticket", args=[each.pk]), f"{each.pk} · {each.subject}") for each in tickets]
    )
