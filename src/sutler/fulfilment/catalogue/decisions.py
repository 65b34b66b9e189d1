"""What staff decide about prices that jumped: what follows for ours, and many decided in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from sutler.catalogue.models import Service
from sutler.core.money import Micros
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.catalogue import repricing
from sutler.fulfilment.catalogue.objections import Objection
from sutler.fulfilment.catalogue.repricing import Prices
from sutler.fulfilment.catalogue.sync import close_prices_alarm
from sutler.fulfilment.models import CatalogueChange, PriceRule, Provider, Route, UpstreamService
from sutler.storage.transactions import durable

_WAITING = CatalogueChange.State.WAITING


def decide(change_ids: Sequence[int], accept: bool, actor: str, now: datetime) -> list[CatalogueChange | Refusal]:
    """Accepts prices that wait, or dismisses them; the services that depend on them follow at once. One transaction.

    An accepted price holds: our prices follow by their rules, routes that were off for it are on again. Of a dismissed
    one that had risen the routes stay off until the provider asks less; one that had fallen is as if it had not.
    Answers in the order given; refuses each with INCORRECT_FIELD for `change` if there is none, MOVE_NOT_ALLOWED if it
    does not wait (any more).
    """
    with durable():
        asked = CatalogueChange.objects.filter(pk__in=set(change_ids))
        provider_ids = sorted(set(asked.values_list("upstream_service__provider", flat=True)))
        # The providers' rows are what a sync locks too.
        list(Provider.objects.locked().filter(pk__in=provider_ids).order_by("pk"))
        changes = {each.pk: each for each in asked.select_related("upstream_service")}
        waiting = [each for each in changes.values() if _waits(each)]
        upstream = UpstreamService.objects.filter(pk__in=[each.upstream_service_id for each in waiting])
        services = Service.objects.filter(pk__in=Route.objects.filter(upstream_service__in=upstream).values("service"))
        before = repricing.bounds(services)
        if accept:
            upstream.update(rate_micros=F("offered_micros"), offered_micros=None)
        state = CatalogueChange.State.ACCEPTED if accept else CatalogueChange.State.DISMISSED
        asked.filter(pk__in=[each.pk for each in waiting]).update(state=state, decided_by=actor[:60])
        for change in waiting:
            change.state, change.decided_by = state, actor[:60]
        repricing.adjust(services, before, now, accept_rises=accept)
        for provider_id in provider_ids:
            close_prices_alarm(provider_id, actor, now)
    decided = {each.pk for each in waiting}
    return [changes[pk] if pk in decided else _refusal(pk in changes) for pk in change_ids]


def waiting(provider_id: int) -> QuerySet[CatalogueChange]:
    """Returns the changes of a provider that wait for staff, the newest first, with their services there."""
    changes = CatalogueChange.objects.filter(upstream_service__provider=provider_id, state=_WAITING)
    return changes.select_related("upstream_service").order_by("-pk")


def waiting_and_recent(provider_id: int, limit: int = 200) -> list[CatalogueChange]:
    """Returns the changes that wait for staff, then the newest others, at most so many in all."""
    wait = list(waiting(provider_id)[:limit])
    changes = CatalogueChange.objects.filter(upstream_service__provider=provider_id).select_related("upstream_service")
    others = changes.exclude(state=_WAITING).order_by("-pk")
    return wait + list(others[: limit - len(wait)])


@dataclass(frozen=True, slots=True)
class OurPrice:
    """The price of a service of ours now and by the price that waits, and the cost then; micros of the base currency.

    It does not follow where a better route delivers the service.
    """

    service: Service
    before_micros: Micros
    after_micros: Micros
    cost_micros: Micros
    follows: bool

    @property
    def margin_micros(self) -> int:
        """What is left of the price after the cost."""
        return self.after_micros - self.cost_micros


def our_prices(changes: Collection[CatalogueChange]) -> Mapping[int, list[OurPrice]]:
    """Returns by the id of a change that waits what it would make of our prices, were it accepted alone."""
    upstream_ids = [each.upstream_service_id for each in changes]
    services = Route.objects.filter(upstream_service__in=upstream_ids).values("service")
    routes = Route.objects.filter(service__in=services).select_related("service", "upstream_service")
    rules = {each.pk: each for each in PriceRule.objects.filter(service__in=services)}
    by_service: dict[int, list[Route]] = {}
    by_upstream: dict[int, list[Route]] = {}
    for route in routes.order_by("preference", "pk"):
        by_service.setdefault(route.service_id, []).append(route)
        by_upstream.setdefault(route.upstream_service_id, []).append(route)
    money, found = repricing.prices(), {}
    for change in changes:
        ways = by_upstream.get(change.upstream_service_id, [])
        ours = (_our_price(each, by_service[each.service_id], rules.get(each.service_id), money) for each in ways)
        found[change.pk] = [each for each in ours if each is not None]
    return found


def _our_price(route: Route, routes: Sequence[Route], rule: PriceRule | None, money: Prices) -> OurPrice | None:
    """Returns what `adjust` makes of the price once `route`, one of the service's, costs what is offered."""
    upstream, service = route.upstream_service, route.service
    cost = money.cost(upstream, upstream.offered_micros)
    if cost is None:
        return None
    before = Micros(max(service.rate_micros, service.floor_rate_micros))
    usable = [each for each in routes if each.is_on or (each == route and each.off_reason == Objection.RATE)]
    first = [each for each in usable if each.preference == usable[0].preference]
    if route not in first:
        return OurPrice(service, before, before, cost, follows=False)
    dearest = max(cost, *(money.cost(each.upstream_service) or 0 for each in first if each != route), 0)
    rate, floor = money.asked(dearest, rule)
    return OurPrice(service, before, Micros(max(rate or service.rate_micros, floor)), cost, follows=True)


def _waits(change: CatalogueChange) -> bool:
    return change.state == _WAITING and change.upstream_service.offered_micros is not None


def _refusal(is_there: bool) -> Refusal:
    return Refusal(Reason.MOVE_NOT_ALLOWED) if is_there else Refusal(Reason.INCORRECT_FIELD, "change")
