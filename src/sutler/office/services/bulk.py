"""Many services at once: new prices, seen before they hold; state, category, promises."""

from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts.roles import Permission
from sutler.catalogue.models import Category, Service
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Refusal
from sutler.fulfilment.catalogue import edit_services
from sutler.fulfilment.catalogue.edit_services import FLAGS, MOST_AT_ONCE, Change, Reprice
from sutler.office.audited_actions import numbers
from sutler.office.fields import PercentField
from sutler.office.refusal_text import refuse
from sutler.office.services.price_effects import accepts_rises, to_be_seen
from sutler.office.services.services import STATE_CHOICES, found_by
from sutler.web.access import StaffRequest, staff_page
from sutler.web.amount_field import AmountField
from sutler.web.selection import selected

SHOWN = 200
MOST_SELECTED = 500


class PriceForm(forms.Form):
    """How prices are changed."""

    how = forms.ChoiceField(
        label=gettext_lazy("Change"),
        choices=[
            ("raise", gettext_lazy("Raise by a percentage")),
            ("lower", gettext_lazy("Lower by a percentage")),
            ("set", gettext_lazy("Set one price")),
        ],
    )
    percent = PercentField(label=gettext_lazy("Percentage"), required=False)
    rate = AmountField(required=False)
    accept_rises = forms.BooleanField(label=gettext_lazy("Allow price rises over 30 %"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        self.fields["rate"].label = _("Rate, %(currency)s") % {"currency": base}

    def clean(self) -> dict[str, Any]:
        """Asks for what the chosen way needs."""
        given = super().clean() or {}
        needed = "rate" if given.get("how") == "set" else "percent"
        if given.get(needed) is None and needed not in self.errors:
            self.add_error(needed, _("Required. Enter a value."))
        if given.get("how") == "lower" and (given.get("percent") or 0) >= 10_000:
            self.add_error("percent", _("Invalid percentage. Enter less than 100 %."))
        return given

    def wanted(self) -> Reprice:
        """Returns what the verb takes."""
        given = self.cleaned_data
        if given["how"] == "set":
            return Reprice(rate_micros=given["rate"], accept_rises=given["accept_rises"])
        points = given["percent"] if given["how"] == "raise" else -given["percent"]
        return Reprice(points, accept_rises=given["accept_rises"])


_YES_NO = [("", gettext_lazy("Unchanged")), ("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))]


class EditForm(forms.Form):
    """What is changed of all; what is left empty stays as it is."""

    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Unchanged")), *STATE_CHOICES]
    )
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"),
        required=False,
        queryset=Category.objects,
        empty_label=gettext_lazy("Unchanged"),
    )
    dripfeed = forms.ChoiceField(label=gettext_lazy("Drip-feed"), required=False, choices=_YES_NO)
    cancel = forms.ChoiceField(label=gettext_lazy("Cancel"), required=False, choices=_YES_NO)
    refill = forms.ChoiceField(label=gettext_lazy("Refill"), required=False, choices=_YES_NO)
    refill_days = forms.IntegerField(
        label=gettext_lazy("Refill days"),
        required=False,
        min_value=-1,
        max_value=LARGEST_NUMBER,
        help_text=gettext_lazy("-1 for lifetime."),
    )
    needs_approval = forms.ChoiceField(label=gettext_lazy("Orders require approval"), required=False, choices=_YES_NO)
    one_active_order_per_link = forms.ChoiceField(
        label=gettext_lazy("One active order per link"), required=False, choices=_YES_NO
    )

    def clean(self) -> dict[str, Any]:
        """Asks for at least one thing to change."""
        given = super().clean() or {}
        if not self.errors and not any(value not in ("", None) for value in given.values()):
            self.add_error(None, _("Nothing to change. Set at least one field."))
        return given

    def wanted(self) -> Change:
        """Returns what the verb takes."""
        given = self.cleaned_data
        return Change(
            state=given["state"] or None,
            category_id=given["category"].pk if given["category"] else None,
            flags={name: given[name] == "yes" for name in FLAGS if given[name]},
            refill_days=given["refill_days"],
        )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def services_prices(request: StaffRequest) -> HttpResponse:
    """Shows the services chosen; a POST shows what a change does to their prices."""
    return _prices(request, PriceForm(request.POST if request.method == "POST" else None))


@require_POST
@staff_page(Permission.CATALOGUE)
def services_prices_apply(request: StaffRequest) -> HttpResponse:
    """Changes prices as the preview showed (`seen`); if it would show something else now, shows that instead."""
    form = PriceForm(request.POST)
    if not form.is_valid():
        return _prices(request, form)
    seen = request.POST.get("seen", "")
    moved = edit_services.reprice(_chosen(request), form.wanted(), request.user, request.now, seen=seen)
    if isinstance(moved, Refusal):
        if seen:
            messages.warning(request, _("Services or prices have changed. Check the new preview."))
        return _prices(request, form)
    messages.success(request, _("Prices changed: %(count)s. They apply to new orders.") % {"count": len(moved)})
    return redirect("office:services")


def _prices(request: StaffRequest, form: PriceForm) -> HttpResponse:
    services = _chosen(request)
    if not services.exists():
        return _nothing_selected(request)
    given: dict[str, Any] = _told(services, "prices") | {"form": form, "query": request.GET.urlencode()}
    if form.is_valid():
        prices = edit_services.new_prices(services, form.wanted())
        given |= {
            "seen": edit_services.fingerprint(prices),
            "move_count": sum(each.before_micros != each.after_micros for each in prices),
            "shown": prices[:SHOWN],
            "rest": len(prices[SHOWN:]),
        }
    return render(request, "office/services_prices.html", given)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def services_edit(request: StaffRequest) -> HttpResponse:
    """Changes state, category, promises of the services chosen."""
    services = _chosen(request)
    if not services.exists():
        return _nothing_selected(request)
    form = EditForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        ids = list(services.values_list("pk", flat=True)[:MOST_AT_ONCE])
        change = partial(
            edit_services.change_many,
            ids,
            form.wanted(),
            request.user,
            request.now,
            accept_rises=accepts_rises(request),
        )
        page = to_be_seen(request, change, reverse("office:services"))
        if page is not None:
            return page
        count = change()
        if not isinstance(count, Refusal):
            messages.success(request, _("Services changed: %(count)s.") % {"count": count})
            return redirect("office:services")
        refuse(form, count)
    return render(request, "office/services_edit.html", _told(services, "edit") | {"form": form})


def _chosen(request: StaffRequest) -> QuerySet[Service]:
    """Returns the services that the query string selects, by name or by the filters; it may be none."""
    selection = selected(request.GET, "services", MOST_SELECTED)
    if selection.is_all_found:
        return found_by(request.GET)[1]
    return Service.objects.select_related("category").filter(pk__in=numbers(selection.values, most=MOST_SELECTED))


def _nothing_selected(request: StaffRequest) -> HttpResponse:
    messages.warning(request, _("Nothing selected. Select rows, the page, or all found."))
    return redirect("office:services")


def _told(services: QuerySet[Service], what: str) -> dict[str, Any]:
    found = list(services.values_list("name", flat=True)[: MOST_AT_ONCE + 1])
    return {
        "count": min(len(found), MOST_AT_ONCE),
        "is_cut": len(found) > MOST_AT_ONCE,
        "names": found[:5],
        "more": len(found[5:]),
        "what": what,
        "base": settings.SUTLER["SUTLER_BASE_CURRENCY"],
    }
