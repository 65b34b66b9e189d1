"""The office's providers: added, changed, asked through the worker, their catalogue decided and put on sale."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts import audit_log
from sutler.accounts.models import Customer, Role
from sutler.catalogue.models import Service
from sutler.core.events import failure
from sutler.fulfilment import provider_settings
from sutler.fulfilment.catalogue import decisions
from sutler.fulfilment.models import (
    CatalogueChange,
    LoggedCall,
    PriceRule,
    Provider,
    ProviderTask,
    Route,
    UpstreamService,
)
from sutler.fulfilment.providers.ledger import book_balance_micros
from sutler.fulfilment.worker import tasks
from tests.conftest import NOW
from tests.fulfilment.upstream import There, make_provider, make_upstream_service
from tests.pages.conftest import browser_of, make_person
from tests.pages.office.test_customers import errors

FORM = {
    "name": "Wholesale",
    "url": "https://panel.example/api/v2",
    "key": "s3cret",
    "currency": "USD",
    "method": "POST",
    "key_field": "key",
    "cancel_field": "orders",
    "call_interval_milliseconds": "200",
    "most_at_once": "8",
    "settle_minutes": "15",
    "brake_percent": "2",
    "brake_open": "20",
}
PAGES = ("", "/settings", "/account", "/log", "/services", "/changes", "/import")


def test_a_provider_is_added_and_tested(sam_browser: Client) -> None:
    html = sam_browser.post("/office/providers/new", FORM | {"url": "http://127.0.0.1/"}).content.decode()
    assert errors(html) == ["url"]
    assert "s3cret" not in html
    page = sam_browser.post("/office/providers/new", FORM).headers["Location"]
    made = Provider.objects.get()
    assert page == f"/office/providers/{made.pk}"
    assert list(ProviderTask.objects.order_by("pk").values_list("kind", flat=True)) == ["sync", "test"]
    assert "s3cret" not in str([(each.before, each.after) for each in audit_log.recent()])


def test_what_is_left_empty_stays(sam_browser: Client) -> None:
    made = make_provider(sealed_key="sealed")
    page = f"/office/providers/{made.pk}/settings"
    sam_browser.post(page, FORM | {"key": "", "low_balance_micros": "50"})
    made.refresh_from_db()
    assert (made.name, made.sealed_key, made.low_balance_micros) == ("Wholesale", "sealed", 50_000_000)
    sam_browser.post(page, FORM)
    made.refresh_from_db()
    assert made.sealed_key != "sealed"
    sam_browser.post(f"/office/providers/{made.pk}/pause")
    assert Provider.objects.get().state == "sending stopped"


def test_the_worker_does_what_is_asked(alice: Customer, service: Service, sam_browser: Client) -> None:
    there = There(alice, service)
    page = f"/office/providers/{there.provider.pk}"
    for kind in ("balance", "sync"):
        sam_browser.post(f"{page}/ask", {"kind": kind})
        assert there.run(tasks.carry_out)
    assert not there.run(tasks.carry_out)
    assert list(ProviderTask.objects.values_list("state", flat=True)) == ["done", "done"]
    assert "Provider balance:" in sam_browser.get(page).content.decode()
    assert UpstreamService.objects.filter(provider=there.provider).exists()


def test_a_test_is_asked_once_and_its_report_shown(alice: Customer, service: Service, sam_browser: Client) -> None:
    there = There(alice, service)
    page = f"/office/providers/{there.provider.pk}"
    for _ in range(2):
        sam_browser.post(f"{page}/ask", {"kind": "test"})
    assert ProviderTask.objects.count() == 1
    assert there.run(tasks.carry_out)
    assert "the list of services is valid" in sam_browser.get(page).content.decode()
    assert not LoggedCall.objects.exists()


def test_nothing_is_asked_of_what_is_off(sam_browser: Client) -> None:
    made = make_provider(state="off")
    sam_browser.post(f"/office/providers/{made.pk}/ask", {"kind": "sync"})
    assert not ProviderTask.objects.exists()


def test_money_there_is_booked_once(sam_browser: Client) -> None:
    made = make_provider()
    page = f"/office/providers/{made.pk}/account"
    given = {"what": "topup", "amount": "25", "name": "inv-1", "reason": "card"}
    assert errors(sam_browser.post(page, given | {"reason": ""}).content.decode()) == ["reason"]
    for _ in range(2):
        sam_browser.post(page, given)
    assert book_balance_micros(made.pk) == 25_000_000
    sam_browser.post(page, given | {"what": "drawn", "amount": "5", "name": "fee"})
    assert book_balance_micros(made.pk) == 20_000_000


def test_what_a_provider_says_is_escaped(sam_browser: Client) -> None:
    made = make_provider()
    evil = "<script>alert(1)</script>"
    said = {"asked": {"link": evil}, "answer": evil, "milliseconds": 5, "outcome": "NoAnswer", "cause": failure(evil)}
    LoggedCall.objects.create(provider=made, at=NOW, action="add", order_id=7, **said)
    make_upstream_service(made, name=evil, category=evil)
    for page in ("/log?order=7", "/services"):
        html = sam_browser.get(f"/office/providers/{made.pk}{page}").content.decode()
        assert "&lt;script&gt;" in html
        assert "<script>alert" not in html


def test_services_are_put_on_sale_as_they_were_shown(sam_browser: Client) -> None:
    made = make_provider()
    make_upstream_service(made)
    page = f"/office/providers/{made.pk}/import?services=1"
    given = {"markup": "30", "fixed": "0", "step": "0.01", "heading": "Ours"}
    preview = sam_browser.post(page, given)
    html = preview.content.decode()
    assert "0.65" in html
    assert "0.15" in html
    apply = page.replace("/import", "/import/apply")
    for seen in ("", "x"):
        assert "Check the new preview" in sam_browser.post(apply, given | {"seen": seen}).content.decode()
    UpstreamService.objects.update(rate_micros=600_000)
    assert "0.78" in sam_browser.post(apply, given | {"seen": preview.context["seen"]}).content.decode()
    assert not Service.objects.exists()
    UpstreamService.objects.update(rate_micros=500_000)
    sam_browser.post(apply, given | {"seen": preview.context["seen"]})
    assert Service.objects.get().rate_micros == 650_000
    assert "already imported" in sam_browser.get(page).content.decode()


def test_what_the_filters_find_is_imported_and_nothing_selected_is_nothing(sam_browser: Client) -> None:
    made, other = make_provider(), make_provider(name="Other")
    for provider, upstream_id, category in (
        (made, "1", "Likes"),
        (made, "2", "Likes"),
        (made, "3", "Views"),
        (other, "4", "Likes"),
    ):
        make_upstream_service(provider, upstream_id=upstream_id, name=f"No. {upstream_id}", category=category)
    page = f"/office/providers/{made.pk}/import"
    for nothing in ("", "?scope=rows&shown=1&shown=2", "?scope=page"):
        assert "Nothing selected" in sam_browser.get(page + nothing).content.decode()
    for query, count in (
        ("?scope=rows&services=1", 1),
        ("?scope=page&shown=1&shown=3&services=2", 2),
        ("?scope=found&category=Likes", 2),
        ("?scope=found&q=3", 1),
        ("?scope=found", 3),
        ("?services=4", 0),
    ):
        assert sam_browser.get(page + query).context["new_count"] == count, query
    query = "?scope=found&category=Likes"
    given = {
        "markup": "50",
        "heading": "Ours",
        "seen": sam_browser.post(page + query, {"markup": "50"}).context["seen"],
    }
    sam_browser.post(f"{page}/apply{query}", given)
    assert sorted(Service.objects.values_list("name", "category__name")) == [("No. 1", "Ours"), ("No. 2", "Ours")]


def jumped(
    provider: Provider, upstream_id: str, offered_micros: int, service: Service | None = None
) -> CatalogueChange:
    """A price of 0.50 that is 0.90, or so, and waits; the service that it delivers."""
    there = make_upstream_service(provider, upstream_id=upstream_id, offered_micros=offered_micros)
    if service:
        Route.objects.create(service=service, upstream_service=there, is_on=False, off_reason="rate")
    words = {"kind": "price", "before": "0.50", "after": "0.90", "state": "waiting"}
    return CatalogueChange.objects.create(upstream_service=there, at=NOW, **words)


def states() -> list[str]:
    return list(CatalogueChange.objects.order_by("pk").values_list("state", flat=True))


def test_a_price_that_jumped_is_decided(sam_browser: Client, service: Service) -> None:
    made, other = make_provider(), make_provider(name="Other")
    change = jumped(made, "1", 900_000, service)
    PriceRule.objects.create(service=service, markup_basis_points=2_000)
    page = f"/office/providers/{made.pk}/changes"
    shown = sam_browser.get(page)
    [(_change, percent, [ours])] = shown.context["waiting"]
    assert (percent, ours.before_micros, ours.after_micros, ours.margin_micros) == (80.0, 900_000, 1_080_000, 180_000)
    sam_browser.post(f"/office/providers/{other.pk}/changes/accept", {"changes": change.pk})
    assert states() == ["waiting"]
    given = {"changes": change.pk}
    seen = sam_browser.post(f"{page}/accept", given).context["seen"]
    sam_browser.post(f"{page}/accept", given | {"seen": seen})
    service.refresh_from_db()
    assert (states(), Route.objects.get().is_on, service.rate_micros) == (["accepted"], True, 1_080_000)


def test_a_price_does_not_follow_where_a_better_route_delivers(service: Service) -> None:
    made = make_provider()
    cheaper = make_upstream_service(made, upstream_id="9", rate_micros=400_000)
    Route.objects.create(service=service, upstream_service=cheaper, preference=1)
    change = jumped(made, "1", 900_000, service)
    Route.objects.filter(is_on=False).update(preference=2)
    PriceRule.objects.create(service=service, markup_basis_points=2_000)
    [ours] = decisions.our_prices([change])[change.pk]
    assert (ours.follows, ours.after_micros) == (False, service.rate_micros)
    Route.objects.filter(upstream_service=cheaper).update(preference=2)
    [ours] = decisions.our_prices([change])[change.pk]
    assert (ours.follows, ours.after_micros) == (True, 1_080_000)


@pytest.mark.parametrize(
    ("given", "decided"),
    [({}, 0), ({"scope": "rows"}, 0), ({"scope": "page", "shown": "{0}"}, 1), ({"scope": "found"}, 2)],
)
def test_prices_are_decided_together_and_nothing_selected_is_nothing(
    sam_browser: Client, given: dict[str, str], decided: int
) -> None:
    made, other = make_provider(), make_provider(name="Other")
    changes = [jumped(made, "1", 900_000), jumped(made, "2", 900_000), jumped(other, "3", 900_000)]
    sent = {name: text.format(changes[0].pk) for name, text in given.items()}
    sam_browser.post(f"/office/providers/{made.pk}/changes/reject", sent)
    assert states() == ["dismissed"] * decided + ["waiting"] * (3 - decided)
    assert len([each for each in audit_log.recent() if each.action == "price dismissed"]) == bool(decided)


@pytest.mark.parametrize("below", PAGES)
def test_few_queries_and_not_for_everybody(sam_browser: Client, below: str) -> None:
    made = make_provider()
    for each in range(3):
        make_upstream_service(made, upstream_id=str(each))
    page = f"/office/providers/{made.pk}{below}"
    with CaptureQueriesContext(connection) as queries:
        assert sam_browser.get(page, {"services": ["1", "2"]}).status_code == 200
    assert len(queries) <= 13
    browser = browser_of(make_person("who@example.com", role=Role.SUPPORT))
    assert browser.get(page).status_code == 404


def test_an_account_that_a_provider_has_already_is_refused_by_its_name(sam_browser: Client) -> None:
    terms: Any = {"name": "Wholesale", "url": "https://panel.example/api/v2", "key": "k" * 64}
    assert isinstance(provider_settings.add("USD", NOW, **terms), Provider)
    numbers = {"call_interval_milliseconds": 0, "most_at_once": 8, "settle_minutes": 15, "brake_percent": 2}
    form = numbers | terms | {"name": "Again", "url": f"{terms['url']}/", "currency": "USD", "brake_open": 20}
    form |= {"method": "POST", "key_field": "key", "cancel_field": "orders"}
    html = sam_browser.post("/office/providers/new", form).content.decode()
    assert "Wholesale already uses this URL and key" in html
    assert Provider.objects.count() == 1
    sam_browser.post("/office/providers/new", form | {"key": "other", "same_account_as": Provider.objects.get().pk})
    assert set(Provider.objects.values_list("account", flat=True)) == {Provider.objects.get(name="Wholesale").pk}
