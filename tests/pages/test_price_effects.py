"""Whatever moves customers' prices or limits shows it first: here on pages."""

from typing import Any

import pytest
from django.test import Client

from sutler.catalogue.models import Service
from sutler.fulfilment.models import Provider, Route, UpstreamService
from tests.fulfilment.catalogue.catalogues import said, take
from tests.fulfilment.catalogue.test_price_effects import sold_cheaply, terms


@pytest.fixture
def cheap(db: None) -> Service:
    return sold_cheaply()


def test_a_dear_route_is_seen_then_confirmed_and_waits(sam_browser: Client, cheap: Service) -> None:
    provider = UpstreamService.objects.values_list("provider", flat=True)[0]
    given: dict[str, Any] = {"provider": provider, "upstream_id": "2", "preference": 1, "weight": 1}
    page = f"/office/services/{cheap.pk}/routes/new"
    shown = sam_browser.post(page, given)
    assert "10.218" in shown.content.decode()
    assert (Route.objects.count(), terms(cheap)) == (1, (390_000, None, 10_000))
    seen = shown.context["seen"]
    assert sam_browser.post(page, given | {"seen": "another"}).status_code == 200
    assert sam_browser.post(page, given | {"seen": seen}).status_code == 302
    assert (Route.objects.count(), terms(cheap)) == (2, (390_000, 10_218_000, 10_000))
    held = f"/office/services/{cheap.pk}/price/accept"
    shown = sam_browser.post(held, {})
    assert terms(cheap)[0] == 390_000
    sam_browser.post(held, {"seen": shown.context["seen"]})
    assert terms(cheap) == (10_218_000, None, 600)


def test_without_a_preference_it_stands_last(sam_browser: Client, cheap: Service) -> None:
    provider = UpstreamService.objects.values_list("provider", flat=True)[0]
    page = f"/office/services/{cheap.pk}/routes/new"
    sam_browser.post(page, {"provider": provider, "upstream_id": "101", "preference": "", "weight": 1})
    assert [each.preference for each in Route.objects.order_by("pk")] == [1, 2]


def test_everything_that_a_provider_sells_is_imported_at_once(sam_browser: Client, cheap: Service) -> None:
    provider = Provider.objects.get()
    take(provider, *(said(str(number)) for number in (1, 2, 3)), said("9", type=None))
    page = f"/office/providers/{provider.pk}/services"
    assert "All 8 found" in sam_browser.get(page).content.decode()
    page = f"/office/providers/{provider.pk}/import?scope=found"
    preview = sam_browser.get(page)
    assert "Import 6 services" in preview.content.decode()
    given = {"markup": "30", "fixed": "0", "step": "0.01", "heading": "", "seen": preview.context["seen"]}
    html = sam_browser.post(page.replace("/import", "/import/apply"), given).content.decode()
    assert "its type &#x27;Telepathy&#x27; is none of the protocol&#x27;s: 1 (9)" in html
    assert Service.objects.count() == 7
    assert UpstreamService.objects.filter(routes=None).count() == 1
