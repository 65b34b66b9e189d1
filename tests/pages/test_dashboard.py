"""The first pages: of a customer, of staff, of a guest."""

import re

import pytest
from django.test import Client

from sutler.accounts.models import Customer, Role
from sutler.catalogue.models import Service
from sutler.core.clock import SystemClock
from sutler.core.lifecycle import Status
from tests.conftest import make_service
from tests.orders.ordering import placed, reported
from tests.pages.conftest import browser_of, make_person


def figures(browser: Client, path: str) -> dict[str, str]:
    """The tiles of a page: name and figure."""
    html = browser.get(path).content.decode()
    tiles = re.findall(r"<dt>(.*?)</dt><dd class=\"figure\">(.*?)</dd>", html, re.DOTALL)
    return {re.sub("<.*?>", "", name): re.sub("<.*?>", "", figure).replace("\u00a0", " ") for name, figure in tiles}


def test_a_customer_sees_balance_open_orders_and_spending(alice: Customer, alice_browser: Client) -> None:
    now = SystemClock().now()
    first, second = (placed(alice, make_service(), now) for _ in range(2))
    reported(first.pk, Status.PARTIAL, now, remains=500)
    assert figures(alice_browser, "/dashboard") == {
        "Balance": "9,998.65 USD",
        "Active orders": "1",
        "Spent, last 30 days": "1.35 USD",
    }
    html = alice_browser.get("/dashboard").content.decode()
    assert re.findall(r'class="id"><a href="/orders/(\d+)"', html) == [str(second.pk), str(first.pk)]


def test_nobody_sees_the_orders_of_another(alice: Customer, alice_browser: Client, bob_browser: Client) -> None:
    placed(alice, make_service(name="Alice's alone"), SystemClock().now())
    assert "Alice" in alice_browser.get("/dashboard").content.decode()
    html = bob_browser.get("/dashboard").content.decode()
    assert "Alice" not in html
    assert "No orders yet" in html


def test_a_suspended_customer_is_told(alice: Customer, alice_browser: Client) -> None:
    Customer.objects.filter(pk=alice.pk).update(suspended_at=SystemClock().now())
    assert "suspended" in alice_browser.get("/dashboard").content.decode()


@pytest.mark.parametrize(("role", "sees_money"), [(Role.OWNER, True), (Role.MANAGER, True), (Role.FULFILMENT, False)])
def test_staff_see_the_numbers_of_the_day_that_their_role_may(alice: Customer, role: str, sees_money: bool) -> None:
    placed(alice, make_service(), SystemClock().now())
    shown = figures(browser_of(make_person("who@example.com", role=role)), "/office/")
    assert shown["Orders today"] == "1"
    assert shown["Pending"] == "1"
    assert ("Charged today" in shown) is sees_money
    if sees_money:
        assert shown["Charged today"] == "0.90 USD"


def test_a_guest_sees_what_is_sold(guest: Client) -> None:
    make_service()
    make_service(state=Service.State.HIDDEN)
    html = guest.get("/").content.decode()
    assert "First Category" in html
    assert "1 service ·" in html


def test_who_is_signed_in_goes_to_where_they_work(alice_browser: Client, sam_browser: Client) -> None:
    assert alice_browser.get("/").headers["Location"] == "/dashboard"
    assert sam_browser.get("/").headers["Location"] == "/office/"
