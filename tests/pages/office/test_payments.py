"""The office's payments: requests confirmed and rejected, methods, deposits."""

import pytest
from django.test import Client

from sutler.accounts.models import Customer, Role, User
from sutler.core.clock import SystemClock
from sutler.payments import funds, methods
from sutler.payments.models import FundsRequest, Method
from tests.conftest import START_MICROS
from tests.pages.conftest import browser_of, make_person
from tests.pages.office.test_customers import balance, errors

UNIT = 1_000_000
METHOD = {
    "name": "Bank",
    "instructions": "Send it",
    "currency": "USD",
    "min": "10",
    "max": "500",
    "fee": "1.5",
    "bonus": "0",
    "position": "0",
    "is_offered": "on",
}


@pytest.fixture
def asked(alice: Customer, sam: User) -> FundsRequest:
    """Alice says that she has paid 100."""
    now = SystemClock().now()
    method = methods.save(methods.Draft("Bank", "Send it", "USD", UNIT, 1000 * UNIT, bonus_basis_points=200), sam, now)
    assert isinstance(method, Method)
    made = funds.ask(alice.pk, method.pk, 100 * UNIT, "ACME", None, now)
    assert isinstance(made, FundsRequest)
    return made


def test_a_request_is_credited_once(alice: Customer, asked: FundsRequest, sam_browser: Client) -> None:
    assert asked.reference in sam_browser.get("/office/payments").content.decode()
    page = f"/office/payments/{asked.pk}"
    assert 'value="100.00"' in sam_browser.get(page).content.decode()
    for _ in range(2):
        sam_browser.post(f"{page}/confirm", {"amount": "100"})
    assert balance(alice) == START_MICROS + 102 * UNIT
    assert asked.reference not in sam_browser.get("/office/payments").content.decode()
    assert asked.reference in sam_browser.get("/office/payments", {"state": "all"}).content.decode()
    assert "F-" in sam_browser.get("/office/payments/deposits").content.decode()


def test_another_amount_than_was_asked_may_come(alice: Customer, asked: FundsRequest, sam_browser: Client) -> None:
    page = f"/office/payments/{asked.pk}"
    assert errors(sam_browser.post(f"{page}/confirm", {"amount": "none"}).content.decode()) == ["amount"]
    sam_browser.post(f"{page}/confirm", {"amount": "50"})
    assert balance(alice) == START_MICROS + 51 * UNIT


def test_a_request_is_rejected_for_a_reason(alice: Customer, asked: FundsRequest, sam_browser: Client) -> None:
    page = f"/office/payments/{asked.pk}"
    assert errors(sam_browser.post(f"{page}/reject", {"reason": ""}).content.decode()) == ["reason"]
    sam_browser.post(f"{page}/reject", {"reason": "Nothing came"})
    asked.refresh_from_db()
    assert (asked.state, asked.reason, balance(alice)) == ("rejected", "Nothing came", START_MICROS)


def test_methods_are_written_changed_and_switched_off(sam_browser: Client) -> None:
    assert "No payment methods yet" in sam_browser.get("/office/payments/methods").content.decode()
    sam_browser.post("/office/payments/methods/new", METHOD)
    made = Method.objects.get()
    assert (made.min_micros, made.fee_basis_points, made.is_offered) == (10 * UNIT, 150, True)
    page = f"/office/payments/methods/{made.pk}"
    assert 'value="1.5"' in sam_browser.get(page).content.decode()
    html = sam_browser.post(page, METHOD | {"max": "9", "name": "Kept"}).content.decode()
    assert errors(html) == ["max"]
    assert 'value="Kept"' in html
    sam_browser.post(page, {name: value for name, value in METHOD.items() if name != "is_offered"})
    assert not Method.objects.get().is_offered


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.FULFILMENT])
def test_payments_are_not_for_everybody(asked: FundsRequest, alice: Customer, role: str) -> None:
    browser = browser_of(make_person("who@example.com", role=role))
    for page in ("/office/payments", f"/office/payments/{asked.pk}", "/office/payments/methods"):
        assert browser.get(page).status_code == 404
    assert browser.post(f"/office/payments/{asked.pk}/confirm", {"amount": "100"}).status_code == 404
    assert balance(alice) == START_MICROS


def test_a_request_needs_few_queries(
    asked: FundsRequest, sam_browser: Client, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        sam_browser.get(f"/office/payments/{asked.pk}")
