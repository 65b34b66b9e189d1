"""However a program spells the address, the answer is JSON; what is private is kept by nobody."""

import json

import pytest
from django.test import Client

from sutler.accounts.models import Customer
from tests.live.panel import Panel
from tests.pages.conftest import browser_of, make_person

BALANCE = ["/api/v2", "/api/v2/", "//api/v2", "///api/v2/"]
NOTHING = [
    "/api//v2",
    "/api/v2//",
    "/API/V2",
    "//API/v2",
    "/Api/v2",
    "/api/v1",
    "/api/v2/x",
    "//api",
    "//api/",
    "/api/v2;x",
    "/api/v2%20",
    "/api/v2%0A",
    "/index.php/api/v2",
    "/api/v22",
    "/x/api/v2",
    "//adminapi/v2/orders",
    "/adminapi",
    "/ADMINAPI/v3",
    "/panel/adminapi/v2",
]


@pytest.mark.parametrize("path", BALANCE)
def test_the_api_is_found_under_every_spelling_of_its_address(panel: Panel, path: str) -> None:
    caller = panel.customer("Odd")
    answer = panel.http.post(panel.url + path, data={"key": caller.key, "action": "balance"})
    assert (answer.status_code, answer.json()["currency"]) == (200, "USD")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", NOTHING)
def test_where_there_is_nothing_for_programs_they_are_told_so_in_json(panel: Panel, method: str, path: str) -> None:
    answer = panel.http.request(method, panel.url + path)
    assert answer.status_code in {400, 401, 404, 405}
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.content)


def test_a_foreign_host_is_refused_in_json_too(panel: Panel) -> None:
    answer = panel.http.get(f"{panel.url}/api/v9", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")


def test_pages_stay_pages(client: Client, db: None) -> None:
    for path, code in (("/api", 200), ("/api/", 200), ("/apiary", 404), ("/orders/api-x", 404)):
        answer = client.get(path)
        assert (answer.status_code, "text/html" in answer.headers["Content-Type"]) == (code, True), path


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/account/login/",
        "/account/signup/",
        "/account/logout/",
        "/account/password/reset/",
        "/account/email/",
        "/account/2fa/",
        "/account/sessions/",
        "/account/password/change/",
        "/account/confirm-email/x:y/",
        "/account/reauthenticate/",
        "/account/password/reset/key/1-abc-def/",
        "/account/nothing",
        "/dashboard",
        "/orders",
        "/",
        "/api",
        "/terms",
        "/report",
        "/services",
        "/nothing",
        "/keys",
    ],
)
def test_what_a_signed_in_person_sees_is_kept_by_nobody(alice: Customer, path: str) -> None:
    browser = browser_of(make_person("alice@example.com", alice))
    assert "no-store" in browser.get(path).headers["Cache-Control"]


@pytest.mark.django_db
def test_our_own_files_may_be_kept_by_everybody(alice: Customer) -> None:
    browser = browser_of(make_person("alice@example.com", alice))
    assert "public" in browser.get("/panel/accent.css").headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/account/login/", "/account/signup/", "/account/password/reset/"])
def test_the_sign_in_pages_are_kept_by_nobody_for_guests_too(client: Client, path: str) -> None:
    assert "no-store" in client.get(path).headers["Cache-Control"]
