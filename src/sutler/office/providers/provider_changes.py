"""What has changed at a provider, and the prices that jumped: accepted or rejected, many in one transaction."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from sutler.accounts import audit_log
from sutler.accounts.roles import Permission
from sutler.core.refusals import Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.catalogue import decisions
from sutler.fulfilment.models import CatalogueChange, Provider
from sutler.office.audited_actions import actor_of, numbers
from sutler.office.providers.provider import find, head
from sutler.office.services.price_effects import to_be_seen
from sutler.storage.transactions import durable
from sutler.web.access import StaffRequest, staff_page
from sutler.web.selection import selected

SHOWN = 200
MOST_AT_ONCE = 10_000
KINDS: dict[str, tuple[Any, str]] = {
    CatalogueChange.Kind.NEW: (gettext_lazy("New"), "good"),
    CatalogueChange.Kind.GONE: (gettext_lazy("Removed"), "bad"),
    CatalogueChange.Kind.BACK: (gettext_lazy("Available again"), "good"),
    CatalogueChange.Kind.PRICE: (gettext_lazy("Price"), "note"),
    CatalogueChange.Kind.LIMITS: (gettext_lazy("Limits"), "note"),
    CatalogueChange.Kind.FLAGS: (gettext_lazy("Options"), "note"),
    CatalogueChange.Kind.TYPE: (gettext_lazy("Type"), "warn"),
    CatalogueChange.Kind.NAME: (gettext_lazy("Name"), ""),
}


@require_safe
@staff_page(Permission.PROVIDERS)
def provider_changes(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Shows what has changed at the provider, with the prices that wait for a decision."""
    found = find(provider_id)
    changes = decisions.waiting_and_recent(provider_id, SHOWN)
    waiting = [each for each in changes if each.state == CatalogueChange.State.WAITING]
    prices = decisions.our_prices(waiting)
    given = head(found, "changes", request.now) | {
        "waiting": [(each, _percent(each), prices[each.pk]) for each in waiting],
        "found": decisions.waiting(provider_id).count(),
        "others": [(each, *KINDS[each.kind]) for each in changes if each.state != CatalogueChange.State.WAITING],
        "base": settings.SUTLER["SUTLER_BASE_CURRENCY"],
    }
    return render(request, "office/provider_changes.html", given)


@require_POST
@staff_page(Permission.PROVIDERS)
def provider_changes_accept(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Accepts the prices `changes` that are selected, or all that wait: ours follow by their rules."""
    return _decide(request, find(provider_id), accept=True)


@require_POST
@staff_page(Permission.PROVIDERS)
def provider_changes_reject(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Rejects the prices that are selected: their routes stay off until the provider asks less."""
    return _decide(request, find(provider_id), accept=False)


def _percent(change: CatalogueChange) -> float:
    """Returns by how much the price there moves, to a tenth of a percent."""
    upstream = change.upstream_service
    moved = (upstream.offered_micros or upstream.rate_micros) - upstream.rate_micros
    return (1000 * moved // upstream.rate_micros) / 10


def _decide(request: StaffRequest, found: Provider, *, accept: bool) -> HttpResponse:
    selection, waiting = selected(request.POST, "changes", SHOWN), decisions.waiting(found.pk)
    if not selection.is_all_found:
        waiting = waiting.filter(pk__in=numbers(selection.values))
    ids = list(waiting.values_list("pk", flat=True)[:MOST_AT_ONCE])
    if not ids:
        messages.error(request, _("Nothing selected. Select prices that await a decision."))
        return redirect("office:provider_changes", found.pk)

    def decide() -> int:
        with durable():
            outcomes = decisions.decide(ids, accept, actor_of(request.user), request.now)
            decided = [each.pk for each in outcomes if not isinstance(each, Refusal)]
            action = "price accepted" if accept else "price dismissed"
            after: dict[str, Any] = {"changes": ", ".join(map(str, decided))[:2000]}
            subject = Subject(SubjectType.PROVIDER, found.pk)
            audit_log.write(request.user, action, subject, request.now, after=after)
        return len(decided)

    page = to_be_seen(request, decide, reverse("office:provider_changes", args=[found.pk]))
    if page is not None:
        return page
    told = _("Prices accepted: %(count)s.") if accept else _("Prices rejected: %(count)s.")
    messages.success(request, told % {"count": decide()})
    return redirect("office:provider_changes", found.pk)
