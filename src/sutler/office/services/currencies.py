"""Currencies: what each is worth in the base currency, and what a new rate makes of the prices."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts.models import Customer
from sutler.accounts.roles import Permission
from sutler.catalogue import exchange_rates
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core import worth as worths
from sutler.core.money import is_currency
from sutler.core.pricing import quoted_rate
from sutler.core.refusals import Reason, Refusal
from sutler.core.worth import Worth
from sutler.fulfilment.catalogue import change_rates, exchange_source
from sutler.office.refusal_text import Words, refuse
from sutler.office.services.price_effects import accepts_rises, to_be_seen
from sutler.web.access import StaffRequest, staff_page

EXAMPLES = 5


class WorthForm(forms.Form):
    """What a currency is worth, told either way round."""

    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        max_length=5,
        widget=forms.TextInput({"autocapitalize": "characters", "autocomplete": "off"}),
        help_text=gettext_lazy("Three-letter code, like EUR. An existing currency gets the new rate."),
    )
    way = forms.ChoiceField(label=gettext_lazy("The rate below is"), choices=[])
    number = forms.CharField(
        label=gettext_lazy("Exchange rate"),
        max_length=30,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
        help_text=gettext_lazy("Up to ten digits."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        base = {"base": settings.SUTLER["SUTLER_BASE_CURRENCY"]}
        self.fields["way"].choices = [  # type: ignore[attr-defined]
            ("of_one", _("%(base)s for 1 of the currency") % base),
            ("of_base", _("of the currency for 1 %(base)s") % base),
        ]

    def clean_currency(self) -> str:
        """Returns the code in capitals."""
        return str(self.cleaned_data["currency"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        """Adds `worth`, what the number says."""
        filled = super().clean() or {}
        if {"way", "number"} <= filled.keys():
            number = filled["number"].replace(formats.get_format("DECIMAL_SEPARATOR"), ".")
            filled["worth"] = worths.of_base(number) if filled["way"] == "of_base" else worths.of_one(number)
            if filled["worth"] is None:
                self.add_error("number", _("Invalid rate. Enter a number above 0, like 1.08, with up to ten digits."))
        return filled


@dataclass(frozen=True, slots=True)
class Effect:
    """What customers of a currency pay for a service: now (None: nothing is on sale in it yet), and afterwards."""

    name: str
    before_micros: int | None
    after_micros: int


@dataclass(frozen=True, slots=True)
class Row:
    """A currency of the list: its rate, and the one that jumped and waits, as they are written."""

    rate: ExchangeRate
    worth: str
    offered: str | None
    customers: int
    is_old: bool


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def currencies(request: StaffRequest) -> HttpResponse:
    """Shows the rates; a POST shows what a new one does."""
    form = WorthForm(request.POST or None)
    if not form.is_valid():
        return _listed(request, form)
    currency, worth = form.cleaned_data["currency"], form.cleaned_data["worth"]
    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    if not is_currency(currency) or currency == base:
        refuse(form, Refusal(Reason.INCORRECT_FIELD, "currency"), _NOT_SET)
        return _listed(request, form)
    before = next((each.worth for each in exchange_rates.rates() if each.currency == currency), None)
    preview = {
        "currency": currency,
        "effects": _effects(before, worth),
        "worth": worth.show(currency, base),
        "before": before and before.show(currency, base),
    }
    return _listed(request, form, preview)


@require_POST
@staff_page(Permission.CATALOGUE)
def currency_set(request: StaffRequest) -> HttpResponse:
    """Sets a rate, once what it does to prices has been seen."""
    form = WorthForm(request.POST)
    if not form.is_valid():
        return _listed(request, form)
    put = partial(
        change_rates.set_by_hand,
        form.cleaned_data["currency"],
        form.cleaned_data["worth"],
        request.user,
        request.now,
        accept_rises=accepts_rises(request),
    )
    page = to_be_seen(request, put, reverse("office:currencies"))
    if page is not None:
        return page
    refusal = put()
    if refusal is not None:
        refuse(form, refusal, _NOT_SET)
        return _listed(request, form)
    messages.success(request, _("Custom rate saved. It applies to new orders."))
    return redirect("office:currencies")


@require_POST
@staff_page(Permission.CATALOGUE)
def currency_follow(request: StaffRequest, currency: str) -> HttpResponse:
    """Lets the source change a rate from now on."""
    if exchange_source.source(settings.SUTLER) is None or change_rates.follow(currency, request.user, request.now):
        raise Http404
    messages.success(request, _("The rate now follows the source and updates within a minute."))
    return redirect("office:currencies")


@require_POST
@staff_page(Permission.CATALOGUE)
def currency_accept(request: StaffRequest, currency: str) -> HttpResponse:
    """Takes a rate that jumped."""
    accept = partial(change_rates.accept, currency, request.user, request.now, accept_rises=accepts_rises(request))
    page = to_be_seen(request, accept, reverse("office:currencies"))
    if page is not None:
        return page
    if accept() is None:
        messages.success(request, _("Custom rate saved. It applies to new orders."))
    else:
        messages.error(request, _("No rate awaits a decision."))
    return redirect("office:currencies")


_NOT_SET: dict[str | Reason, Words] = {
    "currency": gettext_lazy("Invalid currency code. Use three letters, like EUR, other than the base currency.")
}


def _listed(request: StaffRequest, form: WorthForm, preview: dict[str, Any] | None = None) -> HttpResponse:
    base, rates = settings.SUTLER["SUTLER_BASE_CURRENCY"], exchange_rates.rates()
    counted = dict(Customer.objects.values_list("currency").annotate(Count("pk")).order_by())
    outdated = exchange_rates.outdated(request.now)
    rows = [
        Row(
            each,
            each.worth.show(each.currency, base),
            each.offered and each.offered.show(each.currency, base),
            counted.get(each.currency, 0),
            each.currency in outdated,
        )
        for each in rates
    ]
    given = {
        "form": form,
        "base": base,
        "rows": rows,
        "base_count": counted.get(base, 0),
        "source": exchange_source.source(settings.SUTLER),
        "fetch": exchange_rates.last_fetch(),
        "missing": sorted(set(counted) - {each.currency for each in rates} - {base}),
    }
    return render(request, "office/currencies.html", given | (preview or {}))


def _effects(before: Worth | None, worth: Worth) -> list[Effect]:
    """Returns what it does to the first few services on sale."""
    sold = Service.objects.filter(state=Service.State.ACTIVE).values_list("name", "rate_micros")[:EXAMPLES]
    return [
        Effect(name, quoted_rate(rate, 0, before) if before else None, quoted_rate(rate, 0, worth))
        for name, rate in sold
    ]
