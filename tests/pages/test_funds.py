"""Funds: the statement, its filters and its file, and adding funds by hand."""

import csv
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import Customer, User
from sutler.books.models import LedgerAccount
from sutler.books.post import adjust, deposit
from sutler.catalogue.models import Service
from sutler.core.clock import SystemClock
from sutler.core.lifecycle import Status
from sutler.payments import funds, methods
from sutler.payments.models import FundsRequest, Method
from tests.orders.ordering import balance, placed, reported
from tests.pages.test_orders import words

UNIT = 1_000_000
MOST_QUERIES = 12


@pytest.fixture
def now() -> datetime:
    return SystemClock().now()


def bank(sam: User, now: datetime, **fields: Any) -> Method:
    values: dict[str, Any] = {"currency": "USD", "min_micros": 10 * UNIT, "max_micros": 1000 * UNIT}
    made = methods.save(methods.Draft("Bank", "Pay to the account 123.", **(values | fields)), sam, now)
    assert isinstance(made, Method)
    return made


def amounts(browser: Client, **query: str) -> list[str]:
    """The amounts of the statement, newest first."""
    html = browser.get("/funds", query).content.decode()
    cells = re.findall(r'<td data-label="Amount" class="number">(.*?)</td>', html)
    return [re.sub("<[^>]*>", "", each).replace("\u00a0", " ") for each in cells]


def test_the_statement_tells_every_transfer(
    alice: Customer, alice_browser: Client, bob_browser: Client, service: Service, now: datetime
) -> None:
    order = placed(alice, service, now)
    reported(order, Status.PARTIAL, now, remains=400)
    adjust(alice.pk, -5 * UNIT, "adjust:1", "a <b>mistake</b>", now)
    assert amounts(alice_browser) == ["\u22125.00 USD", "0.36 USD", "\u22120.90 USD", "10,000.00 USD"]
    html = alice_browser.get("/funds").content.decode()
    assert "a &lt;b&gt;mistake&lt;/b&gt;" in html
    assert html.count(f'href="/orders/{order.pk}"') == 2
    said = words(alice_browser, "/funds")
    assert "9,994.46 USD" in said
    assert "Spent, last 12 weeks 0.54 USD" in said
    assert amounts(bob_browser) == ["10,000.00 USD"]


def test_the_statement_is_narrowed(alice: Customer, alice_browser: Client, service: Service, now: datetime) -> None:
    placed(alice, service, now)
    deposit(alice.pk, 7 * UNIT, "deposit:x", "bank", now + timedelta(days=3))
    later = f"{now + timedelta(days=2):%Y-%m-%d}"
    assert amounts(alice_browser, kind="deposit") == ["7.00 USD", "10,000.00 USD"]
    assert amounts(alice_browser, kind="order", last=later) == ["\u22120.90 USD"]
    assert amounts(alice_browser, first=later) == ["7.00 USD"]
    assert len(amounts(alice_browser, kind="x", first="x", before="x")) == 3
    assert "No matching transactions" in words(alice_browser, "/funds", kind="return")


def test_the_statement_goes_on_page_by_page(
    alice: Customer, alice_browser: Client, service: Service, now: datetime
) -> None:
    for number in range(26):
        placed(alice, service, now, link=str(number))
    html = alice_browser.get("/funds", {"kind": "order"}).content.decode()
    [following] = re.findall(r'href="\?([^"]*)" rel="next"', html)
    assert len(amounts(alice_browser, kind="order")) == 25
    assert "kind=order" in following
    assert len(amounts(alice_browser, **dict(each.split("=") for each in following.split("&amp;")))) == 1
    with CaptureQueriesContext(connection) as queries:
        alice_browser.get("/funds")
    assert len(queries) <= MOST_QUERIES


def test_credit_is_shown_to_who_has_it(alice: Customer, alice_browser: Client) -> None:
    assert "Available funds" not in words(alice_browser, "/funds")
    LedgerAccount.objects.filter(customer=alice).update(
        credit_limit_micros=5 * UNIT, largest_credit_limit_micros=5 * UNIT
    )
    assert "Available funds 10,005.00 USD" in words(alice_browser, "/funds")


def test_the_file_holds_what_the_page_is_narrowed_to(
    alice: Customer, alice_browser: Client, service: Service, now: datetime
) -> None:
    placed(alice, service, now)
    answer = alice_browser.get("/funds/statement.csv", {"kind": "order"})
    assert answer.headers["Content-Disposition"] == f'attachment; filename="statement-{now:%Y-%m-%d}.csv"'
    rows = list(csv.DictReader(b"".join(answer).decode().splitlines()))
    assert [(row["kind"], row["amount"]) for row in rows] == [("order", "-0.90")]


def test_a_payment_is_asked_for_shown_and_withdrawn(
    alice: Customer, alice_browser: Client, sam: User, now: datetime
) -> None:
    method = bank(sam, now, fee_basis_points=250)
    assert "Bank · 10.00–1,000.00 USD · fee 2.5%" in words(alice_browser, "/funds/add")
    answer = alice_browser.post("/funds/add", {"method": method.pk, "amount": "40", "note": "from my bank"})
    [made] = FundsRequest.objects.all()
    assert answer.headers["Location"] == f"/funds/add/{made.pk}"
    said = words(alice_browser, f"/funds/add/{made.pk}")
    for each in (made.reference, "Pay to the account 123.", "40.00 USD", "39.00 USD", "from my bank"):
        assert each in said
    assert made.reference in words(alice_browser, "/funds/add")
    alice_browser.post(f"/funds/add/{made.pk}/withdraw")
    assert "You withdrew this request" in words(alice_browser, f"/funds/add/{made.pk}")
    again = alice_browser.post(f"/funds/add/{made.pk}/withdraw", follow=True).content.decode()
    assert "already processed" in again


def test_what_became_of_a_payment_is_told(alice: Customer, alice_browser: Client, sam: User, now: datetime) -> None:
    method, before = bank(sam, now), balance(alice)
    made = [funds.ask(alice.pk, method.pk, 20 * UNIT, "", None, now) for _ in range(2)]
    first, second = (each.pk for each in made if isinstance(each, FundsRequest))
    funds.confirm(first, sam, now)
    funds.reject(second, "another name", sam, now)
    assert balance(alice) == before + 20 * UNIT
    assert "Payment received" in words(alice_browser, f"/funds/add/{first}")
    assert "another name" in words(alice_browser, f"/funds/add/{second}")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"amount": "5"}, "Invalid amount for this method. Enter 10.00 to 1,000.00 USD."),
        ({"amount": "1,000"}, "Invalid amount. Use digits, like 25 or 25.50."),
        ({"amount": "0"}, "Invalid amount. Use digits, like 25 or 25.50."),
        ({"amount": ""}, "This field is required."),
        ({"method": "987"}, "not one of the available choices"),
    ],
)
def test_a_refusal_stands_beside_its_field_and_nothing_typed_is_lost(
    alice: Customer, alice_browser: Client, sam: User, now: datetime, typed: dict[str, str], told: str
) -> None:
    given = {"method": str(bank(sam, now).pk), "amount": "40", "note": "kept words"} | typed
    html = alice_browser.post("/funds/add", given).content.decode()
    [field] = typed
    [errors] = re.findall(rf'<ul class="errorlist" id="id_{field}_error">(.*?)</ul>', html, re.DOTALL)
    assert told in errors
    assert 'value="kept words"' in html
    assert f'value="{given["amount"]}"' in html or not given["amount"]
    assert not FundsRequest.objects.exists()


def test_an_amount_is_read_as_the_reader_writes_it(
    alice: Customer, alice_browser: Client, sam: User, now: datetime
) -> None:
    method = bank(sam, now)
    alice_browser.post("/funds/add", {"method": method.pk, "amount": "40,50"}, headers={"accept-language": "ru"})
    assert FundsRequest.objects.get().amount_micros == 40_500_000


def test_ten_payments_may_wait(alice: Customer, alice_browser: Client, sam: User, now: datetime) -> None:
    method = bank(sam, now)
    for _ in range(funds.MOST_WAITING):
        funds.ask(alice.pk, method.pk, 20 * UNIT, "", None, now)
    html = alice_browser.post("/funds/add", {"method": method.pk, "amount": "40"}).content.decode()
    assert "You have 10 pending payment requests" in html


def test_a_payment_is_its_customers_alone(
    alice: Customer, bob: Customer, bob_browser: Client, sam: User, now: datetime
) -> None:
    made = funds.ask(alice.pk, bank(sam, now).pk, 20 * UNIT, "", None, now)
    assert isinstance(made, FundsRequest)
    assert bob_browser.get(f"/funds/add/{made.pk}").status_code == 404
    assert bob_browser.post(f"/funds/add/{made.pk}/withdraw").status_code == 404
    assert made.reference not in words(bob_browser, "/funds/add")
    assert FundsRequest.objects.get().state == FundsRequest.State.WAITING


def test_where_no_method_is_offered_the_page_says_so(alice_browser: Client) -> None:
    assert "No payment methods yet" in words(alice_browser, "/funds/add")
