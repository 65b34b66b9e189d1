"""My notices: what a member of staff hears of by e-mail, in which language, by which clock, when."""

from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from sutler.accounts import profile
from sutler.accounts.roles import Permission
from sutler.web.access import StaffRequest, staff_page
from sutler.web.long_select import LongSelect
from sutler.web.notice_form import NoticeForm


class ReaderForm(forms.Form):
    """How somebody reads."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("Browser default")), *settings.LANGUAGES],
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        choices=[("", "UTC"), *((each, each.replace("_", " ")) for each in sorted(available_timezones()))],
        widget=LongSelect,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.SEE_ORDERS)
def own_notices(request: StaffRequest) -> HttpResponse:
    """Shows what who is signed in hears of; a POST stores it."""
    data, person = request.POST if request.method == "POST" else None, request.user
    form = NoticeForm(data, person)
    reader = ReaderForm(data, initial={"language": person.language, "time_zone": person.time_zone})
    if form.is_valid() and reader.is_valid() and form.save():
        profile.change(person.pk, name=person.name, notices=person.notices.split(), **reader.cleaned_data)
        messages.success(request, _("Notices saved."))
        return redirect("office:notices")
    return render(request, "office/notices.html", {"form": form, "reader": reader, "here": "notices"})
