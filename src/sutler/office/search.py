"""The search of the menu, for staff: among all orders, customers, services, payments, tickets that their role sees."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sutler.accounts import quick_search as accounts
from sutler.accounts.roles import Permission
from sutler.catalogue.models import Service
from sutler.core.text import text_input
from sutler.fulfilment.desk import order_search
from sutler.orders import quick_search as orders
from sutler.payments import funds
from sutler.support import quick_search as support
from sutler.web.access import StaffRequest, staff_page
from sutler.web.search_page import MOST, Group, Hit, answer, words_of
from sutler.web.templatetags.web import STATES

_LONGEST_UPSTREAM_ID = 64


@require_safe
@staff_page(Permission.SEE_ORDERS)
def search(request: StaffRequest) -> HttpResponse:
    """Shows what `q` may mean: an order (ID, link, provider's ID), a customer, service, payment, ticket or page."""
    text = words_of(request)
    return answer(request, request.htmx, text, _groups(request, text))


def _groups(request: StaffRequest, text: str) -> Iterator[Group]:
    query = urlencode({"q": text})
    yield _orders(text, query)
    if Permission.CUSTOMERS in request.permissions:
        people = accounts.customers(text, MOST + 1)
        hits = [Hit(reverse("office:customer", args=[each.pk]), f"{each.pk} · {each.name}") for each in people[:MOST]]
        yield Group(_("Customers"), hits, f"{reverse('office:customers')}?{query}" if len(people) > MOST else "")
    if Permission.CATALOGUE in request.permissions:
        about = Q(name__icontains=text) | Q(pk=text_input.number(text))
        services = Service.objects.filter(about).order_by("pk")[: MOST + 1]
        hits = [Hit(reverse("office:service", args=[each.pk]), f"{each.pk} · {each.name}") for each in services]
        yield Group(_("Services"), hits[:MOST], f"{reverse('office:services')}?{query}" if len(hits) > MOST else "")
    if Permission.PAYMENTS in request.permissions:
        paid = funds.of_all(text=text, limit=MOST)
        hits = [Hit(reverse("office:payment", args=[each.pk]), each.reference, each.customer.name) for each in paid]
        yield Group(_("Payments"), hits)
    if Permission.TICKETS in request.permissions:
        tickets = support.tickets(text, MOST)
        hits = [Hit(reverse("office:ticket", args=[each.pk]), f"{each.pk} · {each.subject}") for each in tickets]
        yield Group(_("Tickets"), hits)


def _orders(text: str, query: str) -> Group:
    """The order with this ID, those that a provider knows by it, or those with this link."""
    ids = order_search.ids_of(text) if text.replace("-", "").isalnum() and len(text) <= _LONGEST_UPSTREAM_ID else ()
    found = orders.of_all(text, MOST + 1, ids)
    hits = [
        Hit(
            reverse("office:order", args=[each.pk]),
            f"{each.pk} · {each.customer.name}",
            f"{each.link} {STATES[each.status][0]}",
        )
        for each in found[:MOST]
    ]
    return Group(_("Orders"), hits, f"{reverse('office:orders')}?{query}" if len(found) > MOST else "")
