"""What the metrics tell of the whole panel, and that they stay few however large it gets."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from sutler.accounts.models import Customer, Letter, User
from sutler.api import metrics
from sutler.api.panel_metrics import MOST_PROVIDERS, PanelMetrics
from sutler.books.models import Verification
from sutler.catalogue.models import Service
from sutler.core.events import CauseKind, cause
from sutler.core.subjects import WHOLE
from sutler.fulfilment.models import Alarm, Provider
from sutler.fulfilment.providers import alarms, heartbeat
from sutler.orders import restoration
from sutler.orders.place import PlaceRequest, place
from tests.conftest import NOW
from tests.fulfilment.upstream import make_provider

pytestmark = pytest.mark.django_db
MOST_SERIES = 300
AT_DESK = cause(CauseKind.AT_DESK)


def figures() -> dict[str, float]:
    """Returns every figure by its name and the values of its labels."""
    return {
        "/".join((sample.name.removeprefix("sutler_"), *sample.labels.values())): sample.value
        for family in PanelMetrics(NOW).collect()
        for sample in family.samples
    }


def test_a_new_panel_has_every_figure() -> None:
    found = figures()
    assert (found["worker_silent_seconds"], found["backup_age_seconds"]) == (float("inf"), float("inf"))
    assert (found["orders_open/Pending"], found["restoring"], found["verify_mismatches"]) == (0, 0, 0)
    assert any(name.startswith("build_info/") for name in found)


def test_what_stands_in_the_panel_is_told(alice: Customer, service: Service) -> None:
    form = {"service": str(service.pk), "link": "https://example.com/a", "quantity": "100"}
    place([PlaceRequest(alice.pk, form)], NOW - timedelta(seconds=40))
    heartbeat.beat(NOW - timedelta(seconds=30))
    alarms.sound(None, Alarm.Kind.DESK, WHOLE, AT_DESK, NOW)
    restoration.begin(NOW, 1_000_001, NOW)
    Letter.objects.create(to="a@example.com", subject="s", text="t", written_at=NOW, due_at=None)
    make_provider(name="upstream 1", balance_micros=12_500_000, rests_until=NOW + timedelta(minutes=1))
    found = figures()
    told = {
        "orders_open/Pending": 1,
        "orders_oldest_pending_seconds": 40,
        "worker_silent_seconds": 30,
        "alarms_open/no route": 1,
        "alarm_rows": 1,
        "restoring": 1,
        "letters_given_up": 1,
        "letters_waiting": 0,
        "transfers": found["transfers"],
        f"provider_balance/{Provider.objects.get().pk}/upstream 1": 12.5,
        f"provider_up/{Provider.objects.get().pk}/upstream 1": 0,
    }
    assert {name: found[name] for name in told} == told
    assert found["transfers"] >= 2


def test_the_last_audit_is_told(sam: User) -> None:
    findings = [{"breaches": 2}, {"breaches": 1}]
    moments = {"asked_at": NOW, "finished_at": NOW - timedelta(hours=1)}
    Verification.objects.create(state="done", asked_by=sam, findings=findings, **moments)
    assert (figures()["verify_age_seconds"], figures()["verify_mismatches"]) == (3600, 3)


def test_they_stay_few_however_large_the_panel_is(client: Client) -> None:
    for number in range(MOST_PROVIDERS + 5):
        make_provider(name=f"upstream {number}")
    for kind in Alarm.Kind:
        alarms.sound(None, kind, WHOLE, AT_DESK, NOW)
    for action in ("add", "status", "services", "balance", "refill", "refill_status", "cancel"):
        metrics.record_batch(action, 1)
        metrics.record_overload(action)
        metrics.record_failure(action)
    lines = client.get("/metrics").content.decode().splitlines()
    ours = [line for line in lines if line.startswith("sutler_")]
    assert sum(line.startswith("sutler_provider_up") for line in ours) == MOST_PROVIDERS
    assert len(ours) <= MOST_SERIES


def test_readiness_tells_whether_a_worker_lives(client: Client) -> None:
    assert client.get("/readyz").json() == {"status": "ok", "worker": "silent"}
    heartbeat.beat(timezone.now())
    assert client.get("/readyz").json() == {"status": "ok", "worker": "alive"}
