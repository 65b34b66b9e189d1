"""The panel of a course: its services and customers, its providers, and the scripted upstream behind each of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.clock import Clock, Random
from sutler.core.order_types import ORDER_TYPES, Kind
from sutler.fulfilment.models import Provider, ProviderState, Route, UpstreamService
from sutler.simulator.panel import Service as TheirService
from sutler.simulator.upstream import LyingUpstream
from sutler.storage.sealed import seal
from tests.conftest import NOW, make_customer, make_service

BALANCE_MICROS = 4_000_000_000_000_000
DELIVERY_SECONDS = 1800.0
TYPES = ("Default", "Custom Comments", "Mentions", "Poll", "SEO", "Default")


@dataclass(frozen=True, slots=True)
class World:
    """What a course is played with. `upstreams` and `providers` by the host of the provider's URL.

    `rows` are all rows of each account, the provider's own first; `alike_share` is how many orders cost what many do.
    """

    clock: Clock
    upstreams: Mapping[str, LyingUpstream]
    providers: Mapping[str, int]
    services: tuple[Service, ...]
    customers: tuple[Customer, ...]
    rows: Mapping[int, tuple[int, ...]]
    alike_share: float


def build(
    clock: Clock,
    chance: Random,
    provider_count: int = 3,
    *,
    has_twins: bool = False,
    keeps_request_ids: bool = False,
) -> World:
    """Writes the panel into the empty database. Of several providers the last has the usual brake, the rest hardly any.

    Each service is sold by every provider, at rates of their own. With twins each account has two rows, which got in
    before anybody looked: that they are one is for the worker to find.
    """
    services = tuple(
        make_service(name=f"{name} {number}", type=name, rate_micros=90_000_000, min=1, max=100_000)
        for number, name in enumerate(TYPES, 1)
    )
    customers = tuple(make_customer(name, balance_micros=BALANCE_MICROS) for name in ("Alice", "Bob", "Carol"))
    upstreams: dict[str, LyingUpstream] = {}
    providers: dict[str, int] = {}
    rows: dict[int, tuple[int, ...]] = {}
    for number in range(1, provider_count + 1):
        host = f"upstream-{number}.example"
        sold = [_theirs(each, chance) for each in services]
        key = f"{chance.getrandbits(256):064x}"
        upstreams[host] = LyingUpstream(
            chance,
            clock,
            key=key,
            balance_micros=BALANCE_MICROS,
            services=sold,
            delivery_seconds=DELIVERY_SECONDS,
            keeps_request_ids=keeps_request_ids,
        )
        is_careful, weight = number == provider_count > 1, 1 if number == provider_count else 5
        names = (host, f"{host}, again") if has_twins else (host,)
        made = tuple(_provider(host, key, name, is_careful=is_careful).pk for name in names)
        providers[host], rows[made[0]] = made[0], made
        for each in made:
            _route(each, sold, services, weight)
    return World(clock, upstreams, providers, services, customers, rows, alike_share=0.8 if has_twins else 0.05)


def order_form(world: World, chance: Random, link: str) -> dict[str, str]:
    """Returns the fields of an order of some type; its quantity may be usual or any."""
    service = chance.choice(world.services)
    quantity = chance.choice((100, 500, 1000)) if chance.random() < world.alike_share else chance.randint(1, 100_000)
    form = {"service": str(service.pk)}
    for each in ORDER_TYPES[service.type].fields:
        if each.name in {"runs", "interval"}:
            continue
        form[each.name] = {
            "link": link,
            "quantity": str(quantity),
            "comments": "\n".join(f"comment {one}" for one in range(chance.randint(1, 500))),
        }.get(each.name, "1" if each.kind in {Kind.NUMBER, Kind.CHOICE} else "someone")
    return form


def _theirs(service: Service, chance: Random) -> TheirService:
    rate = chance.randrange(10_000_000, 60_000_000)
    return TheirService(service.pk, service.name, service.type, "Any", rate, 1, 100_000, refill=True, cancel=True)


def _provider(host: str, key: str, name: str, *, is_careful: bool) -> Provider:
    brake = {} if is_careful else {"brake_percent": 100, "brake_open": 1_000_000}
    return Provider.objects.create(
        name=name,
        url=f"https://{host}/api/v2",
        sealed_key=seal(key, settings.SECRET_KEY),
        currency="USD",
        call_interval_milliseconds=0,
        most_at_once=100,
        may_scan=True,
        live_state=ProviderState.objects.create(catalogue_at=NOW),
        created_at=NOW,
        **brake,
    )


def _route(provider_id: int, sold: list[TheirService], services: tuple[Service, ...], weight: int) -> None:
    for theirs, ours in zip(sold, services, strict=True):
        upstream = UpstreamService.objects.create(
            provider_id=provider_id,
            upstream_id=str(theirs.id),
            name=theirs.name,
            category=theirs.category,
            type=theirs.type,
            raw_type=theirs.type,
            rate_micros=theirs.rate_micros,
            min=theirs.min,
            max=theirs.max,
            dripfeed=False,
            refill=theirs.refill,
            cancel=theirs.cancel,
            seen_at=NOW,
        )
        Route.objects.create(service=ours, upstream_service=upstream, weight=weight)
