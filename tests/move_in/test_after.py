"""After the cut-over: running orders end by what their provider says, and nothing is sent there a second time."""

import json
from typing import Any

import httpx2
import pytest

from sutler.accounts import keys
from sutler.core.clock import seeded
from sutler.core.lifecycle import Status
from sutler.fulfilment.models import AskTime, Attempt, Provider, UpstreamOrder
from sutler.fulfilment.polling.poll import poll
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.sending.plan import Planner
from sutler.move_in import passes
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.orders.status import look_up
from sutler.panels.client import PanelSettings
from sutler.panels.http_call import HttpCall
from tests.conftest import NOW
from tests.fulfilment.upstream import URL, InTheTest, run
from tests.move_in.made_classic import make_classic
from tests.move_in.old_panel import Made, Size, connection_to
from tests.move_in.test_passes import assert_green, one_pass
from tests.simulator.simulated import Time

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

SIZE = Size()


@pytest.fixture
def moved_in(old_database: str) -> Made:
    with connection_to(old_database) as connection:
        made = make_classic(connection, SIZE)
    source, known = one_pass(old_database, is_last=True)
    passes.set_on(NOW, *passes.active(source, known))
    return made


def completed(ids: str, charges: dict[str, int]) -> dict[str, Any]:
    return {
        each: {"charge": f"{charges[each] / 1_000_000:.6f}", "status": "Completed", "start_count": "7", "remains": "0"}
        for each in ids.split(",")
    }


def follow(asked: list[dict[str, str]]) -> None:
    """Has the worker ask about all that runs, at a provider that says that all of it is completed."""

    charges = {each.upstream_id: each.expected_micros for each in UpstreamOrder.objects.all()}

    async def answer(request: httpx2.Request) -> httpx2.Response:
        form = dict(httpx2.QueryParams((await request.aread()).decode()))
        asked.append(form)
        told = completed(form.get("orders") or form["order"], charges)
        return httpx2.Response(200, text=json.dumps(told if "orders" in form else next(iter(told.values()))))

    time, provider = Time(), Provider.objects.get()

    async def whole() -> None:
        async with httpx2.MockTransport(answer) as transport:
            session = ProviderSession(
                provider,
                PanelSettings(URL, "k" * 32),
                HttpCall(transport, time),
                InTheTest(),
                time,
                seeded(1),
                "worker-1",
            )
            await poll(session)

    run(time, whole())


def test_running_orders_end_at_their_provider_and_nothing_is_sent_again(moved_in: Made) -> None:
    running = {order for order, _ in moved_in.running}
    asked: list[dict[str, str]] = []

    Planner().plan_waiting(NOW)
    for _ in range(20):
        if not UpstreamOrder.objects.filter(finished_at=None).exists():
            break
        AskTime.objects.update(ask_at=NOW)
        follow(asked)

    assert {each["action"] for each in asked} == {"status"}
    assert set(Order.objects.filter(pk__in=running).values_list("status", flat=True)) == {Status.COMPLETED}
    assert not Attempt.objects.exclude(state="accepted").exists()
    assert_green()


def test_what_was_never_sent_waits_for_staff(moved_in: Made) -> None:
    waiting = Order.objects.filter(status=Status.PENDING)
    assert waiting.exists()

    Planner().plan_waiting(NOW)

    assert all(each.at_desk for each in waiting)
    assert not Attempt.objects.filter(order__in=waiting).exists()


def test_an_old_key_orders_an_old_service_and_reads_an_old_order(moved_in: Made) -> None:
    holder = keys.find([keys.digest(moved_in.key)])[keys.digest(moved_in.key)]
    assert holder.customer_id is not None
    assert not holder.suspended

    form = {"service": "1", "link": "https://example.com/new", "quantity": "100"}
    [placed] = place([PlaceRequest(holder.customer_id, form)], NOW)

    assert isinstance(placed, Placed)
    assert placed.order_id > SIZE.orders
    own = Order.objects.filter(customer=1, status=Status.COMPLETED).order_by("pk")[0]
    [standings] = look_up([(1, [own.pk])])
    assert standings[own.pk].status == Status.COMPLETED
    Planner().plan_waiting(NOW)
    assert Attempt.objects.filter(order=placed.order_id, state="planned").exists()
    assert_green()
