"""Short courses of the simulation without a breach, and the negative controls, which must have some.

One course and one control are in `make test`, the others in `make test-long`.
"""

import asyncio
import socket
import threading
from dataclasses import replace
from itertools import pairwise

import pytest
from django.core.management import call_command

from sutler.core.clock import seeded
from sutler.core.events import CauseKind
from sutler.fulfilment.models import Attempt
from tests.simulation import bugs, course
from tests.simulation.course import Plan, Report
from tests.simulation.lives import LIFE, Life, State
from tests.simulation.loop import NotSimulated, SimulatedLoop
from tests.simulation.mixes import DENYING

long, postgresql = pytest.mark.long, pytest.mark.postgresql
from_empty = pytest.mark.django_db(transaction=True, reset_sequences=True)

SHORT = Plan(1, orders=20, orders_a_minute=240, blow_seconds=0, providers=1, longest_quiet_hours=1.5)
SHORTEST = Plan(3, orders=12, orders_a_minute=240, blow_seconds=3, providers=1, longest_quiet_hours=0.5)
# What the auditor finds where a bug is switched in: in which course, and what.
CONTROLS = {
    "resend on time-out": (replace(SHORT, mix="answers lost"), "double"),
    "reset at start": (replace(SHORT, mix="answers lost", blow_seconds=3), "double"),
    "refund on unknown": (replace(SHORT, mix="answers lost"), "refunded and delivered"),
    "no settle window": (replace(SHORT, mix="made late"), "double"),
    "one scan": (replace(SHORT, mix="answers lost", quiet=DENYING), "double"),
    "believe refusals": (replace(SHORT, mix="refused and made"), "lost"),
    "not found is absent": (replace(SHORT, mix="made late", keeps_request_ids=True), "double"),
    "no time after refusals": (replace(SHORT, mix="refused and made", orders=60, orders_a_minute=20), "lost"),
}


@from_empty
def test_nothing_is_lost_or_sent_twice_in_a_short_course() -> None:
    report = course.run(replace(SHORT, mix="answers lost", blow_seconds=3))
    assert report.breaches == []
    assert report.audit.figures["unclear"] > 0


@long
@postgresql
@from_empty
@pytest.mark.parametrize(("mix", "seed"), [("everything", 1), ("false ids", 2), ("unknown words", 3)])
def test_nothing_is_lost_or_sent_twice(mix: str, seed: int) -> None:
    report = course.run(Plan(seed, mix, orders=40, orders_a_minute=240, blow_seconds=3, providers=2))
    assert report.breaches == []
    assert report.audit.figures["unclear"] > 0


@long
@postgresql
@from_empty
@pytest.mark.parametrize(("mix", "seed"), [("late", 5), ("false ids", 6)])
def test_request_ids_settle_what_they_prove_and_no_more(mix: str, seed: int) -> None:
    plan = Plan(seed, mix, orders=40, orders_a_minute=240, blow_seconds=3, providers=1, keeps_request_ids=True)
    report = course.run(plan)
    assert report.breaches == []
    causes = Attempt.objects.exclude(cause=None).values_list("cause__kind", flat=True)
    assert CauseKind.FOUND_BY_REQUEST_ID in causes


@long
@postgresql
@from_empty
@pytest.mark.parametrize(("mix", "seed"), [("everything", 4), ("silence", 1)])
def test_two_rows_of_one_account_claim_no_id_of_each_other(mix: str, seed: int) -> None:
    report = course.run(Plan(seed, mix, orders=40, orders_a_minute=240, blow_seconds=3, providers=1, has_twins=True))
    assert report.breaches == []
    assert report.audit.figures["unclear"] > 0


@long
@postgresql
@from_empty
def test_a_seed_plays_the_same_course_again() -> None:
    first, second = (_played_from_empty(SHORTEST) for _ in range(2))
    assert first == second
    assert first.audit.figures["unclear"] > 0


def _played_from_empty(plan: Plan) -> Report:
    call_command("flush", verbosity=0, interactive=False)  # ids begin again
    return course.run(plan)


@long
@from_empty
def test_the_auditor_finds_what_rows_of_one_account_do_that_are_kept_apart() -> None:
    plan = replace(SHORT, mix="silence", orders=60, has_twins=True)
    with bugs.switched_in("twins apart"):
        reports = (_played_from_empty(replace(plan, seed=seed)) for seed in (2, 3, 4, 5))
        assert any(each.audit.figures["wrong verdict"] for each in reports)


@from_empty
@pytest.mark.parametrize(
    "bug",
    [each if each == "resend on time-out" else pytest.param(each, marks=long) for each in CONTROLS],
)
def test_the_auditor_finds_what_a_bug_does(bug: str) -> None:
    plan, kind = CONTROLS[bug]
    with bugs.switched_in(bug):
        report = course.run(plan)
    assert report.audit.figures[kind] > 0, report.audit.figures


def test_time_passes_where_everybody_waits() -> None:
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(asyncio.sleep(1_000_000))
        assert runner.get_loop().time() == pytest.approx(1_000_000)


def test_nothing_real_happens_in_it() -> None:
    async def connect() -> None:
        await asyncio.open_connection("127.0.0.1", 9)

    async def go_to_a_thread() -> None:
        await asyncio.to_thread(threading.get_ident)

    async def read_from_a_socket() -> None:
        with socket.socket() as unconnected:
            await asyncio.get_running_loop().sock_recv(unconnected, 1)

    async def wait_for_nothing() -> None:
        await asyncio.get_running_loop().create_future()

    for real in (connect, go_to_a_thread, wait_for_nothing):
        with pytest.raises(NotSimulated), asyncio.Runner(loop_factory=SimulatedLoop) as runner:
            runner.run(real())
    with pytest.raises(RuntimeError), asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(read_from_a_socket())


@pytest.mark.parametrize(("blow", "ticks"), [("", 10), ("freeze", 10), ("kill", 3)])
def test_a_process_sleeps_and_dies_between_two_steps(blow: str, ticks: int) -> None:
    seen: list[float] = []

    async def tick() -> None:
        for _ in range(10):
            seen.append(asyncio.get_running_loop().time())
            await asyncio.sleep(1)

    async def play() -> None:
        life = Life("worker", seeded(1))
        token = LIFE.set(life)
        task = asyncio.create_task(tick())
        LIFE.reset(token)
        await asyncio.sleep(2.5)
        if blow == "freeze":
            life.freeze(100)
        elif blow == "kill":
            life.kill()
        await asyncio.sleep(200)
        assert life.state is (State.DEAD if blow == "kill" else State.AWAKE)
        life.bury()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(play())
    assert len(seen) == ticks
    assert max(b - a for a, b in pairwise(seen)) == pytest.approx(100.5 if blow == "freeze" else 1)
