"""Whatever moves customers' prices or limits shows it first: here in the shell."""

import pytest
from click.testing import CliRunner, Result

from sutler.catalogue.models import Service
from sutler.cli import main
from sutler.fulfilment.catalogue import routes
from sutler.fulfilment.models import PriceRule, Route, UpstreamService
from tests.conftest import NOW, make_service
from tests.fulfilment.catalogue.catalogues import make_provider, said, take, upstream

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

Terms = tuple[int, int | None, int]


def sold_cheaply() -> Service:
    """A service at 0.39 by a rule, and a provider that sells the same for 7.86 too, and for a little more."""
    provider = make_provider(sealed_key="")
    take(
        provider,
        said("1", rate_micros=300_000),
        said("2", rate_micros=7_860_000, max=600),
        said("3", rate_micros=330_000, max=900),
    )
    service = make_service(rate_micros=390_000)
    PriceRule.objects.create(service=service, markup_basis_points=3_000)
    routes.add(service.pk, upstream("1").pk, NOW)
    return service


@pytest.fixture
def cheap() -> Service:
    return sold_cheaply()


def terms(service: Service) -> Terms:
    service.refresh_from_db()
    return service.rate_micros, service.held_rate_micros, service.max


def sutler(*arguments: object, typed: str = "") -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], input=typed)


class TestShell:
    def add(self, service: Service, upstream_id: str, *options: object, typed: str = "") -> Result:
        provider = UpstreamService.objects.values_list("provider", flat=True)[0]
        return sutler("provider", "route", "add", service.pk, provider, upstream_id, *options, typed=typed)

    def test_a_route_that_moves_nothing_is_not_asked_about(self, cheap: Service) -> None:
        result = self.add(cheap, "101")
        assert (result.exit_code, Route.objects.count(), terms(cheap)) == (0, 2, (390_000, None, 10_000))

    def test_a_dry_run_shows_and_changes_nothing(self, cheap: Service) -> None:
        result = self.add(cheap, "3", "--preference", 1, "--dry-run")
        assert "Followers: 0.39, 50 - 10000, active -> 0.429, 50 - 900, active" in result.stdout
        assert (result.exit_code, Route.objects.count(), terms(cheap)) == (0, 1, (390_000, None, 10_000))

    @pytest.mark.parametrize(("typed", "routes_after", "after"), [("n\n", 1, 390_000), ("y\n", 2, 429_000)])
    def test_it_is_asked_about(self, cheap: Service, typed: str, routes_after: int, after: int) -> None:
        self.add(cheap, "3", "--preference", 1, typed=typed)
        assert (Route.objects.count(), terms(cheap)[0]) == (routes_after, after)

    def test_a_rise_waits_is_listed_and_decided(self, cheap: Service) -> None:
        result = self.add(cheap, "2", "--preference", 1, "--yes")
        assert "10.218 awaits a decision" in result.stdout
        assert terms(cheap) == (390_000, 10_218_000, 10_000)
        assert "10.218" in sutler("service", "held").stdout
        assert sutler("service", "decide", cheap.pk, "dismiss", "--yes").exit_code == 0
        assert terms(cheap)[0] == 390_000
        assert sutler("service", "decide", cheap.pk, "accept", "--yes").exit_code == 0
        assert terms(cheap) == (10_218_000, None, 600)
        assert sutler("service", "decide", cheap.pk, "accept").exit_code == 1

    def test_a_rise_may_be_accepted_at_the_door(self, cheap: Service) -> None:
        self.add(cheap, "2", "--preference", 1, "--yes", "--accept-rises")
        assert terms(cheap) == (10_218_000, None, 600)

    def test_taking_the_cheap_route_away_is_shown_too(self, cheap: Service) -> None:
        self.add(cheap, "2", "--yes")
        first = Route.objects.get(preference=1)
        for command in (("remove", first.pk), ("set", first.pk, "--off"), ("set", first.pk, "--preference", 9)):
            assert "10.218 awaits a decision" in sutler("provider", "route", *command, "--dry-run").stdout
        assert terms(cheap) == (390_000, None, 600)
