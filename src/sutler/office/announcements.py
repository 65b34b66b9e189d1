"""Announcements: written, shown at once or later, ended."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts.roles import Permission
from sutler.core.refusals import Reason, Refusal
from sutler.office.fields import MomentField
from sutler.office.refusal_text import Words, refuse, words
from sutler.support import announcements
from sutler.support.models import Announcement
from sutler.web.access import StaffRequest, staff_page

LEVELS = {
    Announcement.Level.INFO: (gettext_lazy("Information"), "note"),
    Announcement.Level.SUCCESS: (gettext_lazy("Good news"), "good"),
    Announcement.Level.WARNING: (gettext_lazy("Warning"), "warn"),
    Announcement.Level.DANGER: (gettext_lazy("Urgent"), "bad"),
}
_NOT_SAVED: dict[str | Reason, Words] = {"until": gettext_lazy("Invalid period. The end must be after the start.")}


class AnnouncementForm(forms.Form):
    """What is said, how loud, and when; hours are those of the reader's zone."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=announcements.LONGEST_TITLE)
    text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=announcements.LONGEST_TEXT,
        widget=forms.Textarea({"rows": 6}),
    )
    level = forms.ChoiceField(label=gettext_lazy("Type"), choices=[(name, told[0]) for name, told in LEVELS.items()])
    start = MomentField(
        label=gettext_lazy("Shown from"), required=False, help_text=gettext_lazy("Leave empty to show it now.")
    )
    until = MomentField(
        label=gettext_lazy("Shown until"),
        required=False,
        help_text=gettext_lazy("Leave empty to show it until you end it."),
    )


@require_safe
@staff_page(Permission.ANNOUNCEMENTS)
def announcements_list(request: StaffRequest) -> HttpResponse:
    """Shows all announcements: what is shown now, what will be, what was."""
    rows = [(each, *LEVELS[Announcement.Level(each.level)], _when(each, request)) for each in announcements.of_all()]
    return render(request, "office/announcements.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.ANNOUNCEMENTS)
def announcement_new(request: StaffRequest) -> HttpResponse:
    """Writes an announcement."""
    return _edited(request, AnnouncementForm(request.POST if request.method == "POST" else None), None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.ANNOUNCEMENTS)
def announcement(request: StaffRequest, announcement_id: int) -> HttpResponse:
    """Changes an announcement."""
    found = Announcement.objects.filter(pk=announcement_id).first()
    if found is None:
        raise Http404
    kept = {name: getattr(found, name) for name in ("title", "text", "level")}
    kept |= {"start": found.shown_from, "until": found.shown_until}
    return _edited(request, AnnouncementForm(request.POST if request.method == "POST" else None, initial=kept), found)


@require_POST
@staff_page(Permission.ANNOUNCEMENTS)
def announcement_end(request: StaffRequest, announcement_id: int) -> HttpResponse:
    """Shows it no longer."""
    refusal = announcements.take_back(announcement_id, request.user, request.now)
    if refusal is None:
        messages.success(request, _("Announcement ended."))
    else:
        messages.error(request, words(refusal))
    return redirect("office:announcements")


def _edited(request: StaffRequest, form: AnnouncementForm, found: Announcement | None) -> HttpResponse:
    if form.is_valid():
        asked = form.cleaned_data
        start = asked["start"] or (found.shown_from if found else request.now)
        saved = announcements.save(
            asked["title"],
            asked["text"],
            asked["level"],
            start,
            asked["until"],
            request.user,
            request.now,
            announcement_id=found.pk if found else None,
        )
        if not isinstance(saved, Refusal):
            messages.success(request, _("Announcement saved."))
            return redirect("office:announcements")
        refuse(form, saved, _NOT_SAVED)
    return render(request, "office/announcement.html", {"form": form, "announcement": found})


def _when(each: Announcement, request: StaffRequest) -> str:
    """Returns whether it is shown: to come, now or past."""
    if each.shown_until is not None and each.shown_until <= request.now:
        return "past"
    return "now" if each.shown_from <= request.now else "later"
