"""Restores in the middle of a course: no id is given out twice, no order sent twice, and all that was sent is found."""

import pytest
from django.core.management import call_command
from django.db import connection

from sutler.fulfilment.reconciling import restored
from sutler.orders import restoration
from tests.simulation import amnesia
from tests.simulation.course import Plan
from tests.simulation.mixes import MIXES

pytestmark = [
    pytest.mark.django_db(transaction=True, reset_sequences=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="a backup in memory is SQLite's"),
]
NAMES = tuple(MIXES)


def plan(seed: int) -> Plan:
    return Plan(seed, NAMES[seed % len(NAMES)], orders=40, providers=2)


@pytest.mark.parametrize("seed", (1, 2))
def test_a_restored_panel_does_nothing_again(seed: int) -> None:
    course = amnesia.run(plan(seed))
    assert course.breaches == []
    assert course.forgotten_orders > 0


@pytest.mark.soak
def test_a_hundred_restores_do_nothing_again() -> None:
    complete = forgotten = 0
    for seed in range(100, 200):
        call_command("flush", verbosity=0, interactive=False)
        course = amnesia.run(plan(seed))
        assert course.breaches == [], seed
        complete += sum(each.is_complete for each in course.found)
        forgotten += sum(len(each.cost_micros) for each in course.found)
    assert forgotten > 1000
    assert complete > 100


@pytest.mark.long
def test_without_the_pause_orders_are_sent_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoration, "is_open", lambda: False)
    monkeypatch.setattr(restored, "_give_to_staff", lambda *_: {})
    breaches = [line for seed in range(1, 4) for line in _played(seed)]
    assert any("was sent 2 times" in line for line in breaches)


def _played(seed: int) -> list[str]:
    call_command("flush", verbosity=0, interactive=False)
    return list(amnesia.run(plan(seed)).breaches)
