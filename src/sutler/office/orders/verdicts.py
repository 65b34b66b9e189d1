"""Unknown outcomes: what is known of each, and the verdict of staff: placed, never placed, refused, or wait."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from sutler.accounts.roles import Permission
from sutler.core.events import EventKind, note
from sutler.core.refusals import Refusal
from sutler.fulfilment.desk import desk
from sutler.fulfilment.reconciling import evidence
from sutler.fulfilment.sending import outcome
from sutler.fulfilment.sending.outcome import DEEDS, Verdict
from sutler.office.audited_actions import actor_of, to_orders
from sutler.office.fields import reason_field
from sutler.orders.models import Order
from sutler.web.access import StaffRequest, staff_page

_FOUNDED_ON = gettext_lazy("What you checked and what it showed. Saved in the audit log.")


class PlacedForm(forms.Form):
    """Under which id it was placed, and how that is known."""

    upstream_id = forms.CharField(label=gettext_lazy("Provider order ID"), max_length=64)
    reason = reason_field(label=gettext_lazy("Evidence"), help_text=_FOUNDED_ON)


class AbsentForm(forms.Form):
    """How it is known that it was never placed."""

    reason = reason_field(label=gettext_lazy("Evidence"), help_text=_FOUNDED_ON)
    is_sure = forms.BooleanField(label=gettext_lazy("The provider has no such order and did not charge for it."))


class RefusedForm(forms.Form):
    """How it is known that the provider refused it."""

    reason = reason_field(label=gettext_lazy("Evidence"), help_text=_FOUNDED_ON)


class WaitForm(forms.Form):
    """What is waited for."""

    reason = reason_field(
        label=gettext_lazy("What you are waiting for"),
        help_text=gettext_lazy("Saved with the order for your colleagues."),
    )


@require_safe
@staff_page(Permission.VERDICTS)
def verdicts(request: StaffRequest) -> HttpResponse:
    """Shows the orders of which nobody knows whether a provider has placed them; those for staff first."""
    return render(request, "office/verdicts.html", {"rows": evidence.unsettled(), "most": evidence.MOST_LISTED})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.VERDICTS)
def verdict(request: StaffRequest, order_id: int) -> HttpResponse:
    """Shows the evidence about an order; a POST settles it (`do` = placed, absent, refused) or keeps why to wait."""
    found = evidence.of(order_id, request.now)
    if found is None:
        return _settled_already(request, order_id)
    do = request.POST.get("do", "")
    known = {"upstream_id": request.GET.get("id", "")}
    placed = PlacedForm(request.POST if do == "placed" else None, initial=known, auto_id="placed_%s")
    absent = AbsentForm(request.POST if do == "absent" else None, auto_id="absent_%s")
    known = {"reason": found.attempt.refusal}
    refused = RefusedForm(request.POST if do == "refused" else None, initial=known, auto_id="refused_%s")
    wait = WaitForm(request.POST if do == "wait" else None, auto_id="wait_%s")
    actor = actor_of(request.user)
    if placed.is_valid():
        upstream_id = placed.cleaned_data["upstream_id"].strip()
        settle = partial(outcome.resolve, order_id, Verdict.PLACED, actor, request.now, upstream_id)
        number = {"provider order ID": upstream_id}
        if _done(request, placed, order_id, DEEDS[Verdict.PLACED], settle, number):
            messages.success(request, _("Order %(id)s marked as placed. Its status is now tracked.") % {"id": order_id})
            return redirect("office:verdicts")
    if absent.is_valid():
        settle = partial(outcome.resolve, order_id, Verdict.ABSENT, actor, request.now)
        if _done(request, absent, order_id, DEEDS[Verdict.ABSENT], settle):
            messages.success(request, _("Order %(id)s marked as not placed. It will be resent.") % {"id": order_id})
            return redirect("office:verdicts")
    if refused.is_valid():
        settle = partial(outcome.resolve, order_id, Verdict.REFUSED, actor, request.now)
        if _done(request, refused, order_id, DEEDS[Verdict.REFUSED], settle):
            messages.success(request, _("Order %(id)s canceled and refunded.") % {"id": order_id})
            return redirect("office:verdicts")
    if wait.is_valid():
        waits = note(EventKind.STAFF_WAIT, reason=wait.cleaned_data["reason"])
        if _done(
            request, wait, order_id, "outcome waited for", partial(desk.keep_note, order_id, waits, actor, request.now)
        ):
            messages.success(request, _("Note saved. The order is unchanged."))
            return redirect("office:verdict", order_id)
    given: dict[str, Any] = {
        "told": found,
        "attempt": found.attempt,
        "placed": placed,
        "absent": absent,
        "refused": refused,
        "wait": wait,
        "is_chosen": bool(request.GET.get("id")),
    }
    return render(request, "office/verdict.html", given)


def _settled_already(request: StaffRequest, order_id: int) -> HttpResponse:
    if not Order.objects.filter(pk=order_id).exists():
        raise Http404
    messages.warning(request, _("Order %(id)s is already confirmed.") % {"id": order_id})
    return redirect("office:order", order_id)


def _done(
    request: StaffRequest,
    form: forms.Form,
    order_id: int,
    action: str,
    verb: Callable[[], Refusal | None],
    after: dict[str, Any] | None = None,
) -> bool:
    """Does it and writes it down, or says in the form why it was not done."""
    refusals: list[Refusal | None] = []

    def told() -> list[Refusal | None]:
        refusals.append(verb())
        return refusals[-1:]

    [fault] = to_orders(request, action, [order_id], told, reason=form.cleaned_data["reason"], after=after)
    if not fault:
        return True
    field = refusals[-1].field if refusals and refusals[-1] else ""
    if field in form.fields:
        form.add_error(field, _("Invalid provider order ID, or another order has it. Check the provider's panel."))
    else:
        form.add_error(None, str(fault))
    return False
