"""Payments: requests to confirm or reject, and everything that was paid in."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from sutler.accounts.roles import Permission
from sutler.books import deposits
from sutler.core.refusals import Reason, Refusal
from sutler.office import payment_text
from sutler.office.fields import reason_field
from sutler.office.refusal_text import BUSY, UNCLEAR, Words, refuse
from sutler.payments import alerts, funds, look_ups, notices
from sutler.payments.gateways.shape import Failure
from sutler.payments.models import FundsRequest
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page
from sutler.web.amount_field import AmountField
from sutler.web.search_page import words_of

STATES = {
    FundsRequest.State.WAITING: (gettext_lazy("Waiting"), "warn"),
    FundsRequest.State.CONFIRMED: (gettext_lazy("Confirmed"), "good"),
    FundsRequest.State.REJECTED: (gettext_lazy("Rejected"), "bad"),
    FundsRequest.State.WITHDRAWN: (gettext_lazy("Withdrawn"), ""),
    FundsRequest.State.EXPIRED: (gettext_lazy("Expired"), ""),
}
_NOT_DECIDED: dict[str | Reason, Words] = {
    "amount": gettext_lazy("Invalid amount. After the fee it must be above zero and fit the balance."),
    Reason.OTHER_PERSON_NEEDED: gettext_lazy(
        "This is more than requested and above the limit for one person. Ask a second person to "
        "confirm the same amount."
    ),
}


class ConfirmForm(forms.Form):
    """What has come."""

    amount = AmountField(
        label=gettext_lazy("Amount received"),
        help_text=gettext_lazy("If it differs from the request, the method's current fee and bonus apply."),
    )


class RejectForm(forms.Form):
    """Why a request is turned down."""

    reason = reason_field(help_text=gettext_lazy("The customer sees it."))


@require_safe
@staff_page(Permission.PAYMENTS)
def payments(request: StaffRequest) -> HttpResponse:
    """Shows the requests that wait, or with `state` = all every request, newest first; or those that an ID names."""
    start, is_all, text = paging.before(request), request.GET.get("state") == "all", words_of(request)
    found = funds.of_all(waiting_only=not (is_all or text), text=text, before=start, limit=paging.ROWS + 1)
    rows = [(each, *STATES[FundsRequest.State(each.state)]) for each in found[: paging.ROWS]]
    following = found[paging.ROWS - 1].pk if len(found) > paging.ROWS else None
    given = {"page": paging.page(rows, start, following), "here": "all" if is_all or text else "waiting", "text": text}
    return render(request, "office/payments.html", given)


@require_safe
@staff_page(Permission.PAYMENTS)
def payment(request: StaffRequest, request_id: int) -> HttpResponse:
    """Shows a request, with the forms to confirm or reject it."""
    return _payment(request, request_id)


@require_POST
@staff_page(Permission.PAYMENTS)
def payment_confirm(request: StaffRequest, request_id: int) -> HttpResponse:
    """Credits a payment with what came."""
    form = ConfirmForm(request.POST)
    asked = funds.get_for_staff(request_id)
    if asked is not None and form.is_valid():
        amount = form.cleaned_data["amount"]
        if _done(form, lambda: funds.confirm(asked.pk, request.user, request.now, amount_micros=amount)):
            messages.success(request, _("%(reference)s credited.") % {"reference": asked.reference})
            return redirect("office:payments")
    return _payment(request, request_id, confirm=form)


@require_POST
@staff_page(Permission.PAYMENTS)
def payment_reject(request: StaffRequest, request_id: int) -> HttpResponse:
    """Rejects a payment, for a reason that the customer sees."""
    form = RejectForm(request.POST)
    asked = funds.get_for_staff(request_id)
    if asked is not None and form.is_valid():
        reason = form.cleaned_data["reason"]
        if _done(form, lambda: funds.reject(asked.pk, reason, request.user, request.now)):
            messages.success(
                request, _("%(reference)s rejected. The customer is notified.") % {"reference": asked.reference}
            )
            return redirect("office:payments")
    return _payment(request, request_id, reject=form)


def _payment(request: StaffRequest, request_id: int, **wrong: forms.Form) -> HttpResponse:
    """Shows the request; a form that was sent and is `wrong` in place of the empty one."""
    asked = funds.get_for_staff(request_id)
    if asked is None:
        return redirect("office:payments")
    initial = {"amount": asked.received_micros or asked.amount_micros}
    shown = {"confirm": ConfirmForm(initial=initial), "reject": RejectForm()} | wrong
    shown["confirm"].fields["amount"].label = _("Amount received, %(currency)s") % {"currency": asked.currency}
    state, colour = STATES[FundsRequest.State(asked.state)]
    given = {"asked": asked, "state": state, "colour": colour, "same": funds.with_same_transaction(asked)}
    return render(request, "office/payment.html", given | shown | _at_gateway(asked))


def _at_gateway(asked: FundsRequest) -> dict[str, object]:
    """Returns what the page shows of a gateway's payment; nothing for one by hand."""
    checkout = getattr(asked, "checkout", None)
    if checkout is None:
        return {}
    open_alerts = asked.alerts.filter(closed_at=None).order_by("pk")
    receipts = [
        (each, *payment_text.RECEIPT_STATES[each.state], *payment_text.DISPUTE_STATES[each.dispute])
        for each in asked.receipts.order_by("pk")
    ]
    return {
        "checkout": checkout,
        "receipts": receipts,
        "alerts": [(each, payment_text.alert_text(each)) for each in open_alerts],
        "notices": notices.of_request(asked.pk),
    }


@require_POST
@staff_page(Permission.PAYMENTS)
def payment_look_up(request: StaffRequest, request_id: int) -> HttpResponse:
    """Asks the gateway now what became of a payment."""
    try:
        answer = look_ups.look_up_now(request_id, request.now)
    except (Busy, CommitUnclear):
        messages.error(request, str(BUSY))
        return redirect("office:payment", request_id)
    if isinstance(answer, Failure):
        messages.error(request, _("The gateway could not be asked: %(why)s.") % {"why": answer.why})
    elif answer is None:
        messages.success(request, _("The gateway was asked. The payment below is up to date."))
    return redirect("office:payment", request_id)


@require_POST
@staff_page(Permission.PAYMENTS)
def payment_alert_close(request: StaffRequest, request_id: int, alert_id: int) -> HttpResponse:
    """Closes an alert that staff have dealt with."""
    try:
        alerts.close(request_id, alert_id, request.user, request.now)
    except (Busy, CommitUnclear):
        messages.error(request, str(BUSY))
    return redirect("office:payment", request_id)


@require_safe
@staff_page(Permission.PAYMENTS)
def payments_alerts(request: StaffRequest) -> HttpResponse:
    """Shows what staff must look at in payments of gateways, newest first."""
    start = paging.before(request)
    found = alerts.open_alerts(before=start, limit=paging.ROWS + 1)
    rows = [(each, payment_text.alert_text(each)) for each in found[: paging.ROWS]]
    following = found[paging.ROWS - 1].pk if len(found) > paging.ROWS else None
    return render(
        request, "office/payments_alerts.html", {"page": paging.page(rows, start, following), "here": "alerts"}
    )


@require_safe
@staff_page(Permission.PAYMENTS)
def payments_deposits(request: StaffRequest) -> HttpResponse:
    """Shows what was paid in, in one currency, newest first."""
    known = deposits.currencies()
    currency = request.GET.get("currency", "")
    if currency not in known:
        base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
        currency = base if base in known else next(iter(known), base)
    start = paging.before(request)
    rows, following = deposits.page(currency, before=start, limit=paging.ROWS)
    given = {"page": paging.page(rows, start, following), "currency": currency, "known": known, "here": "deposits"}
    return render(request, "office/payments_deposits.html", given)


def _done(form: forms.Form, verb: Callable[[], Any]) -> bool:
    """Does it, or says in the form why it was not done."""
    try:
        answer = verb()
    except Busy:
        form.add_error(None, BUSY)
        return False
    except CommitUnclear:
        form.add_error(None, UNCLEAR)
        return False
    if isinstance(answer, Refusal):
        refuse(form, answer, _NOT_DECIDED)
        return False
    return True
