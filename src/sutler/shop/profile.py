"""The profile: who somebody is, how they read the pages, and what they are told of by e-mail."""

from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods

from sutler.accounts import customers, profile
from sutler.accounts.models import Notice
from sutler.core.countries import CODES
from sutler.core.refusals import Reason, Refusal
from sutler.web.access import CustomerRequest, customer_page
from sutler.web.long_select import LongSelect

NOTICES = {
    Notice.TICKETS: gettext_lazy("Replies to my tickets"),
    Notice.FUNDS: gettext_lazy("Payments credited or rejected"),
}
_AS_BROWSER = ("", gettext_lazy("Browser default"))


class ProfileForm(forms.Form):
    """What people say about themselves. The country is asked for while it is not known."""

    name = forms.CharField(
        label=pgettext_lazy("person", "Name"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), required=False, choices=[_AS_BROWSER, *settings.LANGUAGES]
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        choices=[("", "UTC"), *((each, each.replace("_", " ")) for each in sorted(available_timezones()))],
        widget=LongSelect,
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Country"),
        help_text=gettext_lazy(
            "Some services are not available in some countries. Once set, only our staff can change it."
        ),
        required=False,
        choices=[("", gettext_lazy("Not set")), *((each, each) for each in sorted(CODES))],
        widget=LongSelect,
    )
    notices = forms.MultipleChoiceField(
        label=gettext_lazy("Email me about"),
        required=False,
        choices=list(NOTICES.items()),
        widget=forms.CheckboxSelectMultiple,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def own_profile(request: CustomerRequest) -> HttpResponse:
    """Shows the profile of who is signed in; a POST stores it."""
    person = request.user
    kept: dict[str, object] = {"name": person.name, "language": person.language, "time_zone": person.time_zone}
    kept |= {"notices": person.notices.split()}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=kept)
    if request.customer.country:
        del form.fields["country"]
    if form.is_valid() and _is_stored(request, form):
        messages.success(request, _("Profile saved."))
        return redirect("shop:profile")
    return render(request, "shop/profile.html", {"form": form})


def _is_stored(request: CustomerRequest, form: ProfileForm) -> bool:
    given = form.cleaned_data
    country = given.pop("country", "")
    refusal = customers.say_country(request.customer.pk, country) if country else None
    refusal = refusal or profile.change(request.user.pk, **given)
    if isinstance(refusal, Refusal):
        is_said = refusal.reason is Reason.MOVE_NOT_ALLOWED
        form.add_error(
            refusal.field,
            _("Your country is already set. Open a ticket to change it.")
            if is_said
            else _("Invalid value. Correct it and try again."),
        )
    return refusal is None
