"""Price lists: what the customers of a group pay for each service, and the rates of their own that some have."""

from django import forms
from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from sutler.accounts.models import CustomerGroup
from sutler.accounts.roles import Permission
from sutler.catalogue import price_book
from sutler.catalogue.models import Category, PriceOverride, Service
from sutler.core.pricing import quoted_rate
from sutler.core.text import text_input
from sutler.core.worth import Worth
from sutler.office.fields import search_field, show_percent
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page

ROWS = 50


class ListForm(forms.Form):
    """Whose prices, in which currency, of which services."""

    q = search_field(gettext_lazy("ID or name"))
    group = forms.ModelChoiceField(
        label=gettext_lazy("Customer group"),
        required=False,
        queryset=CustomerGroup.objects.order_by("name"),
        empty_label=gettext_lazy("No group"),
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), required=False)
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"), required=False, queryset=Category.objects, empty_label=gettext_lazy("All")
    )


@require_safe
@staff_page(Permission.CATALOGUE)
def prices(request: StaffRequest) -> HttpResponse:
    """Shows what customers of a group pay, in one currency."""
    form, base = ListForm(request.GET), settings.SUTLER["SUTLER_BASE_CURRENCY"]
    exchange = price_book.current().exchange
    codes = [base, *sorted(each for each in exchange if each != base)]
    form.fields["currency"].choices = [(each, each) for each in codes]  # type: ignore[attr-defined]
    wanted = form.cleaned_data if form.is_valid() else {}
    group, currency = wanted.get("group"), wanted.get("currency") or base
    discount = group.discount_basis_points if group else 0
    services = Service.objects.exclude(state=Service.State.HIDDEN).select_related("category")
    if wanted.get("category"):
        services = services.filter(category=wanted["category"])
    for word in (wanted.get("q") or "").split():
        services = services.filter(Q(name__icontains=word) | Q(pk=text_input.number(word)))
    page = paging.by_number(services, request, ROWS)
    given = {
        "form": form,
        "page": page,
        "rows": [(each, *_quoted(each, discount, exchange[currency])) for each in page.rows],
        "group": group,
        "discount": show_percent(discount),
        "base": base,
        "currency": currency,
        "is_narrowed": any(wanted.get(name) for name in ("q", "category")),
        "here": "prices",
    }
    return render(request, "office/prices_rows.html" if request.htmx else "office/prices.html", given)


@require_safe
@staff_page(Permission.CATALOGUE)
def prices_own(request: StaffRequest) -> HttpResponse:
    """Shows the customers' own rates, newest first."""
    found = PriceOverride.objects.select_related("customer", "service")
    page = paging.by_key(found, paging.before(request), ROWS)
    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    return render(request, "office/prices_own.html", {"page": page, "base": base, "here": "own"})


def _quoted(service: Service, discount: int, worth: Worth) -> tuple[int, bool]:
    """Returns what is paid, and whether that is the floor below which the service does not pay."""
    asked, floor = quoted_rate(service.rate_micros, discount, worth), service.floor_rate_micros
    least = quoted_rate(floor, 0, worth) if floor else 0
    return max(asked, least), least > asked
