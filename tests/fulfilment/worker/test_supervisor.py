"""The supervisor: lines to several providers, held and worked side by side, in simulated time."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest
from django.conf import settings

from sutler.accounts import secret_key
from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.attempts import AttemptState
from sutler.core.clock import seeded
from sutler.core.event_texts import cause_text
from sutler.core.taught_words import TaughtWord
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Alarm, Attempt, Provider, ProviderState
from sutler.fulfilment.reconciling import taught_words
from sutler.fulfilment.worker.supervisor import Supervisor
from sutler.orders.models import Order
from sutler.panels.http_call import HttpCall
from sutler.simulator.panel import Service as TheirService
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import KEY, LyingUpstream
from sutler.storage.sealed import seal
from tests.conftest import NOW, make_service
from tests.fulfilment.upstream import make_provider
from tests.fulfilment.upstream_world import InTheLoop, plan_all, route
from tests.orders.ordering import demand_sound_books, placed
from tests.simulation.loop import SimulatedClock, SimulatedLoop, outside_the_loop

pytestmark = pytest.mark.postgresql

# How long the one that hangs takes for every answer.
HANGS_SECONDS = 120.0
DELIVERY_SECONDS = 20.0


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    loop = SimulatedLoop()
    try:
        yield loop
    finally:
        loop.close()


def provider(name: str) -> Provider:
    address = f"https://{name}.example/api/v2"
    key = seal(KEY, settings.SECRET_KEY)
    return make_provider(name=name, url=address, sealed_key=key, most_at_once=8, catalogue_at=NOW)


def work(loop: SimulatedLoop, seconds: float) -> None:
    """Has a worker with a supervisor do for so long what is due at the providers `hanging` and `prompt`."""
    clock = SimulatedClock(loop)
    sold = [TheirService(1, "Followers", rate_micros=500_000, min=1, max=100_000)]
    upstream = LyingUpstream(seeded(1), clock, services=sold, delivery_seconds=DELIVERY_SECONDS)

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "hanging.example":
            await asyncio.sleep(HANGS_SECONDS)
        return await SimulatedTransport(upstream, asyncio.sleep).handle_async_request(request)

    async def run() -> None:
        database, stop = InTheLoop(), asyncio.Event()
        board = Supervisor(
            "worker-1",
            clock,
            seeded(1),
            HttpCall(httpx2.MockTransport(answer), clock),
            sending=database,
            following=database,
            secret_keys=[settings.SECRET_KEY],
        )
        running = asyncio.create_task(board.run(stop))
        await asyncio.sleep(seconds)
        stop.set()
        await running

    loop.run_until_complete(run())


@pytest.mark.long
def test_a_provider_that_hangs_delays_no_other(loop: SimulatedLoop, alice: Customer, service: Service) -> None:
    route(service, provider("hanging"))
    other = make_service(name="Delivered promptly")
    route(other, provider("prompt"))
    stuck, quick = (
        [placed(alice, each, link=f"https://example.com/{n}", quantity=1000 + n) for n in range(12)]
        for each in (service, other)
    )
    plan_all()
    work(loop, 90.0)
    ended = Order.objects.filter(pk__in=[each.pk for each in quick], finished_at__isnull=False)
    assert ended.count() == len(quick)
    out = Attempt.objects.filter(order__in=[each.pk for each in stuck])
    assert sorted(out.values_list("state", flat=True)) == [AttemptState.PLANNED] * 4 + [AttemptState.SENDING] * 8
    demand_sound_books()


def test_a_key_that_cannot_be_read_is_told_once_and_no_longer_when_it_can(
    loop: SimulatedLoop, alice: Customer, capsys: pytest.CaptureFixture[str]
) -> None:
    secret_key.claim()
    found = provider("prompt")
    Provider.objects.filter(pk=found.pk).update(sealed_key=seal(KEY, "a lost key"))
    work(loop, 60.0)
    told = Alarm.objects.get(provider=found, kind=Alarm.Kind.KEY_UNREADABLE)
    assert (told.times, told.closed_at) == (1, None)
    assert capsys.readouterr().out.count("key_unreadable") == 1
    Provider.objects.filter(pk=found.pk).update(sealed_key=seal(KEY, settings.SECRET_KEY))
    work(loop, 20.0)
    told.refresh_from_db()
    assert told.closed_at is not None


def test_told_to_stop_it_gives_its_leases_up(loop: SimulatedLoop, alice: Customer, service: Service) -> None:
    route(service, provider("prompt"))
    order = placed(alice, service)
    plan_all()
    work(loop, 10.0)
    assert Attempt.objects.get(order=order).state == AttemptState.ACCEPTED
    assert list(ProviderState.objects.values_list("worker", flat=True)) == [""]


def test_a_word_that_is_taught_is_used_within_seconds_and_ends_no_line(
    loop: SimulatedLoop, alice: Customer, service: Service
) -> None:
    there = provider("prompt")
    route(service, there)
    clock, stop = SimulatedClock(loop), asyncio.Event()
    orders: list[Order] = []

    async def refuse(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(20.0)
        return httpx2.Response(200, json={"error": "The stars are not right"})

    def order() -> None:
        orders.append(placed(alice, service, link=f"https://example.com/{len(orders)}"))
        plan_all()

    async def run() -> None:
        call = HttpCall(httpx2.MockTransport(refuse), clock)
        board = Supervisor(
            "worker-1",
            clock,
            seeded(1),
            call,
            sending=InTheLoop(),
            following=InTheLoop(),
            secret_keys=[settings.SECRET_KEY],
        )
        running = asyncio.create_task(board.run(stop))
        outside_the_loop(order)
        await asyncio.sleep(30)
        outside_the_loop(order)
        await asyncio.sleep(8)  # it is on the way
        word = TaughtWord("The stars are not right", DeclineKind.LINK)
        outside_the_loop(lambda: taught_words.teach(there.pk, word, None, NOW))
        await asyncio.sleep(30)
        stop.set()
        await running

    loop.run_until_complete(run())
    first, second = (Attempt.objects.filter(order=each).order_by("pk")[0] for each in orders)
    assert (first.state, first.refusal) == ("unknown", "The stars are not right")
    assert (second.state, cause_text(second.cause)) == ("declined", "LINK: The stars are not right")
