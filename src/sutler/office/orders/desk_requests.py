"""What customers ask of orders that the desk delivers: refills, and to cancel; each answered in its row."""

from collections.abc import Callable, Sequence
from functools import partial

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from sutler.accounts.roles import Permission
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.refusals import Refusal
from sutler.core.text import text_input
from sutler.fulfilment.desk import desk, queues
from sutler.office.audited_actions import actor_of, to_orders
from sutler.office.refusal_text import Words
from sutler.orders.models import CancelRequest
from sutler.orders.move import Report
from sutler.web.access import StaffRequest, staff_page

REFILLED = {
    "in-progress": RefillStatus.IN_PROGRESS,
    "completed": RefillStatus.COMPLETED,
    "rejected": RefillStatus.REJECTED,
}
CANCELED = ("canceled", "partial", "rejected")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CHANGE_ORDERS)
def desk_refills(request: StaffRequest) -> HttpResponse:
    """Shows the refills that staff have to deliver; a POST says what became of those chosen in `answer-ID`."""
    found = queues.refills()
    chosen = [each for each in found if request.POST.get(f"answer-{each.pk}") in REFILLED]
    reports = [(each.pk, REFILLED[request.POST[f"answer-{each.pk}"]]) for each in chosen]
    report = partial(desk.report_refills, reports, actor_of(request.user), request.now)
    faults = _answered(request, "refill reported", [each.order_id for each in chosen], report)
    if request.method == "POST" and not any(faults.values()):
        return redirect("office:desk_refills")
    rows = [(each, request.POST.get(f"answer-{each.pk}", ""), faults.get(each.order_id, "")) for each in found]
    return render(request, "office/desk_refills.html", {"here": "refills", "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.CHANGE_ORDERS)
def desk_cancels(request: StaffRequest) -> HttpResponse:
    """Shows the open requests to cancel; a POST answers those chosen in `answer-ID`, Partial with `remains-ID`."""
    found = queues.cancels()
    typed = {each.pk: request.POST.get(f"remains-{each.pk}", "").strip() for each in found}
    chosen = [each for each in found if request.POST.get(f"answer-{each.pk}") in CANCELED]
    faults = _answered(
        request, "cancel answered", [each.order_id for each in chosen], lambda: _cancel(request, chosen, typed)
    )
    if request.method == "POST" and not any(faults.values()):
        return redirect("office:desk_cancels")
    rows = [
        (each, request.POST.get(f"answer-{each.pk}", ""), typed[each.pk], faults.get(each.order_id, ""))
        for each in found
    ]
    return render(request, "office/desk_cancels.html", {"here": "cancels", "rows": rows})


def _cancel(request: StaffRequest, chosen: Sequence[CancelRequest], typed: dict[int, str]) -> list[Refusal | None]:
    """Stops or turns down; answers for each of the requests, in the order given."""
    actor = actor_of(request.user)
    rejected = [each.order_id for each in chosen if request.POST[f"answer-{each.pk}"] == "rejected"]
    stopped = [each for each in chosen if each.order_id not in rejected]
    reports = [
        Report(each.order_id, Status.PARTIAL, remains=text_input.number(typed[each.pk]))
        if request.POST[f"answer-{each.pk}"] == "partial"
        else Report(each.order_id, Status.CANCELED)
        for each in stopped
    ]
    answers = dict(zip(rejected, desk.reject_cancels(rejected, actor, request.now), strict=True))
    taken = desk.report(reports, actor, request.now)
    answers |= dict(zip((each.order_id for each in stopped), taken, strict=True))
    return [answers[each.order_id] for each in chosen]


def _answered(
    request: StaffRequest, action: str, order_ids: Sequence[int], verb: Callable[[], Sequence[Refusal | None]]
) -> dict[int, Words]:
    """Answers and says how many it was; returns what stood in the way, by order."""
    if not order_ids:
        return {}
    faults = dict(zip(order_ids, to_orders(request, action, order_ids, verb), strict=True))
    count = sum(not each for each in faults.values())
    if count:
        done = ngettext("%(count)s request answered.", "%(count)s requests answered.", count)
        messages.success(request, done % {"count": count})
    return faults
