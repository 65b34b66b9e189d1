"""The search of the order form over all services: as one types, by category, what is ordered or marked often first."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from sutler.catalogue import favourites
from sutler.catalogue.storefront import LONGEST_SEARCH, Storefront
from sutler.core.text import text_input
from sutler.orders import quick_search
from sutler.shop.services import shown, storefront_of
from sutler.web.access import CustomerRequest, customer_page

ROWS = 20
MOST_CHIPS = 12
_MOST_RECENT = 5


@require_safe
@customer_page
def order_find(request: CustomerRequest) -> HttpResponse:
    """Answers htmx the services that fit `find` and the category `among`; without words, the recent and favourites."""
    if not request.htmx:
        return redirect(f"{reverse('shop:order_new')}?{urlencode({**request.GET.dict(), 'search': 1})}")
    sold, marked = storefront_of(request.customer), favourites.of(request.customer.pk)
    return render(request, "shop/order_finds.html", hits(request, sold, marked, request.GET))


def hits(request: CustomerRequest, sold: Storefront, marked: set[int], given: Mapping[str, str]) -> dict[str, Any]:
    """Returns what the list of services needs: at most 20 rows, and the categories of all that fit as chips."""
    words, among = given.get("find", "")[:LONGEST_SEARCH].strip(), text_input.number(given.get("among", ""))
    recent = quick_search.recent_services(request.customer.pk, _MOST_RECENT)
    rank = {service_id: place for place, service_id in enumerate([*recent, *sorted(marked - set(recent))])}
    found = sold.find(words, None, None if words or among else rank.keys())
    categories = {each.category_id: each.category for each in found}
    if among:
        found = [each for each in found if each.category_id == among]
    found = sorted(found, key=lambda offer: rank.get(offer.pk, len(rank)))
    return {
        "find": words,
        "among": among,
        "rows": shown(found[:ROWS], sold, marked),
        "hidden_count": max(len(found) - ROWS, 0),
        "categories": list(categories.items())[:MOST_CHIPS] if len(categories) > 1 or among else [],
        "is_asked": bool(words or among),
    }
