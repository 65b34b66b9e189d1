"""The methods of paying that customers are offered, by hand and by gateways."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from sutler.accounts.roles import Permission
from sutler.catalogue import exchange_rates
from sutler.core.refusals import Reason, Refusal
from sutler.office.fields import PercentField
from sutler.office.refusal_text import Words, refuse
from sutler.payments import gateway_settings, methods, notices, setting_fields
from sutler.payments.gateways.registry import gateways
from sutler.payments.gateways.shape import Field, FieldKind, Gateway
from sutler.payments.models import Method
from sutler.web.access import StaffRequest, staff_page
from sutler.web.amount_field import AmountField
from sutler.web.panel_url import panel_url

_NOT_SAVED: dict[str | Reason, Words] = {
    "max": gettext_lazy("Invalid maximum. It must not be below the minimum."),
    "fee": gettext_lazy("Invalid fee. Enter 0 to 99.99 %."),
    "bonus": gettext_lazy("Invalid bonus. Enter 0 to 100 %."),
}
_SETTING_WRONG = gettext_lazy(
    "This setting is missing or cannot be used. Correct it, or save the method as not offered."
)
# Before the names of a gateway's settings, so that none is taken for a field of every method.
_SETTING = "setting_"


class MethodForm(forms.Form):
    """A method as staff write it; the names are those of `payments.methods.Draft`'s refusals."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=methods.LONGEST_NAME)
    instructions = forms.CharField(
        label=gettext_lazy("How to pay"),
        max_length=methods.LONGEST_INSTRUCTIONS,
        widget=forms.Textarea({"rows": 6}),
        help_text=gettext_lazy("Shown to the customer with the payment reference."),
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"))
    min = AmountField(label=gettext_lazy("Minimum amount"))
    max = AmountField(label=gettext_lazy("Maximum amount"))
    fee = PercentField(label=gettext_lazy("Fee (%)"), help_text=gettext_lazy("Deducted from the payment."), initial=0)
    bonus = PercentField(label=gettext_lazy("Bonus (%)"), help_text=gettext_lazy("Added to the payment."), initial=0)
    position = forms.IntegerField(
        label=gettext_lazy("Position"),
        initial=0,
        min_value=-1000,
        max_value=1000,
        help_text=gettext_lazy("Lower comes first."),
    )
    is_offered = forms.BooleanField(label=gettext_lazy("Available to customers"), required=False, initial=True)

    def __init__(
        self,
        *args: Any,
        gateway: Gateway | None = None,
        settings_there: Mapping[str, str] | None = None,
        secrets_there: frozenset[str] = frozenset(),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.gateway = gateway
        if gateway is not None:
            self._add_gateway(gateway, settings_there or {}, secrets_there)
        base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        known = [base, *(each.currency for each in exchange_rates.rates())]
        kept = self.initial.get("currency")
        known += [kept] if kept and kept not in known else []
        self.fields["currency"].choices = [(each, each) for each in known]  # type: ignore[attr-defined]

    def _add_gateway(self, gateway: Gateway, there: Mapping[str, str], secrets: frozenset[str]) -> None:
        self.fields["instructions"].required = False
        self.fields["instructions"].help_text = _("The customer reads it beside the button that leads to the payment.")
        self.fields["accepts_partial"] = forms.BooleanField(
            label=_("Credit payments that are less than was asked"),
            required=False,
            help_text=_("Otherwise they are left for you to decide."),
        )
        for each in gateway.fields:
            self.fields[_SETTING + each.name] = setting_field(each, there, is_there=each.name in secrets)

    def settings_fields(self) -> list[forms.BoundField]:
        """Returns the fields of the gateway's settings."""
        return [self[name] for name in self.fields if name.startswith(_SETTING)]

    def settings(self) -> dict[str, str]:
        """Returns the gateway's settings as they were typed in, once the form is valid."""
        given = self.cleaned_data.items()
        return {name.removeprefix(_SETTING): value for name, value in given if name.startswith(_SETTING)}

    def pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Returns the short fields, two in a line."""
        return [(self["min"], self["max"]), (self["fee"], self["bonus"])]

    def draft(self) -> methods.Draft:
        """Returns what the verb takes, once the form is valid."""
        given = self.cleaned_data
        return methods.Draft(
            name=given["name"],
            instructions=given["instructions"],
            currency=given["currency"],
            min_micros=given["min"],
            max_micros=given["max"],
            fee_basis_points=given["fee"],
            bonus_basis_points=given["bonus"],
            is_offered=given["is_offered"],
            position=given["position"],
            kind=self.gateway.kind if self.gateway else "",
            accepts_partial=given.get("accepts_partial", False),
        )


def setting_field(field: Field, there: Mapping[str, str], *, is_there: bool) -> forms.Field:
    """Returns the field of a form for a setting; `there` are the settings that are not secret."""
    given: dict[str, Any] = {"label": field.label, "required": False, "help_text": field.about}
    if field.kind is FieldKind.SECRET:
        if is_there:
            given["help_text"] = _("A secret is stored. Leave empty to keep it.")
        # Never sent to a browser again, and none of a browser's passwords either.
        widget = forms.PasswordInput({"autocomplete": "new-password"}, render_value=False)
        return forms.CharField(widget=widget, max_length=setting_fields.LONGEST_VALUE, **given)
    given["initial"] = there.get(field.name, field.default)
    if field.kind is FieldKind.CHOICE:
        return forms.ChoiceField(choices=[(each, each) for each in field.choices], **given)
    return forms.CharField(max_length=setting_fields.LONGEST_VALUE, **given)


@require_safe
@staff_page(Permission.PAYMENTS)
def methods_list(request: StaffRequest) -> HttpResponse:
    """Shows every method, those not offered after the others."""
    given = {"rows": methods.all_methods(), "gateways": list(gateways().values()), "here": "methods"}
    return render(request, "office/methods.html", given)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PAYMENTS)
def method_new(request: StaffRequest) -> HttpResponse:
    """Makes a method: by hand, or of the gateway `kind`, whose settings may start from a `preset`."""
    kind = request.GET.get("kind", "")
    gateway = gateways().get(kind)
    if kind and gateway is None:
        raise Http404
    preset = gateway.presets.get(request.GET.get("preset", ""), {}) if gateway else {}
    form = MethodForm(request.POST if request.method == "POST" else None, gateway=gateway, settings_there=preset)
    return _edited(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PAYMENTS)
def method(request: StaffRequest, method_id: int) -> HttpResponse:
    """Changes a method; requests made before keep their terms."""
    found = Method.objects.filter(pk=method_id).first()
    if found is None:
        raise Http404
    kept = {
        **{name: getattr(found, name) for name in ("name", "instructions", "currency", "position", "is_offered")},
        "min": found.min_micros,
        "max": found.max_micros,
        "fee": found.fee_basis_points,
        "bonus": found.bonus_basis_points,
    }
    kept["accepts_partial"] = found.accepts_partial
    form = MethodForm(
        request.POST if request.method == "POST" else None,
        initial=kept,
        gateway=gateway_settings.gateway_of(found),
        settings_there=gateway_settings.shown(found),
        secrets_there=gateway_settings.secrets_there(found),
    )
    return _edited(request, form, found)


def _edited(request: StaffRequest, form: MethodForm, found: Method | None) -> HttpResponse:
    if form.is_valid():
        saved = methods.save(
            form.draft(),
            request.user,
            request.now,
            method_id=found.pk if found else None,
            settings=form.settings() if form.gateway else None,
        )
        if not isinstance(saved, Refusal):
            messages.success(request, _("%(name)s saved.") % {"name": saved.name})
            return redirect("office:method", saved.pk) if saved.kind else redirect("office:methods")
        if _SETTING + saved.field in form.fields:
            form.add_error(_SETTING + saved.field, str(_SETTING_WRONG))
        else:
            refuse(form, saved, _NOT_SAVED)
    given: dict[str, object] = {"form": form, "method": found, "gateway": form.gateway}
    if found is not None and found.public_id:
        given["notice_url"] = panel_url(request) + reverse("payment_notice", args=[found.public_id])
        given["notices"] = notices.of_method(found.pk)
    return render(request, "office/method.html", given)
