"""A new order: the service is chosen, the fields of its type filled in, the price seen, and the order placed."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import replace_url

from sutler.catalogue import favourites
from sutler.catalogue.storefront import Offer, Storefront
from sutler.core import pricing
from sutler.core.clock import new_token
from sutler.core.order_types import ORDER_TYPES, pieces, read_number
from sutler.core.refusals import Reason, Refusal
from sutler.core.text import text_input
from sutler.orders import reorder
from sutler.orders.place import PlaceRequest, place
from sutler.shop.order_form import Choice, OrderForm, choose, counts
from sutler.shop.order_text import concerns, words
from sutler.shop.services import shown, storefront_of
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web.access import CustomerRequest, customer_page

_FIELDS = {each.name for order_type in ORDER_TYPES.values() for each in order_type.fields}
_LONGEST_ONCE = 64


@dataclass(frozen=True, slots=True)
class Price:
    """What the form asks for so far comes to; None while that cannot be told. `post_micros` are of each post."""

    pieces: int | None
    charge_micros: int | None
    post_micros: tuple[int, int] | None
    after_micros: int | None
    is_too_much: bool


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def order_new(request: CustomerRequest) -> HttpResponse:
    """Shows the form, for `service`, `again` (an order to ask for again) or as sent; `do` says what a POST is for.

    `choose` shows it for another service, `price` with its price, `place` places the order. The form's `once` makes of
    two sendings of the same form one order.
    """
    sold, marked = storefront_of(request.customer), favourites.of(request.customer.pk)
    if not sold.offers:
        return render(request, "shop/order_new.html", {"is_empty": True})
    given = request.POST.dict() if request.method == "POST" else _asked_by_address(request)
    choice = choose(sold, marked, given.get("category", ""), text_input.number(given.get("service", "")))
    assert choice.offer is not None  # noqa: S101 - there are offers
    given |= {"category": choice.category, "once": _once(given)}
    if request.POST.get("do") == "price" and request.htmx:
        return render(request, "shop/order_price.html", _priced(request, sold, choice.offer, given) | {"is_part": True})
    is_sold = given.get("service") == str(choice.offer.pk)
    given["service"] = str(choice.offer.pk)
    if request.POST.get("do") != "place":
        form = OrderForm(sold, choice, bool(marked), initial=given)
        return _shown(request, sold, choice, form, given)
    form = OrderForm(sold, choice, bool(marked), given)
    if not is_sold:
        form.add_error("service", _("This service is no longer available. Check the one selected now."))
    if form.is_valid():
        order_id = _place(request, form)
        if order_id:
            messages.success(request, _("Order %(id)s placed.") % {"id": order_id})
            return redirect("shop:order", order_id)
    return _shown(request, sold, choice, form, given)


def _asked_by_address(request: CustomerRequest) -> dict[str, str]:
    again = text_input.number(request.GET.get("again", ""))
    kept = reorder.form(request.customer.pk, again) if again else None
    return kept or request.GET.dict()


def _once(given: Mapping[str, str]) -> str:
    once = given.get("once", "")
    return once if once.isascii() and once.isalnum() and len(once) <= _LONGEST_ONCE else new_token()


def _place(request: CustomerRequest, form: OrderForm) -> int | None:
    """Places the order and returns its id, or says in the form why not."""
    asked = PlaceRequest(request.customer.pk, form.asked(), f"page:{form.cleaned_data['once']}")
    try:
        answer = place([asked], request.now)[0]
    except Busy:
        form.add_error(None, _("Too many requests right now. No orders were placed. Try again."))
        return None
    except CommitUnclear:
        form.add_error(
            None, _("We could not confirm whether the order was placed. Submit again: it is not placed twice.")
        )
        return None
    if not isinstance(answer, Refusal):
        return answer.order_id
    field = concerns(answer, form.offer.terms.type)
    form.add_error(field if field in form.fields else None, words(answer))
    if answer.reason is Reason.REQUEST_ID_REUSED:
        form.data = {**form.data, "once": new_token()}
    return None


def _shown(
    request: CustomerRequest, sold: Storefront, choice: Choice, form: OrderForm, given: Mapping[str, str]
) -> HttpResponse:
    offer = form.offer
    row = shown([offer], sold, set())[0]
    # What was typed for another type comes back with that type.
    kept = {name: text for name, text in given.items() if name in _FIELDS and name not in form.fields and text}
    more = {"form": form, "row": row, "offer": offer, "terms": offer.terms, "kept": kept.items()}
    more["is_paused"] = sold.is_paused(request.now)
    template = "shop/order_form.html" if request.htmx else "shop/order_new.html"
    answer = render(request, template, _priced(request, sold, offer, given) | more)
    return replace_url(answer, f"{reverse('shop:order_new')}?service={offer.pk}") if request.htmx else answer


def _priced(request: CustomerRequest, sold: Storefront, offer: Offer, given: Mapping[str, str]) -> dict[str, object]:
    counted = counts(offer, given)
    return {"price": _price(request, sold, offer, given), "counts": counted.items()}


def _price(request: CustomerRequest, sold: Storefront, offer: Offer, given: Mapping[str, str]) -> Price:
    order_type, rate, wallet = offer.terms.type, sold.rate(offer), request.customer.wallet
    least, most = (read_number(given.get(name, "")) for name in ("min", "max"))
    each_post = (pricing.charge(rate, least), pricing.charge(rate, most)) if least and most and least <= most else None
    asked = {name: text.strip() for name, text in given.items()}
    if not offer.terms.dripfeed:
        asked.pop("runs", None)
    count = pieces(order_type, asked)
    if count is None:
        return Price(None, None, each_post, None, is_too_much=False)
    charge = pricing.charge(rate, count, order_type.per)
    after = (wallet.balance_micros or 0) - charge
    return Price(count, charge, None, after, is_too_much=after + wallet.credit_limit_micros < 0)
