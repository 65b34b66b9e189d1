"""Routes: what may deliver a service, and what follows for its price, its limits and its state."""

from typing import Any

import pytest

from sutler.catalogue import updates
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.catalogue import price_alarms, price_effects, repricing, routes
from sutler.fulfilment.catalogue.objections import Objection
from sutler.fulfilment.models import Alarm, Attempt, PriceRule, Provider, Route
from tests.conftest import NOW, make_service
from tests.fulfilment.catalogue.catalogues import make_provider, open_alarms, said, take, upstream

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


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
        add(service, "2", preference=1)
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
        assert Route.objects.get().off_reason == Objection.TYPE

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
        given: dict[str, Any] = {field: value}
        assert routes.add(service.pk, upstream("1").pk, NOW, **given) == refused(field)

    def test_unknown_services_are_refused(self, provider: Provider, service: Service) -> None:
        assert routes.add(service.pk + 1, upstream("1").pk, NOW) == Refusal(Reason.INCORRECT_SERVICE)
        assert routes.add(service.pk, 10**9, NOW) == refused("upstream_service")


class TestRises:
    """A second route at 7.86 took over a service of 0.39: for everybody, and at once."""

    @pytest.fixture
    def cheap(self) -> Service:
        """A service at 0.39 by a rule, delivered by a first route, and a provider that sells the same for 7.86."""
        take(make_provider(), said("1", rate_micros=300_000), said("2", rate_micros=7_860_000, max=600))
        service = make_service(rate_micros=390_000)
        PriceRule.objects.create(service=service, markup_basis_points=3_000)
        add(service, "1")
        assert (service.rate_micros, service.held_rate_micros) == (390_000, None)
        return service

    def terms(self, service: Service) -> tuple[int, int | None, str]:
        service.refresh_from_db()
        return max(service.rate_micros, service.floor_rate_micros), service.held_rate_micros, service.state

    def test_a_new_route_stands_last_and_moves_no_price(self, cheap: Service) -> None:
        made = add(cheap, "2")
        assert (made.preference, made.is_on) == (2, True)
        assert self.terms(cheap) == (390_000, None, "active")

    def test_a_dear_route_in_front_waits_and_the_old_one_goes_on_selling(self, cheap: Service) -> None:
        made = add(cheap, "2", preference=1)
        assert (made.is_on, made.off_reason) == (False, Objection.RISE)
        assert self.terms(cheap) == (390_000, 10_218_000, "active")
        assert limits(cheap) == (50, 10_000)
        assert open_alarms() == {("catalogue", "held prices")}
        take(made.upstream_service.provider, said("1", rate_micros=300_000), said("2", rate_micros=7_860_000, max=600))
        assert self.terms(cheap) == (390_000, 10_218_000, "active")

    def test_staff_accept_it(self, cheap: Service) -> None:
        made = add(cheap, "2", preference=1)
        assert repricing.decide_held(cheap.pk, True, None, NOW)
        made.refresh_from_db()
        assert made.is_on
        assert self.terms(cheap) == (10_218_000, None, "active")
        assert limits(cheap) == (50, 600)
        assert open_alarms() == set()
        assert not repricing.decide_held(cheap.pk, True, None, NOW)

    def test_what_passes_by_itself_waits_no_longer(self, cheap: Service) -> None:
        made = add(cheap, "2", preference=1)
        routes.remove(made.pk, NOW)
        assert self.terms(cheap) == (390_000, None, "active")
        assert open_alarms() == set()

    @pytest.mark.parametrize("how", ["removed", "off", "last", "gone"])
    def test_whatever_takes_the_cheap_route_away_raises_no_price_unasked(self, cheap: Service, how: str) -> None:
        add(cheap, "2")
        first = Route.objects.get(service=cheap, preference=1)
        if how == "removed":
            routes.remove(first.pk, NOW)
        elif how == "gone":
            take(Provider.objects.get(), said("2", rate_micros=7_860_000, max=600))
        else:
            routes.change(first.pk, NOW, **({"is_on": False} if how == "off" else {"preference": 9}))
        state = "active" if how == "last" else "paused"
        assert self.terms(cheap) == (390_000, 10_218_000, state)
        assert repricing.decide_held(cheap.pk, True, None, NOW)
        assert self.terms(cheap) == (10_218_000, None, "active")

    def test_a_rule_that_asks_much_more_waits_and_the_old_price_holds(self, cheap: Service) -> None:
        PriceRule.objects.filter(service=cheap).update(markup_basis_points=20_000)
        services = Service.objects.filter(pk=cheap.pk)
        repricing.adjust(services, repricing.bounds(services), NOW)
        assert self.terms(cheap) == (390_000, 900_000, "active")
        assert Route.objects.get().is_on
        assert repricing.decide_held(cheap.pk, True, None, NOW)
        assert self.terms(cheap) == (900_000, None, "active")

    def test_rounding_up_to_a_step_is_no_rise(self, cheap: Service) -> None:
        PriceRule.objects.filter(service=cheap).update(step_micros=500_000)
        services = Service.objects.filter(pk=cheap.pk)
        repricing.adjust(services, repricing.bounds(services), NOW)
        assert self.terms(cheap) == (500_000, None, "active")

    def test_what_a_change_would_do_is_seen_before(self, cheap: Service) -> None:
        rows = list(Service.objects.values()), list(Route.objects.values())
        made, effects = price_effects.rehearse(
            lambda: routes.add(cheap.pk, upstream("2").pk, NOW, preference=1, accept_rises=True)
        )
        assert isinstance(made, Route)
        [effect] = effects
        assert (effect.before.rate_micros, effect.after.rate_micros) == (390_000, 10_218_000)
        assert (effect.before.bounds.max, effect.after.bounds.max) == (10_000, 600)
        assert (list(Service.objects.values()), list(Route.objects.values())) == rows
        assert price_effects.rehearse(lambda: routes.add(cheap.pk, upstream("101").pk, NOW))[1] == []


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
        routes.change(second.pk, NOW, preference=1, accept_rises=True)
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
        action="add",
        state="declined",
        order_id=1,
        provider=provider,
        route=route,
        service_id=service.pk,
        link_digest="",
        expected_micros=1,
    )
    assert routes.remove(route.pk, NOW) is False
    assert routes.remove(unused.pk, NOW) is True
    assert [(each.pk, each.is_on) for each in routes.of_services(Service.objects.all())] == [(route.pk, False)]
    service.refresh_from_db()
    assert (service.state, service.floor_rate_micros) == ("active", 0)


def test_an_alarm_about_many_services_names_the_first_and_how_many_there_are(provider: Provider) -> None:
    for _ in range(price_alarms.MOST_NAMED + 5):
        Route.objects.create(service=make_service(), upstream_service=upstream("1"), is_on=False, off_reason="gone")
    Service.objects.update(state=Service.State.PAUSED, pause_reason=Objection.GONE)
    route = Route.objects.select_related("upstream_service").order_by("pk").first()
    assert route is not None
    price_alarms.sound_or_close({route.service_id: True}, {}, {route.service_id: [route]}, NOW)
    cause = Alarm.objects.get().cause
    first = Service.objects.order_by("pk").values_list("pk", flat=True)[: price_alarms.MOST_NAMED]
    assert (cause["count"], cause["services"]) == (price_alarms.MOST_NAMED + 5, list(first))
