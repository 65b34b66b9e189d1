"""The office's catalogue: services written, arranged, repriced, taken in; categories; price lists."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from sutler.accounts import audit_log
from sutler.accounts.models import Customer, CustomerGroup, Role
from sutler.catalogue import overrides, version
from sutler.catalogue.models import Category, Service, ServiceUpdate
from sutler.fulfilment.models import Route
from tests.conftest import make_service
from tests.fulfilment.upstream import make_provider, make_upstream_service
from tests.fulfilment.upstream_world import route
from tests.pages.conftest import browser_of, make_person
from tests.pages.office.test_customers import errors

pytestmark = pytest.mark.postgresql

FORM = {
    "name": "Likes",
    "type": "Default",
    "min": "10",
    "max": "500",
    "pricing": "fixed",
    "rate": "1.25",
    "refill_wait_hours": "24",
    "cancel": "on",
    "closed_countries": "de, FR",
    "link_allowed": "example.com/*",
}


def kinds() -> list[str]:
    return list(ServiceUpdate.objects.order_by("pk").values_list("kind", flat=True))


def test_a_service_is_made_and_changed(sam_browser: Client) -> None:
    heading = Category.objects.create(name="Social")
    page = sam_browser.post("/office/services/new", FORM | {"category": heading.pk}).headers["Location"]
    made = Service.objects.get()
    assert page == f"/office/services/{made.pk}"
    assert (made.rate_micros, made.closed_countries, made.cancel, made.refill) == (1_250_000, "DE FR", True, False)
    before = version.current()
    sam_browser.post(page, FORM | {"category": heading.pk, "rate": "1.50", "max": "600"})
    made.refresh_from_db()
    assert (made.rate_micros, made.max, kinds()) == (1_500_000, 600, ["new", "price", "limits"])
    assert version.current() != before
    [changed, _made] = audit_log.recent(subject_type="service", subject_id=made.pk)
    assert changed.before == {"rate_micros": 1_250_000, "max": 500}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"max": "5"}, "max"), ({"closed_countries": "XX"}, "closed_countries"), ({"rate": ""}, "rate")],
)
def test_what_cannot_be_is_refused_beside_its_field(sam_browser: Client, wrong: dict[str, str], field: str) -> None:
    heading = Category.objects.create(name="Social")
    html = sam_browser.post("/office/services/new", FORM | {"category": heading.pk} | wrong).content.decode()
    assert errors(html) == [field]
    assert 'value="Likes"' in html
    assert not Service.objects.exists()


def test_a_rule_follows_what_the_route_costs(sam_browser: Client, service: Service) -> None:
    made = route(service)
    page = f"/office/services/{service.pk}"
    given = FORM | {"category": service.category_id, "pricing": "rule", "markup": "50", "fixed": "0", "step": "0.01"}
    given |= {"min": "50", "max": "10000"}
    shown = sam_browser.post(page, given)
    service.refresh_from_db()
    assert service.rate_micros == 900_000
    sam_browser.post(page, given | {"seen": shown.context["seen"]})
    service.refresh_from_db()
    assert service.rate_micros == 750_000
    assert "Upstream" in sam_browser.get(page).content.decode()
    sam_browser.post(f"/office/routes/{made.pk}/disable")
    assert not Route.objects.get().is_on
    sam_browser.post(f"/office/routes/{made.pk}", {"preference": "2", "weight": "3", "most_open": "9"})
    assert Route.objects.filter(preference=2, weight=3, most_open=9).exists()
    sam_browser.post(f"/office/routes/{made.pk}/remove")
    assert not Route.objects.exists()


def test_a_route_is_added_or_refused(sam_browser: Client, service: Service) -> None:
    there = make_upstream_service(make_provider(), upstream_id="77")
    page = f"/office/services/{service.pk}/routes/new"
    given = {"provider": there.provider_id, "upstream_id": "78", "preference": "1", "weight": "1"}
    assert errors(sam_browser.post(page, given).content.decode()) == ["upstream_id"]
    sam_browser.post(page, given | {"upstream_id": "77"})
    assert Route.objects.get().upstream_service == there


def test_services_are_put_into_order(sam_browser: Client) -> None:
    ids = [make_service(name=name).pk for name in "abc"]
    category = Category.objects.get()
    page = f"/office/categories/{category.pk}/order"
    order = Service.objects.order_by("position").values_list("pk", flat=True)
    sam_browser.post(page, {"ids": f"{ids[2]},{ids[0]},{ids[1]}"}, headers={"X-Requested-With": "fetch"})
    assert list(order.all()) == [ids[2], ids[0], ids[1]]
    sam_browser.post(page, {"down": ids[2]})
    assert list(order.all()) == [ids[0], ids[2], ids[1]]
    html = sam_browser.get("/office/services", {"category": category.pk}).content.decode()
    assert 'id="arranged"' in html


def test_categories_are_made_renamed_ordered_and_removed(sam_browser: Client, service: Service) -> None:
    sam_browser.post("/office/categories", {"name": "Second"})
    second = Category.objects.get(name="Second")
    assert errors(sam_browser.post("/office/categories", {"name": "Second"}).content.decode()) == ["name"]
    sam_browser.post("/office/categories/order", {"up": second.pk})
    assert Category.objects.first() == second
    sam_browser.post(f"/office/categories/{second.pk}", {"name": "Other"})
    for each in (second.pk, service.category_id):
        sam_browser.post(f"/office/categories/{each}/remove")
    assert list(Category.objects.all()) == [service.category]


def test_prices_are_seen_before_they_hold(sam_browser: Client) -> None:
    first, second = make_service(), make_service(name="Likes", rate_micros=2_000_001)
    chosen, wanted = f"?services={first.pk}&services={second.pk}", {"how": "raise", "percent": "10"}
    page, apply = f"/office/services/prices{chosen}", f"/office/services/prices/apply{chosen}"
    preview = sam_browser.post(page, wanted)
    assert "0.99" in preview.content.decode()
    assert Service.objects.get(pk=first.pk).rate_micros == 900_000
    sam_browser.post(apply, wanted | {"seen": preview.context["seen"]})
    assert list(Service.objects.order_by("pk").values_list("rate_micros", flat=True)) == [990_000, 2_200_002]
    assert kinds() == ["price", "price"]
    assert errors(sam_browser.post(apply, {"how": "set"}).content.decode()) == ["rate"]


def test_only_the_prices_that_were_previewed_are_set(sam_browser: Client, service: Service) -> None:
    page, apply = (f"/office/services/prices{end}?services={service.pk}" for end in ("", "/apply"))
    rise = {"how": "raise", "percent": "10"}
    seen = sam_browser.post(page, rise).context["seen"]
    Service.objects.update(rate_micros=800_000)
    for other in (rise, rise | {"seen": seen}, rise | {"seen": "x", "percent": "20"}):
        preview = sam_browser.post(apply, other)
        assert (preview.status_code, Service.objects.get().rate_micros) == (200, 800_000)
    assert "Check the new preview" in preview.content.decode()
    assert sam_browser.post(apply, rise | {"percent": "20", "seen": preview.context["seen"]}).status_code == 302
    assert Service.objects.get().rate_micros == 960_000


def test_many_are_changed(sam_browser: Client) -> None:
    first, second = make_service(), make_service(name="Likes")
    page = f"/office/services/edit?services={first.pk}"
    assert "Nothing to change" in sam_browser.post(page, {}).content.decode()
    given = {"state": "paused", "cancel": "no", "refill_days": "30"}
    sam_browser.post(page, given | {"seen": sam_browser.post(page, given).context["seen"]})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.cancel, first.refill_days) == ("paused", False, 30)
    assert (second.state, second.cancel, kinds()) == ("active", True, ["paused"])


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 0),
        ("scope=rows", 0),
        ("scope=rows&shown={0}", 0),
        ("scope=page&shown={0}&services={1}", 1),
        ("scope=found&q=Likes", 1),
        ("scope=found", 2),
    ],
)
def test_nothing_selected_is_nothing(sam_browser: Client, query: str, count: int) -> None:
    made = make_service(), make_service(name="Likes")
    query = query.format(*(each.pk for each in made))
    for page in ("prices", "edit"):
        answer = sam_browser.get(f"/office/services/{page}?{query}")
        assert (answer.context["count"] if answer.status_code == 200 else 0) == count


def test_a_file_is_read_before_it_is_taken_in(sam_browser: Client, service: Service) -> None:
    head = "service,name,type,category,rate,min,max\n"
    wrong = sam_browser.post("/office/services/import/apply", {"content": f"{head},X,Nothing,C,1,1,2"})
    assert "row 1" in wrong.content.decode()
    text = f"{head}{service.pk},Followers,Default,Social,1.10,50,10000\n,Likes,Default,Social,2,1,100"
    seen = sam_browser.post("/office/services/import", {"content": text}).content.decode()
    assert "Import 1 service" in seen
    assert "its ID is that of a service of ours" in seen
    given = {"content": text, "if_taken": "update"}
    seen = sam_browser.post("/office/services/import", given).content.decode()
    assert "Import 2 services" in seen
    assert "rate: 0.90 → 1.10" in seen
    assert Service.objects.count() == 1
    sam_browser.post("/office/services/import/apply", given)
    assert sorted(Service.objects.values_list("rate_micros", flat=True)) == [1_100_000, 2_000_000]
    assert sorted(kinds()) == ["new", "price"]


def test_a_file_in_an_unknown_charset_is_refused(sam_browser: Client) -> None:
    content = "name,type,category,rate,min,max\nПодписчики,Default,C,1,1,2".encode("cp1251")
    file = SimpleUploadedFile("services.csv", content)
    assert "charset is not known" in sam_browser.post("/office/services/import", {"file": file}).content.decode()
    assert not Service.objects.exists()


def test_a_price_list_is_that_of_a_group(alice: Customer, sam_browser: Client, service: Service) -> None:
    group = CustomerGroup.objects.create(name="Resellers", discount_basis_points=1000)
    assert "0.81" in sam_browser.get("/office/prices", {"group": group.pk}).content.decode()
    overrides.put(alice.pk, service.pk, 123_456)
    assert "0.123456" in sam_browser.get("/office/prices/own").content.decode()


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.FULFILMENT])
def test_the_catalogue_is_not_for_everybody(service: Service, role: str) -> None:
    browser = browser_of(make_person("who@example.com", role=role))
    for page in ("services", f"services/{service.pk}", "categories", "prices", "services/import", "services/prices"):
        assert browser.get(f"/office/{page}").status_code == 404
    assert browser.post(f"/office/services/{service.pk}/hide").status_code == 404
