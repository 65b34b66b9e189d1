"""Putting a provider's services on sale: for each a service of ours, a route to it, and a rule for its price."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from sutler.catalogue import availability, updates, version
from sutler.catalogue.models import Category, Service, ServiceUpdate
from sutler.catalogue.service_file import NO_HEADING
from sutler.core.delegation import delivers
from sutler.core.money import LARGEST_MICROS, show_rate
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Reason, Refusal
from sutler.core.skipped_rows import LeftOut, by_reason
from sutler.fulfilment.catalogue import repricing
from sutler.fulfilment.catalogue.repricing import Prices
from sutler.fulfilment.models import PriceRule, Provider, Route, UpstreamService
from sutler.storage.transactions import durable

BATCH = 500


@dataclass(frozen=True, slots=True)
class Rule:
    """What imported services are sold for: cost, plus markup, plus a fixed amount, rounded up to a step (micros)."""

    markup_basis_points: int = 0
    fixed_micros: int = 0
    step_micros: int = 1


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of each upstream service: our new service, the one there was already, or why it cannot be sold."""

    made: dict[str, int]
    there: dict[str, int]
    refused: dict[str, str]

    def left_out(self) -> list[LeftOut]:
        """Returns what cannot be sold, by reason."""
        return by_reason(self.refused.items())


@dataclass(frozen=True, slots=True)
class Prospect:
    """What would come of an upstream service: cost and rate in micros of the base currency, or why nothing would."""

    upstream: UpstreamService
    cost_micros: int | None
    rate_micros: int | None
    why: str = ""
    sold_as: int | None = None

    @property
    def is_new(self) -> bool:
        """Whether it would be put on sale."""
        return not self.why and self.sold_as is None

    @property
    def margin_micros(self) -> int | None:
        """What is left of the rate after the cost."""
        return None if self.rate_micros is None or self.cost_micros is None else self.rate_micros - self.cost_micros


def bring_in(
    provider_id: int,
    rule: Rule,
    now: datetime,
    *,
    upstream_ids: Collection[str] = (),
    categories: Collection[str] = (),
    heading: str = "",
    seen: str | None = None,
) -> Imported | Refusal:
    """Puts the services of these ids, and all of these categories of the provider, on sale; in one transaction.

    They stand under the provider's own headings, or all under `heading`. A service that has a route already is left as
    it is. Some may be refused, each with its reason. Refuses the whole with INCORRECT_FIELD for `provider`, for
    `markup`, `fixed` or `step` out of range, or for `seen` if the prospects have another `fingerprint` than this.
    """
    fault = _fault(rule)
    if fault:
        return Refusal(Reason.INCORRECT_FIELD, fault)
    with durable():
        provider = Provider.objects.filter(pk=provider_id).locked().first()
        if provider is None:
            return Refusal(Reason.INCORRECT_FIELD, "provider")
        chosen, money = _chosen(provider, upstream_ids, categories), repricing.prices()
        prospects = _prospects(chosen, provider, rule, money)
        if seen is not None and fingerprint(prospects) != seen:
            return Refusal(Reason.INCORRECT_FIELD, "seen")
        there = {each.upstream.upstream_id: each.sold_as for each in prospects if each.sold_as is not None}
        refused = {each: "there is no such service" for each in upstream_ids if each not in chosen}
        refused |= {each.upstream.upstream_id: each.why for each in prospects if each.why}
        made = _make([each.upstream for each in prospects if each.is_new], rule, money, heading, now)
    return Imported(made, there, refused)


def bring_in_many(
    provider_id: int,
    rule: Rule,
    now: datetime,
    upstream_ids: Sequence[str],
    *,
    heading: str = "",
    seen: Sequence[Prospect] | None = None,
    track: Callable[[range], Iterable[int]] = iter,
) -> Imported | Refusal:
    """Puts the services of these ids on sale, 500 a transaction. Refuses as `bring_in`; `seen` are their prospects.

    What was brought in before something broke stays; repeating it goes on from there. `track` goes over the batches.
    """
    whole = Imported({}, {}, {})
    for start in track(range(0, max(1, len(upstream_ids)), BATCH)):
        end = start + BATCH
        proof = None if seen is None else fingerprint(seen[start:end])
        part = bring_in(provider_id, rule, now, upstream_ids=upstream_ids[start:end], heading=heading, seen=proof)
        if isinstance(part, Refusal):
            return part
        whole.made.update(part.made)
        whole.there.update(part.there)
        whole.refused.update(part.refused)
    return whole


def on_offer(provider_id: int) -> list[str]:
    """Returns the ids of all that a provider sells."""
    sold = UpstreamService.objects.filter(provider=provider_id, gone_at=None).order_by("pk")
    return list(sold.values_list("upstream_id", flat=True))


def preview(provider: Provider, rule: Rule, upstream_ids: Collection[str]) -> list[Prospect] | Refusal:
    """Returns what `bring_in` would do with the services of these ids, and changes nothing. Refuses as it does."""
    fault = _fault(rule)
    if fault:
        return Refusal(Reason.INCORRECT_FIELD, fault)
    return _prospects(_chosen(provider, upstream_ids, ()), provider, rule, repricing.prices())


def fingerprint(prospects: Iterable[Prospect]) -> str:
    """Returns what proves that these prospects were seen: it is another as soon as one of them is another."""
    rows = [(each.upstream.pk, each.cost_micros, each.rate_micros, each.why, each.sold_as) for each in prospects]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _prospects(chosen: dict[str, UpstreamService], provider: Provider, rule: Rule, money: Prices) -> list[Prospect]:
    there, found = _there(chosen), []
    for upstream_id, upstream in chosen.items():
        cost = money.cost(upstream)
        why = "" if upstream_id in there else _unsaleable(upstream, provider, rule, money)
        rate, floor = money.asked(cost or 0, _row(rule))
        shown = None if why or cost is None else rate or floor
        found.append(Prospect(upstream, cost, shown, why, there.get(upstream_id)))
    return found


def _fault(rule: Rule) -> str:
    bounds = {"markup": (rule.markup_basis_points, 0, LARGEST_NUMBER), "fixed": (rule.fixed_micros, 0, LARGEST_MICROS)}
    bounds["step"] = (rule.step_micros, 1, LARGEST_MICROS)
    return next((name for name, (value, low, high) in bounds.items() if not low <= value <= high), "")


def _chosen(
    provider: Provider, upstream_ids: Collection[str], categories: Collection[str]
) -> dict[str, UpstreamService]:
    found: dict[str, UpstreamService] = {}
    by_provider = UpstreamService.objects.filter(provider=provider).order_by("pk")
    ids = sorted(set(upstream_ids))
    for start in range(0, len(ids), BATCH):
        found |= {each.upstream_id: each for each in by_provider.filter(upstream_id__in=ids[start : start + BATCH])}
    if categories:
        found |= {each.upstream_id: each for each in by_provider.filter(Q(category__in=set(categories)), gone_at=None)}
    return dict(sorted(found.items(), key=lambda item: item[1].pk))


def _there(chosen: dict[str, UpstreamService]) -> dict[str, int]:
    """Returns by upstream id the service of ours that has a route to it already."""
    by_id = {each.pk: upstream_id for upstream_id, each in chosen.items()}
    found: dict[str, int] = {}
    ids = list(by_id)
    for start in range(0, len(ids), BATCH):
        routes = Route.objects.filter(upstream_service__in=ids[start : start + BATCH]).order_by("-pk")
        found |= {by_id[upstream]: service for upstream, service in routes.values_list("upstream_service", "service")}
    return found


def _unsaleable(upstream: UpstreamService, provider: Provider, rule: Rule, money: Prices) -> str:
    if upstream.gone_at is not None:
        return "it is gone upstream"
    if upstream.type is None:
        return f"its type {upstream.raw_type!r} is none of the protocol's" if upstream.raw_type else "it has no type"
    if not delivers(upstream.type, upstream.type, subscriptions_there=provider.subscriptions_there):
        return (
            f"{upstream.type} run here: put one on sale and let a service of type Default deliver its posts,"
            " or let the provider run them"
        )
    if upstream.offered_micros is not None:
        return "its price has jumped and waits for a decision"
    cost = money.cost(upstream)
    if cost is None:
        return f"what {provider.currency} is worth is not known; `sutler rate set` says it"
    rate, floor = money.asked(cost, _row(rule))
    return "it costs more than can be reckoned with" if max(rate or 0, floor) > LARGEST_MICROS else ""


def _row(rule: Rule, service: Service | None = None) -> PriceRule:
    return PriceRule(
        service=service,
        markup_basis_points=rule.markup_basis_points,
        fixed_micros=rule.fixed_micros,
        step_micros=rule.step_micros,
    )


def _make(taken: Sequence[UpstreamService], rule: Rule, money: Prices, heading: str, now: datetime) -> dict[str, int]:
    if not taken:
        return {}
    named = [heading or each.category or NO_HEADING for each in taken]
    headings = availability.headings(named)
    services = [_service(each, rule, money, headings[name]) for each, name in zip(taken, named, strict=True)]
    Service.objects.bulk_create(services, BATCH)
    Route.objects.bulk_create(
        [Route(service=service, upstream_service=each) for service, each in zip(services, taken, strict=True)], BATCH
    )
    PriceRule.objects.bulk_create([_row(rule, each) for each in services], BATCH)
    told = (updates.note(each, ServiceUpdate.Kind.NEW, now, after=show_rate(each.rate_micros)) for each in services)
    updates.publish(told)
    version.renew()
    return {each.upstream_id: service.pk for each, service in zip(taken, services, strict=True)}


def _service(upstream: UpstreamService, rule: Rule, money: Prices, category: Category) -> Service:
    rate, floor = money.asked(money.cost(upstream) or 0, _row(rule))
    return Service(
        category=category,
        name=upstream.name,
        type=upstream.type or "",
        rate_micros=rate or floor,
        floor_rate_micros=floor,
        min=upstream.min,
        max=upstream.max,
        dripfeed=upstream.dripfeed,
        refill=upstream.refill,
        cancel=upstream.cancel,
    )
