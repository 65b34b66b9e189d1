"""Orders of ours at a scripted upstream, as if it had just accepted them, and a session to it in simulated time."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import httpx2
import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.attempts import AttemptState
from sutler.core.clock import seeded
from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES
from sutler.core.pricing import charge
from sutler.fulfilment.models import (
    Alarm,
    AlarmSubject,
    AskTime,
    Attempt,
    Provider,
    ProviderState,
    UpstreamOrder,
    UpstreamService,
)
from sutler.fulfilment.polling.poll import poll
from sutler.fulfilment.providers import costs
from sutler.fulfilment.providers.database import Database
from sutler.fulfilment.providers.session import ProviderSession
from sutler.orders import hand_out
from sutler.orders.models import Order
from sutler.panels.client import PanelSettings
from sutler.panels.http_call import HttpCall
from sutler.simulator.faults import Faults
from sutler.simulator.panel import Order as TheirOrder
from sutler.simulator.panel import Service as TheirService
from sutler.simulator.transport import SimulatedTransport
from sutler.simulator.upstream import KEY, LyingUpstream
from sutler.storage.transactions import durable
from tests.conftest import NOW
from tests.orders.ordering import demand_sound_books, held, placed
from tests.simulator.simulated import Time

URL = "https://upstream.example/api/v2"
P = ParamSpec("P")
T = TypeVar("T")
Answer = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop on simulated time: where nothing is left to do but wait, the time has come."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._simulated = time

    def time(self) -> float:
        return self._simulated.passed

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._simulated.passed = max(self._simulated.passed, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class InTheTest(Database):
    """Asks the database in the test's own thread, over its own connection, as if there were no loop."""

    def __init__(self) -> None:
        super().__init__(None)

    async def run(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        try:
            return verb(*args, **kwargs)
        finally:
            asyncio._set_running_loop(loop)


def run(time: Time, work: Awaitable[T]) -> T:
    """Runs the work to its end in simulated time."""

    async def whole() -> T:
        return await work

    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(time)) as runner:
        return runner.run(whole())


def make_provider(**fields: Any) -> Provider:
    """A provider in USD without a limit of calls, with whatever fields are given instead."""
    values = {"name": "Upstream", "url": URL, "sealed_key": "", "currency": "USD", "created_at": NOW}
    values |= {"live_state": make_state(fields), "call_interval_milliseconds": 0, "most_at_once": 3}
    return Provider.objects.create(**(values | fields))


def make_state(fields: dict[str, Any]) -> ProviderState:
    """A live state of what is given of it, which it takes out of these fields."""
    names = {each.name for each in ProviderState._meta.concrete_fields} & fields.keys()
    return ProviderState.objects.create(**{name: fields.pop(name) for name in names})


def ids_rise(may_scan: bool = True) -> None:
    """The ids at every provider have come to 77, and may be asked about."""
    ProviderState.objects.update(highest_id=77)
    Provider.objects.update(may_scan=may_scan)


def make_upstream_service(provider: Provider, **fields: Any) -> UpstreamService:
    """A service there, of type Default, 0.50 a thousand."""
    values = {"provider": provider, "upstream_id": "1", "name": "Followers", "category": "Any", "type": "Default"}
    numbers = {"raw_type": "Default", "rate_micros": 500_000, "min": 1, "max": 100_000, "seen_at": NOW}
    flags = {"dripfeed": False, "refill": True, "cancel": True}
    return UpstreamService.objects.create(**(values | numbers | flags | fields))


def accepted(
    order: Order, service: UpstreamService, upstream_id: str, now: datetime = NOW, *, expected_micros: int | None = None
) -> UpstreamOrder:
    """The order of ours as it stands once the provider has accepted it under this id."""
    with durable():
        assert hand_out.hand_out(Order.objects.filter(pk=order.pk), 1, "worker", now)
    expected = expected_micros
    if expected is None:
        expected = charge(service.rate_micros, order.quantity, ORDER_TYPES[order.type].per)
    attempt = Attempt.objects.create(
        action=Attempt.Action.ADD,
        state=AttemptState.ACCEPTED,
        order=order,
        provider=service.provider,
        upstream_service=service,
        service_id=order.service_id,
        link_digest=hashlib.sha256(order.link.encode()).hexdigest(),
        expected_micros=expected,
        sent_at=now,
        answered_at=now,
        upstream_id=upstream_id,
    )
    there = UpstreamOrder.objects.create(
        attempt=attempt,
        order=order,
        provider=service.provider,
        upstream_service=service,
        upstream_id=upstream_id,
        expected_micros=expected,
        cost_micros=expected,
        placed_at=now,
    )
    AskTime.objects.create(upstream_order=there, provider=service.provider, ask_at=now)
    costs.accept(there.provider_id, service.provider.currency, [costs.Costed(there.pk, order.pk, 0, expected)], now)
    return there


@dataclass
class There:
    """A provider that is a scripted upstream with one service of type Default, reached over a session."""

    customer: Customer
    service: Service
    seed: int = 1
    time: Time = field(default_factory=Time)
    fields: dict[str, Any] = field(default_factory=dict)
    between: Callable[[dict[str, str]], httpx2.Response | None] = lambda _: None

    def __post_init__(self) -> None:
        sold = [TheirService(1, "Followers", rate_micros=500_000, min=1, max=100_000)]
        self.upstream = LyingUpstream(seeded(self.seed), self.time, services=sold)
        self.provider = make_provider(**self.fields)
        self.upstream_service = make_upstream_service(self.provider)
        self.asked: list[dict[str, str]] = []

    def lie(self, **faults: Any) -> None:
        """Switches these faults on, and all others off."""
        self.upstream.faults = Faults(**faults)

    def sent(self, link: str = "https://example.com/a", quantity: int = 1000) -> tuple[UpstreamOrder, TheirOrder]:
        """An order that a customer placed and the upstream accepted, and what the upstream makes of it."""
        order = placed(self.customer, self.service, self.time.now(), link=link, quantity=quantity)
        asked = {"key": KEY, "action": "add", "service": "1", "link": link, "quantity": str(quantity)}
        self.upstream.answer(asked)
        theirs = self.upstream.orders_for(link)[-1]
        return accepted(order, self.upstream_service, theirs.id, self.time.now()), theirs

    def sent_until(self, final: Status) -> tuple[UpstreamOrder, TheirOrder]:
        """An order that will end like this."""
        for number in range(200):
            there, theirs = self.sent(f"https://example.com/{final}/{number}")
            if theirs.outcome is final:
                return there, theirs
        raise AssertionError(final)

    def run(self, work: Callable[[ProviderSession], Awaitable[T]]) -> T:
        """Does this over a fresh session, in simulated time."""
        self.provider.refresh_from_db()

        async def whole() -> T:
            transport = httpx2.MockTransport(self._answer)
            async with transport:
                settings = PanelSettings(URL, KEY)
                call = HttpCall(transport, self.time)
                session = ProviderSession(
                    self.provider, settings, call, InTheTest(), self.time, seeded(self.seed), "worker-1"
                )
                return await work(session)

        return run(self.time, whole())

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        asked = dict(httpx2.QueryParams((await request.aread()).decode()))
        self.asked.append(asked)
        other = self.between(asked)
        return other or await SimulatedTransport(self.upstream, self.time.wait).handle_async_request(request)


@pytest.fixture
def there(alice: Customer, service: Service) -> There:
    return There(alice, service)


def alarms(kind: Alarm.Kind | None = None) -> list[str]:
    """The types and ids of what the open alarms (of this kind) are about: "order 17"."""
    found = AlarmSubject.objects.filter(alarm__closed_at=None).order_by("pk")
    rows = (found if kind is None else found.filter(alarm__kind=kind)).values_list("subject_type", "subject_id")
    return [" ".join(row).strip() for row in rows]


def all_due(there: There, after_seconds: float = 0) -> None:
    """Time passes, and every order is to be asked about."""
    there.time.passed += after_seconds
    AskTime.objects.update(ask_at=there.time.now())


def to_the_end(there: There, most_passes: int = 200) -> None:
    """Follows until every order has ended, two minutes at a time."""
    for _ in range(most_passes):
        if not UpstreamOrder.objects.filter(finished_at=None).exists():
            return
        there.time.passed += 120
        AskTime.objects.filter(upstream_order__finished_at=None).update(ask_at=there.time.now())
        there.run(poll)
    raise AssertionError([(each.upstream_id, each.word) for each in UpstreamOrder.objects.filter(finished_at=None)])


def demand_that_orders_are_as_upstream(there: There) -> None:
    """Every order has ended as it did there, and the books hold what was really charged, to the micro."""
    for each in UpstreamOrder.objects.select_related("order"):
        theirs = there.upstream.panel.orders[each.upstream_id]
        assert theirs.final is not None
        assert (each.order.status, each.order.remains) == (theirs.final, theirs.left)
        assert each.cost_micros == theirs.charge_micros - theirs.refunded_micros
    totals = there.upstream.totals()
    assert held("cost") == totals.charged_micros - totals.refunded_micros
    assert -held("provider") == held("cost")
    demand_sound_books()


def saying(body: str, code: int = 200) -> Callable[[dict[str, str]], httpx2.Response | None]:
    """An upstream that answers this to every call."""
    return lambda _: httpx2.Response(code, text=body, headers={"Content-Type": "application/json"})
