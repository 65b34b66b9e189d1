"""Alarms: what staff must look at, and closing them once they have been seen to."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from sutler.accounts import audit_log
from sutler.accounts.models import AuditEntry
from sutler.accounts.roles import Permission
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.models import Alarm, Provider
from sutler.fulfilment.providers import alarms as bell
from sutler.office.audited_actions import actor_of, named, numbers
from sutler.office.fields import reason_field
from sutler.office.refusal_text import BUSY
from sutler.storage.transactions import Busy, CommitUnclear, durable
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page
from sutler.web.selection import selected

KINDS = {
    Alarm.Kind.LOW_BALANCE: gettext_lazy("Low balance"),
    Alarm.Kind.BRAKE: gettext_lazy("Sending paused"),
    Alarm.Kind.KEY_OR_FUNDS: gettext_lazy("Key or funds rejected"),
    Alarm.Kind.OVERCHARGE: gettext_lazy("Overcharged"),
    Alarm.Kind.UNDERCHARGE: gettext_lazy("Undercharged"),
    Alarm.Kind.REFUND: gettext_lazy("Unexpected refund"),
    Alarm.Kind.BALANCE: gettext_lazy("Balance mismatch"),
    Alarm.Kind.ORPHAN: gettext_lazy("Unmatched order"),
    Alarm.Kind.LATE_CHANGE: gettext_lazy("Changed after completion"),
    Alarm.Kind.LATE_ANSWER: gettext_lazy("Late answer"),
    Alarm.Kind.NOT_FOUND: gettext_lazy("Not found at provider"),
    Alarm.Kind.FAILED: gettext_lazy("Failed at provider"),
    Alarm.Kind.UNKNOWN_STATUS: gettext_lazy("Unknown status"),
    Alarm.Kind.VERDICT: gettext_lazy("Decision needed"),
    Alarm.Kind.CATALOGUE: gettext_lazy("Service list"),
    Alarm.Kind.MARGIN: gettext_lazy("Margin"),
    Alarm.Kind.DESK: gettext_lazy("No route"),
    Alarm.Kind.UNPAID: gettext_lazy("Unpaid post"),
    Alarm.Kind.EXCHANGE: gettext_lazy("Exchange rate"),
    Alarm.Kind.REFUSED: gettext_lazy("Unknown refusal"),
    Alarm.Kind.UNREAD: gettext_lazy("Unreadable answers"),
    Alarm.Kind.KEY_UNREADABLE: gettext_lazy("API key cannot be decrypted"),
    Alarm.Kind.BACKUP_FAILED: gettext_lazy("Backup failed"),
    Alarm.Kind.BACKUP_MISSED: gettext_lazy("No backup"),
    Alarm.Kind.RESTORED: gettext_lazy("Restored from a backup"),
    Alarm.Kind.NOTICES: gettext_lazy("Notices not delivered"),
}


class FilterForm(forms.Form):
    """What the list is narrowed to."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Type"), required=False, choices=[("", gettext_lazy("All")), *KINDS.items()]
    )
    provider = forms.TypedChoiceField(label=gettext_lazy("Provider"), required=False, coerce=int, empty_value=None)
    state = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        known = [("", gettext_lazy("All")), *Provider.objects.order_by("name").values_list("pk", "name")]
        self.fields["provider"].choices = known  # type: ignore[attr-defined]


class CloseForm(forms.Form):
    """What was done about alarms."""

    reason = reason_field(
        label=gettext_lazy("Resolution note"), help_text=gettext_lazy("Saved with the alarm and in the audit log.")
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.VERDICTS)
def alarms(request: StaffRequest) -> HttpResponse:
    """Shows the open alarms, or with `state` = closed the others; a POST closes those chosen (`alarm`) with a note."""
    form, close = FilterForm(request.GET), CloseForm(request.POST if request.method == "POST" else None)
    form.is_valid()
    chosen = numbers(selected(request.POST, "alarm", paging.ROWS).values)
    if close.is_valid():
        if not chosen:
            close.add_error(None, _("Select at least one alarm."))
        elif _close(request, close, chosen):
            return redirect("office:alarms")
    is_open, start = request.GET.get("state") != "closed", paging.before(request)
    asked = {"kind": form.cleaned_data.get("kind") or None, "provider_id": form.cleaned_data.get("provider")}
    found = bell.recent(is_open=is_open, before=start, limit=paging.ROWS + 1, **asked)
    rows = found[: paging.ROWS]
    notes = {} if is_open else _notes(rows)
    subjects = bell.subjects_of([each.pk for each in rows])
    names = named({each.closed_by for each in rows})
    given = {
        "form": form,
        "close": close,
        "chosen": set(chosen),
        "is_open": is_open,
        "is_narrowed": any(asked.values()),
        "rows": [
            (
                each,
                KINDS.get(Alarm.Kind(each.kind), each.kind),
                names.get(each.closed_by, each.closed_by),
                notes.get(each.pk),
                subjects[each.pk],
            )
            for each in rows
        ],
        "page": paging.page(rows, start, rows[-1].pk if len(found) > paging.ROWS else None),
    }
    return render(request, "office/alarms.html", given)


def _close(request: StaffRequest, form: CloseForm, ids: list[int]) -> bool:
    """Closes those that are open, each with its line in the audit log; or says in the form why it was not done."""
    count = 0
    try:
        with durable():
            for each in ids:
                if bell.close_by_id(each, actor_of(request.user), request.now):
                    reason = form.cleaned_data["reason"]
                    audit_log.write(
                        request.user, "alarm closed", Subject(SubjectType.ALARM, each), request.now, reason=reason
                    )
                    count += 1
    except (Busy, CommitUnclear):
        form.add_error(None, BUSY)
        return False
    if count:
        messages.success(request, _("Alarms closed. If the cause remains, the alarm returns."))
    else:
        messages.warning(request, _("These alarms were already closed."))
    return True


def _notes(rows: list[Alarm]) -> dict[int, str]:
    entries = AuditEntry.objects.filter(
        subject_type=SubjectType.ALARM, subject_id__in=[str(each.pk) for each in rows], action="alarm closed"
    )
    return {int(each.subject_id): each.reason for each in entries.order_by("pk")}
