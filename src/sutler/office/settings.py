"""Settings: the panel's face, the terms, and the limits that the operator has set."""

from typing import Any

from django import forms
from django.conf import settings as configured
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts import panel, terms
from sutler.accounts.models import TermsVersion
from sutler.accounts.roles import Permission
from sutler.accounts.terms import LONGEST_TERMS
from sutler.backups import runs
from sutler.config import SETTINGS
from sutler.core.refusals import Reason, Refusal
from sutler.office.refusal_text import Words, refuse
from sutler.web.access import StaffRequest, staff_page

_NO_LOGO = gettext_lazy("Invalid image. Upload a PNG, JPEG or WebP of at most 200 kB.")
_NOT_SAVED: dict[str | Reason, Words] = {
    "accent": gettext_lazy("Invalid colour. Use #1f6f5c."),
    "logo": _NO_LOGO,
    "terms": gettext_lazy("Enter the terms, at most 100,000 characters."),
}


class BrandingForm(forms.Form):
    """How the panel presents itself."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    tagline = forms.CharField(
        label=gettext_lazy("Tagline"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("One line on the home page."),
    )
    accent = forms.CharField(
        label=gettext_lazy("Accent colour"),
        required=False,
        max_length=7,
        help_text=gettext_lazy("Like #1f6f5c. Leave empty for the default green."),
    )


class LogoForm(forms.Form):
    """An image."""

    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        widget=forms.FileInput({"accept": "image/png,image/jpeg,image/webp"}),
        help_text=gettext_lazy("PNG, JPEG or WebP, at most 200 kB. Square works best."),
        error_messages={"required": gettext_lazy("Select an image first."), "empty": _NO_LOGO},
    )


class TermsForm(forms.Form):
    """What customers agree to."""

    terms = forms.CharField(
        label=gettext_lazy("Terms"),
        max_length=LONGEST_TERMS,
        widget=forms.Textarea({"rows": 16}),
        help_text=gettext_lazy("An empty line starts a new paragraph."),
    )
    acceptable_use = forms.CharField(
        label=gettext_lazy("Acceptable use"),
        required=False,
        max_length=LONGEST_TERMS,
        widget=forms.Textarea({"rows": 10}),
        help_text=gettext_lazy("What may and may not be ordered."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.SETTINGS)
def settings(request: StaffRequest) -> HttpResponse:
    """Shows the panel's face; a POST changes name, tagline and colour."""
    kept = panel.profile()
    initial = {"name": kept.name, "tagline": kept.tagline, "accent": kept.accent}
    form = BrandingForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        asked = form.cleaned_data
        refusal = panel.change(asked["name"], asked["tagline"], asked["accent"], request.user, request.now)
        if refusal is None:
            messages.success(request, _("Changes saved."))
            return redirect("office:settings")
        refuse(form, refusal, _NOT_SAVED)
    return _face(request, form, LogoForm())


@require_POST
@staff_page(Permission.SETTINGS)
def settings_logo(request: StaffRequest) -> HttpResponse:
    """Sets the logo."""
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid():
        content = form.cleaned_data["logo"].read(panel.LARGEST_LOGO_BYTES + 1)
        refusal = panel.set_logo(content, request.user, request.now)
        if refusal is None:
            messages.success(request, _("Logo saved."))
            return redirect("office:settings")
        refuse(form, refusal, _NOT_SAVED)
    kept = panel.profile()
    initial = {"name": kept.name, "tagline": kept.tagline, "accent": kept.accent}
    return _face(request, BrandingForm(initial=initial), form)


@require_POST
@staff_page(Permission.SETTINGS)
def settings_logo_remove(request: StaffRequest) -> HttpResponse:
    """Takes the logo away."""
    panel.set_logo(None, request.user, request.now)
    messages.success(request, _("Logo removed."))
    return redirect("office:settings")


@require_safe
@staff_page(Permission.SETTINGS)
def settings_logo_image(request: StaffRequest) -> HttpResponse:
    """Answers the logo as it is kept."""
    found = panel.logo()
    if found is None:
        raise Http404
    return HttpResponse(found[0], content_type=found[1])


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.SETTINGS)
def settings_terms(request: StaffRequest) -> HttpResponse:
    """Shows the terms; a POST shows them as customers will read them."""
    current = terms.current()
    kept = {"terms": current.terms, "acceptable_use": current.acceptable_use} if current else {}
    form = TermsForm(request.POST if request.method == "POST" else None, initial=kept)
    return _terms(request, form, current, preview=form.cleaned_data if form.is_valid() else None)


@require_POST
@staff_page(Permission.SETTINGS)
def settings_terms_publish(request: StaffRequest) -> HttpResponse:
    """Publishes a new version of the terms, which every customer has to accept."""
    current, form = terms.current(), TermsForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        made = terms.publish(asked["terms"], asked["acceptable_use"], request.user, request.now)
        if not isinstance(made, Refusal):
            is_new = current is None or made.pk != current.pk
            told = (
                _("Published. Customers will be asked to accept the new terms.") if is_new else _("No changes to save.")
            )
            messages.success(request, told)
            return redirect("office:settings_terms")
        refuse(form, made, _NOT_SAVED)
    return _terms(request, form, current)


@require_safe
@staff_page(Permission.SETTINGS)
def settings_limits(request: StaffRequest) -> HttpResponse:
    """Shows how backups do, and every setting of the environment; what is secret only as set or not."""
    rows = [(each.name, _shown(each.name, secret=each.secret), each.about) for each in SETTINGS]
    backup = runs.status(request.now)
    daily = bool(configured.SUTLER["SUTLER_BACKUP_DIR"])
    return render(
        request, "office/settings_limits.html", {"rows": rows, "backup": backup, "daily": daily, "here": "limits"}
    )


def _face(request: StaffRequest, form: BrandingForm, logo: LogoForm) -> HttpResponse:
    given = {"form": form, "logo_form": logo, "has_logo": bool(panel.profile().logo_type), "here": "face"}
    return render(request, "office/settings.html", given)


def _terms(
    request: StaffRequest, form: TermsForm, current: TermsVersion | None, preview: dict[str, Any] | None = None
) -> HttpResponse:
    given = {"form": form, "current": current, "preview": preview, "here": "terms"}
    return render(request, "office/settings_terms.html", given)


def _shown(name: str, *, secret: bool) -> str:
    value = configured.SUTLER[name]
    if secret:
        return _("(set)") if value else _("(empty)")
    return ", ".join(value) if isinstance(value, list) else str(value) or _("(empty)")
