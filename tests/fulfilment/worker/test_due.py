"""What is due at a provider: told by one question, for each kind of work."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.attempts import AttemptState
from sutler.fulfilment.models import AskTime, Attempt, NamedOrder, Provider, ProviderTask, UpstreamOrder
from sutler.fulfilment.worker import due
from sutler.fulfilment.worker.due import Due
from sutler.orders.models import CancelRequest, Order, Refill
from tests.conftest import NOW
from tests.fulfilment.upstream import make_provider
from tests.orders.ordering import placed

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def provider(db: None) -> Provider:
    return make_provider(name="upstream")


@pytest.fixture
def order(alice: Customer, service: Service) -> Order:
    return placed(alice, service, quantity=100)


def attempt(provider: Provider, order: Order, state: AttemptState, **fields: object) -> Attempt:
    values = {"action": "add", "service_id": order.service_id, "link_digest": "", "expected_micros": 1, "due_at": NOW}
    return Attempt.objects.create(provider=provider, order=order, state=state, **(values | fields))


def followed(provider: Provider, order: Order) -> UpstreamOrder:
    sent = attempt(provider, order, AttemptState.ACCEPTED, due_at=None, upstream_id="7")
    ours = {"attempt": sent, "order": order, "provider": provider, "upstream_service_id": 1, "upstream_id": "7"}
    return UpstreamOrder.objects.create(expected_micros=1, cost_micros=1, placed_at=NOW, **ours)


def asked_about(provider: Provider, order: Order) -> None:
    AskTime.objects.create(upstream_order=followed(provider, order), provider=provider, ask_at=NOW)


def named(provider: Provider, order: Order) -> None:
    parent = followed(provider, order)
    NamedOrder.objects.create(provider=provider, upstream_id="8", parent=parent, named_at=NOW, ask_at=NOW)


CASES: dict[str, tuple[Callable[[Provider, Order], object], set[Due]]] = {
    "nothing": (lambda *_: None, set()),
    "planned": (lambda p, o: attempt(p, o, AttemptState.PLANNED), {Due.SEND}),
    "planned for later": (lambda p, o: attempt(p, o, AttemptState.PLANNED, due_at=LATER), set()),
    "to be asked about": (asked_about, {Due.POLL}),
    "named": (named, {Due.ADOPT}),
    "a task": (lambda p, _: ProviderTask.objects.create(provider=p, kind="test", asked_at=NOW), {Due.TASK}),
    "an unknown outcome": (lambda p, o: attempt(p, o, AttemptState.UNKNOWN, sent_at=NOW), {Due.RECONCILE}),
    "one with staff": (lambda p, o: attempt(p, o, AttemptState.STAFF, sent_at=NOW), set()),
    "a refill": (lambda _, o: Refill.objects.create(order=o, customer_id=1, requested_at=NOW), {Due.FORWARD}),
    "a cancel": (lambda _, o: CancelRequest.objects.create(order=o, requested_at=NOW), {Due.FORWARD}),
    "a refill on its way": (lambda p, o: attempt(p, o, AttemptState.SENDING, action="refill"), {Due.FORWARD}),
    "a refill to ask about": (lambda p, o: attempt(p, o, AttemptState.ACCEPTED, action="refill"), {Due.FORWARD}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_due_is_told(provider: Provider, order: Order, name: str) -> None:
    make, told = CASES[name]
    make(provider, order)
    assert due.read(NOW).get(provider.pk, set()) == told


def test_every_step_that_waits_to_be_woken_is_asked_for() -> None:
    from sutler.fulfilment.worker import supervisor

    assert {*supervisor.WOKEN.values(), Due.SEND} == set(Due)
    assert set(supervisor.WOKEN) <= {step for step, _ in supervisor.STEPS}
