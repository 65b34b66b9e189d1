"""Customers: found by name, address or number, and opened."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from sutler.accounts import audit_log, customers
from sutler.accounts.models import Customer, CustomerGroup, User
from sutler.accounts.roles import Permission
from sutler.books.post import open_wallet
from sutler.catalogue import exchange_rates
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text import text_input
from sutler.office.refusal_text import Words, refuse
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page
from sutler.web.sign_in.invitations import invite

LONGEST_SEARCH = 200
NOT_INVITED: dict[str | Reason, Words] = {
    "email": gettext_lazy("Invalid email address, or it already has a login. Use another."),
    Reason.MOVE_NOT_ALLOWED: gettext_lazy("This person has already signed in, or was deactivated."),
}


class FilterForm(forms.Form):
    """What the list is narrowed to."""

    q = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=LONGEST_SEARCH)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("All")), ("active", gettext_lazy("Active")), ("off", gettext_lazy("Suspended"))],
    )
    group = forms.ModelChoiceField(
        label=gettext_lazy("Group"),
        required=False,
        queryset=CustomerGroup.objects.order_by("name"),
        empty_label=gettext_lazy("All"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget = forms.TextInput(
            {"type": "search", "placeholder": _("Name, email or ID"), "autocomplete": "off"}
        )


class NewForm(forms.Form):
    """A new customer: who, in which currency, and the first person who signs in."""

    name = forms.CharField(label=gettext_lazy("Name or company"), max_length=customers.LONGEST_NAME)
    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"),
        help_text=gettext_lazy("Used for the balance and all prices. It cannot be changed later."),
    )
    group = forms.ModelChoiceField(
        label=gettext_lazy("Group"),
        required=False,
        queryset=CustomerGroup.objects.order_by("name"),
        empty_label=gettext_lazy("None"),
    )
    email = forms.CharField(
        label=gettext_lazy("Email address"),
        required=False,
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "off"}),
        help_text=gettext_lazy("An invitation to set a password is sent here. Leave empty for API access only."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        known = [base, *(each.currency for each in exchange_rates.rates())]
        self.fields["currency"].choices = [(each, each) for each in known]  # type: ignore[attr-defined]


@require_safe
@staff_page(Permission.CUSTOMERS)
def customers_list(request: StaffRequest) -> HttpResponse:
    """Shows customers, the newest first, narrowed by `q`, `state` and `group`."""
    form = FilterForm(request.GET)
    form.is_valid()
    page = paging.by_key(_found(form.cleaned_data), paging.before(request))
    is_narrowed = any(form.cleaned_data.values())
    given = {"form": form, "page": page, "is_narrowed": is_narrowed}
    return render(request, "office/customers_rows.html" if request.htmx else "office/customers.html", given)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CUSTOMERS)
def customer_new(request: StaffRequest) -> HttpResponse:
    """Opens a customer's account with an empty wallet, and invites who is to sign in."""
    form = NewForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = _open(request, form)
        if not isinstance(made, Refusal):
            messages.success(request, _("Customer %(name)s created.") % {"name": made.name})
            return redirect("office:customer", made.pk)
        refuse(form, made, NOT_INVITED)
    return render(request, "office/customer_new.html", {"form": form})


def _open(request: StaffRequest, form: NewForm) -> Customer | Refusal:
    given = form.cleaned_data
    with transaction.atomic():
        made = customers.create(" ".join(given["name"].split()), given["currency"], request.now, given["group"])
        open_wallet(made.pk, made.currency)
        after = {"name": made.name, "currency": made.currency}
        audit_log.write(
            request.user, "customer opened", Subject(SubjectType.CUSTOMER, made.pk), request.now, after=after
        )
        if given["email"]:
            person = _invited(request, given["email"], made)
            if isinstance(person, Refusal):
                transaction.set_rollback(True)
                return person
        return made


def _invited(request: StaffRequest, email: str, holder: Customer) -> User | Refusal:
    return invite(request, email, "", request.user, request.now, holder=holder)


def _found(asked: dict[str, Any]) -> QuerySet[Customer]:
    """Returns the customers that were asked for, with what a row shows."""
    found = Customer.objects.select_related("wallet", "group").prefetch_related("people")
    text = asked.get("q", "").strip()
    if (pk := text_input.number(text)) is not None:
        found = found.filter(pk=pk)
    elif text:
        people = User.objects.filter(customer__isnull=False, email__icontains=text)
        found = found.filter(Q(name__icontains=text) | Q(pk__in=people.values("customer_id")))
    if asked.get("state"):
        found = found.filter(suspended_at__isnull=asked["state"] == "active")
    return found.filter(group=asked["group"]) if asked.get("group") else found
