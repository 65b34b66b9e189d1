"""Everybody's orders: found by whatever is known of them, and chosen to be changed together."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from sutler.accounts.models import Customer, User
from sutler.accounts.roles import Permission
from sutler.core.lifecycle import Status
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.text import text_input
from sutler.fulfilment.desk import order_search
from sutler.fulfilment.models import Provider
from sutler.office.orders.change import TARGETS
from sutler.orders import search
from sutler.orders.search import Filters
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page
from sutler.web.date_range import DaysForm
from sutler.web.templatetags.web import STATES

SLUGS = {each.lower().replace(" ", "-"): each for each in Status}


class CustomerField(forms.CharField):
    """A customer, by number, name or e-mail address; its value is the customer's id, or None."""

    def clean(self, value: Any) -> Any:
        """Returns the id of the one customer that is meant."""
        text = super().clean(value).strip()
        if not text:
            return None
        if (pk := text_input.number(text)) is not None:
            return pk
        people = User.objects.filter(customer__isnull=False, email__icontains=text)
        found = Customer.objects.filter(Q(name__icontains=text) | Q(pk__in=people.values("customer_id")))
        ids = list(found.order_by("pk").values_list("pk", flat=True)[:2])
        if len(ids) == 1:
            return ids[0]
        raise ValidationError(
            _("Several customers match. Enter the ID.") if ids else _("No customer found. Check the name, email or ID.")
        )


class FilterForm(DaysForm):
    """What the list is narrowed to; a field that cannot be read narrows nothing and says so."""

    q = forms.CharField(
        label=gettext_lazy("Order ID or link"),
        required=False,
        max_length=search.LONGEST_SEARCH,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        required=False,
        choices=[("", gettext_lazy("All")), *((slug, STATES[each][0]) for slug, each in SLUGS.items())],
    )
    customer = CustomerField(
        label=gettext_lazy("Customer"),
        required=False,
        max_length=200,
        widget=forms.TextInput({"placeholder": gettext_lazy("Name, email or ID"), "autocomplete": "off"}),
    )
    service = forms.IntegerField(
        label=gettext_lazy("Service ID"),
        required=False,
        min_value=1,
        max_value=LARGEST_NUMBER,
        widget=forms.NumberInput({"min": 1, "inputmode": "numeric"}),
    )
    provider = forms.TypedChoiceField(label=gettext_lazy("Provider"), required=False, coerce=int, empty_value=None)
    there = forms.CharField(label=gettext_lazy("Provider order ID"), required=False, max_length=64)
    field_order = ["q", "status", "customer", "service", "provider", "there", "first", "last"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [("", gettext_lazy("All")), *Provider.objects.order_by("name").values_list("pk", "name")]
        self.fields["provider"].choices = known  # type: ignore[attr-defined]

    def filters(self) -> Filters:
        """Returns what is asked for. The form has been validated."""
        given = self.cleaned_data
        status = SLUGS.get(given.get("status", ""))
        statuses = frozenset({status}) if status else frozenset()
        return Filters(statuses, given.get("service"), given.get("q", ""), self.since(), self.until())


@require_safe
@staff_page(Permission.SEE_ORDERS)
def orders(request: StaffRequest) -> HttpResponse:
    """Shows a page of the list, newest first, by `q`, `status`, `customer`, `service`, `provider`, `there`, dates."""
    form = FilterForm(request.GET)
    form.is_valid()
    asked, start = form.cleaned_data, paging.before(request)
    found = order_search.of_all(
        form.filters(),
        customer_id=asked.get("customer"),
        provider_id=asked.get("provider"),
        upstream_id=asked.get("there", "").strip(),
        before=start,
        limit=paging.ROWS,
    )
    given = {
        "form": form,
        "page": paging.page(found.orders, start, found.next_before),
        "is_narrowed": any(asked.values()) or bool(form.errors),
        "may_change": Permission.CHANGE_ORDERS in request.permissions,
        "targets": [(slug, target.words) for slug, target in TARGETS.items()],
    }
    return render(request, "office/orders.html", given)
