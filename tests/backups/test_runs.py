"""When a backup is due, what is known of those that were made, and when staff hear that there is none."""

import math
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.test import Client

from sutler.backups import runs
from sutler.backups.archive import Manifest
from sutler.backups.models import BackupRun
from sutler.backups.runs import Plan, Watch
from sutler.config import ConfigError, read
from sutler.core.clock import SystemClock
from sutler.core.event_texts import cause_text
from sutler.fulfilment.models import Alarm
from sutler.fulfilment.providers import alarms
from sutler.ops.backup.nightly import Nightly
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
State = BackupRun.State
PLAN = Plan("/backup", 14, 3)
HOUR = timedelta(hours=1)
THREE = NOW.replace(hour=3)
MANIFEST = Manifest(
    format=1,
    program="1",
    commit="",
    engine="sqlite",
    engine_version="3",
    taken_at=NOW,
    migrations=(),
    files={},
)


def run_of(state: State, started_at: datetime) -> BackupRun:
    return BackupRun.objects.create(state=state, started_at=started_at)


def succeed(started_at: datetime) -> None:
    run = runs.begin(started_at)
    assert run is not None
    runs.end(run, "/backup/a", MANIFEST, started_at + HOUR, is_checked=True)


def fail(started_at: datetime, fault: str = "the disk is full") -> None:
    run = runs.begin(started_at)
    assert run is not None
    runs.fail(run, fault, started_at)


def open_kinds() -> list[str]:
    return sorted(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("states", "now", "is_due"),
    [
        ([], THREE, True),
        ([], THREE - HOUR, True),
        ([(State.DONE, THREE)], THREE + HOUR, False),
        ([(State.DONE, THREE - HOUR)], THREE + HOUR, True),
        ([(State.DONE, THREE - HOUR)], THREE - timedelta(minutes=1), False),
        ([(State.DONE, THREE)], THREE + 23 * HOUR, False),
        ([(State.DONE, THREE)], THREE + 24 * HOUR, True),
        ([(State.FAILED, THREE)], THREE + HOUR / 2, False),
        ([(State.FAILED, THREE)], THREE + 2 * HOUR, True),
        ([(State.DONE, THREE), (State.FAILED, THREE + HOUR)], THREE + 3 * HOUR, False),
        ([(State.RUNNING, THREE)], THREE + 8 * HOUR, False),
        ([(State.RUNNING, THREE)], THREE + 10 * HOUR, True),
    ],
)
def test_one_a_day_is_due_and_an_hour_after_a_failure(
    states: list[tuple[State, datetime]], now: datetime, is_due: bool
) -> None:
    for state, started_at in states:
        run_of(state, started_at)
    assert runs.is_due(PLAN, now) is is_due
    assert not runs.is_due(Plan("", 14, 3), now)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUTLER_BACKUP_KEEP", "0"),
        ("SUTLER_BACKUP_KEEP", "10001"),
        ("SUTLER_BACKUP_HOUR", "24"),
        ("SUTLER_BACKUP_HOUR", "-1"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Plan.of(read({name: value}))


def test_a_success_ends_the_run_and_the_alarms() -> None:
    fail(NOW - 2 * HOUR)
    assert open_kinds() == ["backup failed"]
    assert not runs.status(NOW).is_ok
    succeed(NOW - HOUR)
    status = runs.status(NOW)
    assert status.is_ok
    assert status.age_seconds == 3600
    assert open_kinds() == []


def test_a_failure_raises_an_alarm_that_says_why_though_yesterday_s_is_good() -> None:
    succeed(NOW - 24 * HOUR)
    fail(NOW, "No space left on device")
    status = runs.status(NOW)
    assert (status.is_ok, status.age_seconds) == (False, 24 * 3600)
    assert cause_text(Alarm.objects.get().cause) == "The backup failed: No space left on device"


def test_one_runs_at_a_time_and_one_that_went_silent_is_given_up() -> None:
    first = runs.begin(NOW)
    assert first is not None
    assert runs.begin(NOW + HOUR) is None
    assert runs.begin(NOW + 10 * HOUR) is not None
    first.refresh_from_db()
    assert (first.state, first.fault) == (State.FAILED, runs.STOPPED)
    assert open_kinds() == ["backup failed"]
    runs.end(first, "/backup/a", MANIFEST, NOW + 11 * HOUR, is_checked=True)
    first.refresh_from_db()
    assert first.state == State.FAILED


def test_without_any_run_the_age_is_endless() -> None:
    status = runs.status(NOW)
    assert (status.is_ok, status.age_seconds, status.last, status.done) == (False, math.inf, None, None)


@pytest.mark.parametrize(
    ("first", "looks_after"),
    [(None, 26 * HOUR), (State.DONE, 27 * HOUR), (State.FAILED, 26 * HOUR), (State.RUNNING, 26 * HOUR)],
)
def test_26_hours_without_a_good_one_raise_an_alarm_once(first: State | None, looks_after: timedelta) -> None:
    watch = Watch(PLAN)
    if first is not None:
        run_of(first, NOW)
    assert watch.watch(NOW) == 0
    assert watch.watch(NOW + 26 * HOUR) == 0
    assert watch.watch(NOW + looks_after + HOUR) == 1
    assert watch.watch(NOW + looks_after + 2 * HOUR) == 0
    alarm = Alarm.objects.get(kind=Alarm.Kind.BACKUP_MISSED)
    assert cause_text(alarm.cause).startswith("No backup has succeeded for 2")
    alarms.close_by_id(alarm.pk, "staff", NOW)
    assert watch.watch(NOW + looks_after + 3 * HOUR) == 1
    succeed(NOW + 30 * HOUR)
    assert open_kinds() == []


def test_where_none_is_configured_none_is_missed() -> None:
    watch = Watch(Plan("", 14, 3))
    watch.watch(NOW)
    assert watch.watch(NOW + 100 * HOUR) == 0
    assert open_kinds() == []


def test_old_runs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_KEPT", 3)
    for day in range(6):
        succeed(NOW + timedelta(days=day))
    assert BackupRun.objects.count() == 3
    assert runs.status(NOW + timedelta(days=5)).age_seconds == 0


def test_the_worker_makes_what_is_due_and_waits_an_hour_if_it_could_not_even_begin() -> None:
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], _: threading.Event) -> int:
        commands.append(command)
        return 1

    nightly = Nightly(PLAN, threading.Event(), run)
    assert [nightly.make_due(NOW + minutes * HOUR / 60) for minutes in (0, 1, 59, 60, 61)] == [1, 0, 0, 1, 0]
    assert commands == [("backup", "--check")] * 2
    succeed(NOW + 2 * HOUR)
    assert nightly.make_due(NOW + 3 * HOUR) == 0


@pytest.mark.parametrize(("age", "is_ok"), [(None, 0.0), (timedelta(hours=5), 1.0), (timedelta(hours=27), 0.0)])
def test_the_metrics_tell_the_age_of_the_newest(client: Client, age: timedelta | None, is_ok: float) -> None:
    if age is not None:
        succeed(SystemClock().now() - age)
    lines = client.get("/metrics", REMOTE_ADDR="127.0.0.1").content.decode().splitlines()
    figures = dict(line.split() for line in lines if line.startswith("sutler_backup_"))
    assert float(figures["sutler_backup_ok"]) == is_ok
    assert float(figures["sutler_backup_age_seconds"]) == pytest.approx(
        age.total_seconds() if age else math.inf, abs=60
    )
