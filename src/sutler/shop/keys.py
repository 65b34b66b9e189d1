"""API keys: made, shown once, listed, revoked."""

from collections.abc import Mapping
from ipaddress import ip_network

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts import keys
from sutler.core.clock import new_token
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.amount_field import AmountField

SCOPES: Mapping[str, str | Promise] = {
    "read": gettext_lazy("Read: services, orders, balance"),
    "order": gettext_lazy("Place orders"),
    "refill_cancel": gettext_lazy("Request refills and cancels"),
}
MOST_NETWORKS = 40
# The secret on its way from the form to the one page that shows it: in the holder's own browser, never in our storage.
COOKIE, COOKIE_SECONDS = "new_key", 120


class KeyForm(forms.Form):
    """What a key is for, what it may do, from where, and how much it may spend in a day."""

    label = forms.CharField(
        label=gettext_lazy("Label"),
        help_text=gettext_lazy("A name to recognize the key by, such as the program that uses it."),
        max_length=100,
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Permissions"),
        choices=list(SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Select at least one.")},
    )
    addresses = forms.CharField(
        label=gettext_lazy("Allowed IP addresses"),
        help_text=gettext_lazy(
            "IP addresses or networks such as 203.0.113.0/24, one per line. Leave empty to allow any IP."
        ),
        required=False,
        max_length=1800,
        widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
    )
    daily_cap = AmountField(
        label=gettext_lazy("Daily limit"),
        help_text=gettext_lazy("The most this key may spend in 24 hours. Leave empty for no limit."),
        required=False,
    )

    def clean_addresses(self) -> tuple[str, ...]:
        """Returns the networks. An error names the line that is none."""
        lines = self.cleaned_data["addresses"].replace(",", " ").split()
        for each in lines:
            try:
                ip_network(each, strict=False)
            except ValueError as error:
                raise ValidationError(
                    _("Invalid IP address or network: %(line)s. Use 203.0.113.7 or 203.0.113.0/24.") % {"line": each}
                ) from error
        if len(lines) > MOST_NETWORKS:
            raise ValidationError(_("Too many lines. Enter at most %(count)s.") % {"count": MOST_NETWORKS})
        return tuple(lines)


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def keys_list(request: CustomerRequest) -> HttpResponse:
    """Shows the keys in use and, once, the secret of one just made; a POST makes a key."""
    form = KeyForm(request.POST if request.method == "POST" else None, initial={"scopes": list(SCOPES)})
    form.fields["daily_cap"].label = _("Daily limit, %(currency)s") % {"currency": request.customer.currency}
    kept = keys.of_customer(request.customer.pk)
    if form.is_valid() and _is_allowed(request, form, len(kept)):
        return _make(request, form)
    secret = request.get_signed_cookie(COOKIE, "", salt=str(request.customer.pk), max_age=COOKIE_SECONDS)
    rows = [(key, [SCOPES[each] for each in key.scopes.split() if each in SCOPES]) for key in kept]
    answer = render(request, "shop/keys.html", {"form": form, "rows": rows, "secret": secret})
    if secret:
        answer.delete_cookie(COOKIE, path=request.path, samesite="Strict")
    return answer


@require_POST
@customer_page
def key_revoke(request: CustomerRequest, key_id: int) -> HttpResponse:
    """Ends a key for good."""
    if not keys.revoke(key_id, request.now, customer_id=request.customer.pk):
        raise Http404
    messages.success(request, _("Key revoked. Requests with this key are now refused."))
    return redirect("shop:keys")


def _is_allowed(request: CustomerRequest, form: KeyForm, count: int) -> bool:
    if request.user.is_staff:
        # A key would outlive the visit, and nobody would see any more who is at it.
        form.add_error(None, _("Only the customer can create API keys. Staff signed in as a customer cannot."))
    elif count >= keys.MOST_KEYS:
        form.add_error(None, _("You have 50 active keys, the most allowed. Revoke one you no longer need."))
    return form.is_valid()


def _make(request: CustomerRequest, form: KeyForm) -> HttpResponse:
    given, secret = form.cleaned_data, new_token()
    keys.create(
        secret,
        request.now,
        customer_id=request.customer.pk,
        label=given["label"],
        scopes=tuple(given["scopes"]),
        networks=given["addresses"],
        daily_cap_micros=given["daily_cap"],
    )
    answer = redirect("shop:keys")
    answer.set_signed_cookie(
        COOKIE,
        secret,
        salt=str(request.customer.pk),
        max_age=COOKIE_SECONDS,
        path=request.path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Strict",
    )
    return answer
