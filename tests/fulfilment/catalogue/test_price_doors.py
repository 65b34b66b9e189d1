"""Every door by which staff move prices, limits or states of services shows that first, in the shell and on pages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from sutler.accounts.models import AuditEntry, Role
from sutler.catalogue import exchange_rates
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.worth import Worth
from sutler.fulfilment.catalogue import routes
from sutler.fulfilment.models import CatalogueChange, PriceRule, Provider, Route
from tests.conftest import NOW, furnished, make_service
from tests.fulfilment.catalogue.catalogues import make_provider, said, take, upstream
from tests.fulfilment.catalogue.test_price_effects import sutler
from tests.pages.conftest import browser_of, make_person

Names = dict[str, Any]
Doors = list[tuple[str, Callable[[Names], tuple[Any, ...]]]]

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def names(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Names]:
    """A provider paid in euros with a service for each thing that may happen, and a rate and prices that wait."""
    with furnished(django_db_blocker):
        yield _with_prices()


def _with_prices() -> Names:
    exchange_rates.put("EUR", Worth(108, 100), NOW)
    provider = make_provider(currency="EUR", sealed_key="", subscriptions_there=True)
    jumping = said("4", rate_micros=300_000)
    rest = (
        said("1", rate_micros=300_000),
        said("2", rate_micros=7_860_000, max=600),
        said("3", rate_micros=330_000, max=900),
        said("5", type="Subscriptions"),
    )
    take(provider, jumping, *rest)
    cheap, held, jumped = (_sold(upstream_id) for upstream_id in ("1", "3", "4"))
    posts = _sold("5", type="Subscriptions")
    routes.add(held.pk, upstream("2").pk, NOW, preference=1)
    take(provider, said("4", rate_micros=900_000), *rest)
    ExchangeRate.objects.update(offered_base=120, offered_units=100, offered_dated=NOW)
    return {
        "cheap": cheap.pk,
        "held": held.pk,
        "posts": posts.pk,
        "jumped": jumped.pk,
        "provider": provider.pk,
        "route": Route.objects.get(service=held, upstream_service=upstream("3")).pk,
        "change": CatalogueChange.objects.get(state=CatalogueChange.State.WAITING).pk,
    }


def _sold(upstream_id: str, **fields: Any) -> Service:
    service = make_service(name=f"By {upstream_id}", rate_micros=430_000, **fields)
    PriceRule.objects.create(service=service, markup_basis_points=3_000)
    assert isinstance(routes.add(service.pk, upstream(upstream_id).pk, NOW), Route)
    return service


def everything() -> list[list[tuple[Any, ...]]]:
    """All that a door may change."""
    models = (Service, Route, PriceRule, ExchangeRate, Provider, CatalogueChange, AuditEntry)
    return [list(model.objects.order_by("pk").values_list()) for model in models]


SHELL: Doors = [
    ("pause", lambda n: ("service", "set-state", n["cheap"], "paused")),
    ("hide", lambda n: ("service", "set-state", n["cheap"], "hidden")),
    ("held price", lambda n: ("service", "decide", n["held"], "accept")),
    ("jump", lambda n: ("provider", "decide", n["change"], "accept")),
    ("route", lambda n: ("provider", "route", "add", n["cheap"], n["provider"], "3", "--preference", 1)),
    ("route off", lambda n: ("provider", "route", "set", n["route"], "--off")),
    ("no route", lambda n: ("provider", "route", "remove", n["route"])),
    ("subscriptions", lambda n: ("provider", "change", n["provider"], "--subscriptions-here", "--drip-feed-there")),
    ("rate", lambda _: ("rate", "set", "EUR", "1.2")),
    ("rate that jumped", lambda _: ("rate", "accept", "EUR")),
]


@pytest.mark.parametrize("door", [door for _, door in SHELL], ids=[name for name, _ in SHELL])
def test_a_command_shows_first_and_changes_nothing_unless_confirmed(names: Names, door: Any) -> None:
    before, command = everything(), door(names)
    shown = sutler(*command, "--dry-run")
    assert (shown.exit_code, everything()) == (0, before)
    assert " -> " in shown.stdout
    assert "Nothing was changed." in shown.stdout
    for answer in ("n\n", ""):
        assert sutler(*command, typed=answer).exit_code == 1
        assert everything() == before
    assert sutler(*command, typed="y\n").exit_code == 0
    assert everything() != before


def _filled(browser: Client, page: str, **changed: Any) -> Names:
    """What the form of a page sends, with some of it changed; None takes a field out."""
    form = browser.get(page).context["form"]
    values = {name: form[name].value() for name in form.fields} | changed
    return {name: value for name, value in values.items() if value not in (None, False)}


def _provider_form(browser: Client, names: Names) -> tuple[str, Names]:
    page = f"/office/providers/{names['provider']}/settings"
    return page, _filled(browser, page, subscriptions_there=None)


def _service_form(browser: Client, names: Names) -> tuple[str, Names]:
    page = f"/office/services/{names['cheap']}"
    return page, _filled(browser, page, markup="40")


ROUTE = {"upstream_id": "3", "preference": 1, "weight": 1}
PAGES: list[tuple[str, Callable[[Client, Names], tuple[str, Names]]]] = [
    ("many", lambda _, n: (f"/office/services/edit?services={n['cheap']}&services={n['held']}", {"state": "paused"})),
    ("pause", lambda _, n: (f"/office/services/{n['cheap']}/pause", {})),
    ("hide", lambda _, n: (f"/office/services/{n['cheap']}/hide", {})),
    ("held price", lambda _, n: (f"/office/services/{n['held']}/price/accept", {})),
    ("jump", lambda _, n: (f"/office/providers/{n['provider']}/changes/accept", {"changes": n["change"]})),
    ("route", lambda _, n: (f"/office/services/{n['cheap']}/routes/new", ROUTE | {"provider": n["provider"]})),
    ("route off", lambda _, n: (f"/office/routes/{n['route']}/disable", {})),
    ("no route", lambda _, n: (f"/office/routes/{n['route']}/remove", {})),
    ("rule", _service_form),
    ("subscriptions", _provider_form),
    ("rate", lambda *_: ("/office/currencies/set", {"currency": "EUR", "way": "of_one", "number": "1.2"})),
    ("rate that jumped", lambda *_: ("/office/currencies/EUR/accept", {})),
]


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(make_person("owner@example.com", role=Role.OWNER))


@pytest.mark.parametrize("door", [door for _, door in PAGES], ids=[name for name, _ in PAGES])
def test_a_page_shows_first_and_changes_nothing_unless_seen(names: Names, browser: Client, door: Any) -> None:
    page, given = door(browser, names)
    before = everything()
    shown = browser.post(page, given)
    assert "Changes for customers" in shown.content.decode()
    assert browser.post(page, given | {"seen": "another"}).context["seen"] == shown.context["seen"]
    assert everything() == before
    again = dict(shown.context["fields"]) | {"seen": shown.context["seen"]}
    Service.objects.filter(pk__in=(names["cheap"], names["held"], names["posts"], names["jumped"])).update(max=8_000)
    moved = everything()
    anew = browser.post(page, again)
    assert (anew.context["seen"] != shown.context["seen"], everything()) == (True, moved)
    assert browser.post(page, again | {"seen": anew.context["seen"]}).status_code == 302
    assert everything() != moved


def test_a_key_is_on_no_page_that_asks(names: Names, browser: Client) -> None:
    page, given = _provider_form(browser, names)
    before = everything()
    html = browser.post(page, given | {"key": "secret-4711"}).content.decode()
    assert ("Save it first" in html, "secret-4711" in html, everything() == before) == (True, False, True)


def test_what_moves_nothing_is_not_asked_about(names: Names) -> None:
    assert sutler("provider", "change", names["provider"], "--drip-feed-there").exit_code == 0
    assert sutler("service", "set-state", names["cheap"], "active").exit_code == 0


def test_of_many_decisions_one_that_cannot_be_leaves_all_undone(names: Names) -> None:
    before = everything()
    for group, first in (("service", names["held"]), ("provider", names["change"])):
        assert sutler(group, "decide", first, 777, "accept", "--yes").exit_code == 1
        assert everything() == before


def test_a_service_that_no_route_can_deliver_is_not_put_on_sale_at_the_shell(names: Names) -> None:
    sutler("provider", "change", names["provider"], "--subscriptions-here", "--yes")
    done = sutler("service", "set-state", names["posts"], "active")
    assert done.stdout == f"Service {names['posts']} is paused. No route can deliver it.\n"
    assert Service.objects.get(pk=names["posts"]).state == "paused"
    assert AuditEntry.objects.filter(action="service state set").count() == 1
