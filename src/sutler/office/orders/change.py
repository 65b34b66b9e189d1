"""Changing orders, one or many: first what it would do to them and to the money, then, confirmed, done."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts.roles import Permission
from sutler.core.events import remark
from sutler.core.lifecycle import Status
from sutler.core.refusals import Refusal
from sutler.core.text import text_input
from sutler.fulfilment.desk import desk
from sutler.fulfilment.desk.preview import Preview, preview
from sutler.office.audited_actions import OWN_WORDS, actor_of, numbers, to_orders
from sutler.office.fields import reason_field
from sutler.office.refusal_text import Words, words
from sutler.orders.move import Report
from sutler.web.access import StaffRequest, staff_page
from sutler.web.selection import selected

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Target:
    """What orders can be made: the state, and the words of its button."""

    status: Status
    words: Words


TARGETS: Mapping[str, Target] = {
    "in-progress": Target(Status.IN_PROGRESS, gettext_lazy("In progress")),
    "completed": Target(Status.COMPLETED, gettext_lazy("Completed")),
    "partial": Target(Status.PARTIAL, gettext_lazy("Partial")),
    "canceled": Target(Status.CANCELED, gettext_lazy("Canceled")),
    "pending": Target(Status.PENDING, gettext_lazy("Pending (requeue)")),
}


class ChangeForm(forms.Form):
    """Why orders are changed."""

    reason = reason_field(
        help_text=gettext_lazy("Saved with the orders and in the audit log. Customers do not see it.")
    )


@dataclass(frozen=True, slots=True)
class Row:
    """An order to be changed: what would become of it, what was typed for it, and what is wrong with it."""

    outlook: Preview
    remains: str
    fault: Words
    # Nothing was typed yet: then it is not complained about.
    is_fresh: bool = False

    @property
    def shown_fault(self) -> Words:
        """What is wrong with it, as far as it is to be said."""
        return "" if self.is_fresh else self.fault

    @property
    def is_possible(self) -> bool:
        """Whether it would be changed."""
        return not self.fault


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CHANGE_ORDERS)
def orders_change(request: StaffRequest) -> HttpResponse:
    """Shows what making the orders `order` selected `to` a state would do.

    For Partial each order has a field `remains-ID`.
    """
    asked = _asked(request)
    if asked is None:
        return _nothing_chosen(request)
    return _previewed(request, asked, ChangeForm(initial={"reason": asked.sent.get("reason", "")}))


@require_POST
@staff_page(Permission.CHANGE_ORDERS)
def orders_change_apply(request: StaffRequest) -> HttpResponse:
    """Changes the orders, if each of them can be changed; else shows what is in the way."""
    asked, form = _asked(request), ChangeForm(request.POST)
    if asked is None:
        return _nothing_chosen(request)
    if not form.is_valid() or not all(each.is_possible for each in asked.rows):
        return _previewed(request, asked, form)
    faults = _change(request, asked.target.status, asked.rows, form.cleaned_data["reason"])
    if not any(faults):
        one = len(asked.rows) == 1
        return redirect("office:order", asked.rows[0].outlook.order.pk) if one else redirect("office:orders")
    rows = [Row(each.outlook, each.remains, fault) for each, fault in zip(asked.rows, faults, strict=True) if fault]
    form.add_error(None, gettext_lazy("These orders could not be changed. The others were."))
    return _previewed(request, replace(asked, rows=rows), form)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be changed: the form as it was sent, the status, and the orders; at least one."""

    sent: QueryDict
    target: Target
    rows: Sequence[Row]


def _asked(request: StaffRequest) -> Asked | None:
    sent = request.POST if request.method == "POST" else request.GET
    target = TARGETS.get(sent.get("to", ""))
    ids = numbers(selected(sent, "order", MOST_AT_ONCE).values, MOST_AT_ONCE)
    typed = {each: sent.get(f"remains-{each}", "").strip() for each in ids}
    rows = _rows(ids, target.status, typed, is_first=request.method != "POST") if target else []
    return Asked(sent, target, rows) if target and rows else None


def _nothing_chosen(request: StaffRequest) -> HttpResponse:
    messages.warning(request, gettext_lazy("Select orders and a status."))
    return redirect("office:orders")


def _previewed(request: StaffRequest, asked: Asked, form: ChangeForm) -> HttpResponse:
    given = {
        "form": form,
        "rows": asked.rows,
        "to": asked.sent["to"],
        "target": asked.target,
        "possible": [each for each in asked.rows if each.is_possible],
        "totals": sorted(_totals(asked.rows).items()),
        "is_partial": asked.target.status is Status.PARTIAL,
        "goes_on": any(each.outlook.there for each in asked.rows),
    }
    return render(request, "office/orders_change.html", given)


def _rows(ids: Sequence[int], status: Status, typed: Mapping[int, str], *, is_first: bool) -> list[Row]:
    remains = {pk: number for pk, text in typed.items() if (number := text_input.number(text)) is not None}
    rows = []
    for each in preview(ids, status, remains):
        text = typed[each.order.pk]
        fault: Words = ""
        if isinstance(each.refusal, Refusal):
            fault = words(each.refusal, OWN_WORDS)
        elif each.order.status == status:
            fault = gettext_lazy("The order already has this status.")
        is_fresh = is_first and not text and each.refusal is not None and each.refusal.field == "remains"
        rows.append(Row(each, text, fault, is_fresh))
    return rows


def _totals(rows: Sequence[Row]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for each in rows:
        if each.is_possible:
            totals[each.outlook.order.currency] += each.outlook.returned_micros
    return totals


def _change(request: StaffRequest, status: Status, rows: Sequence[Row], reason: str) -> list[Words]:
    """Changes them, says how many it was, and returns what stood in the way of each."""
    ids, actor = [each.outlook.order.pk for each in rows], actor_of(request.user)

    def verb() -> Sequence[Refusal | None]:
        if status is Status.CANCELED:
            return desk.cancel(ids, actor, request.now, reason=reason)
        reports = [
            Report(pk, status, remains=text_input.number(each.remains), note=remark(reason))
            for pk, each in zip(ids, rows, strict=True)
        ]
        return desk.report(reports, actor, request.now)

    after: dict[str, Any] = {"status": status.value}
    faults = to_orders(request, "order changed", ids, verb, reason=reason, after=after)
    count = faults.count("")
    if count:
        done = ngettext("%(count)s order changed.", "%(count)s orders changed.", count)
        messages.success(request, done % {"count": count})
    return faults
