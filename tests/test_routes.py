"""Routes: what may deliver a service, and what follows for its price, its limits and its state."""

from typing import Any

import pytest

from sutler.catalogue import updates
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment import routes
from sutler.fulfilment.models import Attempt, PriceRule, Provider, Route
from tests.catalogues import make_provider, said, take, upstream
from tests.conftest import NOW, make_service

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Provider:
    found = make_provider()
    take(
        found,
        said("1"),
        said("2", rate_micros=700_000, min=100, max=5_000),
        said("3", type="Package"),
        said("4", type=None),
        said("5", min=20_000, max=30_000),
    )
    return found


def add(service: Service, upstream_id: str, **fields: Any) -> Route:
    made = routes.add(service.pk, upstream(upstream_id).pk, NOW, **fields)
    assert isinstance(made, Route)
    service.refresh_from_db()
    return made


def limits(service: Service) -> tuple[int, int]:
    service.refresh_from_db()
    return service.min, service.max


def refused(field: str) -> Refusal:
    return Refusal(Reason.INCORRECT_FIELD, field)


class TestAdd:
    def test_the_cost_of_the_first_route_is_the_floor(
        self, provider: Provider, service: Service, settings: Any
    ) -> None:
        made = add(service, "1")
        assert (made.is_on, routes.cost_micros(made)) == (True, 500_000)
        assert service.floor_rate_micros == 500_000
        add(service, "2", preference=2)
        assert service.floor_rate_micros == 500_000
        settings.SUTLER = settings.SUTLER | {"SUTLER_MARGIN_FLOOR_PERCENT": 20}
        add(service, "101", preference=3)
        assert service.floor_rate_micros == 600_000

    def test_of_several_first_routes_the_dearest_counts(self, provider: Provider, service: Service) -> None:
        add(service, "1")
        add(service, "2")
        assert service.floor_rate_micros == 700_000

    def test_limits_are_narrowed_to_what_all_routes_take(self, provider: Provider, service: Service) -> None:
        add(service, "1")
        assert limits(service) == (50, 10_000)
        route = add(service, "2", preference=2)
        assert limits(service) == (100, 5_000)
        assert [(each.kind, each.before, each.after) for each in updates.recent(1)] == [
            ("limits", "50 - 10000", "100 - 5000")
        ]
        routes.remove(route.pk, NOW)
        assert limits(service) == (50, 10_000)

    def test_limits_that_staff_drew_closer_stay(self, provider: Provider) -> None:
        service = make_service(min=200, max=300)
        add(service, "1")
        routes.remove(add(service, "2").pk, NOW)
        assert limits(service) == (200, 300)

    def test_the_posts_of_subscriptions_are_delivered_as_plain_orders(self, provider: Provider) -> None:
        service = make_service(type="Subscriptions")
        assert add(service, "1").is_on
        take(provider, said("1", type="Subscriptions"))
        assert Route.objects.get().off_reason == "it is of another type upstream"

    @pytest.mark.parametrize(
        ("upstream_id", "field"), [("3", "type"), ("4", "type"), ("5", "limits"), ("1", "upstream_service")]
    )
    def test_what_cannot_deliver_is_refused_and_nothing_is_changed(
        self, provider: Provider, service: Service, upstream_id: str, field: str
    ) -> None:
        add(service, "1")
        before = Service.objects.values().get(pk=service.pk)
        assert routes.add(service.pk, upstream(upstream_id).pk, NOW) == refused(field)
        assert Service.objects.values().get(pk=service.pk) == before
        assert Route.objects.count() == 1

    def test_what_is_gone_is_refused(self, provider: Provider, service: Service) -> None:
        take(provider, *(said(each) for each in "2345"))
        assert routes.add(service.pk, upstream("1").pk, NOW) == refused("upstream_service")

    def test_a_currency_of_unknown_worth_is_refused_until_it_is_known(self, service: Service) -> None:
        take(make_provider("Euro", "EUR"), said("1", rate_micros=500_001))
        assert routes.add(service.pk, upstream("1").pk, NOW) == refused("currency")
        ExchangeRate.objects.create(currency="EUR", base=1_100_000, units=1_000_000)
        assert routes.cost_micros(add(service, "1")) == 550_002

    @pytest.mark.parametrize(
        ("field", "value"), [("preference", 0), ("weight", 0), ("most_open", 0), ("weight", 1_000_001)]
    )
    def test_numbers_out_of_range_are_refused(
        self, provider: Provider, service: Service, field: str, value: int
    ) -> None:
        assert routes.add(service.pk, upstream("1").pk, NOW, **{field: value}) == refused(field)

    def test_unknown_services_are_refused(self, provider: Provider, service: Service) -> None:
        assert routes.add(service.pk + 1, upstream("1").pk, NOW) == Refusal(Reason.INCORRECT_SERVICE)
        assert routes.add(service.pk, 10**9, NOW) == refused("upstream_service")


class TestChange:
    def test_what_staff_switch_off_stays_off_and_the_desk_has_the_service(
        self, provider: Provider, service: Service
    ) -> None:
        route = add(service, "1")
        changed = routes.change(route.pk, NOW, is_on=False, weight=7, most_open=3)
        assert isinstance(changed, Route)
        assert (changed.is_on, changed.off_reason, changed.weight, changed.most_open) == (False, "", 7, 3)
        take(provider, *(said(each) for each in "12345"))
        route.refresh_from_db()
        service.refresh_from_db()
        assert (route.is_on, service.state, service.floor_rate_micros) == (False, "active", 0)

    def test_a_route_that_cannot_deliver_is_not_switched_on(self, provider: Provider, service: Service) -> None:
        route = add(service, "1")
        routes.change(route.pk, NOW, is_on=False)
        take(provider, *(said(each) for each in "2345"))
        assert routes.change(route.pk, NOW, is_on=True) == refused("upstream_service")
        route.refresh_from_db()
        assert not route.is_on

    def test_the_order_of_preference_decides_the_price(self, provider: Provider, service: Service) -> None:
        PriceRule.objects.create(service=service, markup_basis_points=10_000, step_micros=10_000)
        add(service, "1", preference=2)
        second = add(service, "2", preference=3)
        assert service.rate_micros == 1_000_000
        routes.change(second.pk, NOW, preference=1)
        service.refresh_from_db()
        assert service.rate_micros == 1_400_000

    def test_a_bound_is_taken_away(self, provider: Provider, service: Service) -> None:
        route = add(service, "1", most_open=5)
        changed = routes.change(route.pk, NOW, is_unbounded=True)
        assert isinstance(changed, Route)
        assert changed.most_open is None

    def test_there_must_be_a_route(self) -> None:
        assert routes.change(1, NOW, is_on=True) == refused("route")
        assert routes.remove(1, NOW) == refused("route")


def test_a_route_that_orders_have_used_is_only_switched_off(provider: Provider, service: Service) -> None:
    route = add(service, "1")
    unused = add(service, "2")
    Attempt.objects.create(
        **{"action": "add", "state": "declined", "order_id": 1, "provider": provider, "route": route},
        **{"service_id": service.pk, "link_digest": "", "expected_micros": 1},
    )
    assert routes.remove(route.pk, NOW) is False
    assert routes.remove(unused.pk, NOW) is True
    assert [(each.pk, each.is_on) for each in routes.of_services(Service.objects.all())] == [(route.pk, False)]
    service.refresh_from_db()
    assert (service.state, service.floor_rate_micros) == ("active", 0)
