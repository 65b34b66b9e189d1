"""The services: searched as one types, by category, with favourites."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from sutler.accounts.models import Customer
from sutler.catalogue import delivery_times, favourites
from sutler.catalogue.storefront import LONGEST_SEARCH, Buyer, Offer, Storefront, storefront
from sutler.core.money import Micros, parse_amount
from sutler.core.order_types import Measure
from sutler.core.pricing import PER_PIECE
from sutler.core.text import text_input
from sutler.web.access import CustomerRequest, customer_page

ROWS = 50
SORTS = {
    "cheapest": _("Cheapest first"),
    "dearest": _("Most expensive first"),
    "name": _("Name"),
}
# Filters by what a service offers: the name in the address, and its label.
OPTIONS = {"refill": _("Refill"), "cancel": _("Cancel"), "drip": _("Drip-feed")}


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


def narrowed(sold: Storefront, offers: list[Offer], asked: Mapping[str, str]) -> list[Offer]:
    """Returns the offers with prices from `least` to `most` and the options asked for, in the order of `sort`."""
    least, most = (parse_amount(asked.get(name, "").strip().replace(",", ".")) for name in ("least", "most"))
    fitting = [
        each
        for each in offers
        if (not asked.get("refill") or each.refill)
        and (not asked.get("cancel") or each.cancel)
        and (not asked.get("drip") or (each.terms.dripfeed and each.terms.type.can_drip))
        and (least is None or sold.rate(each) >= least)
        and (most is None or sold.rate(each) <= most)
    ]
    if asked.get("sort") == "name":
        return sorted(fitting, key=lambda offer: offer.name.casefold())
    if asked.get("sort") in SORTS:
        return sorted(fitting, key=sold.rate, reverse=asked["sort"] == "dearest")
    return fitting


@require_safe
@customer_page
def services(request: CustomerRequest) -> HttpResponse:
    """Lists what is on sale by `q` (words), `category`, `favourites` and what `narrowed` reads, beginning behind the
    service `after`."""
    sold, asked = storefront_of(request.customer), request.GET
    marked = favourites.of(request.customer.pk)
    category, after = text_input.number(asked.get("category", "")), text_input.number(asked.get("after", ""))
    only = marked if asked.get("favourites") else None
    fitting = narrowed(sold, sold.find(asked.get("q", ""), category, only), asked)
    start = next((place for place, each in enumerate(fitting, 1) if each.pk == after), 0)
    found, has_more = fitting[start : start + ROWS], len(fitting) > start + ROWS
    is_sorted = asked.get("sort") in SORTS
    query = asked.copy()
    query.pop("after", None)
    given = {
        "is_paused": sold.is_paused(request.now),
        "groups": [
            (name, list(rows))
            for name, rows in groupby(shown(found, sold, marked), lambda row: "" if is_sorted else row.offer.category)
        ],
        # Rows that are added below others go on under the heading that stands there.
        "heading_before": _category(sold, after) if request.htmx and not is_sorted else "",
        "found_count": len(fitting),
        "sorts": SORTS.items(),
        "sort": asked.get("sort", ""),
        "options": [(name, label, bool(asked.get(name))) for name, label in OPTIONS.items()],
        "limits": {name: asked.get(name, "")[:LONGEST_SEARCH] for name in ("least", "most")},
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
