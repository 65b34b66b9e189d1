"""The routes of a service: by which services of providers it is delivered, in which order."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts.roles import Permission
from sutler.catalogue.models import Service
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.catalogue import routes
from sutler.fulfilment.catalogue.edit_services import audited
from sutler.fulfilment.models import Provider, Route, UpstreamService
from sutler.office.services.price_effects import accepts_rises, to_be_seen
from sutler.office.services.service import route_words
from sutler.web.access import StaffRequest, staff_page


class RouteForm(forms.Form):
    """How a route is used."""

    preference = forms.IntegerField(
        label=gettext_lazy("Preference"),
        min_value=1,
        max_value=LARGEST_NUMBER,
        help_text=gettext_lazy("Lowest goes first."),
    )
    weight = forms.IntegerField(
        label=gettext_lazy("Weight"),
        initial=1,
        min_value=1,
        max_value=routes.LARGEST_WEIGHT,
        help_text=gettext_lazy("Share of orders among routes with equal preference."),
    )
    most_open = forms.IntegerField(
        label=gettext_lazy("Max active orders"),
        required=False,
        min_value=1,
        max_value=LARGEST_NUMBER,
        help_text=gettext_lazy("Leave empty for no limit."),
    )


class NewRouteForm(RouteForm):
    """A route to a provider's service."""

    provider = forms.ModelChoiceField(
        label=gettext_lazy("Provider"), queryset=Provider.objects.order_by("name"), empty_label=None
    )
    upstream_id = forms.CharField(label=gettext_lazy("Provider service ID"), max_length=64)
    preference = forms.IntegerField(
        label=gettext_lazy("Preference"),
        required=False,
        min_value=1,
        max_value=LARGEST_NUMBER,
        help_text=gettext_lazy("Lowest goes first. Leave empty to add it last."),
    )

    field_order = ("provider", "upstream_id")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def route_new(request: StaffRequest, service_id: int) -> HttpResponse:
    """Lets a service be delivered by a provider's service too."""
    found = Service.objects.filter(pk=service_id).first()
    if found is None:
        raise Http404
    form = NewRouteForm(request.POST if request.method == "POST" else None, initial=request.GET.dict())
    if form.is_valid():
        given = form.cleaned_data
        upstream = UpstreamService.objects.filter(
            provider=given["provider"], upstream_id=given["upstream_id"].strip()
        ).first()
        if upstream is None:
            form.add_error("upstream_id", _("Provider service not found. Check the ID."))
        else:
            answer = _added(request, form, service_id, upstream)
            if answer is not None:
                return answer
    return render(request, "office/route.html", {"form": form, "service": found})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def route(request: StaffRequest, route_id: int) -> HttpResponse:
    """Shows and changes a route."""
    found = _find(route_id)
    kept = {"preference": found.preference, "weight": found.weight, "most_open": found.most_open}
    form = RouteForm(request.POST if request.method == "POST" else None, initial=kept)
    if form.is_valid():
        asked = form.cleaned_data

        def save() -> Route | Refusal:
            return routes.change(
                route_id,
                request.now,
                preference=asked["preference"],
                weight=asked["weight"],
                most_open=asked["most_open"],
                is_unbounded=asked["most_open"] is None,
                accept_rises=accepts_rises(request),
            )

        page = to_be_seen(request, save, reverse("office:route", args=[route_id]))
        if page is not None:
            return page
        told = {"before": {"route": route_id} | kept, "after": dict(asked)}
        changed = _audited(request, found.service_id, "route changed", save, **told)
        if not isinstance(changed, Refusal):
            messages.success(request, _("Route saved."))
            return redirect("office:service", found.service_id)
        form.add_error(changed.field if changed.field in form.fields else None, route_words(changed))
    return render(request, "office/route.html", {"form": form, "service": found.service, "route": found})


@require_POST
@staff_page(Permission.CATALOGUE)
def route_enable(request: StaffRequest, route_id: int) -> HttpResponse:
    """Lets orders go by a route again."""
    return _switch(request, _find(route_id), on=True)


@require_POST
@staff_page(Permission.CATALOGUE)
def route_disable(request: StaffRequest, route_id: int) -> HttpResponse:
    """Lets no more orders go by a route."""
    return _switch(request, _find(route_id), on=False)


@require_POST
@staff_page(Permission.CATALOGUE)
def route_remove(request: StaffRequest, route_id: int) -> HttpResponse:
    """Removes a route; one that has orders is disabled instead."""
    found = _find(route_id)
    verb = partial(routes.remove, route_id, request.now, accept_rises=accepts_rises(request))
    answer = _seen_and_done(request, found, verb, "route removed", "remove")
    if isinstance(answer, HttpResponse):
        return answer
    messages.success(
        request,
        _("Route removed.") if answer else _("The route has orders, so it was disabled instead of removed."),
    )
    return redirect("office:service", found.service_id)


def _find(route_id: int) -> Route:
    found = Route.objects.select_related("service", "upstream_service__provider").filter(pk=route_id).first()
    if found is None:
        raise Http404
    return found


def _added(
    request: StaffRequest, form: NewRouteForm, service_id: int, upstream: UpstreamService
) -> HttpResponse | None:
    """Returns the answer if the route is added, or what that does must be seen first; None if it is refused."""
    given = form.cleaned_data
    numbers = {name: given[name] for name in ("preference", "weight", "most_open")}

    def add() -> Route | Refusal:
        return routes.add(service_id, upstream.pk, request.now, accept_rises=accepts_rises(request), **numbers)

    page = to_be_seen(request, add, reverse("office:service", args=[service_id]))
    if page is not None:
        return page
    after = {"provider": given["provider"].name, "upstream_id": upstream.upstream_id} | numbers
    made = _audited(request, service_id, "route added", add, after=after)
    if isinstance(made, Refusal):
        field = made.field if made.field in form.fields else "upstream_id"
        form.add_error(field, route_words(made))
        return None
    if made.off_reason:
        messages.warning(request, _("Route added. It is disabled until its price is accepted."))
    else:
        messages.success(request, _("Route added."))
    return redirect("office:service", service_id)


def _switch(request: StaffRequest, found: Route, *, on: bool) -> HttpResponse:
    verb = partial(routes.change, found.pk, request.now, is_on=on, accept_rises=accepts_rises(request))
    word = "on" if on else "off"
    answer = _seen_and_done(request, found, verb, f"route switched {word}", word)
    if isinstance(answer, HttpResponse):
        return answer
    messages.success(request, _("Route enabled.") if on else _("Route disabled."))
    return redirect("office:service", found.service_id)


def _seen_and_done(request: StaffRequest, found: Route, verb: Callable[[], Any], action: str, do: str) -> Any:
    """Returns the verb's answer, or the page that comes instead: what it would do, or why it was refused."""
    page = to_be_seen(request, verb, reverse("office:service", args=[found.service_id]))
    if page is not None:
        return page
    told = {"before": {"route": found.pk, "is_on": found.is_on}, "after": {"route": found.pk, "do": do}}
    outcome = _audited(request, found.service_id, action, verb, **told)
    if isinstance(outcome, Refusal):
        messages.error(request, route_words(outcome))
        return redirect("office:route", found.pk)
    return outcome


def _audited(request: StaffRequest, service_id: int, action: str, verb: Any, **told: Any) -> Any:
    return audited(verb, request.user, action, Subject(SubjectType.SERVICE, service_id), request.now, **told)
