"""Every page as every person: who may see it, and what holds for all of them."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import Customer, Role
from tests.conftest import make_service
from tests.ordering import placed
from tests.pages.conftest import browser_of, make_person
from tests.pages.walk import Address, addresses, rooms

MOST_QUERIES = 12
INLINE = re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*application/json)|<style|\son\w+=|\sstyle=|javascript:")
PAGES = [each for each in addresses() if not each.path.startswith(("/adminapi", "/assets"))]
SHOP, OFFICE = rooms("shop:"), rooms("office:")


def named(address: Address) -> str:
    return address.path


def test_the_walk_finds_the_rooms() -> None:
    assert {"shop:dashboard", "office:overview", "account_login", "front_page"} <= {each.name for each in PAGES}


@pytest.mark.parametrize("address", [*SHOP, *OFFICE], ids=named)
def test_a_guest_is_asked_to_sign_in(guest: Client, address: Address) -> None:
    answer = guest.get(address.path)
    assert answer.status_code in {302, 405}
    if answer.status_code == 302:
        assert answer.headers["Location"].startswith("/account/login/?next=")


@pytest.mark.parametrize("address", OFFICE, ids=named)
def test_there_is_no_office_for_customers(alice_browser: Client, address: Address) -> None:
    assert alice_browser.get(address.path).status_code in {404, 405}
    assert alice_browser.post(address.path).status_code in {404, 405}


@pytest.mark.parametrize("address", SHOP, ids=named)
def test_there_is_no_shop_for_staff_who_are_not_signed_in_as_a_customer(sam_browser: Client, address: Address) -> None:
    assert sam_browser.get(address.path).status_code in {404, 405}
    assert sam_browser.post(address.path).status_code in {404, 405}


@pytest.mark.parametrize("address", PAGES, ids=named)
def test_what_nobody_has_is_not_found_and_nothing_fails(
    guest: Client, alice_browser: Client, sam_browser: Client, address: Address
) -> None:
    for browser in (guest, alice_browser, sam_browser):
        assert browser.get(address.path).status_code < 500
        assert browser.get(address.path, {"before": "x", "page": "-1", "q": "\x00"}).status_code < 500


@pytest.mark.parametrize("address", PAGES, ids=named)
def test_nothing_runs_inline_and_every_page_has_its_marks(
    guest: Client, alice_browser: Client, sam_browser: Client, address: Address
) -> None:
    for browser in (guest, alice_browser, sam_browser):
        answer = browser.get(address.path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.content:
            html = answer.content.decode()
            assert INLINE.search(html) is None
            assert html.count("<h1") == 1
            assert 'id="content"' in html
            assert re.search(r'<html lang="\w+"', html)
            assert '<form method="post"' not in html or "csrfmiddlewaretoken" in html


@pytest.mark.parametrize("address", [each for each in [*SHOP, *OFFICE] if not each.has_parameters], ids=named)
def test_a_page_needs_few_queries(
    alice: Customer, alice_browser: Client, sam_browser: Client, address: Address
) -> None:
    placed(alice, make_service())
    browser = sam_browser if address in OFFICE else alice_browser
    browser.get(address.path)  # the process keeps the panel's face and the terms
    with CaptureQueriesContext(connection) as queries:
        browser.get(address.path)
    assert len([each for each in queries if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]) <= MOST_QUERIES


@pytest.mark.parametrize("role", Role.values)
def test_every_link_that_a_role_is_shown_opens(db: None, role: str) -> None:
    browser = browser_of(make_person("who@example.com", role=role))
    html = browser.get("/office/").content.decode()
    for link in set(re.findall(r'<li><a href="([^"]+)"', html)):
        assert browser.get(link, follow=True).status_code == 200, link


def test_every_link_that_a_customer_is_shown_opens(alice_browser: Client) -> None:
    html = alice_browser.get("/dashboard").content.decode()
    for link in set(re.findall(r'<li><a href="([^"]+)"', html)):
        assert alice_browser.get(link, follow=True).status_code == 200, link
