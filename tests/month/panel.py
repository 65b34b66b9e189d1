"""A panel on which everything has happened once, by the panel's own verbs."""

from datetime import timedelta

from django.db import transaction

from sutler.accounts.models import Customer
from sutler.books.post import adjust
from sutler.catalogue.models import Service
from sutler.core.attempts import AttemptState
from sutler.core.clock import seeded
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import Micros
from sutler.core.refusals import Refusal
from sutler.fulfilment.models import NamedOrder, ProviderMinute, UpstreamOrder, UpstreamService
from sutler.fulfilment.polling import children as children_there
from sutler.fulfilment.polling.apply import apply_answers
from sutler.fulfilment.providers import ledger
from sutler.fulfilment.providers.costs import Costed, finish
from sutler.fulfilment.requests import refills
from sutler.orders import cancel, delegation, drip, refill, subscriptions
from sutler.orders.models import Drip, Order
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.panels.results import UpstreamStatus
from tests.conftest import NOW, make_customer, make_service
from tests.fulfilment.upstream import accepted, make_provider, make_upstream_service
from tests.month.office import run_an_office
from tests.orders.ordering import LINK, placed, reported

Names = dict[str, int]
LATER = NOW + timedelta(days=2)


def live_a_little() -> Names:
    """Opens customers and services, has an order meet each fate, and returns the ids by name."""
    alice, bob, eve = make_customer("Alice"), make_customer("Bob"), make_customer("Eve", "EUR")
    service = make_service(refill_wait_hours=1)
    package = make_service(type="Package", rate_micros=2_500_000, min=1, max=1)
    odd = make_service(rate_micros=1_234_567)
    single = make_service(one_active_order_per_link=True)
    follow = make_service(type="Subscriptions", min=10, max=1000)
    adjust(bob.pk, -5_000_000, "adjust:1", "a slip", NOW)
    names = {
        "alice": alice.pk,
        "bob": bob.pk,
        "eve": eve.pk,
        "service": service.pk,
        "pending": placed(alice, service).pk,
        "package": placed(alice, package).pk,
        "active": placed(alice, service, link="a").pk,
        "done": placed(alice, service, link="b").pk,
        "part": placed(alice, odd, link="c", quantity=1001).pk,
        "canceled": placed(alice, service, link="d").pk,
        "locked": placed(alice, single, link="e").pk,
        "stopped": placed(bob, service, link="f").pk,
        "stopping": placed(bob, service, link="g").pk,
    }
    reported(names["active"], Status.IN_PROGRESS, remains=400, start_count=5)
    reported(names["done"], Status.PROCESSING)
    reported(names["done"], Status.COMPLETED, remains=-7)
    reported(names["part"], Status.PARTIAL, remains=157)
    for name in ("stopped", "stopping"):
        reported(names[name], Status.PROCESSING)
    assert cancel.request_cancels(alice.pk, [names["canceled"]], NOW) == [None]
    assert cancel.request_cancels(bob.pk, [names["stopped"], names["stopping"]], NOW) == [None, None]
    reported(names["stopped"], Status.CANCELED)
    again = place([PlaceRequest(bob.pk, {"service": str(package.pk), "link": LINK}, request_id="once")], NOW)[0]
    assert isinstance(again, Placed)
    names["asked"] = again.order_id
    for status in (RefillStatus.COMPLETED, RefillStatus.PENDING):
        now = NOW + timedelta(hours=5 if status is RefillStatus.PENDING else 2)
        asked = refill.request_refills(alice.pk, [names["done"]], now)[0]
        assert not isinstance(asked, Refusal)
        assert refill.report([(asked, status)], "executor", now) == [None]
    names |= drip_a_little(alice, odd) | follow_a_little(bob, follow) | buy_a_little(alice, service)
    names |= send_a_little(alice, service, UpstreamService.objects.get(provider=names["provider"]))
    return names | run_an_office(alice, bob)


def drip_a_little(alice: Customer, service: Service) -> Names:
    """Three drip-feeds: one under way, one finished with a part undelivered, one stopped after a run."""
    names = {
        name: placed(alice, service, link=name, quantity=333, runs=3, interval=10).pk
        for name in ("dripping", "dripped", "unripe")
    }
    drip.place_due_runs(NOW + timedelta(minutes=1))
    reported(children(names["unripe"])[0], Status.PROCESSING)
    assert cancel.stop([names["unripe"]], "staff 1", NOW) == [None]
    reported(children(names["unripe"])[0], Status.CANCELED)
    drip.place_due_runs(NOW + timedelta(minutes=11))
    Drip.objects.filter(order=names["dripping"]).update(next_run_at=LATER)
    drip.place_due_runs(NOW + timedelta(minutes=31))
    names["first"], names["second"] = children(names["dripping"])
    reported(names["first"], Status.COMPLETED)
    for child, status in zip(
        children(names["dripped"]), (Status.COMPLETED, Status.PARTIAL, Status.CANCELED), strict=True
    ):
        reported(child, status, remains=100)
    return names


def follow_a_little(bob: Customer, follow: Service) -> Names:
    """Two subscriptions: one finished after its two posts, one with a post delivered and another due."""
    names = {
        "followed": placed(bob, follow, username="bob", min=10, max=50, delay=0, posts=2).pk,
        "following": placed(bob, follow, username="bob", min=10, max=50, delay=0).pk,
    }
    for link in ("x", "y"):
        assert subscriptions.report_post(names["followed"], link, NOW, seeded(1), "staff 1") is None
    assert subscriptions.report_post(names["following"], "x", NOW, seeded(1), "staff 1") is None
    subscriptions.place_due_posts(NOW + timedelta(minutes=1))
    assert subscriptions.report_post(names["following"], "y", LATER, seeded(1), "staff 1") is None
    for child in (*children(names["followed"]), *children(names["following"])):
        reported(child, Status.COMPLETED)
    names["post_order"] = children(names["followed"])[0]
    return names


def buy_a_little(alice: Customer, service: Service) -> Names:
    """A provider that was paid and delivered two orders: one for less than expected, one for more."""
    provider = make_provider()
    for book in (ledger.top_up, ledger.draw):
        assert not isinstance(book(provider.pk, 50_000_000, "bank", "a payment", NOW), Refusal)
    there = make_upstream_service(provider)
    for minutes, (link, cost) in enumerate((("h", 400_000), ("i", 600_000))):
        now = NOW + timedelta(minutes=3 * minutes)
        bought = accepted(placed(alice, service, link=link), there, f"100{minutes}")
        reported(bought.order_id, Status.COMPLETED)
        finish(provider.pk, "USD", [Costed(bought.pk, bought.order_id, bought.cost_micros, cost)], NOW)
        bought.cost_micros, bought.finished_at, bought.word = cost, NOW, "Completed"
        bought.save()
        bought.ask_time.delete()
        ledger.renew_snapshot(provider, now)
    return {"bought": bought.order_id, "provider": provider.pk}


def send_a_little(alice: Customer, service: Service, upstream: UpstreamService) -> Names:
    """Orders at a provider: one refused before and accepted then, one delivered, one canceled there, one unclear."""
    provider = upstream.provider
    ProviderMinute.objects.bulk_create(
        ProviderMinute(provider=provider, minute=LATER + timedelta(minutes=number), calls=1) for number in range(60)
    )
    names = {name: placed(alice, service, link=name).pk for name in ("sent", "delivered", "ended", "unclear")}
    there = {name: accepted(Order.objects.get(pk=pk), upstream, name) for name, pk in names.items()}
    said = {
        "sent": UpstreamStatus(Status.IN_PROGRESS, "In progress", Micros(500_000), start_count=5, remains=600),
        "delivered": UpstreamStatus(Status.COMPLETED, "Completed", Micros(700_000), remains=0),
        "ended": UpstreamStatus(Status.CANCELED, "Canceled", Micros(0), remains=1000),
    }
    apply_answers(provider.pk, {there[name].pk: each for name, each in said.items()}, (), NOW, seeded(1))
    refused, unclear = there["sent"].attempt, there["unclear"].attempt
    refused.pk, refused.state, refused.upstream_id = None, AttemptState.DECLINED, None
    refused.save()
    UpstreamOrder.objects.filter(pk=there["unclear"].pk).delete()
    with transaction.atomic():
        finish(provider.pk, "USD", [Costed(there["unclear"].pk, names["unclear"], 500_000, 0)], NOW)
    unclear.state, unclear.upstream_id = AttemptState.UNKNOWN, None
    unclear.save()
    asked = refill.request_refills(alice.pk, [names["delivered"]], LATER)[0]
    assert not isinstance(asked, Refusal)
    assert len(refills.claim(provider.pk, 9, "worker-1", LATER)) == 1
    names |= hand_on_a_little(alice, service, upstream)
    names["twin"] = make_provider(name="Twin", account_id=provider.pk).pk
    return names | {"there": there["sent"].pk, "refill": asked, "declined": refused.pk}


def hand_on_a_little(alice: Customer, service: Service, upstream: UpstreamService) -> Names:
    """A drip-feed that its provider runs, which has named one run."""
    parent = placed(alice, service, link="handed on", quantity=100, runs=2, interval=10)
    delegation.hand_on_whole([parent.pk])
    there = accepted(parent, upstream, "whole")
    going_on = UpstreamStatus(Status.IN_PROGRESS, "Active", Micros(100_000), remains=200, orders=("run",))
    apply_answers(upstream.provider_id, {there.pk: going_on}, (), NOW, seeded(1))
    named = NamedOrder.objects.get()
    said = UpstreamStatus(Status.PENDING, "Pending", Micros(50_000), remains=100)
    assert children_there.make_children(upstream.provider_id, {named.pk: said}, (), NOW) == 1
    return {"handed_on": parent.pk}


def children(parent: int) -> list[int]:
    """The ids of a parent's children, first to last."""
    return list(Order.objects.filter(parent=parent).order_by("pk").values_list("pk", flat=True))
