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
from django.views.decorators.http import require_POST, require_safe

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


@require_safe
@staff_page(Permission.VERDICTS)
def verdict(request: StaffRequest, order_id: int) -> HttpResponse:
    """Shows the evidence about an order, with the forms of what staff can decide."""
    return _shown(request, order_id)


@require_POST
@staff_page(Permission.VERDICTS)
def verdict_placed(request: StaffRequest, order_id: int) -> HttpResponse:
    """Settles that the order was placed: it is followed under its id at the provider."""
    form = PlacedForm(request.POST, auto_id="placed_%s")
    return _settle(
        request, order_id, Verdict.PLACED, form, _("Order %(id)s marked as placed. Its status is now tracked.")
    )


@require_POST
@staff_page(Permission.VERDICTS)
def verdict_not_placed(request: StaffRequest, order_id: int) -> HttpResponse:
    """Settles that the order was never placed: it is sent again."""
    form = AbsentForm(request.POST, auto_id="absent_%s")
    return _settle(request, order_id, Verdict.ABSENT, form, _("Order %(id)s marked as not placed. It will be resent."))


@require_POST
@staff_page(Permission.VERDICTS)
def verdict_refused(request: StaffRequest, order_id: int) -> HttpResponse:
    """Settles that the provider refused the order: it is canceled and refunded."""
    form = RefusedForm(request.POST, auto_id="refused_%s")
    return _settle(request, order_id, Verdict.REFUSED, form, _("Order %(id)s canceled and refunded."))


@require_POST
@staff_page(Permission.VERDICTS)
def verdict_wait(request: StaffRequest, order_id: int) -> HttpResponse:
    """Settles nothing, and keeps with the order what is waited for."""
    form = WaitForm(request.POST, auto_id="wait_%s")
    if form.is_valid() and evidence.of(order_id, request.now):
        actor, waits = actor_of(request.user), note(EventKind.STAFF_WAIT, reason=form.cleaned_data["reason"])
        keep = partial(desk.keep_note, order_id, waits, actor, request.now)
        if _done(request, form, order_id, "outcome waited for", keep):
            messages.success(request, _("Note saved. The order is unchanged."))
            return redirect("office:verdict", order_id)
    return _shown(request, order_id, wait=form)


def _settle(request: StaffRequest, order_id: int, verdict: Verdict, form: forms.Form, success: str) -> HttpResponse:
    if form.is_valid() and evidence.of(order_id, request.now):
        upstream_id = form.cleaned_data.get("upstream_id")
        settle = partial(outcome.resolve, order_id, verdict, actor_of(request.user), request.now, upstream_id)
        after = {"provider order ID": upstream_id} if verdict is Verdict.PLACED else None
        if _done(request, form, order_id, DEEDS[verdict], settle, after):
            messages.success(request, success % {"id": order_id})
            return redirect("office:verdicts")
    return _shown(request, order_id, **{str(verdict): form})


def _shown(request: StaffRequest, order_id: int, **wrong: forms.Form) -> HttpResponse:
    """Shows the evidence; a form that was sent and is `wrong` in place of the empty one."""
    found = evidence.of(order_id, request.now)
    if found is None:
        return _settled_already(request, order_id)
    known = {"upstream_id": request.GET.get("id", "")}
    words_there = {"reason": found.attempt.refusal}
    given: dict[str, Any] = {
        "told": found,
        "attempt": found.attempt,
        "placed": PlacedForm(initial=known, auto_id="placed_%s"),
        "absent": AbsentForm(auto_id="absent_%s"),
        "refused": RefusedForm(initial=words_there, auto_id="refused_%s"),
        "wait": WaitForm(auto_id="wait_%s"),
        "is_chosen": bool(request.GET.get("id")),
    }
    return render(request, "office/verdict.html", given | wrong)


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
