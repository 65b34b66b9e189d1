"""A provider whose catalogue lies: the scripted upstream with each of its faults, synced again and again."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.db import connections

from sutler.catalogue import price_book
from sutler.catalogue.models import Service
from sutler.core.clock import seeded
from sutler.core.worth import EVEN
from sutler.fulfilment.catalogue import sync
from sutler.fulfilment.catalogue.import_services import Imported, Rule, bring_in
from sutler.fulfilment.catalogue.sync import Report
from sutler.fulfilment.models import CatalogueChange, Provider, ProviderMinute, Route, UpstreamService
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.database import Database
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.client import PanelSettings
from sutler.panels.http_call import HttpCall
from sutler.panels.results import Catalogue, Failure
from sutler.simulator.faults import OF_ADD_ALONE, SWITCHES, Faults, Group
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import KEY
from tests.conftest import NOW
from tests.fulfilment.catalogue.catalogues import make_provider, open_alarms
from tests.simulator.simulated import Caller

pytestmark = pytest.mark.django_db

CATALOGUE_FAULTS = [each.name for each in SWITCHES if each.group is Group.CATALOGUE]
# What spoils a whole answer.
ON_THE_WAY = sorted({each.name for each in SWITCHES if each.group is Group.WAY} - OF_ADD_ALONE)
UNHARMED = {"object_catalogue", "wrapped_catalogue", "loose_types"}


class Shop:
    """A provider with the scripted upstream behind it, whose first twenty services are sold on."""

    def __init__(self, seed: int = 1) -> None:
        self.caller = Caller(seed)
        self.provider = make_provider(call_interval_milliseconds=0)
        assert self.sync().fault is None
        ids = list(UpstreamService.objects.values_list("upstream_id", flat=True))
        brought = bring_in(self.provider.pk, Rule(markup_basis_points=2_000), NOW, upstream_ids=ids)
        assert isinstance(brought, Imported)
        assert len(brought.made) == 20

    def sync(self, **faults: Any) -> Report:
        self.caller.upstream.faults = Faults(**faults)

        async def fetch() -> tuple[Catalogue | Failure, list[LoggedExchange]]:
            async with self.session(None) as session:
                return await session.ask(lambda panel: panel.services()), session.take_calls()

        answer, calls = asyncio.run(fetch())
        return sync.apply_catalogue(self.provider.pk, answer, self.caller.time.now(), calls)

    @asynccontextmanager
    async def session(self, executor: Executor | None) -> AsyncIterator[ProviderSession]:
        transport = SimulatedTransport(self.caller.upstream, self.caller.time.wait)
        async with transport:
            settings = PanelSettings("http://upstream.example/api/v2", KEY)
            time = self.caller.time
            call = HttpCall(transport, time)
            yield ProviderSession(self.provider, settings, call, Database(executor), time, seeded(1), "test")


def what_is_sold() -> list[object]:
    return list(Service.objects.order_by("pk").values())


def nothing_is_sold_below_cost() -> None:
    book = price_book.current()
    for route in Route.objects.filter(is_on=True).select_related("upstream_service"):
        terms = book.terms.get(route.service_id)
        if terms is not None:
            assert book.quote(1, terms, 9_900, EVEN) >= route.upstream_service.rate_micros


@pytest.mark.parametrize("fault", CATALOGUE_FAULTS)
def test_a_catalogue_full_of_one_lie_harms_nothing(fault: str) -> None:
    shop = Shop()
    before = what_is_sold()
    shop.sync(**{fault: 1.0})
    nothing_is_sold_below_cost()
    if fault not in {"price_moves", "price_jumps", "unknown_types", "repeated_service"}:
        assert what_is_sold() == before
    if fault not in UNHARMED | {"price_moves"}:
        assert open_alarms()
    if not fault.startswith("price_"):
        shop.sync()
        assert what_is_sold() == before


@pytest.mark.parametrize("fault", CATALOGUE_FAULTS)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_lie_here_and_there_time_and_again_harms_nothing(fault: str, seed: int) -> None:
    shop = Shop(seed)
    for _ in range(6):
        shop.sync(**{fault: 0.3})
        nothing_is_sold_below_cost()
        assert Service.objects.count() == UpstreamService.objects.count() == 20
    waiting = CatalogueChange.objects.filter(state="waiting").values_list("upstream_service", flat=True)
    assert len(waiting) == len(set(waiting))


@pytest.mark.parametrize("fault", ON_THE_WAY)
def test_an_answer_that_is_spoilt_keeps_the_last_good_catalogue(fault: str) -> None:
    shop = Shop()
    before = what_is_sold(), list(UpstreamService.objects.values())
    assert shop.sync(**{fault: 1.0}).fault
    assert open_alarms() == {("catalogue", "service list")}
    assert (what_is_sold(), list(UpstreamService.objects.values())) == before


def test_the_calls_are_in_the_providers_log() -> None:
    shop = Shop()
    shop.sync(html=1.0)
    assert sum(ProviderMinute.objects.values_list("calls", flat=True)) == 2
    assert [each.action for each in Provider.objects.get().logged_calls.all()] == ["services"]


@pytest.mark.django_db(transaction=True)
def test_the_worker_syncs_when_it_is_due() -> None:
    shop = Shop()

    async def keep() -> Report | None:
        with ThreadPoolExecutor(1) as thread:
            async with shop.session(thread) as session:
                report = await sync.keep_in_step(session)
            thread.submit(connections.close_all).result()
        return report

    assert asyncio.run(keep()) is None
    shop.caller.time.passed += 3_600
    report = asyncio.run(keep())
    assert report is not None
    assert report.services == 20
    assert asyncio.run(keep()) is None
