"""Providers: how each does, and new ones."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from sutler.accounts.roles import Permission
from sutler.catalogue import exchange_rates
from sutler.core.refusals import Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment import provider_settings
from sutler.fulfilment.catalogue.edit_services import audited
from sutler.fulfilment.models import Alarm, Attempt, Provider
from sutler.fulfilment.providers import health, heartbeat
from sutler.fulfilment.worker import tasks
from sutler.office.fields import LimitField
from sutler.office.refusal_text import Words, refuse
from sutler.office.templatetags.order import share
from sutler.web.access import StaffRequest, staff_page

NOT_SAVED: dict[Any, Words] = {
    "name": gettext_lazy("This provider name is taken. Use another."),
    "url": gettext_lazy("Invalid URL. Use https and a public host, without user, query or fragment."),
    "key": gettext_lazy("Invalid API key. Enter one line of at most 500 characters."),
    "currency": gettext_lazy("No exchange rate for this currency. Set it under Currencies first."),
    "extra_fields": gettext_lazy("Invalid fields. Enter name=value, one per line, without the API's own names."),
    "key_field": gettext_lazy("Invalid field name. Use another."),
    "has_moved": gettext_lazy(
        "This provider has active orders, whose IDs belong to the account at the old URL. Confirm "
        "that it is the same account, or add the other account as a new provider."
    ),
    "same_account_as": gettext_lazy("That account is in another currency. Select one in the same currency."),
}
STATES: dict[str, tuple[Words, str]] = {
    Provider.State.ON: (gettext_lazy("Enabled"), "good"),
    Provider.State.STOPPED: (gettext_lazy("Paused"), "warn"),
    Provider.State.OFF: (gettext_lazy("Disabled"), ""),
}
_SLASHES = {"": None, "with": True, "without": False}
_FLAGS = ("drip_feed_there", "subscriptions_there", "may_scan", "is_shared")
_NUMBERS = ("call_interval_milliseconds", "most_at_once", "settle_minutes", "brake_percent", "brake_open")


class ProviderForm(forms.Form):
    """A provider's settings; the key is only ever written."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=provider_settings.LONGEST_NAME)
    url = forms.CharField(
        label=gettext_lazy("API URL"),
        max_length=provider_settings.LONGEST_URL,
        widget=forms.TextInput({"type": "url", "inputmode": "url", "placeholder": "https://panel.example/api/v2"}),
    )
    has_moved = forms.BooleanField(
        label=gettext_lazy("The panel moved: the new URL is the same account"), required=False
    )
    key = forms.CharField(
        label=gettext_lazy("API key"),
        max_length=provider_settings.LONGEST_SECRET,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=gettext_lazy("Stored encrypted and never shown."),
    )
    currency = forms.ChoiceField(
        label=gettext_lazy("Account currency"), help_text=gettext_lazy("It cannot be changed later.")
    )
    same_account_as = forms.ChoiceField(
        label=gettext_lazy("Same account as"),
        required=False,
        help_text=gettext_lazy("A provider that uses this account with another key. Order IDs are then shared."),
    )
    low_balance_micros = LimitField(
        label=gettext_lazy("Low balance alarm at"),
        required=False,
        help_text=gettext_lazy("In the provider's currency. Leave empty for no alarm."),
    )

    method = forms.ChoiceField(
        label=gettext_lazy("HTTP method"), choices=[("POST", "POST"), ("GET", "GET")], initial="POST"
    )
    key_field = forms.CharField(label=gettext_lazy("API key field name"), max_length=40, initial="key")
    cancel_field = forms.ChoiceField(
        label=gettext_lazy("Orders per cancel request"),
        choices=[("orders", gettext_lazy("many")), ("order", gettext_lazy("one"))],
        initial="orders",
    )
    trailing_slash = forms.ChoiceField(
        label=gettext_lazy("URL ending"),
        required=False,
        choices=[
            ("", gettext_lazy("as entered")),
            ("with", gettext_lazy("with a slash")),
            ("without", gettext_lazy("without a slash")),
        ],
    )
    extra_fields = forms.CharField(
        label=gettext_lazy("Extra fields in every request"),
        required=False,
        widget=forms.Textarea({"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
    )
    call_interval_milliseconds = forms.IntegerField(
        label=gettext_lazy("Delay between requests (ms)"), min_value=0, max_value=3_600_000, initial=1000
    )
    most_at_once = forms.IntegerField(label=gettext_lazy("Parallel orders"), min_value=1, max_value=50, initial=8)
    drip_feed_there = forms.BooleanField(label=gettext_lazy("Provider handles drip-feed"), required=False)
    subscriptions_there = forms.BooleanField(label=gettext_lazy("Provider handles subscriptions"), required=False)

    settle_minutes = forms.IntegerField(
        label=gettext_lazy("Wait before deciding a lost order (minutes)"),
        min_value=15,
        max_value=7 * 24 * 60,
        initial=15,
    )
    may_scan = forms.BooleanField(
        label=gettext_lazy("Look up order IDs to find an order with no answer"), required=False
    )
    is_shared = forms.BooleanField(label=gettext_lazy("Account is also used manually"), required=False)
    brake_percent = forms.IntegerField(
        label=gettext_lazy("Pause at unconfirmed orders (%)"), min_value=1, max_value=100, initial=2
    )
    brake_open = forms.IntegerField(
        label=gettext_lazy("Pause at unconfirmed orders (count)"), min_value=1, max_value=100_000, initial=20
    )

    def __init__(self, *args: Any, found: Provider | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        codes = [base, *(each.currency for each in exchange_rates.rates())]
        self.fields["currency"].choices = [(each, each) for each in codes]  # type: ignore[attr-defined]
        self.fields["extra_fields"].help_text = _("One per line: name=value.")
        others = Provider.objects.exclude(pk=found.pk if found else 0).order_by("name").values_list("pk", "name")
        self.fields["same_account_as"].choices = [("", _("separate account")), *others]  # type: ignore[attr-defined]
        if found is not None:
            del self.fields["currency"]
            joined = Provider.objects.filter(account=found.account_id).exclude(pk=found.pk).order_by("pk").first()
            self.initial["same_account_as"] = joined.pk if joined else ""
            self.fields["key"].required = False
            self.fields["key"].help_text = _(
                "Leave empty to keep the stored key. A new key must belong to the same account."
            )
            kept = _("Values are stored. ") if found.sealed_fields else ""
            self.fields["extra_fields"].help_text = kept + _("Leave empty to keep them. Enter a dash to remove all.")

    def clean_extra_fields(self) -> dict[str, str] | None:
        """Returns the fields by name; None where nothing was written."""
        text = str(self.cleaned_data["extra_fields"]).strip()
        if not text:
            return None
        if text == "-":
            return {}
        pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
        if not all(equals for _name, equals, _value in pairs):
            raise forms.ValidationError(str(NOT_SAVED["extra_fields"]))
        return {name.strip(): value.strip() for name, _equals, value in pairs}

    def terms(self) -> dict[str, Any]:
        """Returns what the verbs take: all but a key and fields that were left empty."""
        given = self.cleaned_data
        names = ("name", "url", "low_balance_micros", "method", "key_field", "cancel_field", *_FLAGS, *_NUMBERS)
        terms = {name: given[name] for name in names} | {"trailing_slash": _SLASHES[given["trailing_slash"]]}
        if given["key"]:
            terms["key"] = given["key"].strip()
        if given["same_account_as"]:
            terms["same_account_as"] = int(given["same_account_as"])
        if given["has_moved"]:
            terms["has_moved"] = True
        if given["extra_fields"] is not None:
            terms["extra_fields"] = given["extra_fields"]
        return terms


def kept(found: Provider) -> dict[str, Any]:
    """Returns what stands in the form of a provider."""
    names = ("name", "url", "low_balance_micros", "method", "key_field", "cancel_field", *_FLAGS, *_NUMBERS)
    slash = next(word for word, value in _SLASHES.items() if value is found.trailing_slash)
    return {name: getattr(found, name) for name in names} | {"trailing_slash": slash}


def not_saved(refusal: Refusal, terms: Any, provider_id: int | None = None) -> dict[Any, Words]:
    """Returns why a provider is not saved, with the name of the one that has its account already."""
    other = provider_settings.twin(terms, provider_id) if refusal.field == "account" else None
    taken = _("%(name)s already uses this URL and key. Add each account only once.")
    return NOT_SAVED | ({"account": taken % {"name": other.name}} if other else {})


@require_safe
@staff_page(Permission.PROVIDERS)
def providers_list(request: StaffRequest) -> HttpResponse:
    """Shows the providers, what they hold and how they have answered in the last hour."""
    unknown = _by_provider(Attempt.objects.unconfirmed_adds())
    alarms = _by_provider(Alarm.objects.filter(closed_at=None, provider__isnull=False))
    rows = [
        {
            "provider": each,
            "state": STATES[each.state],
            "is_low": each.has_low_balance,
            "health": counts,
            "errors": share(counts.error_rate),
            "unknown": unknown.get(each.pk, 0),
            "alarms": alarms.get(each.pk, 0),
        }
        for each, counts in health.of_all(request.now)
    ]
    is_alive = heartbeat.is_alive(heartbeat.last_at(), request.now)
    return render(request, "office/providers.html", {"rows": rows, "is_alive": is_alive})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PROVIDERS)
def provider_new(request: StaffRequest) -> HttpResponse:
    """Adds a provider, and asks the worker to try it."""
    form = ProviderForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        terms = form.terms()
        shown = {name: value for name, value in terms.items() if name not in {"key", "extra_fields"}}
        made = audited(
            lambda: provider_settings.add(form.cleaned_data["currency"], request.now, **terms),
            request.user,
            "provider added",
            lambda made: Subject(SubjectType.PROVIDER, made.pk),
            request.now,
            after=shown,
        )
        if not isinstance(made, Refusal):
            # In this order: the test takes many calls, and the catalogue is what is wanted first.
            for kind in (tasks.Kind.SYNC, tasks.Kind.TEST):
                tasks.ask(made.pk, kind, request.user, request.now)
            said = _("%(name)s added. Its services are being synced, then the connection is tested.")
            messages.success(request, said % {"name": made.name})
            return redirect("office:provider", made.pk)
        refuse(form, made, not_saved(made, terms), field="url")
    return render(request, "office/provider_new.html", {"form": form})


def _by_provider(rows: Any) -> dict[int, int]:
    return dict(rows.filter(~Q(provider=None)).order_by().values_list("provider").annotate(Count("pk")))
