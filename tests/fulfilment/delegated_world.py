"""A world whose provider runs drip-feeds and subscriptions by itself, and what is asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.fulfilment.models import AskTime, NamedOrder, ProviderState, Route, UpstreamOrder, UpstreamService
from sutler.fulfilment.polling.children import adopt
from sutler.fulfilment.polling.poll import poll
from sutler.fulfilment.providers import ledger
from sutler.fulfilment.requests.forward import forward
from sutler.orders.models import Order
from sutler.simulator.panel import Service as TheirService
from sutler.simulator.schedules import Whole
from tests.conftest import NOW
from tests.fulfilment.upstream import make_upstream_service
from tests.fulfilment.upstream_world import World, world
from tests.orders.ordering import demand_sound_books, held, placed

HOUR = 3600.0


@contextmanager
def whole_world(service: Service, **provider: Any) -> Iterator[World]:
    """A provider with a service that takes runs, and one of type Subscriptions; it runs both itself unless told."""
    with world(service, **({"drip_feed_there": True, "subscriptions_there": True} | provider)) as one:
        one.upstream.panel.services[1].dripfeed = True
        one.upstream.panel.services[2] = TheirService(2, "New posts", "Subscriptions", rate_micros=500_000, min=1)
        UpstreamService.objects.update(dripfeed=True)
        ledger.open_with(one.provider, 10_000_000_000, NOW)
        ProviderState.objects.update(gap_micros=0)
        yield one


def sell_posts(one: World, likes: Service) -> Route:
    """Has the provider deliver this service of type Subscriptions by its own."""
    there = make_upstream_service(
        one.provider, upstream_id="2", name="New posts", type="Subscriptions", min=1, max=10_000
    )
    return Route.objects.create(service=likes, upstream_service=there)


def dripped(one: World, alice: Customer, **form: Any) -> Order:
    """A drip-feed of three runs of 100, ten minutes apart, unless told otherwise."""
    return placed(alice, one.service, one.now(), **({"quantity": 100, "runs": 3, "interval": 10} | form))


def subscribed(one: World, alice: Customer, likes: Service, **form: Any) -> Order:
    """A subscription of 60 to 90 for each of two posts, unless told otherwise."""
    asked = {"username": "someone", "min": 60, "max": 90, "posts": 2, "delay": 0}
    return placed(alice, likes, one.now(), **(asked | form))


def live_on(one: World, hours: float) -> None:
    """Has a worker send what waits, and then do each quarter of an hour all that is due but sending."""
    one.live(3)
    for _ in range(int(hours * 4)):
        one.skip(HOUR / 4)
        AskTime.objects.filter(upstream_order__finished_at=None).update(ask_at=one.now())
        for step in (forward, poll, adopt, poll):
            one.run(step)


def children(parent: Order) -> list[Order]:
    """The runs or posts of it, first to last."""
    return list(Order.objects.filter(parent=parent).order_by("pk"))


def theirs(one: World, parent: Order) -> Whole:
    """The parent as it stands at the provider."""
    found = one.upstream.panel.orders[UpstreamOrder.objects.get(order=parent).upstream_id]
    assert isinstance(found, Whole)
    return found


def demand_that_all_is_as_upstream(one: World) -> None:
    """Every order ended as it did there, every id there is one here, and the books hold what was charged."""
    ours = {each.upstream_id: each for each in UpstreamOrder.objects.select_related("order")}
    assert ours.keys() == one.upstream.panel.orders.keys()
    for upstream_id, each in ours.items():
        there = one.upstream.panel.orders[upstream_id]
        told = each.order.status, each.order.remains, each.order.quantity
        assert told == (there.final, there.left, there.quantity), (upstream_id, told)
    totals = one.upstream.totals()
    assert held("cost") == totals.charged_micros - totals.refunded_micros
    assert not NamedOrder.objects.filter(child=None).exists()
    demand_sound_books()
