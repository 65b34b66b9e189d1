"""Services from a file: chosen or pasted, shown with what would come of each row, then taken in."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

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
    """Reads a file of services and shows what would come of each row; `do` = import takes in what can be."""
    form = FileForm(request.POST or None, request.FILES or None)
    given: dict[str, Any] = {"form": form, "base": settings.SUTLER["SUTLER_BASE_CURRENCY"], "here": "import"}
    if not form.is_valid():
        return render(request, "office/services_import.html", given)
    asked = form.cleaned_data
    try:
        offers, faults = _read(asked["content"])
    except Unreadable as error:
        form.add_error("content", str(error))
        return render(request, "office/services_import.html", given)
    if_taken, rises = IfTaken(asked["if_taken"] or IfTaken.LEAVE_OUT), asked["accept_rises"]
    plan = import_file.plan(offers, faults, if_taken, accept_rises=rises)
    count = len(plan.new) + len(plan.changes)
    if count and request.POST.get("do") == "import" and "file" not in request.FILES:
        plan = import_file.take_in(offers, faults, if_taken, request.user, request.now, accept_rises=rises)
        told = {"new": len(plan.new), "changed": len(plan.changes), "left": len(plan.left_out)}
        said = _("Services added: %(new)s, updated: %(changed)s, rows skipped: %(left)s.") % told
        messages.success(request, said)
        return redirect("office:services")
    given |= {
        "plan": plan,
        "new": plan.new[:SHOWN],
        "more_new": len(plan.new[SHOWN:]),
        "left_out": skipped_rows.by_reason(plan.left_out),
        "count": count,
        "form": FileForm(initial=asked | {"file": None}),
    }
    return render(request, "office/services_import.html", given)


def _read(content: str) -> tuple[list[Offer], list[Fault]]:
    is_json = content.lstrip("\ufeff \r\n\t")[:1] in {"[", "{"}
    return service_file.check((service_file.read_json if is_json else service_file.read_csv)(content))
