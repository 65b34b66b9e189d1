"""Orders that wait for approval: let go on, or rejected and given back, one or many."""

from collections.abc import Collection
from functools import partial

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from sutler.accounts.roles import Permission
from sutler.office.audited_actions import actor_of, numbers, to_orders
from sutler.office.fields import reason_field
from sutler.office.refusal_text import Words
from sutler.orders import approval
from sutler.web.access import StaffRequest, staff_page

MOST_LISTED = 100


class RejectForm(forms.Form):
    """Why orders are rejected; only rejecting needs it."""

    reason = reason_field(required=False, help_text=gettext_lazy("Required to reject. The customer sees it."))


@require_safe
@staff_page(Permission.CHANGE_ORDERS)
def approvals(request: StaffRequest) -> HttpResponse:
    """Shows the orders that wait, oldest first."""
    return _shown(request, RejectForm())


@require_POST
@staff_page(Permission.CHANGE_ORDERS)
def approvals_approve(request: StaffRequest) -> HttpResponse:
    """Approves the orders `order`."""
    ids, form = numbers(request.POST.getlist("order")), RejectForm(request.POST)
    if not ids:
        form.add_error(None, _("Select at least one order."))
        return _shown(request, form)
    verb = partial(approval.approve, ids, actor_of(request.user), request.now)
    faults = to_orders(request, "order approved", ids, verb)
    _report(request, ids, faults, ngettext("%(count)s order approved.", "%(count)s orders approved.", faults.count("")))
    return redirect("office:approvals")


@require_POST
@staff_page(Permission.CHANGE_ORDERS)
def approvals_reject(request: StaffRequest) -> HttpResponse:
    """Rejects the orders `order` and refunds them, for a reason."""
    ids, form = numbers(request.POST.getlist("order")), RejectForm(request.POST)
    if not form.is_valid():
        return _shown(request, form, ids)
    reason = form.cleaned_data["reason"]
    if not ids:
        form.add_error(None, _("Select at least one order."))
    elif not reason:
        form.add_error("reason", _("Enter a reason. The customer sees it."))
    if form.errors:
        return _shown(request, form, ids)
    verb = partial(approval.reject, ids, reason, actor_of(request.user), request.now)
    faults = to_orders(request, "order rejected", ids, verb, reason=reason)
    words = ngettext(
        "%(count)s order rejected and refunded.",
        "%(count)s orders rejected and refunded.",
        faults.count(""),
    )
    _report(request, ids, faults, words)
    return redirect("office:approvals")


def _shown(request: StaffRequest, form: RejectForm, ids: Collection[int] = ()) -> HttpResponse:
    given = {"waiting": approval.waiting(MOST_LISTED), "form": form, "chosen": set(ids), "most": MOST_LISTED}
    return render(request, "office/approvals.html", given)


def _report(request: StaffRequest, ids: list[int], faults: list[Words], words: str) -> None:
    """Says how many orders it was, and which could not be."""
    if "" in faults:
        messages.success(request, words % {"count": faults.count("")})
    for order_id, fault in zip(ids, faults, strict=True):
        if fault:
            messages.error(request, _("Order %(id)s: %(fault)s") % {"id": order_id, "fault": fault})
