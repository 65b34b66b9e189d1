"""A customer's money: the statement, adjustments with a dry run, and those that wait for a second person."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts.models import Customer
from sutler.accounts.roles import Permission
from sutler.books import adjustments, statement
from sutler.books.models import Adjustment
from sutler.core.refusals import Reason, Refusal
from sutler.office.customers.customer import find
from sutler.office.fields import SignedAmountField, reason_field
from sutler.office.refusal_text import Words, refuse, words
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page

KINDS = {
    statement.Kind.ORDER: gettext_lazy("Order"),
    statement.Kind.RETURN: gettext_lazy("Refunded"),
    statement.Kind.DEPOSIT: gettext_lazy("Payment"),
    statement.Kind.ADJUSTMENT: gettext_lazy("Adjustment"),
}
_NOT_ADJUSTED: dict[str | Reason, Words] = {
    "amount": gettext_lazy("Amount too large for the balance. Enter a smaller one."),
    Reason.MOVE_NOT_ALLOWED: gettext_lazy(
        "The balance was adjusted after you opened this page, perhaps by this form. Check the figures again."
    ),
}


class AdjustForm(forms.Form):
    """What is given or taken, and why."""

    amount = SignedAmountField(
        label=gettext_lazy("Amount"), help_text=gettext_lazy("Positive adds to the balance, negative deducts.")
    )
    reason = reason_field(help_text=gettext_lazy("The customer sees it in the statement."))
    last_id = forms.IntegerField(required=False, widget=forms.HiddenInput)


class RejectForm(forms.Form):
    """Why an adjustment is not carried out."""

    reason = reason_field()


@require_safe
@staff_page(Permission.CUSTOMERS)
def customer_statement(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Shows every transfer of the wallet with the balance after it."""
    found = find(customer_id)
    start = paging.before(request)
    told = statement.page(found.pk, before=start, limit=paging.ROWS)
    rows = [(each, KINDS[each.kind]) for each in told.entries]
    given = {"customer": found, "here": "statement", "page": paging.page(rows, start, told.next_before)}
    return render(request, "office/customer_statement.html", given)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.ADJUST_BALANCE)
def customer_adjust(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Shows the balance; a POST shows what an adjustment would do to it."""
    return _previewed(request, find(customer_id), AdjustForm(request.POST if request.method == "POST" else None))


@require_POST
@staff_page(Permission.ADJUST_BALANCE)
def customer_adjust_apply(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Adjusts the balance, or asks a second person to confirm it."""
    found, form = find(customer_id), AdjustForm(request.POST)
    if form.is_valid() and _adjust(request, found, form) is not None:
        return redirect("office:customer_statement", customer_id)
    return _previewed(request, found, form)


def _previewed(request: StaffRequest, found: Customer, form: AdjustForm) -> HttpResponse:
    given: dict[str, Any] = {"customer": found, "here": "adjust", "form": form}
    given |= {"limit": settings.SUTLER["SUTLER_ADJUSTMENT_LIMIT"], "base": settings.SUTLER["SUTLER_BASE_CURRENCY"]}
    if form.is_bound and not {"amount", "reason"} & form.errors.keys():
        amount = form.cleaned_data["amount"]
        outlook = adjustments.preview(found.pk, amount, request.user, request.now)
        if not isinstance(outlook, Refusal):
            form.data = {**request.POST.dict(), "last_id": str(outlook.last_id)}
            given |= {"outlook": outlook, "amount_micros": amount}
        elif not form.errors:
            refuse(form, outlook, _NOT_ADJUSTED, field="amount")
    return render(request, "office/customer_adjust.html", given)


def _adjust(request: StaffRequest, found: Customer, form: AdjustForm) -> Adjustment | None:
    """Adjusts and says so, or says in the form why not."""
    asked = form.cleaned_data
    made = adjustments.adjust(
        found.pk, asked["amount"], asked["reason"], request.user, request.now, last_id=asked["last_id"] or 0
    )
    if isinstance(made, Refusal):
        refuse(form, made, _NOT_ADJUSTED, field=None if made.reason is Reason.MOVE_NOT_ALLOWED else "amount")
        return None
    if made.state == Adjustment.State.WAITING:
        messages.warning(request, _("The adjustment awaits confirmation by a second person."))
    else:
        messages.success(request, _("Balance adjusted."))
    return made


@require_safe
@staff_page(Permission.ADJUST_BALANCE)
def adjustments_waiting(request: StaffRequest) -> HttpResponse:
    """Shows the adjustments that wait for a second person."""
    return _waiting(request, None, 0)


@require_POST
@staff_page(Permission.ADJUST_BALANCE)
def adjustment_confirm(request: StaffRequest, adjustment_id: int) -> HttpResponse:
    """Carries out an adjustment that somebody else has asked for."""
    balance = adjustments.confirm(adjustment_id, request.user, request.now)
    if isinstance(balance, Refusal):
        messages.error(request, words(balance))
    else:
        messages.success(request, _("Adjustment confirmed and applied."))
    return redirect("office:adjustments")


@require_POST
@staff_page(Permission.ADJUST_BALANCE)
def adjustment_reject(request: StaffRequest, adjustment_id: int) -> HttpResponse:
    """Drops an adjustment, for a reason."""
    form = RejectForm(request.POST)
    if not form.is_valid():
        return _waiting(request, form, adjustment_id)
    refusal = adjustments.reject(adjustment_id, form.cleaned_data["reason"], request.user, request.now)
    if refusal is not None:
        messages.error(request, words(refusal))
    else:
        messages.success(request, _("Adjustment discarded."))
    return redirect("office:adjustments")


def _waiting(request: StaffRequest, wrong: RejectForm | None, wrong_id: int) -> HttpResponse:
    """Shows the list; each has its own form to drop it, that of `wrong_id` with what is wrong with it."""
    rows = [
        (each, wrong if wrong and each.pk == wrong_id else RejectForm(auto_id=f"id_{each.pk}_%s"))
        for each in adjustments.waiting()
    ]
    return render(request, "office/adjustments.html", {"rows": rows})
