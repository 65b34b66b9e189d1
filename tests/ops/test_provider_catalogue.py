"""The operator's commands about what providers sell, against the scripted upstream as a real server."""

from collections.abc import Iterator
from typing import Any

import pytest

from sutler.catalogue.models import Service
from sutler.fulfilment import provider_settings
from sutler.fulfilment.models import CatalogueChange, Provider, ProviderMinute, Route
from sutler.simulator.faults import Faults
from sutler.simulator.upstream import KEY, LyingUpstream
from tests.conftest import NOW
from tests.ops.test_cli import done, failed, run
from tests.simulator.test_lying_upstream import serving

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def upstream_and_root() -> Iterator[tuple[LyingUpstream, str]]:
    with serving() as found:
        yield found


@pytest.fixture
def upstream(upstream_and_root: tuple[LyingUpstream, str], settings: Any) -> Iterator[LyingUpstream]:
    """The upstream, honest again, with its provider here as number `ID`."""
    upstream, root = upstream_and_root
    settings.SUTLER = settings.SUTLER | {"SUTLER_UPSTREAM_PRIVATE_HOSTS": ["127.0.0.1"]}
    upstream.faults = Faults()
    for each in upstream.panel.services.values():
        each.rate_micros = 900_000
    made = provider_settings.add(
        "USD", NOW, name="Wholesale", url=f"{root}/api/v2", key=KEY, call_interval_milliseconds=0
    )
    assert isinstance(made, Provider)
    yield upstream


@pytest.fixture
def provider_id(upstream: LyingUpstream) -> str:
    return str(Provider.objects.get().pk)


def sync(provider_id: str, *options: str) -> str:
    return done("provider", "sync", provider_id, *options)


@pytest.fixture
def sold(provider_id: str) -> Service:
    """The upstream's first service, sold on for a quarter more."""
    sync(provider_id)
    done("provider", "import", provider_id, "--service", "1", "--markup", "25", "--step", "0.01")
    return Service.objects.get()


def test_a_sync_fetches_what_is_sold_and_counts_the_call(provider_id: str) -> None:
    assert "20 services, 20 new, 0 changes" in sync(provider_id, "--dry-run")
    assert "1 " not in done("provider", "services", provider_id).partition("\n")[2]
    assert "20 services, 20 new" in done("provider", "sync", "--all")
    assert "20 services, 0 new" in sync(provider_id)
    assert len(done("provider", "services", provider_id).splitlines()) == 21
    assert len(done("provider", "services", provider_id, "--search", "FOLLOWERS").splitlines()) > 1
    assert len(done("provider", "services", provider_id, "--category", "First Category").splitlines()) == 2
    assert sum(ProviderMinute.objects.values_list("calls", flat=True)) == 2


def test_an_import_says_what_was_made_and_what_was_not(provider_id: str) -> None:
    sync(provider_id)
    chosen = ("--service", "1", "--service", "99", "--markup", "25", "--fixed", "0.01", "--step", "0.01")
    result = run("provider", "import", provider_id, *chosen)
    assert result.stdout == "1 new, 0 already imported, 1 refused.\n"
    assert result.stderr == "1 left out: there is no such service (99)\n"
    assert Service.objects.get().rate_micros == 1_140_000
    assert done("provider", "import", provider_id, "--service", "1") == "0 new, 1 already imported, 0 refused.\n"
    assert "new" in done("service", "updates")


def test_a_jump_is_shown_and_decided(upstream: LyingUpstream, provider_id: str, sold: Service) -> None:
    upstream.panel.services[1].rate_micros = 2_000_000
    assert "1 price: 0.90 -> 2.00 (awaits decision)" in sync(provider_id)
    assert "now 2.00" in done("provider", "services", provider_id)
    change = CatalogueChange.objects.get(state="waiting")
    assert "waiting" in done("provider", "services", provider_id, "--changes")
    assert "off its price has jumped" in done("provider", "route", "list", "--service", str(sold.pk))
    told = done("provider", "decide", str(change.pk), "accept", "--yes").splitlines()
    assert told == [
        f"{sold.pk} {sold.name}: 1.13, 50 - 10000, paused -> 2.50, 50 - 10000, active",
        f"Change {change.pk}: 0.90 -> 2.00 accepted.",
    ]
    assert "is already decided" in failed(1, "provider", "decide", str(change.pk), "dismiss")
    sold.refresh_from_db()
    assert (sold.rate_micros, sold.state) == (2_500_000, "active")


def test_a_bad_catalogue_fails_and_changes_nothing(upstream: LyingUpstream, provider_id: str, sold: Service) -> None:
    upstream.faults = Faults(empty_catalogue=1.0)
    result = run("provider", "sync", provider_id)
    assert result.exit_code == 1
    assert "invalid services answer" in result.stdout
    sold.refresh_from_db()
    assert sold.state == "active"


def test_routes_are_added_changed_and_removed(provider_id: str, sold: Service) -> None:
    kind = next(
        each.upstream_id
        for each in Provider.objects.get().services.order_by("pk")
        if each.type == "Default" and each.upstream_id != "1"
    )
    done("provider", "route", "add", str(sold.pk), provider_id, kind, "--preference", "2", "--most-open", "5", "--yes")
    route = Route.objects.get(preference=2)
    assert f"Route {route.pk} is off.\n" in done("provider", "route", "set", str(route.pk), "--off", "--yes")
    switched_on = done("provider", "route", "set", str(route.pk), "--on", "--unbounded", "--yes")
    assert f"Route {route.pk} is on.\n" in switched_on
    assert len(done("provider", "route", "list").splitlines()) == 3
    assert f"Route {route.pk} is removed.\n" in done("provider", "route", "remove", str(route.pk), "--yes")
    assert "its type differs" in failed(1, "provider", "route", "add", str(sold.pk), provider_id, "2")
    assert "has no service nope" in failed(1, "provider", "route", "add", str(sold.pk), provider_id, "nope")
    assert "route not found" in failed(1, "provider", "route", "remove", str(route.pk))


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (2, ["sync"], "a provider ID or --all"),
        (1, ["sync", "7"], "provider 7 not found"),
        (2, ["import", "7"], "--service and --category, or --all"),
        (2, ["import", "7", "--service", "1", "--markup", "x"], "percentage"),
        (1, ["import", "7", "--service", "1"], "provider 7 not found"),
        (1, ["decide", "7", "accept"], "change 7 not found"),
        (2, ["decide", "7"], "Missing argument 'CHANGE...'"),
        (1, ["services", "7"], "provider 7 not found"),
        (1, ["route", "set", "7", "--on"], "route not found"),
        (2, ["route", "set", "7", "--most-open", "1", "--unbounded"], "either"),
    ],
)
def test_what_cannot_be_done_is_one_line(code: int, arguments: list[str], said: str) -> None:
    assert said in failed(code, "provider", *arguments)


def test_a_new_exchange_rate_is_followed_at_once(provider_id: str, sold: Service) -> None:
    Provider.objects.update(currency="EUR")
    done("rate", "set", "EUR", "2", "--yes")
    sold.refresh_from_db()
    assert (sold.rate_micros, sold.held_rate_micros, sold.state) == (1_130_000, 2_250_000, "paused")
    done("rate", "set", "EUR", "1.2", "--yes")
    sold.refresh_from_db()
    assert (sold.rate_micros, sold.floor_rate_micros, sold.state) == (1_350_000, 1_080_000, "active")
    done("rate", "set", "EUR", "2", "--yes", "--accept-rises")
    sold.refresh_from_db()
    assert (sold.rate_micros, sold.floor_rate_micros, sold.state) == (2_250_000, 1_800_000, "active")


def test_everything_is_imported_at_once(provider_id: str) -> None:
    sync(provider_id)
    assert done("provider", "import", provider_id, "--all", "--markup", "25").startswith("20 new, 0 already imported,")
    assert done("provider", "import", provider_id, "--all").startswith("0 new, 20 already imported,")
    assert Route.objects.count() == 20
