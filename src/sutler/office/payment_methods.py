"""The methods of paying that customers are offered."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from sutler.accounts.roles import Permission
from sutler.catalogue import exchange_rates
from sutler.core.refusals import Reason, Refusal
from sutler.office.fields import PercentField
from sutler.office.refusal_text import Words, refuse
from sutler.payments import methods
from sutler.payments.models import Method
from sutler.web.access import StaffRequest, staff_page
from sutler.web.amount_field import AmountField

_NOT_SAVED: dict[str | Reason, Words] = {
    "max": gettext_lazy("Invalid maximum. It must not be below the minimum."),
    "fee": gettext_lazy("Invalid fee. Enter 0 to 99.99 %."),
    "bonus": gettext_lazy("Invalid bonus. Enter 0 to 100 %."),
}


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        known = [base, *(each.currency for each in exchange_rates.rates())]
        kept = self.initial.get("currency")
        known += [kept] if kept and kept not in known else []
        self.fields["currency"].choices = [(each, each) for each in known]  # type: ignore[attr-defined]

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
        )


@require_safe
@staff_page(Permission.PAYMENTS)
def methods_list(request: StaffRequest) -> HttpResponse:
    """Shows every method, those not offered after the others."""
    return render(request, "office/methods.html", {"rows": methods.all_methods(), "here": "methods"})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PAYMENTS)
def method_new(request: StaffRequest) -> HttpResponse:
    """Makes a method."""
    return _edited(request, MethodForm(request.POST if request.method == "POST" else None), None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PAYMENTS)
def method(request: StaffRequest, method_id: int) -> HttpResponse:
    """Changes a method; requests made before keep their terms."""
    found = Method.objects.filter(pk=method_id).first()
    if found is None:
        raise Http404
    kept = {
        **{name: getattr(found, name) for name in ("name", "instructions", "currency", "position", "is_offered")},
        **{"min": found.min_micros, "max": found.max_micros},
        **{"fee": found.fee_basis_points, "bonus": found.bonus_basis_points},
    }
    return _edited(request, MethodForm(request.POST if request.method == "POST" else None, initial=kept), found)


def _edited(request: StaffRequest, form: MethodForm, found: Method | None) -> HttpResponse:
    if form.is_valid():
        saved = methods.save(form.draft(), request.user, request.now, method_id=found.pk if found else None)
        if not isinstance(saved, Refusal):
            messages.success(request, _("%(name)s saved.") % {"name": saved.name})
            return redirect("office:methods")
        refuse(form, saved, _NOT_SAVED)
    return render(request, "office/method.html", {"form": form, "method": found})
