"""One service: all that is said of it, the rule of its price, by whom it is delivered, what customers were told."""

from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts.roles import Permission
from sutler.catalogue.acceptable_use import LONGEST_DELIVERY
from sutler.catalogue.edit import Draft, Rules
from sutler.catalogue.models import Category, Service, ServiceUpdate
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES
from sutler.core.refusals import Refusal
from sutler.core.service_row import LONGEST_DESCRIPTION, LONGEST_NAME
from sutler.fulfilment.catalogue import edit_services, repricing, routes
from sutler.fulfilment.catalogue.import_services import Rule
from sutler.fulfilment.models import PriceRule
from sutler.office.fields import LimitField, PercentField
from sutler.office.refusal_text import Words, refuse, words
from sutler.office.services.price_effects import accepts_rises, to_be_seen
from sutler.office.services.services import STATES
from sutler.web.access import StaffRequest, staff_page
from sutler.web.amount_field import AmountField

UPDATES_SHOWN = 20
UPDATE_KINDS: dict[str, Words] = {
    ServiceUpdate.Kind.NEW: gettext_lazy("New"),
    ServiceUpdate.Kind.PRICE: gettext_lazy("Price"),
    ServiceUpdate.Kind.LIMITS: gettext_lazy("Limits"),
    ServiceUpdate.Kind.PAUSED: gettext_lazy("Paused"),
    ServiceUpdate.Kind.BACK: gettext_lazy("Available again"),
}
_NOT_SAVED: dict[Any, Words] = {
    "name": gettext_lazy("Invalid name. Enter one line."),
    "max": gettext_lazy("Invalid maximum. It must not be below the minimum."),
    "rate": gettext_lazy("Invalid price. Enter one that is not too large."),
    "link_allowed": gettext_lazy("Too many or too long patterns. Enter up to 100, each up to 200 characters."),
    "link_refused": gettext_lazy("Too many or too long patterns. Enter up to 100, each up to 200 characters."),
    "closed_countries": gettext_lazy("Invalid country codes. Use two letters each, like DE FR."),
    "delivery": gettext_lazy("Text too long or with unsupported characters. Shorten or correct it."),
    "description": gettext_lazy("Text too long or with unsupported characters. Shorten or correct it."),
}
_FLAGS = ("dripfeed", "refill", "cancel", "one_active_order_per_link", "needs_approval")
_NUMBER: dict[str, Any] = {"min_value": 0, "max_value": LARGEST_NUMBER}


def _text(rows: int, **more: str) -> forms.Textarea:
    return forms.Textarea({"rows": rows, **more})


class ServiceForm(forms.Form):
    """A service as staff write it; the names are those of the refusals of `edit.save` and `acceptable_use.restrict`."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME)
    category = forms.ModelChoiceField(label=gettext_lazy("Category"), queryset=Category.objects, empty_label=None)
    type = forms.ChoiceField(
        label=gettext_lazy("Type"),
        choices=[(name, name) for name in ORDER_TYPES],
        help_text=gettext_lazy("Sets the fields of an order. It cannot be changed later."),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=LONGEST_DESCRIPTION, widget=_text(4)
    )
    min = forms.IntegerField(label=gettext_lazy("Minimum quantity"), min_value=1, max_value=LARGEST_NUMBER)
    max = forms.IntegerField(label=gettext_lazy("Maximum quantity"), min_value=1, max_value=LARGEST_NUMBER)

    pricing = forms.ChoiceField(
        label=gettext_lazy("Pricing"),
        choices=[
            ("fixed", gettext_lazy("Fixed price")),
            ("rule", gettext_lazy("Follows the provider")),
        ],
        initial="fixed",
    )
    rate = AmountField(required=False)
    markup = PercentField(label=gettext_lazy("Markup (%)"), required=False, initial=0)
    fixed = LimitField(label=gettext_lazy("Plus a fixed amount"), required=False, initial=0)
    step = AmountField(label=gettext_lazy("Round up to"), required=False)

    dripfeed = forms.BooleanField(label=gettext_lazy("Drip-feed"), required=False)
    refill = forms.BooleanField(label=gettext_lazy("Refill"), required=False)
    refill_days = forms.IntegerField(
        label=gettext_lazy("Refill days"),
        required=False,
        help_text=gettext_lazy("Days after completion. Leave empty for lifetime."),
        **_NUMBER,
    )
    refill_wait_hours = forms.IntegerField(
        label=gettext_lazy("Hours before a refill is available"), initial=24, **_NUMBER
    )
    cancel = forms.BooleanField(label=gettext_lazy("Cancel"), required=False)
    one_active_order_per_link = forms.BooleanField(label=gettext_lazy("One active order per link"), required=False)

    delivery = forms.CharField(
        label=gettext_lazy("Delivery"),
        required=False,
        max_length=LONGEST_DELIVERY,
        widget=_text(3),
        help_text=gettext_lazy("Shown to customers before they order."),
    )
    link_allowed = forms.CharField(
        label=gettext_lazy("Allowed links"),
        required=False,
        widget=_text(3, spellcheck="false"),
        help_text=gettext_lazy("One pattern per line, * for any text, like example.com/*. Leave empty to allow all."),
    )
    link_refused = forms.CharField(
        label=gettext_lazy("Blocked links"), required=False, widget=_text(3, spellcheck="false")
    )
    needs_approval = forms.BooleanField(label=gettext_lazy("Orders require approval"), required=False)
    closed_countries = forms.CharField(
        label=gettext_lazy("Blocked countries"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy("Country codes separated by spaces, like DE FR."),
    )

    def __init__(self, *args: Any, found: Service | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        self.fields["rate"].label = _("Price, %(currency)s") % {"currency": base}
        self.fields["rate"].help_text = _("Per 1,000, or per package.")
        if found is not None:
            self.fields["type"].disabled = True

    def clean(self) -> dict[str, Any]:
        """Asks for a rate where none follows from a rule."""
        given = super().clean() or {}
        if given.get("pricing") == "fixed" and given.get("rate") is None and "rate" not in self.errors:
            self.add_error("rate", _("Enter a price."))
        if given.get("pricing") == "rule" and not self.fields["type"].disabled and not given.get("rate"):
            self.add_error("rate", _("Enter a price. It applies until the first route is active."))
        return given

    def draft(self, kept_rate: int) -> Draft:
        """Returns what the verb takes; `kept_rate` stands where the rate follows a rule."""
        given = self.cleaned_data
        return Draft(
            name=given["name"],
            category_id=given["category"].pk,
            type=given["type"],
            rate_micros=given["rate"] if given["pricing"] == "fixed" else given["rate"] or kept_rate,
            refill_wait_hours=given["refill_wait_hours"],
            **{name: given[name] for name in ("min", "max", "refill_days", "description")},
            **{name: given[name] for name in _FLAGS if name != "needs_approval"},
        )

    def rules(self) -> Rules:
        """Returns what the operator answers for."""
        names = ("delivery", "link_allowed", "link_refused", "needs_approval", "closed_countries")
        return Rules(**{name: self.cleaned_data[name] for name in names})

    def rule(self) -> Rule | None:
        """Returns the rule of the price, if it follows one."""
        given = self.cleaned_data
        if given["pricing"] == "fixed":
            return None
        return Rule(given["markup"] or 0, given["fixed"] or 0, given["step"] or 1)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def service_new(request: StaffRequest) -> HttpResponse:
    """Puts a service on sale."""
    form = ServiceForm(request.POST if request.method == "POST" else None, initial=_FIRST)
    if form.is_valid():
        made = edit_services.save(form.draft(0), form.rules(), form.rule(), request.user, request.now)
        if not isinstance(made, Refusal):
            messages.success(request, _("%(name)s created.") % {"name": made.name})
            return redirect("office:service", made.pk)
        refuse(form, made, _NOT_SAVED)
    return render(request, "office/service.html", {"form": form, "has_categories": Category.objects.exists()})


_FIRST = {"type": "Default", "min": 1}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def service(request: StaffRequest, service_id: int) -> HttpResponse:
    """Shows and changes a service; orders that were placed before keep their terms."""
    found = Service.objects.select_related("category").filter(pk=service_id).first()
    if found is None:
        raise Http404
    rule = PriceRule.objects.filter(pk=service_id).first()
    form = ServiceForm(request.POST if request.method == "POST" else None, initial=_kept(found, rule), found=found)
    if form.is_valid():
        draft = form.draft(found.rate_micros)
        save = partial(
            edit_services.save,
            draft,
            form.rules(),
            form.rule(),
            request.user,
            request.now,
            service_id,
            accept_rises=accepts_rises(request),
        )
        # A rate that is written is seen; what a rule makes of it is not.
        page = to_be_seen(request, save, reverse("office:service", args=[service_id])) if form.rule() else None
        if page is not None:
            return page
        saved = save()
        if not isinstance(saved, Refusal):
            messages.success(request, _("Service saved."))
            if (saved.min, saved.max) != (draft.min, draft.max):
                messages.warning(request, _("Limits were reduced to what its routes accept."))
            return redirect("office:service", service_id)
        refuse(form, saved, _NOT_SAVED)
    money = repricing.prices()
    ways = routes.of_services(Service.objects.filter(pk=service_id))
    state, colour = STATES[found.state]
    given = {
        "form": form,
        "service": found,
        "state_words": state,
        "state_colour": colour,
        "rule": rule,
        "base": settings.SUTLER["SUTLER_BASE_CURRENCY"],
        "routes": [(each, money.cost(each.upstream_service)) for each in ways],
        "updates": [
            (each, UPDATE_KINDS[each.kind])
            for each in ServiceUpdate.objects.filter(service=service_id).order_by("-pk")[:UPDATES_SHOWN]
        ],
    }
    return render(request, "office/service.html", given)


@require_POST
@staff_page(Permission.CATALOGUE)
def service_price_accept(request: StaffRequest, service_id: int) -> HttpResponse:
    """Accepts the price that waits."""
    return _decide_price(request, service_id, _("Price accepted."), accept=True)


@require_POST
@staff_page(Permission.CATALOGUE)
def service_price_reject(request: StaffRequest, service_id: int) -> HttpResponse:
    """Rejects the price that waits."""
    return _decide_price(request, service_id, _("Price rejected. The old one stays."), accept=False)


@require_POST
@staff_page(Permission.CATALOGUE)
def service_activate(request: StaffRequest, service_id: int) -> HttpResponse:
    """Puts a service on sale, if a route can deliver it or it has none."""
    return _set_state(request, service_id, Service.State.ACTIVE)


@require_POST
@staff_page(Permission.CATALOGUE)
def service_pause(request: StaffRequest, service_id: int) -> HttpResponse:
    """Pauses a service: customers see it and cannot order it."""
    return _set_state(request, service_id, Service.State.PAUSED)


@require_POST
@staff_page(Permission.CATALOGUE)
def service_hide(request: StaffRequest, service_id: int) -> HttpResponse:
    """Hides a service from customers."""
    return _set_state(request, service_id, Service.State.HIDDEN)


def _decide_price(request: StaffRequest, service_id: int, success: str, *, accept: bool) -> HttpResponse:
    decide = partial(repricing.decide_held, service_id, accept, request.user, request.now)
    page = to_be_seen(request, decide, reverse("office:service", args=[service_id]))
    if page is not None:
        return page
    if not decide():
        raise Http404
    messages.success(request, success)
    return redirect("office:service", service_id)


def _set_state(request: StaffRequest, service_id: int, state: Service.State) -> HttpResponse:
    put = partial(
        edit_services.set_state,
        service_id,
        state,
        request.user,
        request.now,
        accept_rises=accepts_rises(request),
    )
    page = to_be_seen(request, put, reverse("office:service", args=[service_id]))
    if page is not None:
        return page
    outcome = put()
    if isinstance(outcome, Refusal):
        raise Http404
    if outcome == state:
        messages.success(request, _("Status changed."))
    else:
        messages.warning(request, _("The service stays paused: no route can deliver. Enable or add a route."))
    return redirect("office:service", service_id)


def _kept(found: Service, rule: PriceRule | None) -> dict[str, Any]:
    names = ("name", "category", "type", "description", "min", "max", "refill_days", "refill_wait_hours")
    texts = ("delivery", "link_allowed", "link_refused", "closed_countries")
    kept: dict[str, Any] = {name: getattr(found, name) for name in (*names, *texts, *_FLAGS)}
    kept |= {"rate": found.rate_micros, "pricing": "rule" if rule else "fixed"}
    if rule is not None:
        kept |= {"markup": rule.markup_basis_points, "fixed": rule.fixed_micros, "step": rule.step_micros}
    return kept


def route_words(refusal: Refusal) -> str:
    """Returns why a route cannot be, for staff."""
    return words(refusal, _NO_ROUTE)


_NO_ROUTE: dict[Any, Words] = {
    "upstream_service": gettext_lazy(
        "The provider does not offer this service, or a route with it exists. Select another."
    ),
    "type": gettext_lazy("The provider service has another type. Select one of the same type."),
    "limits": gettext_lazy("Its min / max do not fit the service or its other routes. Select another."),
    "currency": gettext_lazy("No exchange rate for the provider's currency. Set it under Currencies first."),
    "rate": gettext_lazy("Its price changed sharply and awaits your decision."),
    "preference": gettext_lazy("Invalid preference. Enter a whole number from 1."),
    "weight": gettext_lazy("Invalid weight. Enter a whole number from 1 to 1,000,000."),
    "most_open": gettext_lazy("Invalid limit. Enter a whole number from 1, or leave empty."),
}
