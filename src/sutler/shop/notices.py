"""Notices of customers: what somebody hears of by e-mail, and when. A part of the profile."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from sutler.web.access import CustomerRequest, customer_page
from sutler.web.notice_form import NoticeForm


@require_http_methods(["GET", "HEAD", "POST"])
@customer_page
def own_notices(request: CustomerRequest) -> HttpResponse:
    """Shows what who is signed in hears of; a POST stores it."""
    form = NoticeForm(request.POST if request.method == "POST" else None, request.user)
    if form.is_valid() and form.save():
        messages.success(request, _("Notices saved."))
        return redirect("shop:notices")
    return render(request, "shop/notices.html", {"form": form})
