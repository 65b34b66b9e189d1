"""What keeps a program from working with a database: migrations it lacks or does not know, another secret key."""

import json
import subprocess
import threading
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django.fixtures import Settings

from sutler import build
from sutler.accounts import readiness, secret_key
from sutler.accounts.models import PanelKey
from sutler.fulfilment.models import Provider
from sutler.ops.run import Fitness
from sutler.storage import schema
from sutler.storage.sealed import seal
from tests.blank import Blank
from tests.conftest import NOW
from tests.live.panel import SUTLER, free_port, panel_on
from tests.ops.test_cli import environment, failed

pytestmark = pytest.mark.postgresql

KEY, ANOTHER = "for tests only", "another secret key"
FUTURE = ("orders", "0999_from_the_future")


def sealed_provider(key: str, name: str = "Wholesale") -> Provider:
    return Provider.objects.create(
        name=name, url="https://panel.example", currency="USD", sealed_key=seal("k", key), created_at=NOW
    )


@pytest.mark.django_db
def test_a_migrated_database_lacks_nothing_and_has_nothing_strange() -> None:
    assert (schema.compare(), readiness.obstacle()) == (schema.Comparison([], [], []), "")


@pytest.mark.django_db
@pytest.mark.parametrize("name", [FUTURE, ("an_app_of_tomorrow", "0001_initial")])
def test_a_program_older_than_its_database_names_what_it_does_not_know(client: Client, name: tuple[str, str]) -> None:
    MigrationRecorder(connection).record_applied(*name)
    answer = client.get("/readyz")
    assert (answer.status_code, ".".join(name) in answer.json()["status"]) == (503, True)
    assert ".".join(name) in failed(1, "service", "list")


@pytest.mark.django_db
def test_of_many_migrations_a_few_are_named(client: Client) -> None:
    for number in range(900, 950):
        MigrationRecorder(connection).record_applied("orders", f"{number:04}_later")
    assert readiness.obstacle().endswith("orders.0904_later and 45 more")


@pytest.mark.django_db
def test_a_worker_stops_when_a_newer_program_migrates_under_it() -> None:
    stop = threading.Event()
    fitness = Fitness(stop)
    fitness.look(NOW)
    assert not stop.is_set()
    MigrationRecorder(connection).record_applied(*FUTURE)
    fitness.look(NOW)  # not asked at every pass
    assert not stop.is_set()
    fitness.look(NOW.replace(minute=1))
    assert stop.is_set()
    assert "0999_from_the_future" in fitness.obstacle


@pytest.mark.django_db
def test_the_first_key_that_starts_is_the_panels(settings: Settings, client: Client) -> None:
    secret_key.claim()
    assert PanelKey.objects.get().digest == secret_key.digest(KEY)
    settings.SECRET_KEY = ANOTHER
    secret_key.claim()
    assert PanelKey.objects.get().digest == secret_key.digest(KEY)
    assert "another secret key" in failed(1, "service", "list")
    assert (client.get("/readyz").status_code, client.get("/healthz").status_code) == (503, 200)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("current", "older", "said"),
    [
        (KEY, [], ""),
        (KEY, [ANOTHER], ""),
        (ANOTHER, [], "another secret key"),
        (ANOTHER, [KEY], "`sutler secret rotate` finishes"),
        ("", [], "there is no secret key"),
        ("", [KEY], "there is no secret key"),
    ],
)
def test_which_keys_fit_a_panel(settings: Settings, current: str, older: list[str], said: str) -> None:
    secret_key.claim()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = current, older
    obstacle = secret_key.obstacle()
    assert said in obstacle
    assert bool(obstacle) is bool(said)


@pytest.mark.django_db
def test_a_key_that_opens_nothing_of_what_is_sealed_is_not_taken() -> None:
    sealed_provider(ANOTHER)
    secret_key.claim()
    assert "another secret key" in secret_key.obstacle()
    assert not PanelKey.objects.exists()
    sealed_provider(KEY, "Ours")
    secret_key.claim()
    assert secret_key.obstacle() == ""


def test_the_build_is_told_everywhere_in_the_same_words(client: Client) -> None:
    answer = client.get("/healthz").json()
    assert answer == {"status": "ok", "version": build.VERSION, "commit": build.commit()}
    told = subprocess.run([SUTLER, "--version"], capture_output=True, text=True, check=True).stdout
    assert told == f"sutler, version {build.named()}\n"
    assert build.commit() in told


def started(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command with no settings but these, which must end by itself."""
    return subprocess.run(
        [SUTLER, *arguments], env=environment(**settings), capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.long
def test_no_key_no_start_and_no_second_key(blank: Blank, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    with panel_on(blank, here, "keys") as panel:
        of_database = {"SUTLER_DATABASE_URL": panel.database_url, "SUTLER_DATA_DIR": str(here)}
        for command in (["serve", "--port", str(free_port())], ["work"], ["run"], ["staff", "list"]):
            ended = started(*command, **of_database)
            assert (ended.returncode, "there is no secret key" in ended.stderr) == (1, True), ended.stderr
        assert started("init", "--email", "sam@example.com", **of_database).returncode == 0
        key = (here / "secret-key").read_text()
        if panel.is_postgres:
            # Another machine with an empty folder: it gets no key of its own.
            ended = started("init", "--email", "b@example.com", **of_database | {"SUTLER_DATA_DIR": str(there)})
            assert (ended.returncode, "there is no secret key" in ended.stderr) == (1, True), ended.stderr
            assert not (there / "secret-key").exists()
        ended = started("serve", "--port", str(free_port()), **of_database, SUTLER_SECRET_KEY="another")
        assert (ended.returncode, "another secret key" in ended.stderr) == (1, True), ended.stderr
        assert started("staff", "list", **of_database, SUTLER_SECRET_KEY=key.strip()).returncode == 0


def test_nothing_stands_in_for_a_missing_key(tmp_path: Path) -> None:
    program = "import django; django.setup(); from django.core import signing; print(signing.dumps('x'))"
    ended = subprocess.run(
        [SUTLER.with_name("python"), "-c", program],
        env=environment(SUTLER_DATA_DIR=str(tmp_path)) | {"DJANGO_SETTINGS_MODULE": "sutler.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "SECRET_KEY" in ended.stderr, json.dumps(ended.stdout)) == (1, True, '""')
