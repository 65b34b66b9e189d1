"""Many of a customer's orders at once: refills asked for, orders canceled, ids to copy. What is not done says why."""

from collections.abc import Callable, Mapping, Sequence

from django.contrib import messages
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sutler.core.lifecycle import REFILL_FINAL
from sutler.core.refusals import Refusal
from sutler.core.text import text_input
from sutler.orders import cancel, refill, search
from sutler.orders.hand_out import OPEN_CANCELS
from sutler.orders.models import CancelRequest, Order, Refill
from sutler.shop.history_text import NO_CANCEL, NO_REFILL
from sutler.shop.orders import MOST_AT_ONCE, FilterForm
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.selection import selected

Why = Mapping[int, str | Promise]


@require_POST
@customer_page
def orders_refill(request: CustomerRequest) -> HttpResponse:
    """Asks for refills of the orders selected, or of `one`."""
    done = _("Refills requested: %(count)s.")
    return _carry_out(
        request, lambda ids: refill.request_refills(request.customer.pk, ids, request.now), done, _no_refill
    )


@require_POST
@customer_page
def orders_cancel(request: CustomerRequest) -> HttpResponse:
    """Cancels the orders selected, or `one`, or asks whoever delivers them to stop."""
    done = _("Canceled or asked to cancel: %(count)s.")
    return _carry_out(
        request, lambda ids: cancel.request_cancels(request.customer.pk, ids, request.now), done, _no_cancel
    )


@require_POST
@customer_page
def orders_ids(request: CustomerRequest) -> HttpResponse:
    """Shows the ids of the orders selected, to copy."""
    ids = _selected_ids(request)
    return render(request, "shop/orders_ids.html", {"ids": ids}) if ids else _nothing_selected(request)


def _selected_ids(request: CustomerRequest) -> list[int]:
    if "one" in request.POST:
        values = [request.POST["one"]]
    else:
        selection = selected(request.POST, "orders", MOST_AT_ONCE)
        if selection.is_all_found:
            form = FilterForm(request.POST)
            form.is_valid()
            return search.ids_of_customer(request.customer.pk, form.filters(), MOST_AT_ONCE)
        values = selection.values
    asked = [pk for pk in map(text_input.number, values) if pk is not None]
    own = Order.objects.filter(customer_id=request.customer.pk, pk__in=asked)
    return list(own.order_by("-pk").values_list("pk", flat=True))


def _carry_out(
    request: CustomerRequest,
    verb: Callable[[Sequence[int]], Sequence[Refusal | int | None]],
    done: str,
    why: Callable[[CustomerRequest, Sequence[int]], Why],
) -> HttpResponse:
    """Calls the verb for the orders selected, in one transaction, and says what was done, and what was not and why."""
    ids = _selected_ids(request)
    if not ids:
        return _nothing_selected(request)
    try:
        answers = verb(ids)
    except (Busy, CommitUnclear):
        messages.error(
            request, _("Too many requests right now. Check the orders, and try again if nothing has changed.")
        )
        return _back(request)
    refused = [pk for pk, answer in zip(ids, answers, strict=True) if isinstance(answer, Refusal)]
    if len(refused) < len(ids):
        messages.success(request, done % {"count": len(ids) - len(refused)})
    by_reason: dict[str, list[int]] = {}
    for pk, words in why(request, refused).items():
        by_reason.setdefault(str(words), []).append(pk)
    for words, orders in by_reason.items():
        messages.warning(request, f"{words} ({', '.join(map(str, orders))})")
    return _back(request)


def _no_refill(request: CustomerRequest, ids: Sequence[int]) -> Why:
    is_open = Exists(Refill.objects.filter(order=OuterRef("pk")).exclude(status__in=REFILL_FINAL))
    orders = _own(request, ids).annotate(last_refill_at=Max("refills__finished_at"), is_open=is_open)
    found = {each.pk: refill.hindrance(each, each.last_refill_at, request.now, is_open=each.is_open) for each in orders}
    return {pk: NO_REFILL[found_why or refill.Hindrance.UNDER_WAY] for pk, found_why in found.items()}


def _no_cancel(request: CustomerRequest, ids: Sequence[int]) -> Why:
    is_open = Exists(CancelRequest.objects.filter(order=OuterRef("pk"), status__in=OPEN_CANCELS))
    orders = _own(request, ids).annotate(is_open=is_open)
    found = {each.pk: cancel.hindrance(each, is_open=each.is_open) for each in orders}
    return {pk: NO_CANCEL[found_why or cancel.Hindrance.UNDER_WAY] for pk, found_why in found.items()}


def _own(request: CustomerRequest, ids: Sequence[int]) -> QuerySet[Order]:
    own = Order.objects.filter(customer_id=request.customer.pk, pk__in=ids)
    return own.select_related("service").order_by("-pk")


def _nothing_selected(request: CustomerRequest) -> HttpResponse:
    messages.warning(request, _("Nothing selected. Select rows, the page, or all found."))
    return _back(request)


def _back(request: CustomerRequest) -> HttpResponse:
    asked = request.POST.get("back", "")
    is_ours = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return redirect(asked if is_ours else reverse("shop:orders"))
