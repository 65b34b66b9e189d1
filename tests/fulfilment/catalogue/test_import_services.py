"""Importing a provider's services: what is put on sale, at what price, and what is refused."""

import pytest

from sutler.catalogue import updates
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.catalogue.import_services import Imported, Rule, bring_in
from sutler.fulfilment.models import PriceRule, Provider, Route
from tests.conftest import NOW
from tests.fulfilment.catalogue.catalogues import make_provider, said, take

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

QUARTER_MORE = Rule(markup_basis_points=2_500, fixed_micros=10_000, step_micros=10_000)


@pytest.fixture
def provider() -> Provider:
    found = make_provider()
    views = {"category": "Views", "dripfeed": True, "refill": False}
    take(found, said("1"), said("2", type="Package", **views), said("3", **views), said("4", type=None, **views))
    return found


def imported(provider: Provider, rule: Rule = QUARTER_MORE, **chosen: object) -> Imported:
    found = bring_in(provider.pk, rule, NOW, **chosen)  # type: ignore[arg-type]
    assert isinstance(found, Imported)
    return found


def test_a_chosen_service_is_put_on_sale_with_route_and_rule(provider: Provider) -> None:
    made = imported(provider, upstream_ids=["1"]).made
    (service,) = Service.objects.select_related("category")
    assert made == {"1": service.pk}
    assert (service.name, service.category.name, service.type) == ("Likes 1", "Likes", "Default")
    assert (service.rate_micros, service.floor_rate_micros) == (640_000, 500_000)
    assert (service.min, service.max) == (50, 10_000)
    assert (service.dripfeed, service.refill, service.cancel) == (False, True, True)
    route = Route.objects.get(service=service)
    assert (route.is_on, route.upstream_service.upstream_id) == (True, "1")
    assert PriceRule.objects.get(service=service).markup_basis_points == 2_500
    assert [(each.kind, each.after) for each in updates.recent()] == [("new", "0.64")]


def test_a_category_comes_whole_but_for_what_cannot_be_sold(provider: Provider) -> None:
    found = imported(provider, categories=["Views"])
    assert sorted(found.made) == ["2", "3"]
    assert found.refused == {"4": "its type 'Telepathy' is none of the protocol's"}
    assert set(Service.objects.values_list("category__name", flat=True)) == {"Views"}


def test_again_there_is_no_duplicate(provider: Provider) -> None:
    first = imported(provider, upstream_ids=["1"])
    again = imported(provider, upstream_ids=["1", "3"])
    assert (again.there, sorted(again.made)) == (first.made, ["3"])
    assert Service.objects.count() == Route.objects.count() == 2


def test_all_may_stand_under_one_heading(provider: Provider) -> None:
    imported(provider, upstream_ids=["1"], categories=["Views"], heading="Sale")
    assert set(Service.objects.values_list("category__name", flat=True)) == {"Sale"}


def test_what_is_sold_is_in_step_from_the_start(provider: Provider) -> None:
    """Bringing it in step once more finds nothing to change."""
    imported(provider, upstream_ids=["1", "2", "3"])
    before = list(Service.objects.order_by("pk").values())
    views = {"category": "Views", "dripfeed": True, "refill": False}
    take(provider, said("1"), said("2", type="Package", **views), said("3", **views), said("4", type=None, **views))
    assert list(Service.objects.order_by("pk").values()) == before


def test_subscriptions_are_refused_since_they_run_here(provider: Provider) -> None:
    take(provider, said("5", type="Subscriptions"))
    assert imported(provider, upstream_ids=["5"]).refused["5"].startswith("Subscriptions run here")


def test_unknown_and_gone_services_are_refused_with_the_reason(provider: Provider) -> None:
    take(provider, *(said(each) for each in "234"))
    found = imported(provider, upstream_ids=["1", "nonsense"])
    assert found.refused == {"1": "it is gone upstream", "nonsense": "there is no such service"}
    assert not Service.objects.exists()


def test_a_cost_in_another_currency_is_converted_and_must_be_known() -> None:
    provider = make_provider("Euro", "EUR")
    take(provider, said("1"))
    assert "EUR" in imported(provider, upstream_ids=["1"]).refused["1"]
    ExchangeRate.objects.create(currency="EUR", base=1_100_000, units=1_000_000)
    service = Service.objects.get(pk=imported(provider, Rule(), upstream_ids=["1"]).made["1"])
    assert service.rate_micros == service.floor_rate_micros == 550_000


@pytest.mark.parametrize(
    ("rule", "field"),
    [(Rule(markup_basis_points=-1), "markup"), (Rule(fixed_micros=-1), "fixed"), (Rule(step_micros=0), "step")],
)
def test_a_rule_out_of_range_is_refused(provider: Provider, rule: Rule, field: str) -> None:
    assert bring_in(provider.pk, rule, NOW, upstream_ids=["1"]) == Refusal(Reason.INCORRECT_FIELD, field)


def test_there_must_be_a_provider() -> None:
    assert bring_in(1, Rule(), NOW) == Refusal(Reason.INCORRECT_FIELD, "provider")
