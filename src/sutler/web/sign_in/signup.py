"""Signing up: a person, the customer they act for and its wallet, in one transaction, once the terms are accepted."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sutler.accounts import customers, mail, terms
from sutler.accounts.models import User
from sutler.books.post import open_wallet
from sutler.core.clock import SystemClock
from sutler.web.branding import panel_branding
from sutler.web.sign_in import guessing


class SignUpForm(forms.Form):
    """What is asked besides address and password. The terms are those shown beside it: newer ones are asked anew."""

    name = forms.CharField(
        label=_("Your name or company"), max_length=200, widget=forms.TextInput({"autocomplete": "name"})
    )
    terms = forms.BooleanField(error_messages={"required": _("Read and accept the terms.")})
    terms_version = forms.IntegerField(widget=forms.HiddenInput)
    field_order = ["email", "name", "password1", "terms", "terms_version"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = terms.current()
        if version is None:
            del self.fields["terms"], self.fields["terms_version"]
        else:
            self.fields["terms"].label = format_html(gettext('I accept the <a href="{}">terms</a>'), reverse("terms"))
            self.fields["terms_version"].initial = version.pk

    def clean_terms_version(self) -> int:
        """Returns the version that was shown. An error on `terms` if the operator has published another since."""
        version = int(self.cleaned_data["terms_version"])
        current = terms.current()
        if current is None or current.pk != version:
            self.data = {**dict(self.data.items()), "terms_version": current and current.pk}
            self.add_error("terms", _("The terms have just changed. Read and accept the new version."))
        return version

    def signup(self, request: HttpRequest, user: User) -> None:
        """Does nothing: the adapter has stored everything together."""


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """What signing up and its letters do here."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Stores the person with a customer of their own, an empty wallet, and which terms they accepted."""
        now = SystemClock().now()
        currency = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        user.name, user.date_joined = form.cleaned_data["name"], now
        with transaction.atomic():
            user.customer = customers.create(user.name, currency, now)
            open_wallet(user.customer.pk, currency)
            super().save_user(request, user, form)
            if "terms_version" in form.cleaned_data:
                terms.accept(user, form.cleaned_data["terms_version"], now)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the attempt. Raises ValidationError if it is one too many of whoever guesses (`guessing`)."""
        self._login_failed_rl_usage = guessing.count(request, str(credentials.get("email", "")).lower())
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def post_login(self, request: HttpRequest, user: User, **given: Any) -> HttpResponse:
        """Has the browser known at the account from now on."""
        response: HttpResponse = super().post_login(request, user, **given)
        guessing.remember(response, user.email.lower())
        return response

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Writes one of the letters, in the panel's name; the worker sends it. Most hold a link that is a secret."""
        host = urlsplit(settings.SUTLER["SUTLER_PUBLIC_URL"]).netloc or self.request.get_host()
        site = SimpleNamespace(name=panel_branding().name, domain=host)
        given = context | {"request": self.request, "email": email, "current_site": site}
        message = self.render_mail(template_prefix, email, given)
        mail.write(email, message.subject, message.body, SystemClock().now(), is_secret=True)
