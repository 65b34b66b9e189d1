"""The audit log: what staff did, to what, why, and what it changed."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from sutler.accounts import audit_log as log
from sutler.accounts.models import AuditEntry
from sutler.accounts.roles import Permission
from sutler.accounts.staff import members
from sutler.core.subjects import TEXTS, subject_text
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page
from sutler.web.date_range import DaysForm


class FilterForm(DaysForm):
    """Who did what to what, and when."""

    actor = forms.TypedChoiceField(label=gettext_lazy("User"), required=False, coerce=int, empty_value=None)
    action = forms.CharField(label=gettext_lazy("Action"), required=False, max_length=60)
    about = forms.ChoiceField(label=gettext_lazy("Object"), required=False)
    id = forms.CharField(label=gettext_lazy("ID"), required=False, max_length=100)
    field_order = ["actor", "action", "about", "id", "first", "last"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(each.pk, each.name or each.email) for each in members()]
        self.fields["actor"].choices = [("", gettext_lazy("Everyone")), *named]  # type: ignore[attr-defined]
        types = [(each.value, subject_text(each, "", gettext)) for each in TEXTS]
        self.fields["about"].choices = [("", gettext_lazy("All")), *((key, text) for key, text in types if text)]  # type: ignore[attr-defined]
        self.fields["action"].widget.attrs["placeholder"] = "adjusted"


@require_safe
@staff_page(Permission.AUDIT_LOG)
def audit_log(request: StaffRequest) -> HttpResponse:
    """Shows the entries that fit the filters, newest first."""
    form = FilterForm(request.GET)
    form.is_valid()
    asked = form.cleaned_data
    start = paging.before(request)
    found = log.recent(
        before=start,
        actor_id=asked.get("actor"),
        subject_type=asked.get("about") or None,
        subject_id=asked.get("id") or None,
        action=asked.get("action") or None,
        since=form.since(),
        until=form.until(),
        limit=paging.ROWS + 1,
    )
    following = found[paging.ROWS - 1].pk if len(found) > paging.ROWS else None
    rows = [(each, _changes(each)) for each in found[: paging.ROWS]]
    given = {"form": form, "page": paging.page(rows, start, following), "is_narrowed": any(asked.values())}
    return render(request, "office/audit_log.html", given)


def _changes(entry: AuditEntry) -> list[tuple[str, Any, Any]]:
    """Returns the names of what was changed, with their values before and after."""
    before, after = entry.before or {}, entry.after or {}
    names = [*before, *(name for name in after if name not in before)]
    return [(name.replace("_", " "), before.get(name), after.get(name)) for name in names]
