"""The services: searched as one types, by category, with favourites."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from sutler.accounts.models import Customer
from sutler.catalogue import delivery_times, favourites
from sutler.catalogue.storefront import LONGEST_SEARCH, Buyer, Offer, Storefront, storefront
from sutler.core.money import Micros
from sutler.core.order_types import Measure
from sutler.core.pricing import PER_PIECE
from sutler.core.text import text_input
from sutler.web.access import CustomerRequest, customer_page

ROWS = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """An offer as pages show it: its price for this customer, how long it takes, whether it is a favourite."""

    offer: Offer
    rate_micros: Micros
    taken: timedelta | None
    is_favourite: bool

    @property
    def is_by_piece(self) -> bool:
        """Whether the price is that of one and not of a thousand."""
        return self.offer.terms.type.per == PER_PIECE

    @property
    def is_subscription(self) -> bool:
        """Whether each new post is charged by itself, within the limits."""
        return self.offer.terms.type.measure is Measure.POSTS

    @property
    def has_drip(self) -> bool:
        """Whether an order can be spread over runs."""
        return self.offer.terms.dripfeed and self.offer.terms.type.can_drip


def storefront_of(customer: Customer) -> Storefront:
    """Returns what is on sale for a customer."""
    discount = customer.group.discount_basis_points if customer.group else 0
    return storefront(Buyer(customer.pk, customer.currency, discount, customer.country))


def shown(offers: list[Offer], sold: Storefront, marked: set[int]) -> list[Shown]:
    """Returns the offers with all that a page says of them; one small read."""
    paces = delivery_times.of([each.pk for each in offers]) if offers else {}
    return [Shown(each, sold.rate(each), paces.get(each.pk), each.pk in marked) for each in offers]


@require_safe
@customer_page
def services(request: CustomerRequest) -> HttpResponse:
    """Lists what is on sale by `q` (words), `category` and `favourites`, beginning behind the service `after`."""
    sold, asked = storefront_of(request.customer), request.GET
    marked = favourites.of(request.customer.pk)
    category, after = text_input.number(asked.get("category", "")), text_input.number(asked.get("after", ""))
    only = marked if asked.get("favourites") else None
    found, has_more = sold.search(asked.get("q", ""), category, only, after, ROWS)
    query = asked.copy()
    query.pop("after", None)
    given = {
        "is_paused": sold.is_paused(request.now),
        "groups": [
            (name, list(rows)) for name, rows in groupby(shown(found, sold, marked), lambda row: row.offer.category)
        ],
        # Rows that are added below others go on under the heading that stands there.
        "heading_before": _category(sold, after) if request.htmx else "",
        "row_count": len(found),
        "more_after": found[-1].pk if has_more else None,
        "after": after,
        "query": query.urlencode(),
        "words": asked.get("q", "")[:LONGEST_SEARCH],
        "category": category,
        "categories": sold.categories.items(),
        "only_favourites": only is not None,
        "has_favourites": bool(marked),
        "is_empty": not sold.offers,
    }
    if request.htmx:
        return render(request, "shop/services_rows.html" if after else "shop/services_list.html", given)
    return render(request, "shop/services.html", given)


@require_POST
@customer_page
def favourite(request: CustomerRequest, service_id: int) -> HttpResponse:
    """Marks a service for the customer, or takes the mark away where `marked` is 0; back to the same list."""
    wanted = request.POST.get("marked") == "1" and storefront_of(request.customer).offer(service_id) is not None
    is_favourite = wanted and favourites.add(request.customer.pk, service_id) is None
    if not is_favourite:
        favourites.remove(request.customer.pk, service_id)
    if request.htmx:
        return render(request, "shop/services_star.html", {"service_id": service_id, "is_favourite": is_favourite})
    query = QueryDict(request.POST.get("query", "")).urlencode()
    return redirect(f"{reverse('shop:services')}?{query}#service-{service_id}")


def _category(sold: Storefront, service_id: int | None) -> str:
    offer = sold.offer(service_id)
    return offer.category if offer else ""
