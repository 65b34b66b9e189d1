"""What a customer pays: the discount of their group, and rates of their own."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from sutler.accounts import audit_log, customers
from sutler.accounts.models import Customer, CustomerGroup
from sutler.accounts.roles import Permission
from sutler.catalogue import overrides, price_book
from sutler.core.money import show_rate
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.pricing import quoted_rate
from sutler.core.refusals import Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.office.customers.customer import find
from sutler.office.refusal_text import refuse
from sutler.web.access import StaffRequest, staff_page
from sutler.web.amount_field import AmountField


class GroupForm(forms.Form):
    """The group whose discount applies."""

    group = forms.ModelChoiceField(
        label=gettext_lazy("Group"),
        required=False,
        queryset=CustomerGroup.objects.order_by("name"),
        empty_label=gettext_lazy("None (list price)"),
    )


class RateForm(forms.Form):
    """A rate of their own for one service."""

    service = forms.IntegerField(label=gettext_lazy("Service ID"), min_value=1, max_value=LARGEST_NUMBER)
    rate = AmountField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        self.fields["rate"].label = _("Custom rate, %(currency)s") % {"currency": base}
        self.fields["rate"].help_text = _("Per 1,000, or per package.")


@require_safe
@staff_page(Permission.CUSTOMERS)
def customer_prices(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Shows group and own rates, with the forms to change them for who keeps the catalogue."""
    return _shown(request, find(customer_id))


@require_POST
@staff_page(Permission.CATALOGUE)
def customer_group(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Puts a customer into a group, or into none."""
    found, form = find(customer_id), GroupForm(request.POST)
    if not form.is_valid():
        return _shown(request, found, group_form=form)
    customers.set_group(found.pk, form.cleaned_data["group"], request.user, request.now)
    messages.success(request, _("Group saved. It applies to new orders."))
    return redirect("office:customer_prices", customer_id)


@require_POST
@staff_page(Permission.CATALOGUE)
def customer_rate_set(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Gives a customer a rate of their own for one service."""
    found, form = find(customer_id), RateForm(request.POST)
    if form.is_valid():
        refusal = _give(request, found, form.cleaned_data["service"], form.cleaned_data["rate"])
        if refusal is None:
            messages.success(request, _("Custom rate saved. It applies to new orders."))
            return redirect("office:customer_prices", customer_id)
        refuse(form, refusal, field="service")
    return _shown(request, found, rate_form=form)


def _shown(request: StaffRequest, found: Customer, **wrong: forms.Form) -> HttpResponse:
    """Shows the page; a form that was sent and is `wrong` in place of the empty one."""
    worth = price_book.current().exchange.get(found.currency)
    given = {
        "customer": found,
        "here": "prices",
        "may_change": Permission.CATALOGUE in request.permissions,
        "group_form": GroupForm(initial={"group": found.group_id}),
        "rate_form": RateForm(),
        "base": settings.SUTLER["SUTLER_BASE_CURRENCY"],
        "worth": worth,
        "rows": [
            (each, quoted_rate(each.rate_micros, 0, worth) if worth else None)
            for each in overrides.of_customer(found.pk)
        ],
    }
    return render(request, "office/customer_prices.html", given | wrong)


@require_POST
@staff_page(Permission.CATALOGUE)
def customer_rate_remove(request: StaffRequest, customer_id: int, service_id: int) -> HttpResponse:
    """Takes a rate of their own away: they pay what others pay."""
    with transaction.atomic():
        had = overrides.remove(customer_id, service_id)
        if had is not None:
            before = {"service": service_id, "rate": show_rate(had)}
            audit_log.write(
                request.user, "own rate removed", Subject(SubjectType.CUSTOMER, customer_id), request.now, before=before
            )
            messages.success(request, _("Custom rate removed. The customer pays the regular price."))
    return redirect("office:customer_prices", customer_id)


def _give(request: StaffRequest, found: Customer, service_id: int, rate_micros: int) -> Refusal | None:
    with transaction.atomic():
        had = overrides.put(found.pk, service_id, rate_micros)
        if isinstance(had, Refusal):
            return had
        before = {"service": service_id, "rate": show_rate(had)} if had else None
        after = {"service": service_id, "rate": show_rate(rate_micros)}
        subject = Subject(SubjectType.CUSTOMER, found.pk)
        audit_log.write(request.user, "own rate set", subject, request.now, before=before, after=after)
    return None
