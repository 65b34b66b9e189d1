"""One order with all that is known of it: fields, events, money, what was sent upstream, requests; and its actions."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from sutler.accounts.roles import Permission
from sutler.books.models import Transfer
from sutler.core.attempts import UNSETTLED
from sutler.core.events import EventKind, remark
from sutler.core.lifecycle import FINAL
from sutler.fulfilment.desk import desk
from sutler.fulfilment.models import Attempt, UpstreamOrder
from sutler.fulfilment.providers import costs
from sutler.fulfilment.sending import claims
from sutler.office.audited_actions import actor_of, named, to_orders
from sutler.office.orders.change import TARGETS
from sutler.orders import parent_orders
from sutler.orders.models import CancelRequest, Order, OrderEvent, Refill
from sutler.web.access import StaffRequest, staff_page

MOST_OF_EACH = 100
LONGEST_NOTE = 1000


class NoteForm(forms.Form):
    """A remark of staff about an order."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=LONGEST_NOTE,
        widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("Only staff see it."),
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent to a provider, and the order there if one was accepted, or the order here that it waits for."""

    attempt: Attempt
    there: UpstreamOrder | None
    waits_for: int | None


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.SEE_ORDERS)
def order(request: StaffRequest, order_id: int) -> HttpResponse:
    """Shows an order; a POST keeps a note with it."""
    found = Order.objects.select_related("service__category", "customer", "approval").filter(pk=order_id).first()
    if found is None:
        raise Http404
    may_change = Permission.CHANGE_ORDERS in request.permissions
    form = NoteForm(request.POST if request.method == "POST" and may_change else None)
    if form.is_valid():
        note = form.cleaned_data["note"]
        keep = partial(desk.keep_note, order_id, remark(note), actor_of(request.user), request.now)
        [fault] = to_orders(request, "note written", [order_id], lambda: [keep()], reason=note)
        if not fault:
            messages.success(request, _("Note saved."))
            return redirect("office:order", order_id)
        form.add_error("note", str(fault))
    return render(request, "office/order.html", _told(request, found) | {"form": form, "may_change": may_change})


def _told(request: StaffRequest, found: Order) -> dict[str, Any]:
    happened = OrderEvent.objects.filter(order=found).exclude(kind=EventKind.PROGRESS)
    events = list(happened.order_by("-pk")[:MOST_OF_EACH])
    names = named({each.actor for each in events})
    there = "upstream_order__upstream_service", "upstream_order__ask_time"
    attempts = Attempt.objects.filter(order=found).select_related("provider", *there)
    newest = attempts.order_by("-pk")[:MOST_OF_EACH]
    sent = [Sent(each, getattr(each, "upstream_order", None), claims.waited_for(each)) for each in newest]
    unknown = [each.attempt for each in sent if each.attempt.state in UNSETTLED and each.attempt.action == "add"]
    gives_verdicts = Permission.VERDICTS in request.permissions
    sees_money = Permission.SEE_MONEY in request.permissions
    transfers = Transfer.objects.filter(order_id=found.pk).select_related("debit", "credit").order_by("pk")
    is_parent = parent_orders.is_parent(found)
    return {
        "order": found,
        "is_open": found.status not in FINAL,
        "details": [(name.replace("_", " "), value) for name, value in (found.details or {}).items()],
        "events": [(each, names.get(each.actor, each.actor)) for each in events],
        "sent": sent,
        "is_unknown": bool(unknown),
        "refused": next((each for each in unknown if each.refusal), None) if gives_verdicts else None,
        "sees_money": sees_money,
        "transfers": list(transfers[:MOST_OF_EACH]) if sees_money else [],
        "margin": costs.margins([found.pk]).get(found.pk) if sees_money and not is_parent else None,
        "base": settings.SUTLER["SUTLER_BASE_CURRENCY"],
        "cancels": list(CancelRequest.objects.filter(order=found).order_by("-pk")[:MOST_OF_EACH]),
        "refills": list(Refill.objects.filter(order=found).order_by("-pk")[:MOST_OF_EACH]),
        "children": list(Order.objects.filter(parent=found).order_by("-pk")[:MOST_OF_EACH]) if is_parent else [],
        "is_parent": is_parent,
        "approval": getattr(found, "approval", None),
        "targets": [
            (slug, each.words)
            for slug, each in TARGETS.items()
            if each.status != found.status and (not is_parent or slug == "canceled")
        ],
    }
