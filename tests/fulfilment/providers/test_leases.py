"""Leases: one worker speaks with a provider, until it stops saying that it lives."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from sutler.fulfilment.models import Provider, ProviderState
from sutler.fulfilment.providers import leases
from tests.conftest import NOW
from tests.fulfilment.upstream import make_provider
from tests.orders.ordering import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
SECOND = timedelta(seconds=1)


def names(worker: str, now: datetime = NOW) -> list[str]:
    return [each.name for each in leases.hold(worker, now)]


def providers(count: int) -> list[Provider]:
    return [make_provider(name=f"Panel {number}") for number in range(count)]


def test_a_worker_takes_one_more_each_time_until_it_has_all() -> None:
    assert names("w1") == []
    providers(2)
    assert [names("w1") for _ in range(3)] == [["Panel 0"], ["Panel 0", "Panel 1"], ["Panel 0", "Panel 1"]]


def test_what_one_holds_another_does_not_get_while_it_lives() -> None:
    providers(2)
    assert (names("w1"), names("w2")) == (["Panel 0"], ["Panel 1"])
    now = NOW
    for _ in range(20):
        now += timedelta(seconds=leases.RENEW_SECONDS)
        assert (names("w1", now), names("w2", now)) == (["Panel 0"], ["Panel 1"])


def test_what_a_dead_worker_held_is_taken_over_once_its_lease_is_over() -> None:
    providers(1)
    names("w1")
    assert names("w2", NOW + leases.LEASE) == []
    assert names("w2", NOW + leases.LEASE + SECOND) == ["Panel 0"]
    # The first wakes up again.
    assert names("w1", NOW + leases.LEASE + SECOND) == []


def test_a_worker_that_overslept_goes_on_where_nobody_took_over() -> None:
    providers(1)
    names("w1")
    assert names("w1", NOW + 10 * leases.LEASE) == ["Panel 0"]


def test_a_worker_that_ends_gives_all_up() -> None:
    providers(2)
    assert (names("w1"), names("w2")) == (["Panel 0"], ["Panel 1"])
    leases.release("w1")
    assert sorted(names("w2")) == ["Panel 0", "Panel 1"]


@pytest.mark.parametrize(("state", "held"), [("on", True), ("sending stopped", True), ("off", False)])
def test_only_what_is_switched_off_is_nobodys(state: str, held: bool) -> None:
    providers(1)
    Provider.objects.update(state=state)
    assert bool(names("w1")) is held


def test_one_that_is_switched_off_is_let_go() -> None:
    providers(1)
    names("w1")
    Provider.objects.update(state=Provider.State.OFF)
    assert names("w1") == []


def test_renewing_changes_nothing_else_of_a_provider() -> None:
    [provider] = providers(1)
    typed = Provider.objects.values().get()
    before: dict[str, Any] = dict(ProviderState.objects.values().get())
    names("w1")
    after: dict[str, Any] = dict(ProviderState.objects.values().get())
    assert Provider.objects.values().get() == typed
    assert {name for name in before if before[name] != after[name]} == {"worker", "leased_until"}
    assert provider.live_state_id == after["id"]


@pytest.mark.django_db(transaction=True)
def test_workers_that_start_together_never_hold_the_same() -> None:
    providers(4)
    held = at_once(*(lambda worker=f"w{number}": [names(worker) for _ in range(6)][-1] for number in range(4)))
    assert sorted(name for each in held for name in each) == [f"Panel {number}" for number in range(4)]


def test_a_lease_is_written_only_when_little_of_it_is_left(db: None) -> None:
    make_provider(name="upstream")
    leases.hold("one", NOW)
    ends = NOW + leases.LEASE
    for seconds in (5, 30):
        [held] = leases.hold("one", NOW + timedelta(seconds=seconds))
        assert held.live_state.leased_until == Provider.objects.get().live_state.leased_until == ends
    leases.hold("one", NOW + timedelta(seconds=40))
    assert Provider.objects.get().live_state.leased_until == ends + timedelta(seconds=40)
