"""Adding funds: a method and an amount are chosen; then a gateway takes over, or instructions say how to pay."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.core.clock import new_token
from sutler.core.refusals import Reason, Refusal
from sutler.payments import checkouts, funds, methods
from sutler.payments.gateways.shape import Failure
from sutler.payments.models import Checkout, FundsRequest, Method
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web import paging
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.amount_field import AmountField
from sutler.web.panel_url import panel_url
from sutler.web.templatetags.web import amount

# The word and the colour of each state of a request.
STATES: Mapping[str, tuple[str | Promise, str]] = {
    FundsRequest.State.WAITING: (gettext_lazy("Waiting"), "note"),
    FundsRequest.State.CONFIRMED: (gettext_lazy("Credited"), "good"),
    FundsRequest.State.REJECTED: (gettext_lazy("Rejected"), "bad"),
    FundsRequest.State.WITHDRAWN: (gettext_lazy("Withdrawn"), ""),
    FundsRequest.State.EXPIRED: (gettext_lazy("Expired"), ""),
}


class AddForm(forms.Form):
    """A method, an amount, and what staff should know of the payment."""

    method = forms.ChoiceField(label=gettext_lazy("Payment method"), widget=forms.RadioSelect)
    amount = AmountField(label=gettext_lazy("Amount"))
    note = forms.CharField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy(
            "Anything that helps us find your payment, such as the sender's name or a transaction ID."
        ),
        required=False,
        max_length=funds.LONGEST_NOTE,
    )

    def __init__(self, offered: Sequence[Method], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(each.pk), terms(each)) for each in offered]
        self.fields["method"].choices = choices  # type: ignore[attr-defined]
        if len(offered) == 1:
            self.fields["method"].initial = choices[0][0]
        self.offered = {str(each.pk): each for each in offered}


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def funds_add(request: CustomerRequest) -> HttpResponse:
    """Shows the form and the requests made before; a POST makes a request and leads to its instructions."""
    offered = methods.offered(request.customer.currency)
    form = AddForm(offered, request.POST if request.method == "POST" else None)
    if form.is_valid():
        asked = _ask(request, form)
        if asked is not None and asked.method.kind:
            return _go_to_gateway(request, asked.pk)
        if asked is not None:
            return redirect("shop:funds_request", asked.pk)
    start = paging.before(request)
    made = funds.of_customer(request.customer.pk, before=start, limit=paging.ROWS + 1)
    rows = [(each, *STATES[each.state]) for each in made[: paging.ROWS]]
    following = rows[-1][0].pk if len(made) > paging.ROWS else None
    given = {"form": form, "offered": offered, "page": paging.page(rows, start, following)}
    return render(request, "shop/funds_add.html", given)


@require_safe
@customer_page
def funds_request(request: CustomerRequest, request_id: int) -> HttpResponse:
    """Shows a request: while it waits, what to do and which reference to quote."""
    asked = funds.get(request.customer.pk, request_id)
    if asked is None:
        raise Http404
    words, colour = STATES[asked.state]
    is_waiting = asked.state == FundsRequest.State.WAITING
    checkout = getattr(asked, "checkout", None)
    given = {
        "asked": asked,
        "checkout": checkout,
        "state_words": words,
        "state_colour": colour,
        "is_waiting": is_waiting,
        "can_pay": is_waiting and checkout is not None and request.now <= checkout.expires_at,
    }
    return render(request, "shop/funds_request.html", given)


@require_POST
@customer_page
def funds_transaction(request: CustomerRequest, request_id: int) -> HttpResponse:
    """Keeps the transaction ID of a payment that staff confirm."""
    try:
        refusal = funds.name_transaction(request.customer.pk, request_id, request.POST.get("transaction_id", ""))
    except (Busy, CommitUnclear):
        messages.error(request, _("Too many requests right now. Check the payment, then try again."))
        return redirect("shop:funds_request", request_id)
    if refusal is None:
        messages.success(request, _("Transaction ID saved."))
    elif refusal.reason is Reason.NOT_FOUND:
        raise Http404
    elif refusal.reason is Reason.INCORRECT_FIELD:
        messages.error(request, _("Invalid transaction ID. Use up to 100 characters in one line."))
    else:
        messages.error(request, _("This payment request was already processed. See the result below."))
    return redirect("shop:funds_request", request_id)


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def funds_pay(request: CustomerRequest, request_id: int) -> HttpResponse:
    """Leads to the gateway's page; a POST tells the gateway of the payment first, where that failed before."""
    if request.method == "POST":
        return _go_to_gateway(request, request_id)
    asked = funds.get(request.customer.pk, request_id)
    checkout = getattr(asked, "checkout", None)
    if asked is None or checkout is None:
        raise Http404
    if asked.state != FundsRequest.State.WAITING or not checkout.page_url or request.now > checkout.expires_at:
        return redirect("shop:funds_request", request_id)
    answer = render(request, "shop/funds_pay.html", {"asked": asked, "checkout": checkout})
    # Not a redirect: the page's policy lets no form lead away from the panel, and browsers follow it to the last stop.
    answer.headers["Refresh"] = f"0;url={checkout.page_url}"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _go_to_gateway(request: CustomerRequest, request_id: int) -> HttpResponse:
    def of_request(pk: int) -> str:
        return panel_url(request) + reverse("shop:funds_request", args=[pk])

    def of_notices(public_id: str) -> str:
        return panel_url(request) + reverse("payment_notice", args=[public_id])

    addresses = checkouts.Addresses(of_request, of_notices)
    try:
        answer = checkouts.begin(request.customer.pk, request_id, addresses, request.now)
    except (Busy, CommitUnclear):
        messages.error(request, _("Too many requests right now. Check the payment, then try again."))
        return redirect("shop:funds_request", request_id)
    if isinstance(answer, Refusal) and answer.reason is Reason.NOT_FOUND:
        raise Http404
    if isinstance(answer, Failure):
        messages.error(request, _("The payment service does not answer. Nothing was charged. Please try again."))
    elif isinstance(answer, Checkout) and answer.page_url:
        return redirect("shop:funds_pay", request_id)
    return redirect("shop:funds_request", request_id)


@require_POST
@customer_page
def funds_withdraw(request: CustomerRequest, request_id: int) -> HttpResponse:
    """Takes a waiting request back."""
    try:
        refusal = funds.withdraw(request.customer.pk, request_id, request.now)
    except (Busy, CommitUnclear):
        messages.error(
            request, _("Too many requests right now. Check the payment request, and try again if it is still pending.")
        )
        return redirect("shop:funds_request", request_id)
    if refusal is None:
        messages.success(request, _("Payment request withdrawn."))
        return redirect("shop:funds_add")
    if refusal.reason is Reason.NOT_FOUND:
        raise Http404
    messages.error(request, _("This payment request was already processed. See the result below."))
    return redirect("shop:funds_request", request_id)


def terms(method: Method) -> str:
    """Returns a method's name and terms in one line: what it takes, what it keeps and what it gives."""
    least, most = amount(method.min_micros), amount(method.max_micros)
    parts = [method.name, f"{least}–{most} {method.currency}"]
    if method.fee_basis_points:
        parts.append(_("fee %(percent)s%%") % {"percent": _percent(method.fee_basis_points)})
    if method.bonus_basis_points:
        parts.append(_("bonus %(percent)s%%") % {"percent": _percent(method.bonus_basis_points)})
    return " · ".join(parts)


def _percent(basis_points: int) -> str:
    return amount(basis_points * 10_000).rstrip("0").rstrip(".,")


def _ask(request: CustomerRequest, form: AddForm) -> FundsRequest | None:
    """Makes the request, or says in the form why not."""
    given = form.cleaned_data
    method = form.offered[given["method"]]
    try:
        if method.kind:
            answer = checkouts.open_(
                request.customer.pk, method.pk, given["amount"], request.user, new_token(), request.now
            )
        else:
            answer = funds.ask(
                request.customer.pk, method.pk, given["amount"], given["note"], request.user, request.now
            )
    except (Busy, CommitUnclear):
        form.add_error(None, _("Too many requests right now. If your payment request is not listed below, try again."))
        return None
    if not isinstance(answer, Refusal):
        return answer
    if answer.reason is Reason.TOO_MANY_REQUESTS:
        form.add_error(
            None,
            _("You have 10 pending payment requests, the most allowed. Withdraw one, or wait until we process them."),
        )
        return None
    form.add_error(answer.field if answer.field in form.fields else None, _why(answer, method, given["amount"]))
    return None


def _why(refusal: Refusal, method: Method, amount_micros: int) -> str:
    if refusal.field == "amount" and method.min_micros <= amount_micros <= method.max_micros:
        return _("This method takes whole amounts of its currency's smallest unit.")
    if refusal.field == "amount":
        return _("Invalid amount for this method. Enter %(min)s to %(max)s %(currency)s.") % {
            "min": amount(method.min_micros),
            "max": amount(method.max_micros),
            "currency": method.currency,
        }
    if refusal.field == "method":
        return _("This payment method is no longer available. Select another.")
    return _("Invalid value. Correct it and try again.")
