"""Every page as every person: who may see it, and what holds for all of them.

Each walk is one test over all addresses: its people are made once, and what is wrong is told page by page.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import Customer, Role
from tests.conftest import make_service
from tests.orders.ordering import placed
from tests.pages.conftest import browser_of, make_person
from tests.pages.walk import Address, addresses, rooms

pytestmark = pytest.mark.postgresql

MOST_QUERIES = 12
INLINE = re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*application/json)|<style|\son\w+=|\sstyle=|javascript:")
PAGES = [each for each in addresses() if not each.path.startswith(("/adminapi", "/assets"))]
SHOP, OFFICE = rooms("shop:"), rooms("office:")


def test_the_walk_finds_the_rooms() -> None:
    assert {"shop:dashboard", "office:overview", "account_login", "front_page"} <= {each.name for each in PAGES}


def test_a_guest_is_asked_to_sign_in(guest: Client) -> None:
    answers = [(each.path, guest.get(each.path)) for each in (*SHOP, *OFFICE)]
    asked = [path for path, answer in answers if answer.headers.get("Location", "").startswith("/account/login/?next=")]
    assert [path for path, answer in answers if path not in asked and answer.status_code != 405] == []


def test_there_is_no_office_for_customers(alice_browser: Client) -> None:
    assert [each.path for each in OFFICE if not is_closed(alice_browser, each)] == []


def test_there_is_no_shop_for_staff_who_are_not_signed_in_as_a_customer(sam_browser: Client) -> None:
    assert [each.path for each in SHOP if not is_closed(sam_browser, each)] == []


def is_closed(browser: Client, address: Address) -> bool:
    """Whether somebody gets nothing there, by asking or by sending."""
    answers = browser.get(address.path), browser.post(address.path)
    return {each.status_code for each in answers} <= {404, 405}


def test_nothing_fails_and_every_page_has_its_marks(guest: Client, alice_browser: Client, sam_browser: Client) -> None:
    """What nobody has is not found; nothing runs inline; what a query string may say breaks nothing.

    Rooms that are closed to somebody are walked above.
    """
    open_to = ((guest, PAGES), (alice_browser, without(OFFICE)), (sam_browser, without(SHOP)))
    faults = []
    for browser, pages in open_to:
        for each in pages:
            odd = browser.get(each.path, {"before": "x", "page": "-1", "q": "\x00"})
            answer = browser.get(each.path)
            faults += [f"{each.path}: {fault}" for fault in (*failures(odd, answer), *missing(answer))]
    assert faults == []


def without(room: Sequence[Address]) -> list[Address]:
    return [each for each in PAGES if each not in room]


def failures(*answers: Any) -> Iterator[str]:
    yield from (f"{each.status_code}" for each in answers if each.status_code >= 500)


def missing(answer: Any) -> Iterator[str]:
    """What a page must have and has not."""
    policy = answer.headers["Content-Security-Policy"]
    if "default-src 'self'" not in policy or "unsafe" in policy:
        yield policy
    if not answer.headers.get("Content-Type", "").startswith("text/html") or not answer.content:
        return
    html = answer.content.decode()
    marks = {
        "something inline": INLINE.search(html) is None,
        "one heading": html.count("<h1") == 1,
        "content": 'id="content"' in html,
        "language": re.search(r'<html lang="\w+"', html),
        "token": '<form method="post"' not in html or "csrfmiddlewaretoken" in html,
    }
    yield from (name for name, is_there in marks.items() if not is_there)


def test_a_page_needs_few_queries(alice: Customer, alice_browser: Client, sam_browser: Client) -> None:
    placed(alice, make_service())
    alice_browser.get("/dashboard")  # the process keeps the panel's face and the terms
    needed = {}
    for each in (*SHOP, *OFFICE):
        if not each.has_parameters:
            with CaptureQueriesContext(connection) as queries:
                (sam_browser if each in OFFICE else alice_browser).get(each.path)
            asked = [query for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
            needed[each.path] = len(asked)
    assert {path: count for path, count in needed.items() if count > MOST_QUERIES} == {}


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
