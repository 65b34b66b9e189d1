"""PayPal: an order is made, approved, captured and asked about, against a server that answers as is documented."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from sutler.accounts.models import Customer, User
from sutler.books import post
from sutler.core.clock import SystemClock
from sutler.payments import look_ups
from sutler.payments.gateways.paypal.gateway import PAYPAL
from sutler.payments.models import Alert, Checkout, Method, Receipt
from tests.conftest import START_MICROS
from tests.orders.ordering import balance
from tests.pages.conftest import browser_of, make_person
from tests.payments.gateway_methods import UNIT, method_of, sent
from tests.payments.gateway_server import Asked, GatewayServer, served

PAGE = "https://paypal.example/checkoutnow?token=5O190127TN364715T"
ORDER = "5O190127TN364715T"


@pytest.fixture
def now() -> datetime:
    return SystemClock().now()


@pytest.fixture
def there() -> dict[str, Any]:
    """The order as PayPal has it; a test changes it."""
    return {}


@pytest.fixture
def paypal(there: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayServer]:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", ["127.0.0.1"])

    def script(asked: Asked) -> tuple[int, Any]:
        if asked.path == "/v1/oauth2/token":
            is_known = asked.headers["authorization"] == "Basic aWQ6c2VjcmV0"
            return (200, {"access_token": "A21"}) if is_known else (401, {"error": "invalid_client"})
        assert asked.headers["authorization"] == "Bearer A21"
        if asked.path.startswith("/v1/customer/disputes"):
            return dispute_answer(there, asked.path)
        if asked.path.endswith("/capture"):
            capture(there)
        elif asked.method == "POST":
            there.update(json.loads(asked.body), id=ORDER, status="PAYER_ACTION_REQUIRED")
            there["links"] = [{"rel": "self", "href": "https://x.example"}, {"rel": "payer-action", "href": PAGE}]
        return 200 if asked.method == "GET" else 201, there

    with served(script) as server:
        yield server


def dispute_answer(there: dict[str, Any], path: str) -> tuple[int, Any]:
    if "dispute_status" in there:
        return there["dispute_status"], {"name": "NOT_AUTHORIZED"}
    disputes = there.get("disputes", [])
    if "?" in path:
        assert path.endswith("disputed_transaction_id=3C679366HH908993F")
        return 200, {"items": [{"dispute_id": each["dispute_id"]} for each in disputes]}
    return 200, next(each for each in disputes if path.endswith(each["dispute_id"]))


def capture(there: dict[str, Any], status: str = "COMPLETED", refunds: tuple[str, ...] = ()) -> None:
    [unit] = there["purchase_units"]
    there["status"] = "COMPLETED"
    unit["payments"] = {
        "captures": [{"id": "3C679366HH908993F", "status": status, "amount": unit["amount"]}],
        "refunds": [
            {"id": f"R{at}", "status": "COMPLETED", "amount": {"currency_code": "USD", "value": each}}
            for at, each in enumerate(refunds)
        ],
    }


@pytest.fixture
def method(sam: User, paypal: GatewayServer, now: datetime) -> Method:
    return method_of(sam, "paypal", {"client_id": "id", "client_secret": "secret", "api_url": paypal.url}, now)


@pytest.fixture
def checkout(alice: Customer, method: Method) -> Checkout:
    browser = browser_of(make_person("alice@example.com", alice))
    browser.post("/funds/add", {"method": method.pk, "amount": "40"})
    made = Checkout.objects.get()
    assert (made.page_url, made.gateway_id) == (PAGE, ORDER), made.fault
    return made


def event(kind: str, resource: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    return json.dumps({"event_type": kind, "resource": resource}).encode(), {"content-type": "application/json"}


def told(method: Method, kind: str, resource: dict[str, Any]) -> None:
    """PayPal sends an event, and the worker asks."""
    Checkout.objects.update(looked_at=None)
    assert sent(method, event(kind, resource)).status_code == 200
    look_ups.look_up_due(SystemClock().now())


def test_what_is_approved_is_captured_once_and_credited(
    alice: Customer, method: Method, checkout: Checkout, there: dict[str, Any], paypal: GatewayServer
) -> None:
    assert there["purchase_units"][0]["custom_id"] == checkout.reference
    there["status"] = "APPROVED"
    for _ in range(2):
        told(method, "CHECKOUT.ORDER.APPROVED", {"id": ORDER})
    assert balance(alice) == START_MICROS + 40 * UNIT
    captures = [each for each in paypal.asked if each.path.endswith("/capture")]
    assert [each.headers["paypal-request-id"] for each in captures] == [f"{checkout.reference}/capture"]


REFUNDS = [("COMPLETED", (), 40), ("PARTIALLY_REFUNDED", ("10.00", "5.00"), 25), ("REFUNDED", ("40.00",), 0)]


@pytest.mark.parametrize(("status", "refunds", "units"), REFUNDS)
def test_refunds_are_taken_back(
    alice: Customer,
    method: Method,
    checkout: Checkout,
    there: dict[str, Any],
    status: str,
    refunds: tuple[str, ...],
    units: int,
) -> None:
    capture(there)
    told(method, "PAYMENT.CAPTURE.COMPLETED", {"supplementary_data": {"related_ids": {"order_id": ORDER}}})
    capture(there, status, refunds)
    told(method, "PAYMENT.CAPTURE.REFUNDED", {"custom_id": checkout.reference})
    assert balance(alice) == START_MICROS + units * UNIT
    assert Alert.objects.filter(kind="reversed").exists() == bool(refunds)


def test_a_made_up_notice_makes_the_panel_ask_and_no_more(
    alice: Customer, method: Method, checkout: Checkout, there: dict[str, Any]
) -> None:
    told(method, "PAYMENT.CAPTURE.COMPLETED", {"id": "x", "custom_id": checkout.reference, "amount": {"value": "40"}})
    assert balance(alice) == START_MICROS
    for body in (b"", b"[]", b"{}", b'{"resource": 1}', b'{"resource": {}}'):
        assert sent(method, (body, {"content-type": "application/json"})).status_code in {200, 400}
    assert balance(alice) == START_MICROS


def test_a_lost_notice_is_made_up_for(
    alice: Customer, checkout: Checkout, there: dict[str, Any], now: datetime
) -> None:
    there["status"] = "APPROVED"
    assert look_ups.look_up_due(now + timedelta(minutes=3)) == 1
    assert balance(alice) == START_MICROS + 40 * UNIT


def test_many_notices_have_paypal_asked_no_more_often(
    method: Method, checkout: Checkout, paypal: GatewayServer, now: datetime
) -> None:
    for _ in range(5):
        assert sent(method, event("CHECKOUT.ORDER.APPROVED", {"id": ORDER})).status_code == 200
        look_ups.look_up_due(now + timedelta(seconds=5))
    assert len([each for each in paypal.asked if each.method == "GET"]) == 1
    assert look_ups.look_up_due(now + timedelta(seconds=16)) == 1


def test_yen_have_no_decimals() -> None:
    assert (PAYPAL.unit_micros("JPY"), PAYPAL.unit_micros("USD")) == (UNIT, 10_000)


def test_a_wrong_secret_is_said(alice: Customer, sam: User, paypal: GatewayServer, now: datetime) -> None:
    values = {"client_id": "id", "client_secret": "other", "api_url": paypal.url}
    method = method_of(sam, "paypal", values, now)
    browser: Client = browser_of(make_person("alice@example.com", alice))
    browser.post("/funds/add", {"method": method.pk, "amount": "40"})
    assert Checkout.objects.get().fault == "it answered HTTP 401 invalid_client"


DISPUTES = [
    # status, outcome, amount: what is left of 40, and what is frozen
    ("WAITING_FOR_SELLER_RESPONSE", "", "40.00", 0, 40),
    ("UNDER_REVIEW", "", "15.00", 25, 15),
    ("RESOLVED", "RESOLVED_SELLER_FAVOUR", "40.00", 40, 0),
    ("RESOLVED", "CANCELED_BY_BUYER", "40.00", 40, 0),
    ("RESOLVED", "RESOLVED_BUYER_FAVOUR", "40.00", 0, 0),
    ("RESOLVED", "ACCEPTED", "15.00", 25, 0),
]


@pytest.mark.parametrize(("status", "outcome", "amount", "units", "frozen"), DISPUTES)
def test_disputes_are_asked_for_once_a_notice_names_the_capture(
    alice: Customer,
    method: Method,
    checkout: Checkout,
    there: dict[str, Any],
    status: str,
    outcome: str,
    amount: str,
    units: int,
    frozen: int,
) -> None:
    capture(there)
    told(method, "PAYMENT.CAPTURE.COMPLETED", {"custom_id": checkout.reference})
    post.adjust(alice.pk, -START_MICROS, "adjustment:x", "spent", checkout.expires_at)
    there["disputes"] = [
        {
            "dispute_id": "PP-D-27803",
            "status": status,
            "dispute_amount": {"currency_code": "USD", "value": amount},
            "dispute_outcome": {"outcome_code": outcome},
        }
    ]
    named = {"disputed_transactions": [{"seller_transaction_id": "3C679366HH908993F"}]}
    for _ in range(2):
        told(method, "CUSTOMER.DISPUTE.CREATED", named)
    assert (balance(alice), Receipt.objects.get().frozen_micros or 0) == (units * UNIT, frozen * UNIT)


@pytest.mark.parametrize(("status", "units"), [(403, 30), (500, 40)])
def test_an_app_that_may_not_see_disputes_sees_refunds(
    alice: Customer, method: Method, checkout: Checkout, there: dict[str, Any], status: int, units: int
) -> None:
    capture(there)
    told(method, "PAYMENT.CAPTURE.COMPLETED", {"custom_id": checkout.reference})
    there["dispute_status"] = status
    capture(there, "PARTIALLY_REFUNDED", ("10.00",))
    told(method, "PAYMENT.CAPTURE.REFUNDED", {"custom_id": checkout.reference})
    assert balance(alice) == START_MICROS + units * UNIT
