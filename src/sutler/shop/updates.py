"""News: what has changed of the services, and what staff announce."""

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sutler.catalogue import updates
from sutler.catalogue.models import ServiceUpdate
from sutler.support import announcements
from sutler.web import paging
from sutler.web.access import CustomerRequest, customer_page

KINDS: Mapping[str, tuple[str | Promise, str]] = {
    ServiceUpdate.Kind.NEW: (_("New"), "good"),
    ServiceUpdate.Kind.PRICE: (_("Price"), "note"),
    ServiceUpdate.Kind.LIMITS: (_("Limits"), ""),
    ServiceUpdate.Kind.PAUSED: (_("Paused"), "warn"),
    ServiceUpdate.Kind.BACK: (_("Available again"), "good"),
}


@require_safe
@customer_page
def service_updates(request: CustomerRequest) -> HttpResponse:
    """Shows the announcements, and a page of what has changed of the services."""
    start = paging.before(request)
    found = updates.recent(paging.ROWS + 1, before_id=start)
    rows = [(each, *KINDS[each.kind]) for each in found[: paging.ROWS]]
    following = rows[-1][0].pk if len(found) > paging.ROWS else None
    announced = [] if start else announcements.current(request.now)
    return render(request, "shop/updates.html", {"page": paging.page(rows, start, following), "announced": announced})
