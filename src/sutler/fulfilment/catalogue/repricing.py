"""What a service promises follows from its routes: whether it is on sale, within which limits, at what price.

Whoever changes a route, what a route costs or what a currency is worth calls `adjust` in the same transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.catalogue import exchange_rates, updates, version
from sutler.catalogue.models import Service, ServiceUpdate
from sutler.core.delegation import delivers
from sutler.core.markup import cost_in_base, floor_rate, rate_from_cost, rises_too_far
from sutler.core.money import LARGEST_MICROS, Micros, show_rate
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES, Measure
from sutler.core.subjects import Subject, SubjectType
from sutler.core.worth import Worth
from sutler.fulfilment.catalogue import price_alarms
from sutler.fulfilment.catalogue.objections import Objection
from sutler.fulfilment.models import PriceRule, Provider, Route, UpstreamService
from sutler.storage.statements import Statement, run
from sutler.storage.transactions import durable

# What is needed of ten thousand rows, and no more.
_READ = (
    "type",
    "rate_micros",
    "floor_rate_micros",
    "held_rate_micros",
    "min",
    "max",
    "state",
    "pause_reason",
)
_READ_OF_ROUTES = (
    "service_id",
    "preference",
    "is_on",
    "off_reason",
    *(
        f"upstream_service__{name}"
        for name in ("provider", "type", "rate_micros", "offered_micros", "min", "max", "gone_at")
    ),
    "upstream_service__provider__subscriptions_there",
)

_UPDATE_SERVICES = Statement(
    "UPDATE catalogue_service SET rate_micros = rows.rate_micros, floor_rate_micros = rows.floor_rate_micros,"
    " held_rate_micros = rows.held_rate_micros, min = rows.min, max = rows.max, state = rows.state,"
    " pause_reason = rows.pause_reason"
    " FROM {rows} WHERE catalogue_service.id = rows.id",
    {
        "id": "bigint",
        "rate_micros": "bigint",
        "floor_rate_micros": "bigint",
        "held_rate_micros": "bigint",
        "min": "integer",
        "max": "integer",
        "state": "text",
        "pause_reason": "text",
    },
)
_UPDATE_ROUTES = Statement(
    "UPDATE fulfilment_route SET is_on = rows.is_on, off_reason = rows.off_reason"
    " FROM {rows} WHERE fulfilment_route.id = rows.id",
    {"id": "bigint", "is_on": "boolean", "off_reason": "text"},
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The smallest and the greatest quantity."""

    min: int = 1
    max: int = LARGEST_NUMBER

    def meet(self, other: "Bounds") -> "Bounds | None":
        """Returns what lies within both, or None."""
        low, high = max(self.min, other.min), min(self.max, other.max)
        return Bounds(low, high) if low <= high else None


@dataclass(frozen=True, slots=True)
class Prices:
    """What costs are reckoned with: the worth of each provider's currency, by its id, and the margin that must stay."""

    worth: Mapping[int, Worth]
    floor_basis_points: int
    # The providers whose currency's rate is too old to sell by.
    outdated: Collection[int] = ()

    def cost(self, upstream: UpstreamService, rate_micros: int | None = None) -> Micros | None:
        """Returns the rate, or another of its currency, in the base currency; None if its worth is not known."""
        worth = self.worth.get(upstream.provider_id)
        return None if worth is None else cost_in_base(rate_micros or upstream.rate_micros, worth)

    def asked(self, cost: int, rule: PriceRule | None) -> tuple[Micros | None, Micros]:
        """Returns the rate by the rule (None without one), which is never below the floor, and the floor."""
        floor = floor_rate(cost, self.floor_basis_points)
        if rule is None:
            return None, floor
        rate = rate_from_cost(cost, rule.markup_basis_points, rule.fixed_micros, rule.step_micros)
        return max(rate, floor), floor


@dataclass(frozen=True, slots=True)
class Adjusted:
    """How many routes and services were changed, and how."""

    routes_off: int = 0
    routes_on: int = 0
    paused: int = 0
    back: int = 0
    repriced: int = 0
    limited: int = 0


def prices(now: datetime | None = None) -> Prices:
    """Returns what costs are reckoned with, as the caller's transaction sees it.

    Without a moment no exchange rate is too old.
    """
    rates = exchange_rates.rates()
    known, too_old = exchange_rates.worth(rates), exchange_rates.outdated(now, rates) if now else {}
    currencies = dict(Provider.objects.values_list("pk", "currency"))
    worth = {pk: known[currency] for pk, currency in currencies.items() if currency in known}
    outdated = {pk for pk, currency in currencies.items() if currency in too_old}
    return Prices(worth, settings.SUTLER["SUTLER_MARGIN_FLOOR_PERCENT"] * 100, outdated)


def services_of(provider_id: int) -> QuerySet[Service]:
    """Returns the services that have a route to the provider, switched on or not."""
    return Service.objects.filter(pk__in=Route.objects.filter(upstream_service__provider=provider_id).values("service"))


def follow_exchange(currency: str, now: datetime, *, accept_rises: bool = False) -> Adjusted:
    """Brings what is delivered in this currency in step with its worth, in the transaction that changed it."""
    routed = Route.objects.filter(upstream_service__provider__currency=currency).values("service")
    services = Service.objects.filter(pk__in=routed)
    return adjust(services, bounds(services), now, accept_rises=accept_rises)


def bounds(services: QuerySet[Service]) -> dict[int, Bounds]:
    """Returns by service id what its routes that are switched on allow at present; a service without any is missing."""
    found: dict[int, Bounds] = {}
    on = Route.objects.filter(service__in=services, is_on=True)
    rows = on.values_list("service_id", "upstream_service__min", "upstream_service__max")
    for service_id, low, high in rows:
        met = found.get(service_id, Bounds()).meet(Bounds(low, high))
        found[service_id] = met or found[service_id]
    return found


def decide_held(service_id: int, accept: bool, actor: User | None, now: datetime) -> bool:
    """Lets the price of a service rise to the one that waits, or lets it be; returns False if none waits.

    A price that is let be goes on waiting without an alarm, and its routes stay off, until what it rests on changes.
    """
    with durable():
        services = Service.objects.filter(pk=service_id)
        held = services.select_for_update().values_list("held_rate_micros", flat=True).first()
        if held is None:
            return False
        if accept:
            adjust(services, bounds(services), now, accept_rises=True)
        else:
            price_alarms.close_held(service_id, now)
        action = "price accepted" if accept else "price dismissed"
        audit_log.write(actor, action, Subject(SubjectType.SERVICE, service_id), now, after={"rate": show_rate(held)})
    return True


def adjust(
    services: QuerySet[Service], before: Mapping[int, Bounds], now: datetime, *, accept_rises: bool = False
) -> Adjusted:
    """Brings services and their routes in step with what the upstream services are now; repeating it changes nothing.

    Routes that cannot deliver are switched off, and on again when they can. A service that is left without a route so
    is paused, and comes back with the first route. Its price follows its rule, its floor the dearest of its first
    routes. Its limits are kept inside those of its routes; a limit that stood at the routes' own `before` (see
    `bounds`) follows it both ways. Customers are told. Belongs into the transaction of what caused it.

    A price that would rise by more than 30 % waits in `held_rate_micros`, unless staff `accept_rises`: until then the
    old one holds, and routes that cannot deliver at it are off.
    """
    found = list(services.select_for_update(of=("self",)).only(*_READ).order_by("pk"))
    routes = _by_service(services)
    rules = {each.pk: each for each in PriceRule.objects.filter(service__in=services)}
    money = prices(now)
    tally = _Tally()
    for service in found:
        was, ways, rule = _Was(service), routes.get(service.pk, []), rules.get(service.pk)
        stood = {each.pk: (each.is_on, each.off_reason) for each in ways}
        usable = _judge(service, ways, before.get(service.pk), rule, money)
        _price(service, ways, usable, rule, money)
        service.held_rate_micros = None if accept_rises else _too_high(service, was, rule)
        if service.held_rate_micros is not None:
            was.restore(service)
            usable = _judge(service, ways, before.get(service.pk), rule, money, most=was.rate)
            _price(service, ways, usable, rule, money)
            if _too_high(service, was, rule) is not None:
                service.rate_micros = was.rate
        _pause_or_bring_back(service, ways, usable)
        tally.routes += [each for each in ways if stood[each.pk] != (each.is_on, each.off_reason)]
        tally.note(was, service, now)
    tally.write(now)
    paused = {each.pk: each.state == Service.State.PAUSED for each in tally.moved}
    held = {each.pk: each.held_rate_micros is not None for each in tally.holding}
    price_alarms.sound_or_close(paused, held, routes, now)
    return tally.adjusted


class _Was:
    """A service as it was before it was adjusted."""

    def __init__(self, service: Service) -> None:
        self.row = _row(service)
        self.state = service.state
        self.held = service.held_rate_micros
        self.rate = max(service.rate_micros, service.floor_rate_micros)
        self.bounds = Bounds(service.min, service.max)
        self._terms = service.rate_micros, service.floor_rate_micros

    def restore(self, service: Service) -> None:
        """Gives the service its old price and limits back."""
        service.rate_micros, service.floor_rate_micros = self._terms
        service.min, service.max = self.bounds.min, self.bounds.max


class _Tally:
    """What has changed, until it is written."""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self.services: list[Service] = []
        self.updates: list[ServiceUpdate] = []
        self.moved: list[Service] = []
        # A price of theirs waits now, or no longer.
        self.holding: list[Service] = []

    def note(self, was: _Was, service: Service, now: datetime) -> None:
        """Keeps the service to be written if it changed, with what customers are told of it."""
        if _row(service) == was.row:
            return
        self.services.append(service)
        if service.held_rate_micros != was.held:
            self.holding.append(service)
        if service.state != was.state:
            is_back = service.state == Service.State.ACTIVE
            kind = ServiceUpdate.Kind.BACK if is_back else ServiceUpdate.Kind.PAUSED
            self.updates.append(updates.note(service, kind, now))
            self.moved.append(service)
        if service.state != Service.State.ACTIVE:
            return
        rate = max(service.rate_micros, service.floor_rate_micros)
        if rate != was.rate:
            shown = show_rate(was.rate), show_rate(rate)
            self.updates.append(updates.note(service, ServiceUpdate.Kind.PRICE, now, *shown))
        if (met := Bounds(service.min, service.max)) != was.bounds:
            limits = f"{was.bounds.min} - {was.bounds.max}", f"{met.min} - {met.max}"
            self.updates.append(updates.note(service, ServiceUpdate.Kind.LIMITS, now, *limits))

    def write(self, now: datetime) -> None:
        """Writes routes, services and updates, and renews the catalogue where customers see a difference."""
        run(_UPDATE_ROUTES, [(each.pk, each.is_on, each.off_reason) for each in self.routes])
        run(_UPDATE_SERVICES, [_row(each) for each in self.services])
        updates.publish(self.updates)
        if self.services:
            version.renew()

    @property
    def adjusted(self) -> Adjusted:
        """How many changed, and how."""
        on = sum(each.is_on for each in self.routes)
        kinds = [each.kind for each in self.updates]
        counts = [kinds.count(getattr(ServiceUpdate.Kind, name)) for name in ("PAUSED", "BACK", "PRICE", "LIMITS")]
        return Adjusted(len(self.routes) - on, on, *counts)


def _row(service: Service) -> tuple[int, int, int, int | None, int, int, str, str]:
    return (
        service.pk,
        service.rate_micros,
        service.floor_rate_micros,
        service.held_rate_micros,
        service.min,
        service.max,
        str(service.state),
        service.pause_reason,
    )


def _by_service(services: QuerySet[Service]) -> dict[int, list[Route]]:
    found: dict[int, list[Route]] = defaultdict(list)
    routes = Route.objects.filter(service__in=services).select_related("upstream_service__provider")
    for each in routes.only(*_READ_OF_ROUTES).order_by("preference", "pk"):
        found[each.service_id].append(each)
    return found


def _judge(
    service: Service,
    routes: Sequence[Route],
    before: Bounds | None,
    rule: PriceRule | None,
    money: Prices,
    *,
    most: int = LARGEST_MICROS,
) -> list[Route]:
    """Switches routes off and on and the service's limits with them; returns those that can deliver for `most`."""
    is_counted = ORDER_TYPES[service.type].measure is not Measure.ONE
    follows_min, follows_max = (
        before is not None and service.min == before.min,
        before is not None and service.max == before.max,
    )
    room = Bounds(1 if follows_min else service.min, LARGEST_NUMBER if follows_max else service.max)
    usable = []
    for route in routes:
        if not route.is_on and not route.off_reason:
            continue
        upstream = route.upstream_service
        met = room.meet(Bounds(upstream.min, upstream.max)) if is_counted else room
        why = _objection(route, service, rule, money, most) or ("" if met else Objection.LIMITS)
        route.is_on, route.off_reason = not why, str(why)
        if route.is_on and met is not None:
            room = met
            usable.append(route)
    if usable and is_counted:
        service.min, service.max = room.min, room.max
    return usable


def _objection(route: Route, service: Service, rule: PriceRule | None, money: Prices, most: int) -> str:
    upstream = route.upstream_service
    if upstream.gone_at is not None:
        return Objection.GONE
    if not delivers(service.type, upstream.type, subscriptions_there=upstream.provider.subscriptions_there):
        return Objection.TYPE
    if upstream.offered_micros is not None and upstream.offered_micros > upstream.rate_micros:
        return Objection.RATE
    cost = money.cost(upstream)
    if cost is None:
        return Objection.CURRENCY
    if upstream.provider_id in money.outdated:
        return Objection.OLD_RATE
    rate, floor = money.asked(cost, rule)
    too_dear = Objection.TOO_DEAR if max(rate or 0, floor) > LARGEST_MICROS else ""
    return too_dear or (Objection.RISE if floor > most else "")


def _price(
    service: Service, routes: Sequence[Route], usable: Sequence[Route], rule: PriceRule | None, money: Prices
) -> None:
    if not usable:
        # Without routes it is the desk's, and what that costs is not known; paused, it keeps what it had.
        if not any(each.off_reason for each in routes):
            service.floor_rate_micros = 0
        return
    first = [each.upstream_service for each in usable if each.preference == usable[0].preference]
    cost = max(money.cost(each) or 0 for each in first)
    rate, service.floor_rate_micros = money.asked(cost, rule)
    if rate is not None:
        service.rate_micros = rate


def _too_high(service: Service, was: _Was, rule: PriceRule | None) -> int | None:
    """Returns the price if it has risen further than it may without a decision of staff."""
    rate = max(service.rate_micros, service.floor_rate_micros)
    return rate if rises_too_far(was.rate, rate, 1 if rule is None else rule.step_micros) else None


def _pause_or_bring_back(service: Service, routes: Sequence[Route], usable: Sequence[Route]) -> None:
    if usable:
        if service.state == Service.State.PAUSED and service.pause_reason:
            service.state, service.pause_reason = Service.State.ACTIVE, ""
        return
    reasons = [each.off_reason for each in routes if each.off_reason]
    if reasons and service.state == Service.State.ACTIVE:
        service.state, service.pause_reason = Service.State.PAUSED, reasons[0]
