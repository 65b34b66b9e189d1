"""Drip-feeds and subscriptions that a provider runs: planned, sent, followed to their ends, cancelled."""

from collections.abc import Iterator

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.fulfilment.models import Attempt, UpstreamOrder
from tests.conftest import make_service
from tests.fulfilment.delegated_world import (
    children,
    demand_that_all_is_as_upstream,
    dripped,
    live_on,
    sell_posts,
    subscribed,
    theirs,
    whole_world,
)
from tests.fulfilment.upstream_world import World
from tests.orders.ordering import moves, transfers

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture
def one(service: Service) -> Iterator[World]:
    with whole_world(service) as found:
        yield found


@pytest.fixture
def likes(one: World) -> Service:
    service = make_service(type="Subscriptions", rate_micros=2_000_000, min=10, max=1000)
    sell_posts(one, service)
    return service


def adds(one: World) -> list[dict[str, str]]:
    return [
        {k: v for k, v in asked.items() if k not in {"key", "action"}}
        for _, asked in one.asked
        if asked["action"] == "add"
    ]


def test_a_drip_feed_is_sent_in_one_and_its_runs_become_orders_here(alice: Customer, one: World) -> None:
    parent = dripped(one, alice)
    live_on(one, 2)
    assert adds(one) == [{"service": "1", "link": parent.link, "quantity": "100", "runs": "3", "interval": "10"}]
    assert len(children(parent)) == 3
    parent.refresh_from_db()
    assert (parent.status, parent.remains) == (theirs(one, parent).final, theirs(one, parent).left)
    assert transfers(parent).keys() >= {f"order:{parent.pk}"}
    demand_that_all_is_as_upstream(one)


def test_a_subscription_is_sent_in_one_and_its_posts_are_charged_as_they_are_made(
    alice: Customer, one: World, likes: Service
) -> None:
    parent = subscribed(one, alice, likes)
    live_on(one, 2)
    fields = {"username": "someone", "min": "60", "max": "90", "posts": "2", "delay": "0"}
    assert adds(one) == [{"service": "2", **fields}]
    assert [each.charge_micros for each in children(parent)] == [each.quantity * 2_000 for each in children(parent)]
    assert Attempt.objects.get(order=parent).expected_micros == UpstreamOrder.objects.get(order=parent).cost_micros == 0
    assert moves(parent)[-1][1] == "Completed"
    demand_that_all_is_as_upstream(one)


def test_old_posts_only_are_sent_as_such_and_end_the_subscription(alice: Customer, one: World, likes: Service) -> None:
    parent = subscribed(one, alice, likes, posts=0, old_posts=3)
    live_on(one, 2)
    fields = {"username": "someone", "min": "60", "max": "90", "posts": "0", "old_posts": "3", "delay": "0"}
    assert adds(one) == [{"service": "2", **fields}]
    assert len(children(parent)) == 3
    assert moves(parent)[-1][1] == "Completed"
    demand_that_all_is_as_upstream(one)
