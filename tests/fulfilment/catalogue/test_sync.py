"""Keeping in step with a provider's catalogue: what is noted, what follows for our services, what changes nothing."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from sutler.catalogue import updates, version
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.events import failure
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.catalogue import decisions, sync
from sutler.fulfilment.catalogue.decisions import waiting_and_recent
from sutler.fulfilment.catalogue.diff import Difference
from sutler.fulfilment.catalogue.repricing import Adjusted
from sutler.fulfilment.models import CatalogueChange, Provider, UpstreamService
from sutler.panels.results import Catalogue, Dropped, NoAnswer
from tests.conftest import NOW, make_service
from tests.fulfilment.catalogue.catalogues import (
    OTHERS,
    make_provider,
    open_alarms,
    route_to,
    said,
    sold,
    take,
    upstream,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def decide(change_id: int, accept: bool, actor: str, now: datetime) -> CatalogueChange | Refusal:
    return decisions.decide([change_id], accept, actor, now)[0]


@pytest.fixture
def provider() -> Provider:
    return make_provider()


def notes() -> list[tuple[str, str, str, str]]:
    changes = CatalogueChange.objects.order_by("pk")
    return [(each.kind, each.before, each.after, each.state) for each in changes]


def told() -> list[tuple[str, str, str]]:
    """What customers are told, oldest first."""
    return [(each.kind, each.before, each.after) for each in reversed(updates.recent())]


def now_of(service: Service) -> Service:
    service.refresh_from_db()
    return service


def the_change() -> int:
    return CatalogueChange.objects.get(state="waiting").pk


class TestWhatIsNoted:
    def test_of_a_first_catalogue_nothing_is_a_difference(self, provider: Provider) -> None:
        report = take(provider, said("1"), said("2", type=None))
        assert (report.fault, report.services) == (None, 6)
        assert notes() == []
        assert upstream("2").type is None
        provider.refresh_from_db()
        assert provider.live_state.catalogue_at == NOW

    @pytest.mark.parametrize(
        ("fields", "note"),
        [
            ({"name": "Hearts"}, ("name", "Likes: Likes 1", "Likes: Hearts")),
            ({"type": "Package"}, ("type", "Default", "Package")),
            ({"min": 1, "max": 7}, ("limits", "50 - 10000", "1 - 7")),
            ({"refill": False, "cancel": False}, ("flags", "refill cancel", "none")),
            ({"rate_micros": 600_000}, ("price", "0.50", "0.60")),
            ({"rate_micros": 9_000_000}, ("price", "0.50", "9.00")),
        ],
    )
    def test_a_difference_of_what_nobody_sells_is_noted_and_holds(
        self, provider: Provider, fields: dict[str, Any], note: tuple[str, str, str]
    ) -> None:
        take(provider, said("1"))
        token = version.current()
        take(provider, said("1", **fields))
        assert notes() == [(*note, "noted")]
        assert {name: getattr(upstream("1"), name) for name in fields} == fields
        assert (version.current(), told(), open_alarms()) == (token, [], set())

    def test_new_gone_and_back(self, provider: Provider) -> None:
        take(provider)
        take(provider, said("1"))
        take(provider)
        assert upstream("1").gone_at == NOW
        take(provider, said("1"))
        assert upstream("1").gone_at is None
        assert [each[0] for each in notes()] == ["new", "gone", "back"]

    def test_a_catalogue_that_differs_in_nothing_writes_nothing(self, provider: Provider) -> None:
        service = sold(provider)
        take(provider, said(rate_micros=5_000_000))
        before = (list(UpstreamService.objects.values()), notes(), told(), version.current(), now_of(service))
        report = take(provider, said(rate_micros=5_000_000))
        assert (list(UpstreamService.objects.values()), notes(), told(), version.current()) == before[:4]
        assert (report.difference, report.adjusted) == (Difference(), Adjusted())

    def test_a_preview_changes_nothing(self, provider: Provider) -> None:
        sold(provider)
        before = list(UpstreamService.objects.values())
        report = sync.preview(provider.pk, Catalogue((said(rate_micros=600_000), *OTHERS)))
        assert report.difference is not None
        assert [each.after for each in report.difference.notes] == ["0.60"]
        assert list(UpstreamService.objects.values()) == before


class TestWhatIsNoCatalogue:
    @pytest.mark.parametrize(
        "answer",
        [
            NoAnswer(failure("HTTP 200: the answer is not JSON")),
            Catalogue(()),
            Catalogue((), tuple(Dropped(str(number), "its rate is no amount above 0") for number in range(9))),
            Catalogue(OTHERS[:2]),
            Catalogue((*(said(str(number)) for number in range(500, 520)),)),
        ],
    )
    def test_it_changes_nothing_and_says_so_until_a_good_one_comes(self, provider: Provider, answer: Any) -> None:
        service = sold(provider)
        before = (list(UpstreamService.objects.values()), notes(), version.current(), Service.objects.values().get())
        assert sync.apply_catalogue(provider.pk, answer, NOW).fault
        after = (list(UpstreamService.objects.values()), notes(), version.current(), Service.objects.values().get())
        assert after == before
        assert open_alarms() == {("catalogue", "service list")}
        assert now_of(service).state == "active"
        take(provider, said())
        assert open_alarms() == set()

    def test_staff_may_trust_a_catalogue_that_lost_half(self, provider: Provider) -> None:
        take(provider, said())
        assert sync.apply_catalogue(provider.pk, Catalogue(OTHERS[:1]), NOW, trust=True).fault is None
        assert UpstreamService.objects.filter(gone_at=None).count() == 1
        assert sync.apply_catalogue(provider.pk, Catalogue(()), NOW, trust=True).fault

    def test_an_entry_that_cannot_be_read_is_not_gone(self, provider: Provider) -> None:
        service = sold(provider)
        unread = (Dropped("1", "its rate is no amount above 0"), Dropped("9", "it has no name"))
        for _ in range(2):
            sync.apply_catalogue(provider.pk, Catalogue(OTHERS, unread), NOW)
        assert (upstream("1").gone_at, upstream("1").rate_micros) == (None, 500_000)
        assert (now_of(service).state, notes()) == ("active", [])
        assert open_alarms() == {("catalogue", "unreadable rows")}
        take(provider, said())
        assert open_alarms() == set()


class TestPrices:
    @pytest.mark.parametrize(("rate", "ours"), [(650_000, 975_000), (350_000, 525_000), (500_001, 750_002)])
    def test_a_move_within_thirty_percent_holds_at_once_and_ours_follows(
        self, provider: Provider, rate: int, ours: int
    ) -> None:
        service = sold(provider)
        token = version.current()
        take(provider, said(rate_micros=rate))
        assert upstream().rate_micros == rate
        assert (now_of(service).rate_micros, service.floor_rate_micros) == (ours, rate)
        assert told()[-1][0] == "price"
        assert version.current() != token

    def test_without_a_rule_only_the_floor_follows(self, provider: Provider) -> None:
        service = sold(provider, markup=None, rate_micros=510_000)
        count = len(told())
        take(provider, said(rate_micros=505_000))
        assert (now_of(service).rate_micros, service.floor_rate_micros, len(told())) == (510_000, 505_000, count)
        take(provider, said(rate_micros=600_000))
        assert (now_of(service).rate_micros, service.floor_rate_micros) == (510_000, 600_000)
        assert told()[count:] == [("price", "0.51", "0.60")]

    def test_a_rise_beyond_waits_with_the_route_off_and_the_service_paused(self, provider: Provider) -> None:
        service = sold(provider)
        take(provider, said(rate_micros=650_001))
        assert (upstream().rate_micros, upstream().offered_micros) == (500_000, 650_001)
        assert (now_of(service).state, service.rate_micros) == ("paused", 750_000)
        assert service.routes.get().off_reason == "rate"
        assert notes() == [("price", "0.50", "0.650001", "waiting")]
        assert told()[-1] == ("paused", "", "")
        assert open_alarms() == {("catalogue", "prices"), ("catalogue", "paused services")}

    def test_a_fall_beyond_changes_nothing_until_it_is_decided(self, provider: Provider) -> None:
        service = sold(provider)
        take(provider, said(rate_micros=1))
        assert (now_of(service).state, service.rate_micros, service.routes.get().is_on) == ("active", 750_000, True)
        assert open_alarms() == {("catalogue", "prices")}

    @pytest.mark.parametrize(("rate", "ours"), [(2_000_000, 3_000_000), (100_000, 150_000)])
    def test_an_accepted_price_holds(self, provider: Provider, rate: int, ours: int) -> None:
        service = sold(provider)
        take(provider, said(rate_micros=rate))
        decided = decide(the_change(), True, "sam", NOW)
        assert isinstance(decided, CatalogueChange)
        assert (decided.state, decided.decided_by) == ("accepted", "sam")
        assert (upstream().rate_micros, upstream().offered_micros) == (rate, None)
        assert (now_of(service).state, service.rate_micros, service.floor_rate_micros) == ("active", ours, rate)
        assert service.routes.get().is_on
        assert open_alarms() == set()

    def test_a_dismissed_rise_keeps_its_route_off_and_is_not_asked_about_again(self, provider: Provider) -> None:
        service = sold(provider)
        for _ in range(2):
            take(provider, said(rate_micros=2_000_000))
            if waiting := CatalogueChange.objects.filter(state="waiting"):
                decide(waiting.get().pk, False, "sam", NOW)
        assert [each[3] for each in notes()] == ["dismissed"]
        assert (now_of(service).state, service.routes.get().is_on) == ("paused", False)
        assert open_alarms() == {("catalogue", "paused services")}

    def test_a_jump_that_is_taken_back_needs_no_decision(self, provider: Provider) -> None:
        service = sold(provider)
        take(provider, said(rate_micros=2_000_000))
        change = the_change()
        take(provider, said(rate_micros=510_000))
        assert (now_of(service).state, service.rate_micros, service.routes.get().is_on) == ("active", 765_000, True)
        assert decide(change, True, "sam", NOW) == Refusal(Reason.MOVE_NOT_ALLOWED)
        assert CatalogueChange.objects.get(pk=change).decided_by == "overtaken"
        assert open_alarms() == set()

    def test_a_second_jump_overtakes_the_first(self, provider: Provider) -> None:
        sold(provider)
        take(provider, said(rate_micros=2_000_000))
        take(provider, said(rate_micros=3_000_000))
        assert [(each[2], each[3]) for each in notes()] == [("2.00", "dismissed"), ("3.00", "waiting")]
        assert [each.state for each in waiting_and_recent(provider.pk)] == ["waiting", "dismissed"]
        decide(the_change(), True, "sam", NOW)
        assert upstream().rate_micros == 3_000_000

    def test_a_decision_is_made_once(self, provider: Provider) -> None:
        sold(provider)
        take(provider, said(rate_micros=2_000_000))
        change = the_change()
        decide(change, False, "sam", NOW)
        assert decide(change, True, "sam", NOW) == Refusal(Reason.MOVE_NOT_ALLOWED)
        assert decide(10**9, True, "sam", NOW) == Refusal(Reason.INCORRECT_FIELD, "change")

    def test_an_exchange_rate_that_moved_is_followed_by_the_next_sync(self) -> None:
        euro = make_provider("Euro", "EUR")
        rate = ExchangeRate.objects.create(currency="EUR", base=1_000_000, units=1_000_000)
        service = sold(euro)
        rate.base = 1_200_000
        rate.save()
        take(euro, said())
        assert (now_of(service).rate_micros, service.floor_rate_micros) == (900_000, 600_000)


class TestRoutesAndServices:
    def test_what_is_gone_pauses_and_comes_back_by_itself(self, provider: Provider) -> None:
        service = sold(provider)
        take(provider)
        route = service.routes.get()
        assert (route.is_on, route.off_reason) == (False, "gone")
        assert now_of(service).state == "paused"
        take(provider, said())
        assert now_of(service).state == "active"
        assert service.routes.get().is_on
        assert [each[0] for each in told()[-2:]] == ["paused", "back"]
        assert open_alarms() == set()

    def test_what_staff_paused_does_not_come_back_by_itself(self, provider: Provider) -> None:
        service = sold(provider, state="paused")
        take(provider)
        take(provider, said())
        assert now_of(service).state == "paused"

    def test_a_second_route_takes_over_at_its_own_price(self, provider: Provider) -> None:
        service = sold(provider)
        take(provider, said(), said("2", rate_micros=600_000))
        route_to(service, "2", preference=2)
        take(provider, said("2", rate_micros=600_000))
        assert (now_of(service).state, service.rate_micros, service.floor_rate_micros) == ("active", 900_000, 600_000)

    def test_limits_follow_both_ways_where_they_were_the_providers(self, provider: Provider) -> None:
        service = sold(provider)
        take(provider, said(min=100, max=5_000))
        assert (now_of(service).min, service.max) == (100, 5_000)
        take(provider, said(min=10, max=90_000))
        assert (now_of(service).min, service.max) == (10, 90_000)

    def test_limits_of_staff_are_only_narrowed(self, provider: Provider) -> None:
        service = sold(provider, min=60, max=9_000)
        take(provider, said(min=100, max=5_000))
        assert (now_of(service).min, service.max) == (100, 5_000)

    def test_limits_that_do_not_meet_switch_the_route_off(self, provider: Provider) -> None:
        service = sold(provider, max=100)
        take(provider, said(min=500))
        assert (now_of(service).min, service.max, service.state) == (50, 100, "paused")
        take(provider, said())
        assert now_of(service).state == "active"

    def test_another_type_switches_the_route_off(self, provider: Provider) -> None:
        service = sold(provider)
        take(provider, said(type="Package"))
        assert (now_of(service).state, service.type) == ("paused", "Default")
        assert ("catalogue", "promises") in open_alarms()
        take(provider, said())
        assert now_of(service).state == "active"

    def test_a_flag_that_was_lost_sounds_an_alarm(self, provider: Provider) -> None:
        sold(provider)
        take(provider, said(refill=False))
        assert open_alarms() == {("catalogue", "promises")}

    def test_another_providers_services_are_left_alone(self, provider: Provider) -> None:
        service = sold(provider)
        before = Service.objects.values().get(pk=service.pk)
        other = make_provider("Other")
        take(other)
        sync.apply_catalogue(other.pk, Catalogue(OTHERS[:3]), NOW)
        assert Service.objects.values().get(pk=service.pk) == before
        assert upstream("1").gone_at is None


class TestWhenItIsDue:
    def test_every_hour_and_sooner_after_a_bad_one(self, provider: Provider) -> None:
        assert sync.is_due(provider.pk, NOW)
        sync.apply_catalogue(provider.pk, NoAnswer(failure("HTML")), NOW)
        assert not sync.is_due(provider.pk, NOW + timedelta(minutes=9))
        assert sync.is_due(provider.pk, NOW + timedelta(minutes=10))
        take(provider, said())
        assert not sync.is_due(provider.pk, NOW + timedelta(minutes=59))
        assert sync.is_due(provider.pk, NOW + timedelta(minutes=60))

    def test_never_where_the_provider_is_off(self) -> None:
        off = make_provider(state=Provider.State.OFF)
        assert not sync.is_due(off.pk, NOW)
        assert not sync.is_due(off.pk + 1, NOW)


def test_a_service_that_is_not_routed_is_never_touched(provider: Provider) -> None:
    service = make_service()
    take(provider, said())
    take(provider)
    assert now_of(service).state == "active"
