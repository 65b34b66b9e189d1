"""Orders that wait for approval: let go on, or rejected and given back, one or many."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from sutler.accounts.roles import Permission
from sutler.office.audited_actions import actor_of, numbers, to_orders
from sutler.office.fields import reason_field
from sutler.orders import approval
from sutler.web.access import StaffRequest, staff_page

MOST_LISTED = 100


class RejectForm(forms.Form):
    """Why orders are rejected; only rejecting needs it."""

    reason = reason_field(required=False, help_text=gettext_lazy("Required to reject. The customer sees it."))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CHANGE_ORDERS)
def approvals(request: StaffRequest) -> HttpResponse:
    """Shows the orders that wait, oldest first; a POST approves or rejects (`do`) those chosen (`order`)."""
    ids, do = numbers(request.POST.getlist("order")), request.POST.get("do", "")
    form = RejectForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        if not ids:
            form.add_error(None, _("Select at least one order."))
        elif do == "reject" and not reason:
            form.add_error("reason", _("Enter a reason. The customer sees it."))
        elif do in {"approve", "reject"}:
            _decide(request, ids, do, reason)
            return redirect("office:approvals")
    given = {"waiting": approval.waiting(MOST_LISTED), "form": form, "chosen": set(ids), "most": MOST_LISTED}
    return render(request, "office/approvals.html", given)


def _decide(request: StaffRequest, ids: list[int], do: str, reason: str) -> None:
    """Decides and says how many it was, and which could not be."""
    actor = actor_of(request.user)
    if do == "approve":
        faults = to_orders(request, "order approved", ids, lambda: approval.approve(ids, actor, request.now))
        words = ngettext("%(count)s order approved.", "%(count)s orders approved.", faults.count(""))
    else:
        verb = lambda: approval.reject(ids, reason, actor, request.now)  # noqa: E731
        faults = to_orders(request, "order rejected", ids, verb, reason=reason)
        words = ngettext(
            "%(count)s order rejected and refunded.",
            "%(count)s orders rejected and refunded.",
            faults.count(""),
        )
    if "" in faults:
        messages.success(request, words % {"count": faults.count("")})
    for order_id, fault in zip(ids, faults, strict=True):
        if fault:
            messages.error(request, _("Order %(id)s: %(fault)s") % {"id": order_id, "fault": fault})
