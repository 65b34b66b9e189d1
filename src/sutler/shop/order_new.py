"""A new order: the service is chosen, the fields of its type filled in, the price seen, and the order placed."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import replace_url

from sutler.catalogue import favourites
from sutler.catalogue.storefront import Offer, Storefront
from sutler.core import pricing
from sutler.core.clock import new_token
from sutler.core.order_types import ORDER_TYPES, pieces, read_number
from sutler.core.refusals import Reason, Refusal
from sutler.core.text import text_input
from sutler.orders import quick_search, reorder
from sutler.orders.place import PlaceRequest, place
from sutler.shop.order_find import hits
from sutler.shop.order_form import Choice, OrderForm, choose, counts, impossible
from sutler.shop.order_text import FIELDS, concerns, words
from sutler.shop.services import shown, storefront_of
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web.access import CustomerRequest, customer_page

_FIELDS = {each.name for order_type in ORDER_TYPES.values() for each in order_type.fields}
_LONGEST_ONCE = 64
# What the form's search sends where there is no script to send it.
_SEARCHES = {"search", "among"}


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
    """Shows the form, for `service` or `again` (an order to ask for again); a POST shows it as sent, for what it
    chooses and with its price."""
    draft = _draft(request)
    if draft is None:
        return _empty(request)
    return _shown(request, draft, OrderForm(draft.sold, draft.choice, bool(draft.marked), initial=draft.given))


@require_POST
@customer_page
def order_price(request: CustomerRequest) -> HttpResponse:
    """Answers the part of the page that shows what the form comes to so far."""
    draft = _draft(request)
    if draft is None:
        return _empty(request)
    return render(request, "shop/order_price.html", _priced(request, draft) | {"is_part": True})


@require_POST
@customer_page
def order_place(request: CustomerRequest) -> HttpResponse:
    """Places the order. The form's `once` makes of two sendings of the same form one order."""
    draft = _draft(request)
    if draft is None:
        return _empty(request)
    if request.POST.get("by_enter") and draft.given.get("find"):  # Enter in the search looks for services
        draft.given["search"] = "1"
        return _shown(request, draft, OrderForm(draft.sold, draft.choice, bool(draft.marked), initial=draft.given))
    form = OrderForm(draft.sold, draft.choice, bool(draft.marked), draft.given)
    if request.POST.get("service") != str(draft.offer.pk):
        form.add_error("service", _("This service is no longer available. Check the one selected now."))
    if form.is_valid():
        order_id = _place(request, form)
        if order_id:
            messages.success(request, _("Order %(id)s placed.") % {"id": order_id})
            return redirect("shop:order", order_id)
    return _shown(request, draft, form)


@dataclass(frozen=True, slots=True)
class Draft:
    """The form as far as it is filled in: what is sold, what is chosen of it, and the fields as `given`."""

    sold: Storefront
    choice: Choice
    offer: Offer
    marked: set[int]
    given: dict[str, str]


def _draft(request: CustomerRequest) -> Draft | None:
    """Returns what the form or the address asks for; None if nothing is sold."""
    sold, marked = storefront_of(request.customer), favourites.of(request.customer.pk)
    given = request.POST.dict() if request.method == "POST" else _asked_by_address(request)
    if given.get("pick"):
        given |= {"service": given["pick"], "category": "", "find": ""}
    choice = choose(sold, marked, given.get("category", ""), text_input.number(given.get("service", "")))
    if choice.offer is None:
        return None
    given |= {"category": choice.category, "once": _once(given), "service": str(choice.offer.pk)}
    return Draft(sold, choice, choice.offer, marked, given)


def _empty(request: CustomerRequest) -> HttpResponse:
    return render(request, "shop/order_new.html", {"is_empty": True})


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


def _shown(request: CustomerRequest, draft: Draft, form: OrderForm) -> HttpResponse:
    offer = form.offer
    row = shown([offer], draft.sold, set())[0]
    # What was typed for another type comes back with that type.
    kept = {name: text for name, text in draft.given.items() if name in _FIELDS and name not in form.fields and text}
    more = {"form": form, "row": row, "offer": offer, "terms": offer.terms, "kept": kept.items()}
    more |= {
        "is_paused": draft.sold.is_paused(request.now),
        "finds": hits(request, draft.sold, draft.marked, draft.given) if draft.given.keys() & _SEARCHES else {},
    }
    template = "shop/order_form.html" if request.htmx else "shop/order_new.html"
    answer = render(request, template, _priced(request, draft) | more)
    return replace_url(answer, f"{reverse('shop:order_new')}?service={offer.pk}") if request.htmx else answer


def _priced(request: CustomerRequest, draft: Draft) -> dict[str, object]:
    """What it comes to, what cannot be ordered like this, when the link was ordered before: as far as it is typed."""
    offer, given = draft.offer, draft.given
    refusals = impossible(offer, given)
    link = given.get("link", "").strip()
    is_priced = all(each.field == "link" for each in refusals)
    return {
        "price": _price(request, draft.sold, offer, given)
        if is_priced
        else Price(None, None, None, None, is_too_much=False),
        "counts": counts(offer, given).items(),
        "faults": [(_label(each, offer), words(each)) for each in refusals],
        "same_link": quick_search.same_link_at(request.customer.pk, link) if link else None,
    }


def _label(refusal: Refusal, offer: Offer) -> str:
    named = FIELDS.get(concerns(refusal, offer.terms.type) or "")
    return str(named.label) if named else ""


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
