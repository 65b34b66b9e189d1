"""Reports from outside: anybody may say what goes against the rules, and is told what happens next."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from sutler.core.clock import SystemClock
from sutler.core.refusals import Reason, Refusal
from sutler.support import reports
from sutler.support.tickets import LONGEST_SUBJECT, LONGEST_TEXT


class ReportForm(forms.Form):
    """What is reported, and where to answer."""

    email = forms.EmailField(
        label=gettext_lazy("Your email address"),
        help_text=gettext_lazy("We reply to this address and share it with nobody."),
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    subject = forms.CharField(
        label=gettext_lazy("What are you reporting?"),
        help_text=gettext_lazy("A link to the page or post, or a short description."),
        max_length=LONGEST_SUBJECT,
    )
    text = forms.CharField(
        label=gettext_lazy("Description"), max_length=LONGEST_TEXT, widget=forms.Textarea({"rows": 8})
    )


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """Shows the form; a POST opens a ticket for staff and leads to what happens next."""
    form = ReportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given, address = form.cleaned_data, request.META.get("REMOTE_ADDR", "")
        answer = reports.report(given["email"], given["subject"], given["text"], address, SystemClock().now())
        if not isinstance(answer, Refusal):
            return redirect("report_sent")
        if answer.reason is Reason.TOO_MANY_REQUESTS:
            form.add_error(None, _("Too many reports this hour. Please try again later."))
        else:
            form.add_error(
                answer.field if answer.field in form.fields else None, _("Invalid value. Correct it and try again.")
            )
    return render(request, "web/report.html", {"form": form})


@require_safe
def report_sent(request: HttpRequest) -> HttpResponse:
    """Says what happens next."""
    return render(request, "web/report_sent.html")
