"""One customer: who they are, their money, orders and tickets, and what staff change of them."""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts import audit_log, customers
from sutler.accounts.models import Customer
from sutler.accounts.roles import Permission
from sutler.books import figures
from sutler.books.credit_limits import set_limit
from sutler.books.models import Adjustment
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.office.fields import LimitField, reason_field
from sutler.office.refusal_text import Words, refuse
from sutler.orders import search
from sutler.orders.models import ACTIVE, Order
from sutler.support import tickets
from sutler.support.models import Ticket
from sutler.web.access import StaffRequest, staff_page
from sutler.web.sign_in import impersonation

DAYS, LAST, MOST_COUNTED = 30, 8, 1000


class StateForm(forms.Form):
    """Why a customer is suspended or resumed."""

    reason = reason_field(help_text=gettext_lazy("Saved in the audit log. The customer does not see it."))


class EditForm(forms.Form):
    """What staff say of a customer. The credit limit is for who may adjust balances."""

    name = forms.CharField(label=gettext_lazy("Name or company"), max_length=customers.LONGEST_NAME)
    country = forms.CharField(
        label=gettext_lazy("Country"),
        required=False,
        max_length=2,
        help_text=gettext_lazy("Two letters, like DE. Some services are not available in some countries."),
    )
    credit_limit = LimitField(
        label=gettext_lazy("Credit limit"), help_text=gettext_lazy("How far the balance may go below zero.")
    )
    repeat_window_seconds = forms.IntegerField(
        label=gettext_lazy("Repeat window (seconds)"),
        min_value=0,
        max_value=customers.LONGEST_REPEAT_WINDOW_SECONDS,
        help_text=gettext_lazy("An identical order within this time returns the first one. 0: off."),
    )
    integer_services = forms.BooleanField(label=gettext_lazy("Service IDs as numbers in the API"), required=False)
    null_start_count = forms.BooleanField(label=gettext_lazy("Unknown start count as null in the API"), required=False)

    def __init__(self, customer: Customer, may_adjust: bool, data: Any = None) -> None:
        kept = {name: getattr(customer, name) for name in self.base_fields if name != "credit_limit"}
        kept["credit_limit"] = customer.wallet.credit_limit_micros
        super().__init__(data, initial=kept)
        self.fields["credit_limit"].label = _("Credit limit, %(currency)s") % {"currency": customer.currency}
        if not may_adjust:
            del self.fields["credit_limit"]


def find(customer_id: int) -> Customer:
    """Returns a customer with wallet and group. Raises Http404 if there is no such one."""
    found = Customer.objects.select_related("wallet", "group").filter(pk=customer_id).first()
    if found is None:
        raise Http404
    return found


@require_safe
@staff_page(Permission.CUSTOMERS)
def customer(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Shows the customer's facts, last orders and last tickets."""
    found = find(customer_id)
    today = request.now.astimezone(UTC).date()
    spent = sum(day.spent_micros for day in figures.of_customer(found.pk, today - timedelta(days=DAYS - 1), today))
    is_open = Order.objects.filter(customer=found, status__in=ACTIVE)
    open_tickets = Ticket.objects.filter(customer=found).exclude(state=Ticket.State.CLOSED)
    given = {
        "customer": found,
        "here": "customer",
        "spent_micros": spent,
        "days": DAYS,
        "open_count": is_open[:MOST_COUNTED].count(),
        "most_counted": MOST_COUNTED,
        "ticket_count": open_tickets[:MOST_COUNTED].count(),
        "last_orders": search.of_customer(found.pk, search.Filters(), limit=LAST).orders,
        "last_tickets": tickets.of_customer(found.pk, limit=5),
        "may_sign_in": Permission.SIGN_IN_AS in request.permissions,
    }
    return render(request, "office/customer.html", given)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CUSTOMERS)
def customer_edit(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Changes name, country, credit limit and how the customer's programs are answered."""
    found = find(customer_id)
    may_adjust = Permission.ADJUST_BALANCE in request.permissions
    form = EditForm(found, may_adjust, request.POST if request.method == "POST" else None)
    if form.is_valid():
        outcome = _change(request, found, dict(form.cleaned_data))
        if not isinstance(outcome, Refusal):
            messages.success(request, _("Changes saved."))
            if outcome is not None:
                messages.warning(request, _("The credit limit awaits confirmation by a second person."))
            return redirect("office:customer_edit", customer_id)
        refuse(form, outcome, _NOT_SAVED)
    return render(
        request, "office/customer_edit.html", {"customer": found, "here": "edit", "form": form, "state": StateForm()}
    )


_NOT_SAVED: dict[str | Reason, Words] = {
    "country": gettext_lazy("Invalid country code. Use two letters, like DE."),
    "credit_limit": gettext_lazy(
        "Invalid credit limit. It must cover what the customer already owes and must not be too large."
    ),
}


def _change(request: StaffRequest, found: Customer, given: dict[str, Any]) -> Adjustment | Refusal | None:
    limit = given.pop("credit_limit", None)
    with transaction.atomic():
        outcome: Adjustment | Refusal | None = customers.change(
            found.pk, customers.Draft(**given), request.user, request.now
        )
        if outcome is None and limit is not None:
            outcome = set_limit(found.pk, limit, request.user, request.now)
        if isinstance(outcome, Refusal):
            transaction.set_rollback(True)
    return outcome


@require_POST
@staff_page(Permission.CUSTOMERS)
def customer_suspend(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Suspends a customer, for a reason: no new orders."""
    return _set_state(request, customer_id, customers.suspend, _("%(name)s suspended."))


@require_POST
@staff_page(Permission.CUSTOMERS)
def customer_resume(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Lets a suspended customer order again, for a reason."""
    return _set_state(request, customer_id, customers.resume, _("%(name)s reactivated."))


def _set_state(request: StaffRequest, customer_id: int, verb: Callable[..., Any], success: str) -> HttpResponse:
    found, form = find(customer_id), StateForm(request.POST)
    if not form.is_valid():
        may_adjust = Permission.ADJUST_BALANCE in request.permissions
        given = {"customer": found, "here": "edit", "form": EditForm(found, may_adjust), "state": form}
        return render(request, "office/customer_edit.html", given)
    verb(found.pk, request.now, reason=form.cleaned_data["reason"], actor=request.user)
    messages.success(request, success % {"name": found.name})
    return redirect("office:customer_edit", customer_id)


@require_POST
@staff_page(Permission.SIGN_IN_AS)
def customer_sign_in(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Shows the shop as the customer sees it, until the banner's button ends it."""
    found = find(customer_id)
    audit_log.write(request.user, "signed in as", Subject(SubjectType.CUSTOMER, found.pk), request.now)
    impersonation.start(request, found)
    return redirect("shop:dashboard")
