"""Services from a file: chosen or pasted, shown with what would come of each row, then taken in."""

from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts.roles import Permission
from sutler.catalogue import service_file
from sutler.catalogue.service_file import Fault, Offer, Unreadable
from sutler.core import skipped_rows
from sutler.fulfilment.catalogue import import_file
from sutler.fulfilment.catalogue.import_file import IfTaken
from sutler.web.access import StaffRequest, staff_page

SHOWN = 200
LARGEST_UPLOAD = 2_000_000


class FileForm(forms.Form):
    """A file of services, chosen or pasted; what was chosen is shown, so that it is read before it is taken in."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        widget=forms.FileInput({"accept": ".csv,.json,text/csv,application/json"}),
    )
    content = forms.CharField(
        label=gettext_lazy("Or paste its text"),
        required=False,
        max_length=LARGEST_UPLOAD,
        strip=False,
        widget=forms.Textarea({"rows": 10, "class": "code", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "The JSON response of action=services, or CSV with a header line: service, name, type, "
            "category, rate, min, max and, optionally, dripfeed, refill, cancel, refill_days, "
            "refill_wait_hours, desc."
        ),
    )
    if_taken = forms.ChoiceField(
        label=gettext_lazy("Rows whose ID already exists"),
        choices=[
            (IfTaken.LEAVE_OUT, gettext_lazy("Skip")),
            (IfTaken.NEW_ID, gettext_lazy("Import under a new ID")),
            (IfTaken.UPDATE, gettext_lazy("Update our service")),
        ],
        required=False,
    )
    accept_rises = forms.BooleanField(label=gettext_lazy("Allow price rises over 30 %"), required=False)

    def clean(self) -> dict[str, Any]:
        """Asks for one of the two; a file of at most two million bytes in a charset that is known."""
        given = super().clean() or {}
        file = given.get("file")
        if file is not None and file.size > LARGEST_UPLOAD:
            self.add_error("file", _("File too large. Use `sutler service import` for larger files."))
        elif file is not None:
            try:
                given["content"] = service_file.text_of(file.read())
            except Unreadable as error:
                self.add_error("file", str(error))
        if not given.get("content") and not self.errors:
            self.add_error("file", _("Select a file or paste its text."))
        return given


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CATALOGUE)
def services_import(request: StaffRequest) -> HttpResponse:
    """Reads a file of services and shows what would come of each row."""
    return _previewed(request, _read(FileForm(request.POST or None, request.FILES or None)))


@require_POST
@staff_page(Permission.CATALOGUE)
def services_import_apply(request: StaffRequest) -> HttpResponse:
    """Takes in what can be of the text that was previewed; of a new file it shows the preview first."""
    file = _read(FileForm(request.POST, request.FILES or None))
    plan = _plan(file)
    if plan is None or not (plan.new or plan.changes) or "file" in request.FILES:
        return _previewed(request, file)
    plan = import_file.take_in(
        file.offers, file.faults, file.if_taken, request.user, request.now, accept_rises=file.accept_rises
    )
    numbers = {"new": len(plan.new), "changed": len(plan.changes), "left": len(plan.left_out)}
    messages.success(request, _("Services added: %(new)s, updated: %(changed)s, rows skipped: %(left)s.") % numbers)
    return redirect("office:services")


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """A form with the services of its file, as far as it is valid and can be read."""

    form: FileForm
    is_readable: bool
    offers: list[Offer] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def if_taken(self) -> IfTaken:
        """What happens to services that exist."""
        return IfTaken(self.form.cleaned_data["if_taken"] or IfTaken.LEAVE_OUT)

    @property
    def accept_rises(self) -> bool:
        """Whether prices may rise by more than 30 %."""
        return bool(self.form.cleaned_data["accept_rises"])


def _read(form: FileForm) -> ServiceFile:
    if not form.is_valid():
        return ServiceFile(form, is_readable=False)
    content = form.cleaned_data["content"]
    is_json = content.lstrip("\ufeff \r\n\t")[:1] in {"[", "{"}
    try:
        offers, faults = service_file.check((service_file.read_json if is_json else service_file.read_csv)(content))
    except Unreadable as error:
        form.add_error("content", str(error))
        return ServiceFile(form, is_readable=False)
    return ServiceFile(form, is_readable=True, offers=offers, faults=faults)


def _plan(file: ServiceFile) -> import_file.Plan | None:
    if not file.is_readable:
        return None
    return import_file.plan(file.offers, file.faults, file.if_taken, accept_rises=file.accept_rises)


def _previewed(request: StaffRequest, file: ServiceFile) -> HttpResponse:
    plan = _plan(file)
    given: dict[str, Any] = {"form": file.form, "base": settings.SUTLER["SUTLER_BASE_CURRENCY"], "here": "import"}
    if plan is not None:
        given |= {
            "plan": plan,
            "new": plan.new[:SHOWN],
            "more_new": len(plan.new[SHOWN:]),
            "left_out": skipped_rows.by_reason(plan.left_out),
            "count": len(plan.new) + len(plan.changes),
            "form": FileForm(initial=file.form.cleaned_data | {"file": None}),
        }
    return render(request, "office/services_import.html", given)
