"""A session to a provider: its rate limit for all calls together, backing off, and what goes into the journal."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import httpx2
import pytest

from sutler.core.clock import seeded
from sutler.core.events import failure
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Provider
from sutler.fulfilment.providers.session import FIRST_BACK_OFF_SECONDS, LONGEST_BACK_OFF_SECONDS, ProviderSession
from sutler.panels.client import Panel, PanelSettings
from sutler.panels.http_call import HttpCall
from sutler.panels.results import Declined, NoAnswer, NotSent
from tests.fulfilment.upstream_world import InTheLoop
from tests.simulation.loop import SimulatedClock, SimulatedLoop

TOO_FAST = Declined(DeclineKind.RATE, "Too many requests")
Work = Callable[[ProviderSession], Awaitable[object]]


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    found = SimulatedLoop()
    yield found
    found.close()


def over(loop: SimulatedLoop, work: Work, interval_milliseconds: int = 1000) -> ProviderSession:
    """Does the work over a session to a provider that answers every balance with 5."""

    async def whole() -> ProviderSession:
        answers = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"balance": "5", "currency": "USD"}))
        async with answers as transport:
            provider = Provider(call_interval_milliseconds=interval_milliseconds)
            settings = PanelSettings("https://upstream.example/api/v2", "k" * 32)
            clock = SimulatedClock(loop)
            session = ProviderSession(
                provider, settings, HttpCall(transport, clock), InTheLoop(), clock, seeded(1), "worker-1"
            )
            await work(session)
            return session

    return loop.run_until_complete(whole())


def answering(answer: object, seconds: float = 0.0) -> Callable[[Panel], Awaitable[object]]:
    async def ask(_: Panel) -> object:
        await asyncio.sleep(seconds)
        return answer

    return ask


def test_calls_at_once_leave_one_interval_apart(loop: SimulatedLoop) -> None:
    left: list[float] = []

    async def ask(session: ProviderSession) -> None:
        async def leave(_: Panel) -> None:
            left.append(loop.time())
            await asyncio.sleep(90)  # a slow answer keeps nobody from asking

        await asyncio.gather(*(session.ask(leave) for _ in range(4)))

    over(loop, ask)
    assert left == [0, 1, 2, 3]


def test_turns_are_not_saved_up(loop: SimulatedLoop) -> None:
    async def ask(session: ProviderSession) -> None:
        await session.ask(answering(None))
        await asyncio.sleep(100)
        began = loop.time()
        await session.ask(answering(None))
        await session.ask(answering(None))
        assert loop.time() - began == 1

    over(loop, ask)


@pytest.mark.parametrize(
    ("interval", "taken", "seconds", "turns"),
    [(1000, 0, 0.5, 1), (1000, 0, 1.0, 2), (1000, 1, 0.5, 0), (1000, 1, 1.0, 1), (100, 0, 0.45, 5), (0, 9, 0.5, 10**6)],
)
def test_how_many_turns_will_come(loop: SimulatedLoop, interval: int, taken: int, seconds: float, turns: int) -> None:
    async def ask(session: ProviderSession) -> None:
        for _ in range(taken):
            await session.turn()
        assert session.turns_within(seconds) == turns

    over(loop, ask, interval)


@pytest.mark.parametrize("answer", [TOO_FAST, NotSent(failure("ConnectError"))])
def test_it_backs_off_longer_and_longer_and_no_longer_than_two_minutes(loop: SimulatedLoop, answer: object) -> None:
    pauses: list[float] = []

    async def ask(session: ProviderSession) -> None:
        for _ in range(9):
            await session.ask(answering(answer))
            began = loop.time()
            assert session.turns_within(1.0) == 0
            await session.turn()
            pauses.append(loop.time() - began)

    over(loop, ask, 0)
    for number, pause in enumerate(pauses):
        wanted = min(FIRST_BACK_OFF_SECONDS * 2**number, LONGEST_BACK_OFF_SECONDS)
        assert 0.8 * wanted <= pause <= 1.2 * wanted


def test_many_refusals_at_once_are_one(loop: SimulatedLoop) -> None:
    async def ask(session: ProviderSession) -> None:
        await asyncio.gather(*(session.call(answering(TOO_FAST, number / 100)) for number in range(20)))
        began = loop.time()
        await session.turn()
        assert loop.time() - began < 2 * FIRST_BACK_OFF_SECONDS

    over(loop, ask, 0)


@pytest.mark.parametrize(
    "answer", ["an answer", NoAnswer(failure("HTML")), Declined(DeclineKind.FUNDS, "Not enough funds")]
)
def test_whatever_else_it_says_ends_the_backing_off(loop: SimulatedLoop, answer: object) -> None:
    async def ask(session: ProviderSession) -> None:
        for _ in range(5):
            await session.ask(answering(TOO_FAST))
        await session.ask(answering(answer))
        assert session.turns_within(0.0) > 0
        await session.ask(answering(TOO_FAST))
        began = loop.time()
        await session.turn()
        assert loop.time() - began < 2 * FIRST_BACK_OFF_SECONDS

    over(loop, ask, 0)


def test_every_exchange_is_kept_once_with_the_order_that_it_is_about(loop: SimulatedLoop) -> None:
    async def ask(session: ProviderSession) -> None:
        await asyncio.gather(*(session.ask(lambda panel: panel.balance(), order_id) for order_id in (17, None, 18)))
        taken = session.take_calls()
        assert {each.order_id for each in taken} == {17, None, 18}
        assert {each.exchange.outcome for each in taken} == {"Balance"}
        assert session.take_calls() == []

    over(loop, ask, 0)
