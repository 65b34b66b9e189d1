"""Planning: what becomes of each Pending order of a service with routes."""

from datetime import timedelta
from typing import Any

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.attempts import AttemptState
from sutler.core.events import failure
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.desk import desk
from sutler.fulfilment.models import Alarm, Attempt, DeskOrder, Provider, Route, UpstreamOrder
from sutler.fulfilment.sending import plan
from sutler.fulfilment.sending.plan import Planner
from sutler.orders import cancel
from sutler.orders.models import Order
from sutler.panels.results import Accepted, Declined, NotSent
from sutler.storage.transactions import durable
from tests.conftest import NOW, START_MICROS, make_service
from tests.fulfilment.upstream import alarms, make_provider
from tests.fulfilment.upstream_world import TIMED_OUT, plan_all, route, send, states
from tests.orders.ordering import balance, demand_sound_books, notes, placed

pytestmark = pytest.mark.postgresql

S = AttemptState
MINUTE = timedelta(minutes=1)


def link(number: int) -> str:
    return f"https://example.com/{number}"


def planned(order: Order) -> Attempt:
    return Attempt.objects.get(order=order, state=S.PLANNED)


def status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def test_a_pending_order_gets_one_attempt_with_what_it_should_cost(alice: Customer, service: Service) -> None:
    way = route(service, rate_micros=500_001)
    order = placed(alice, service, quantity=1001)
    assert plan_all() == 1
    attempt = planned(order)
    assert (attempt.route, attempt.provider, attempt.due_at) == (way, way.upstream_service.provider, NOW)
    assert attempt.expected_micros == 500_502
    assert (attempt.sent_at, attempt.floor_id, attempt.service_id) == (None, 0, service.pk)


def test_a_package_costs_its_rate_once(alice: Customer) -> None:
    service = make_service(type="Package", min=1, max=1)
    route(service, type="Package", rate_micros=500_000, min=1, max=1)
    order = placed(alice, service, quantity="")
    plan_all()
    assert planned(order).expected_micros == 500_000


def test_planning_again_plans_nothing_more(alice: Customer, service: Service) -> None:
    route(service)
    order = placed(alice, service)
    planner = Planner()
    assert (planner.plan_waiting(NOW), planner.plan_waiting(NOW), plan_all()) == (1, 0, 0)
    with durable():
        plan.plan([order.pk], NOW)  # as another worker that had read the order before
    assert states(order) == ["planned"]


def test_what_comes_later_is_planned_at_once_and_what_was_passed_over_within_a_minute(
    alice: Customer, service: Service
) -> None:
    unrouted = placed(alice, make_service(name="Likes"))
    route(service)
    planner = Planner()
    assert planner.plan_waiting(NOW) == 0
    order = placed(alice, service)
    assert planner.plan_waiting(NOW) == 1
    assert states(order) == ["planned"]
    route(unrouted.service, "Other")
    assert planner.plan_waiting(NOW + MINUTE - timedelta(seconds=1)) == 0
    assert planner.plan_waiting(NOW + MINUTE) == 1


def test_more_than_one_part_is_planned_part_by_part(
    alice: Customer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MOST_AT_ONCE", 2)
    route(service)
    for number in range(5):
        placed(alice, service, link=link(number))
    planner = Planner()
    assert [planner.plan_waiting(NOW) for _ in range(4)] == [2, 2, 1, 0]
    assert Attempt.objects.count() == 5


def test_what_has_no_route_or_is_no_order_by_itself_is_left_alone(alice: Customer, service: Service) -> None:
    route(service)
    Route.objects.update(is_on=False)
    placed(alice, service)
    other = make_service(name="Likes")
    route(other, "Other")
    placed(alice, other, quantity=100, runs=3, interval=10)
    assert plan_all() == 0
    assert not DeskOrder.objects.exists()


class TestBars:
    """A route that may not take an order; the desk does where it is the only one."""

    @pytest.mark.parametrize(
        "upstream",
        [
            {"gone_at": NOW},
            {"type": "Package"},
            {"type": None},
            {"min": 1001},
            {"max": 999},
            {"rate_micros": 900_001},
        ],
    )
    def test_for_good(self, alice: Customer, service: Service, upstream: dict[str, Any]) -> None:
        route(service, **upstream)
        order = placed(alice, service, quantity=1000)
        plan_all()
        assert states(order) == []
        assert DeskOrder.objects.get().order_id == order.pk
        assert notes(order.pk) == ["No provider will take it: it waits at the desk"]
        assert alarms(Alarm.Kind.DESK) == [f"service {service.pk}"]
        assert [each.pk for each in desk.pull(None, 10, "staff 1", NOW)] == [order.pk]

    @pytest.mark.parametrize("upstream", [{"min": 1000}, {"max": 1000}, {"rate_micros": 900_000}])
    def test_on_its_bounds_a_route_still_takes_it(
        self, alice: Customer, service: Service, upstream: dict[str, Any]
    ) -> None:
        route(service, **upstream)
        order = placed(alice, service, quantity=1000)
        plan_all()
        assert states(order) == ["planned"]

    @pytest.mark.parametrize(("percent", "outcome"), [(25, ["planned"]), (26, [])])
    def test_the_margin_floor(
        self, alice: Customer, service: Service, settings: Any, percent: int, outcome: list[str]
    ) -> None:
        settings.SUTLER = settings.SUTLER | {"SUTLER_MARGIN_FLOOR_PERCENT": percent}
        route(service, rate_micros=720_000)
        order = placed(alice, service)
        plan_all()
        assert states(order) == outcome

    @pytest.mark.parametrize(("worth", "outcome"), [(None, []), (1_800_000, ["planned"]), (1_800_001, [])])
    def test_the_margin_counts_in_the_base_currency(
        self, alice: Customer, service: Service, worth: int | None, outcome: list[str]
    ) -> None:
        if worth:
            ExchangeRate.objects.create(currency="EUR", base=worth, units=1_000_000)
        route(service, make_provider(currency="EUR"))
        order = placed(alice, service)
        plan_all()
        assert states(order) == outcome

    def test_a_stopped_provider_is_waited_for(self, alice: Customer, service: Service) -> None:
        way = route(service)
        provider = way.upstream_service.provider
        Provider.objects.update(state=Provider.State.STOPPED)
        order = placed(alice, service)
        assert plan_all() == 1
        assert (states(order), DeskOrder.objects.count(), status(order)) == ([], 0, "Pending")
        Provider.objects.filter(pk=provider.pk).update(state=Provider.State.ON)
        plan_all()
        assert states(order) == ["planned"]

    def test_one_that_is_off_is_not(self, alice: Customer, service: Service) -> None:
        route(service)
        Provider.objects.update(state=Provider.State.OFF)
        placed(alice, service)
        plan_all()
        assert DeskOrder.objects.count() == 1

    def test_a_full_route_is_passed_over_also_within_one_part(self, alice: Customer, service: Service) -> None:
        route(service, "First", most_open=2)
        second = route(service, "Second", preference=2)
        orders = [placed(alice, service, link=link(number)) for number in range(3)]
        plan_all()
        assert [planned(each).route_id == second.pk for each in orders] == [False, False, True]

    def test_what_has_ended_upstream_leaves_room(self, alice: Customer, service: Service) -> None:
        way = route(service, most_open=1)
        first, second = placed(alice, service, link=link(1)), placed(alice, service, link=link(2))
        send(first, Accepted("11"))
        plan_all(NOW + MINUTE)
        assert states(second) == []
        UpstreamOrder.objects.update(finished_at=NOW)
        plan_all(NOW + MINUTE)
        assert planned(second).route == way


class TestAfterADecline:
    def test_the_next_route_is_taken_at_once(self, alice: Customer, service: Service) -> None:
        route(service, "First")
        second = route(service, "Second", preference=2)
        order = placed(alice, service)
        send(order, Declined(DeclineKind.SERVICE, "Incorrect service ID"))
        assert states(order) == ["declined", "planned"]
        assert (planned(order).route, planned(order).due_at) == (second, NOW)
        assert status(order) == "Pending"

    def test_with_no_route_left_the_desk_takes_it(self, alice: Customer, service: Service) -> None:
        route(service)
        order = placed(alice, service)
        send(order, Declined(DeclineKind.SERVICE, "Incorrect service ID"))
        assert (states(order), status(order)) == (["declined"], "Pending")
        assert DeskOrder.objects.get().order_id == order.pk
        assert plan_all(NOW + MINUTE) == 0

    def test_what_every_provider_refuses_for_its_link_is_canceled_and_refunded(
        self, alice: Customer, service: Service
    ) -> None:
        route(service, "First")
        route(service, "Second", preference=2)
        order = placed(alice, service)
        send(order, Declined(DeclineKind.LINK, "Incorrect link"))
        assert balance(alice) == START_MICROS - order.charge_micros
        send(order, Declined(DeclineKind.LINK, "Incorrect link"))
        assert (states(order), status(order)) == (["declined", "declined"], "Canceled")
        assert balance(alice) == START_MICROS
        assert notes(order.pk)[-1] == "Every provider refused it"
        demand_sound_books()

    def test_what_could_not_leave_is_tried_again_later(self, alice: Customer, service: Service) -> None:
        route(service)
        order = placed(alice, service)
        send(order, NotSent(failure("ConnectError")))
        assert planned(order).due_at == NOW + timedelta(seconds=20)

    def test_a_link_that_is_active_there_is_given_up_after_a_day(self, alice: Customer, service: Service) -> None:
        route(service)
        order, now, tries = placed(alice, service), NOW, 0
        while status(order) == "Pending":
            send(order, Declined(DeclineKind.DUPLICATE, "You have active order with this link"), now)
            tries, now = tries + 1, now + timedelta(hours=6)
        assert (tries, status(order)) == (24 / 6 + 1, "Canceled")
        assert balance(alice) == START_MICROS


def test_while_an_outcome_is_unknown_nothing_else_is_planned(alice: Customer, service: Service) -> None:
    route(service, "First")
    route(service, "Second", preference=2)
    order = placed(alice, service)
    send(order, TIMED_OUT)
    for hours in range(48):
        plan_all(NOW + timedelta(hours=hours))
    with durable():
        plan.plan([order.pk], NOW)
    assert states(order) == ["unknown"]


def test_what_waits_for_a_provider_that_is_stopped_goes_another_way(alice: Customer, service: Service) -> None:
    first = route(service, "First")
    second = route(service, "Second", preference=2)
    order = placed(alice, service)
    planner = Planner()
    planner.plan_waiting(NOW)
    Provider.objects.filter(pk=first.upstream_service.provider_id).update(state=Provider.State.STOPPED)
    planner.plan_waiting(NOW + MINUTE)
    assert states(order) == ["not sent", "planned"]
    assert planned(order).route == second


def test_giving_up_leaves_what_is_planned_for_refills(alice: Customer, service: Service) -> None:
    provider = route(service).upstream_service.provider
    fields = {"service_id": service.pk, "link_digest": "", "expected_micros": 0, "order": placed(alice, service)}
    Attempt.objects.create(action="refill", state=S.PLANNED, provider=provider, **fields)
    Provider.objects.update(state=Provider.State.STOPPED)
    assert plan.take_back_stopped(NOW) == 0


def test_an_order_that_was_canceled_or_handed_out_meanwhile_is_not_planned(alice: Customer, service: Service) -> None:
    route(service)
    orders = [placed(alice, service, link=link(number)) for number in range(2)]
    cancel.request_cancels(alice.pk, [orders[0].pk], NOW)
    Order.objects.filter(pk=orders[1].pk).update(status="Processing")
    with durable():
        plan.plan([each.pk for each in orders], NOW)
    assert not Attempt.objects.exists()
