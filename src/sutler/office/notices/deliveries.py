"""Deliveries: what was sent to whom, when, and what came of it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from sutler.accounts.roles import Permission
from sutler.notices.models import Delivery
from sutler.web import paging
from sutler.web.access import StaffRequest, staff_page

_STATES = {
    Delivery.State.WAITING: (gettext_lazy("Waiting"), "note"),
    Delivery.State.QUEUED: (gettext_lazy("Waiting"), "note"),
    Delivery.State.SENT: (gettext_lazy("Delivered"), "good"),
    Delivery.State.GIVEN_UP: (gettext_lazy("Not delivered"), "bad"),
}


@require_safe
@staff_page(Permission.SETTINGS)
def deliveries_list(request: StaffRequest) -> HttpResponse:
    """Shows every delivery of the last thirty days, the newest first."""
    start = paging.before(request)
    rows = Delivery.objects.select_related("person", "channel", "letter").order_by("-pk")
    if start is not None:
        rows = rows.filter(pk__lt=start)
    found = list(rows[: paging.ROWS + 1])
    shown = found[: paging.ROWS]
    given = {
        "rows": [(each, *_STATES[Delivery.State(each.state)]) for each in shown],
        "page": paging.page(shown, start, shown[-1].pk if len(found) > paging.ROWS else None),
        "here": "deliveries",
    }
    return render(request, "office/deliveries.html", given)
