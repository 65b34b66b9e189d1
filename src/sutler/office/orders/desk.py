"""The desk: orders to take by service, and those under way to report on, as a table that is filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from sutler.accounts.roles import Permission
from sutler.core.events import remark
from sutler.core.lifecycle import Status
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.text import text_input
from sutler.fulfilment.desk import desk, queues
from sutler.office.audited_actions import actor_of, numbers, to_orders
from sutler.office.refusal_text import BUSY, Words
from sutler.orders.models import Order
from sutler.orders.move import Report
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page
from sutler.web.templatetags.web import STATES

TAKEN_AT_ONCE = 25
STATUSES: Mapping[str, Status] = {
    "in-progress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "partial": Status.PARTIAL,
    "canceled": Status.CANCELED,
    "pending": Status.PENDING,
}
_FIELDS = ("status", "start", "remains", "note")


class ReportForm(forms.Form):
    """What is typed into one row: nothing in a field keeps what is known."""

    status = forms.ChoiceField(required=False, choices=[("", ""), *((slug, slug) for slug in STATUSES)])
    start = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_NUMBER)
    remains = forms.IntegerField(required=False, min_value=-LARGEST_NUMBER, max_value=LARGEST_NUMBER)
    note = forms.CharField(required=False, max_length=1000)


@dataclass(frozen=True, slots=True)
class Row:
    """An order under way, with what was typed for it and what is wrong with that."""

    order: Order
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[Words] = ()


class TakeForm(forms.Form):
    """How many orders are taken, of one service or of all."""

    count = forms.IntegerField(min_value=1, max_value=desk.MOST_HANDED_OUT)
    service = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_NUMBER)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CHANGE_ORDERS)
def desk_orders(request: StaffRequest) -> HttpResponse:
    """Shows what waits and what is under way, by `service` and `mine`; a POST reports what was typed into the rows.

    `status-others` is the status of all rows for which none was chosen.
    """
    ids = numbers(request.POST.getlist("order"))
    typed = {pk: {name: request.POST.get(f"{name}-{pk}", "").strip() for name in _FIELDS} for pk in ids}
    others = request.POST.get("status-others", "")
    typed = {pk: values | {"status": values["status"] or others} for pk, values in typed.items()}
    typed = {pk: values for pk, values in typed.items() if any(values.values())}
    faults = _report(request, typed) if typed else {}
    if request.method == "POST" and not any(faults.values()):
        return redirect(f"{reverse('office:desk')}?{request.GET.urlencode()}")
    wrong = {pk: values for pk, values in typed.items() if faults.get(pk)}
    page = paging.by_number(_asked(request.GET, request), request)
    rows = [Row(each, wrong.get(each.pk, {}), faults.get(each.pk, ())) for each in page.rows]
    # What has left the list meanwhile is shown all the same: nothing that was typed is lost.
    gone = desk.find(desk.Wanted(ids=wrong.keys() - {each.pk for each in page.rows})) if wrong else []
    counts = queues.waiting()
    given = {
        "here": "orders",
        "queues": counts,
        "waiting_count": sum(each.count for each in counts),
        "most_counted": queues.MOST_COUNTED,
        "taken_at_once": TAKEN_AT_ONCE,
        "rows": [Row(each, wrong[each.pk], faults[each.pk]) for each in gone] + rows,
        "page": page,
        "statuses": [
            (slug, STATES[each][0] if slug != "pending" else _("Return to queue")) for slug, each in STATUSES.items()
        ],
        "is_mine": "mine" in request.GET,
        "service": request.GET.get("service", ""),
    }
    return render(request, "office/desk.html", given)


@require_POST
@staff_page(Permission.CHANGE_ORDERS)
def desk_take(request: StaffRequest) -> HttpResponse:
    """Takes the oldest waiting orders: they are Processing then, and nobody else gets them."""
    form = TakeForm(request.POST)
    if not form.is_valid():
        most = {"most": desk.MOST_HANDED_OUT}
        messages.error(request, _("Invalid count. Enter 1 to %(most)s.") % most)
        return redirect("office:desk")
    service = form.cleaned_data["service"]
    try:
        services = [service] if service else None
        taken = desk.pull(services, form.cleaned_data["count"], actor_of(request.user), request.now)
    except (Busy, CommitUnclear):
        messages.error(request, str(BUSY))
        return redirect("office:desk")
    if taken:
        done = ngettext("%(count)s order taken.", "%(count)s orders taken.", len(taken))
        messages.success(request, done % {"count": len(taken)})
    else:
        messages.warning(request, _("No orders left to take: a colleague took them."))
    return redirect("office:desk")


def _asked(query: QueryDict, request: StaffRequest) -> Any:
    service_id = text_input.number(query.get("service", ""))
    return queues.under_way(service_id, actor_of(request.user) if "mine" in query else "")


def _report(request: StaffRequest, typed: Mapping[int, Mapping[str, str]]) -> dict[int, list[Words]]:
    """Reports the rows that were filled in rightly; returns what is wrong with each of the others."""
    forms_of = {pk: ReportForm(values) for pk, values in typed.items()}
    faults: dict[int, list[Words]] = {}
    reports = []
    for pk, form in forms_of.items():
        if form.is_valid():
            told = form.cleaned_data
            status = STATUSES.get(told["status"])
            reports.append(Report(pk, status, told["start"], told["remains"], remark(told["note"])))
        else:
            faults[pk] = [str(error) for errors in form.errors.values() for error in errors]
    ids = [each.order_id for each in reports]
    answers = to_orders(
        request, "order reported", ids, lambda: desk.report(reports, actor_of(request.user), request.now)
    )
    count = answers.count("")
    if count:
        done = ngettext("%(count)s report saved.", "%(count)s reports saved.", count)
        messages.success(request, done % {"count": count})
    return faults | {pk: [answer] if answer else [] for pk, answer in zip(ids, answers, strict=True)}
