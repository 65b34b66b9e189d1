"""Services: found, put into order, taken in from a file."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from sutler.accounts import audit_log
from sutler.accounts.roles import Permission
from sutler.catalogue import sorting
from sutler.catalogue.models import Category, Service
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text import text_input
from sutler.fulfilment.models import Route
from sutler.office.audited_actions import numbers
from sutler.office.fields import search_field
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page

ROWS = 50
STATES: Mapping[str, tuple[Any, str]] = {
    Service.State.ACTIVE: (pgettext_lazy("service", "Active"), "good"),
    Service.State.PAUSED: (gettext_lazy("Paused"), "warn"),
    Service.State.HIDDEN: (gettext_lazy("Hidden"), ""),
}
STATE_CHOICES = [(str(state), words) for state, (words, _) in STATES.items()]


class FilterForm(forms.Form):
    """What the list is narrowed to."""

    q = search_field(gettext_lazy("ID, name or category"))
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"), required=False, queryset=Category.objects, empty_label=gettext_lazy("All")
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("All")), *STATE_CHOICES]
    )
    routed = forms.ChoiceField(
        label=gettext_lazy("Delivered by"),
        required=False,
        choices=[
            ("", gettext_lazy("All")),
            ("yes", gettext_lazy("Provider")),
            ("no", gettext_lazy("Manual")),
        ],
    )


def found_by(asked: QueryDict) -> tuple[FilterForm, QuerySet[Service]]:
    """Returns the filters of a query string, and the services that they leave, in the catalogue's order."""
    form = FilterForm(asked)
    wanted = form.cleaned_data if form.is_valid() else {}
    services = Service.objects.select_related("category").order_by("category__position", "category", "position", "pk")
    for word in (wanted.get("q") or "").split():
        about = Q(name__icontains=word) | Q(category__name__icontains=word)
        services = services.filter(about | Q(pk=text_input.number(word)))
    if wanted.get("category"):
        services = services.filter(category=wanted["category"])
    if wanted.get("state"):
        services = services.filter(state=wanted["state"])
    if wanted.get("routed"):
        on = Exists(Route.objects.filter(service=OuterRef("pk"), is_on=True))
        services = services.filter(on if wanted["routed"] == "yes" else ~on)
    return form, services


@require_safe
@staff_page(Permission.CATALOGUE)
def services_list(request: StaffRequest) -> HttpResponse:
    """Lists services by `q`, `category`, `state` and `routed`; those of one category may be put into another order."""
    form, services = found_by(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    on = Count("routes", filter=Q(routes__is_on=True))
    first = Route.objects.filter(service=OuterRef("pk"), is_on=True).order_by("preference", "pk")
    counted = services.annotate(
        route_count=Count("routes"),
        on_count=on,
        first_provider=Subquery(first.values("upstream_service__provider__name")[:1]),
    )
    page = paging.by_number(counted, request, ROWS)
    query = request.GET.copy()
    query.pop("page", None)
    is_narrowed = any(wanted.values())
    given = {
        "form": form,
        "page": page,
        "found": services.count(),
        "rows": [(each, *STATES[each.state]) for each in page.rows],
        "base": settings.SUTLER["SUTLER_BASE_CURRENCY"],
        "is_narrowed": is_narrowed,
        "query": query.urlencode(),
        # An order can be given where every row of the category is in sight, or at least its neighbours.
        "arranged": wanted.get("category")
        if not any(value for name, value in wanted.items() if name != "category")
        else None,
        "here": "services",
    }
    return render(request, "office/services_rows.html" if request.htmx else "office/services.html", given)


@require_POST
@staff_page(Permission.CATALOGUE)
def services_order(request: StaffRequest, category_id: int) -> HttpResponse:
    """Puts services of a category into the order `ids`, or moves one a place `up` or `down`."""
    category = Category.objects.filter(pk=category_id).first()
    if category is None:
        raise Http404
    step = numbers([request.POST.get("up", ""), request.POST.get("down", "")])
    if step:
        stand = Service.objects.filter(category=category).order_by("position", "pk").values_list("pk", flat=True)
        ids = sorting.step(list(stand), step[0], is_up="up" in request.POST)
    else:
        ids = numbers(request.POST.get("ids", "").split(","))
    sorting.put_services(category_id, ids)
    audit_log.write(request.user, "services arranged", Subject(SubjectType.CATEGORY, category_id), request.now)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect(back_to(request, f"{reverse('office:services')}?category={category_id}"))


def back_to(request: StaffRequest, otherwise: str) -> str:
    """Returns the address of this panel that the form says it came from, or `otherwise`."""
    asked = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if asked.startswith("/") and is_ours else otherwise
