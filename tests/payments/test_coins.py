"""BTCPay Server, NOWPayments and Cryptomus: begun, reported, asked, against servers that answer as is documented."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from sutler.accounts.models import Customer, User
from sutler.core.clock import SystemClock
from sutler.payments import look_ups
from sutler.payments.models import Alert, Checkout, FundsRequest, Method
from tests.conftest import START_MICROS
from tests.orders.ordering import balance
from tests.pages.conftest import browser_of, make_person
from tests.payments.gateway_methods import UNIT, method_of, sent
from tests.payments.gateway_server import Asked, GatewayServer, served


@pytest.fixture
def now() -> datetime:
    return SystemClock().now()


@pytest.fixture
def alice_browser(alice: Customer) -> Client:
    return browser_of(make_person("alice@example.com", alice))


@dataclass
class World:
    """A gateway's server with what it knows (`there`, which a test changes), and the method that leads to it."""

    there: dict[str, Any] = field(default_factory=dict)
    server: GatewayServer = field(default_factory=lambda: GatewayServer(""))
    method: Method = field(default_factory=Method)


def world(
    script: Callable[[dict[str, Any], Asked], tuple[int, Any]],
    sam: User,
    kind: str,
    values: dict[str, str],
    now: datetime,
    **terms: Any,
) -> Iterator[World]:
    made = World()
    with pytest.MonkeyPatch.context() as patch, served(lambda asked: script(made.there, asked)) as made.server:
        patch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", ["127.0.0.1"])
        made.method = method_of(sam, kind, {**values, "api_url": made.server.url}, now, **terms)
        yield made


def begun(browser: Client, method: Method, amount: str = "50") -> Checkout:
    browser.post("/funds/add", {"method": method.pk, "amount": amount})
    checkout = Checkout.objects.latest("pk")
    assert checkout.begun_at, checkout.fault
    return checkout


def raised() -> set[str]:
    return set(Alert.objects.filter(closed_at=None).values_list("kind", flat=True))


# BTCPay Server


def btcpay_script(there: dict[str, Any], asked: Asked) -> tuple[int, Any]:
    if asked.headers.get("authorization") != "token key":
        return 401, {"code": "unauthenticated", "message": "Authentication is required"}
    if asked.path.endswith("/payment-methods"):
        return 200, there["ways"]
    if asked.method == "POST":
        body = json.loads(asked.body)
        there["invoice"] = {
            "id": "inv1",
            "checkoutLink": "https://btcpay.example/i/inv1",
            "status": "New",
            "additionalStatus": "None",
            "amount": body["amount"],
            "currency": body["currency"],
            "metadata": body["metadata"],
        }
        return 200, there["invoice"]
    if "?orderId=" in asked.path:
        return 200, [there["invoice"]] if "invoice" in there else []
    return 200, there["invoice"]


@pytest.fixture
def btcpay(sam: User, now: datetime) -> Iterator[World]:
    values = {"store_id": "store", "api_key": "key", "webhook_secret": "hook"}
    for made in world(btcpay_script, sam, "btcpay", values, now):
        made.there["ways"] = [{"paymentMethodId": "BTC-CHAIN", "rate": "60000.00", "payments": []}]
        yield made


def btcpay_payment(payment_id: str, value: str, status: str = "Settled") -> dict[str, Any]:
    return {"id": payment_id, "receivedDate": 1, "value": value, "fee": "0.0", "status": status, "destination": "bc1"}


def btcpay_event(kind: str, secret: bytes = b"hook") -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"deliveryId": "d", "type": kind, "storeId": "store", "invoiceId": "inv1"}).encode()
    return body, {
        "content-type": "application/json",
        "btcpay-sig": f"sha256={hmac.new(secret, body, 'sha256').hexdigest()}",
    }


BTCPAY = [
    # payments as (value, status), status of the invoice, what is credited, what staff are told, state
    ([("0.00083333", "Settled")], "Settled", 50, set(), "confirmed"),
    ([("0.00083333", "Processing")], "Processing", 0, set(), "waiting"),
    ([("0.00033333", "Settled"), ("0.00050000", "Settled")], "Settled", 50, set(), "confirmed"),
    ([("0.00033333", "Settled")], "Expired", 0, {"too little"}, "waiting"),
    ([("0.001", "Settled")], "Settled", 60, {"too much"}, "confirmed"),
    ([], "Settled", 50, set(), "confirmed"),
    ([], "Expired", 0, set(), "expired"),
    ([], "Invalid", 0, set(), "expired"),
    ([], "New", 0, set(), "waiting"),
]


@pytest.mark.parametrize(("payments", "status", "units", "told", "state"), BTCPAY)
def test_btcpay_is_asked_what_an_invoice_came_to(
    alice: Customer,
    alice_browser: Client,
    btcpay: World,
    payments: list[tuple[str, str]],
    status: str,
    units: int,
    told: set[str],
    state: str,
) -> None:
    begun(alice_browser, btcpay.method)
    btcpay.there["invoice"]["status"] = status
    btcpay.there["ways"][0]["payments"] = [btcpay_payment(f"p{at}", *each) for at, each in enumerate(payments)]
    for _ in range(2):
        Checkout.objects.update(looked_at=None)
        assert sent(btcpay.method, btcpay_event("InvoiceSettled")).status_code == 200
        assert look_ups.look_up_due(SystemClock().now()) == 1
    assert balance(alice) == START_MICROS + units * UNIT
    assert (FundsRequest.objects.get().state, raised()) == (state, told)


def test_btcpay_a_payment_that_comes_late_is_credited_and_staff_are_told(
    alice: Customer, alice_browser: Client, btcpay: World, now: datetime
) -> None:
    begun(alice_browser, btcpay.method)
    btcpay.there["invoice"]["status"] = "Expired"
    assert sent(btcpay.method, btcpay_event("InvoiceExpired")).status_code == 200
    assert look_ups.look_up_due(now + timedelta(minutes=20)) == 1
    assert FundsRequest.objects.get().state == "expired"
    btcpay.there["ways"][0]["payments"] = [btcpay_payment("p1", "0.00083333")]
    assert sent(btcpay.method, btcpay_event("InvoicePaymentSettled")).status_code == 200
    assert look_ups.look_up_due(now + timedelta(hours=5)) == 1
    assert (balance(alice), raised()) == (START_MICROS + 50 * UNIT, {"late"})


def test_btcpay_a_payment_that_takes_long_to_confirm_is_not_late(
    alice: Customer, alice_browser: Client, btcpay: World, now: datetime
) -> None:
    begun(alice_browser, btcpay.method)
    btcpay.there["invoice"]["status"] = "Processing"
    btcpay.there["ways"][0]["payments"] = [btcpay_payment("p1", "0.00083333", "Processing")]
    assert look_ups.look_up_due(now + timedelta(hours=1)) == 1
    btcpay.there["invoice"]["status"] = "Settled"
    btcpay.there["ways"][0]["payments"] = [btcpay_payment("p1", "0.00083333")]
    assert look_ups.look_up_due(now + timedelta(hours=2)) == 1
    assert (balance(alice), raised()) == (START_MICROS + 50 * UNIT, set())


def test_btcpay_believes_only_the_webhooks_secret(btcpay: World) -> None:
    assert sent(btcpay.method, btcpay_event("InvoiceSettled", b"other")).status_code == 400
    assert sent(btcpay.method, btcpay_event("PayoutCreated")).status_code == 200


def test_btcpay_makes_one_invoice_however_often_it_is_begun(alice_browser: Client, btcpay: World) -> None:
    checkout = begun(alice_browser, btcpay.method)
    Checkout.objects.update(begun_at=None, page_url="")
    alice_browser.post(f"/funds/add/{checkout.request_id}/pay")
    assert [each.method for each in btcpay.server.asked] == ["GET", "POST", "GET"]
    checkout.refresh_from_db()
    assert (checkout.page_url, checkout.gateway_id) == ("https://btcpay.example/i/inv1", "inv1")


# NOWPayments


def nowpayments_script(there: dict[str, Any], asked: Asked) -> tuple[int, Any]:
    if asked.headers.get("x-api-key") != "key":
        return 403, {"statusCode": 403, "code": "INVALID_API_KEY", "message": "Invalid api key"}
    if asked.method == "GET":
        return 200, there["payment"]
    there["asked"] = json.loads(asked.body)
    if asked.path == "/v1/invoice":
        return 200, {"id": "4522625843", "invoice_url": "https://nowpayments.example/payment/?iid=4522625843"}
    return 201, {
        "payment_id": "5745459419",
        "payment_status": "waiting",
        "pay_address": "TXexample",
        "pay_amount": 50.1,
        "pay_currency": "usdttrc20",
    }


NOW_SETTINGS = {"api_key": "key", "ipn_secret": "ipn"}


@pytest.fixture
def nowpayments(sam: User, now: datetime) -> Iterator[World]:
    yield from world(nowpayments_script, sam, "nowpayments", NOW_SETTINGS, now, accepts_partial=True)


def nowpayments_fields(checkout: Checkout, status: str, **fields: Any) -> dict[str, Any]:
    return {
        "payment_id": 5745459419,
        "payment_status": status,
        "pay_address": "TX/é",
        "price_amount": 50,
        "price_currency": "usd",
        "pay_amount": 0.00083,
        "actually_paid": 0.00083,
        "pay_currency": "btc",
        "order_id": checkout.reference,
        "fee": {"currency": "btc", "depositFee": 1e-7},
        "parent_payment_id": None,
        **fields,
    }


def nowpayments_notice(fields: dict[str, Any], secret: bytes = b"ipn") -> tuple[bytes, dict[str, str]]:
    body = json.dumps(fields, ensure_ascii=False).encode()
    signed = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    signature = hmac.new(secret, signed, hashlib.sha512).hexdigest()
    return body, {"content-type": "application/json", "x-nowpayments-sig": signature}


NOWPAYMENTS = [
    ([("finished", {})], 50, set()),
    ([("waiting", {}), ("confirming", {}), ("finished", {}), ("confirming", {}), ("finished", {})], 50, set()),
    ([("partially_paid", {"actually_paid": 0.0004150})], 25, set()),
    ([("finished", {"actually_paid": 0.000996})], 60, {"too much"}),
    ([("finished", {"actually_paid": 0.000829})], 50, set()),
    ([("failed", {})], 0, set()),
    ([("expired", {}), ("finished", {})], 50, {"late"}),
    ([("finished", {}), ("refunded", {})], 0, {"reversed"}),
    ([("refunded", {}), ("finished", {})], 0, {"reversed"}),
    ([("finished", {"price_currency": "eur"})], 0, {"currency"}),
    (
        [("finished", {}), ("finished", {"payment_id": 2, "parent_payment_id": 1, "actually_paid": 0.000166})],
        60,
        {"too much"},
    ),
]


@pytest.mark.parametrize(("notices", "units", "told"), NOWPAYMENTS)
def test_nowpayments_reports_what_came(
    alice: Customer,
    alice_browser: Client,
    nowpayments: World,
    notices: list[tuple[str, dict[str, Any]]],
    units: int,
    told: set[str],
) -> None:
    checkout = begun(alice_browser, nowpayments.method)
    assert nowpayments.there["asked"]["price_amount"] == 50
    assert checkout.page_url == "https://nowpayments.example/payment/?iid=4522625843"
    for status, fields in notices:
        notice = nowpayments_notice(nowpayments_fields(checkout, status, **fields))
        assert sent(nowpayments.method, notice).status_code == 200
    assert balance(alice) == START_MICROS + units * UNIT
    assert raised() == told


def test_nowpayments_believes_only_the_ipn_secret(alice_browser: Client, nowpayments: World) -> None:
    fields = nowpayments_fields(begun(alice_browser, nowpayments.method), "finished")
    body, headers = nowpayments_notice(fields)
    assert sent(nowpayments.method, nowpayments_notice(fields, b"other")).status_code == 400
    assert sent(nowpayments.method, (body.replace(b"50", b"99", 1), headers)).status_code == 400
    assert sent(nowpayments.method, (body, headers)).status_code == 200


def test_nowpayments_shows_the_address_of_a_coin_and_is_asked_about_it(
    alice: Customer, alice_browser: Client, sam: User, now: datetime
) -> None:
    for made in world(nowpayments_script, sam, "nowpayments", NOW_SETTINGS | {"pay_currency": "usdttrc20"}, now):
        answer = alice_browser.post("/funds/add", {"method": made.method.pk, "amount": "50"}, follow=True)
        assert "50.1 USDTTRC20" in (html := answer.content.decode())
        assert "TXexample" in html
        checkout = Checkout.objects.get()
        made.there["payment"] = nowpayments_fields(checkout, "finished")
        assert look_ups.look_up_due(now + timedelta(minutes=5)) == 1
        assert balance(alice) == START_MICROS + 50 * UNIT


# Cryptomus


def cryptomus_sign(body: bytes) -> str:
    return hashlib.md5(base64.b64encode(body) + b"pay key").hexdigest()


def cryptomus_script(there: dict[str, Any], asked: Asked) -> tuple[int, Any]:
    if (asked.headers.get("merchant"), asked.headers.get("sign")) != ("m-1", cryptomus_sign(asked.body)):
        return 401, {"state": 1, "message": "Invalid Sign"}
    if asked.path == "/v1/payment/info":
        return 200, {"state": 0, "result": there["invoice"]}
    fields = json.loads(asked.body)
    there["invoice"] = {
        "uuid": "8b03432e-385b-4670-8d06-064591096795",
        "order_id": fields["order_id"],
        "amount": fields["amount"],
        "currency": fields["currency"],
        "url": "https://pay.cryptomus.example/pay/8b03432e",
        "payment_status": "check",
        "payer_amount": "50.00000000",
        "payment_amount": None,
    }
    return 200, {"state": 0, "result": there["invoice"]}


@pytest.fixture
def cryptomus(sam: User, now: datetime) -> Iterator[World]:
    values = {"merchant": "m-1", "payment_key": "pay key"}
    yield from world(cryptomus_script, sam, "cryptomus", values, now, accepts_partial=True)


def cryptomus_notice(there: dict[str, Any], status: str, **fields: Any) -> tuple[bytes, dict[str, str]]:
    invoice = there["invoice"]
    sent_fields = {
        "type": "payment",
        "uuid": invoice["uuid"],
        "order_id": invoice["order_id"],
        "amount": invoice["amount"],
        "payment_amount": "50.00000000",
        "is_final": True,
        "status": status,
        "from": "a/b é",
        "currency": "USD",
        "txid": None,
        **fields,
    }
    written = json.dumps(sent_fields, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/").encode()
    body = written[:-1] + b',"sign":"' + cryptomus_sign(written).encode() + b'"}'
    return body, {"content-type": "application/json"}


CRYPTOMUS = [
    (["paid"], {}, 50, set()),
    (["confirm_check", "paid", "paid"], {}, 50, set()),
    (["wrong_amount_waiting"], {}, 0, set()),
    (["wrong_amount"], {"payment_amount": "20.00000000"}, 20, set()),
    (["paid_over"], {"payment_amount": "60.00000000"}, 60, {"too much"}),
    (["fail"], {}, 0, set()),
    (["cancel", "paid"], {}, 50, {"late"}),
    (["paid", "refund_process", "refund_paid"], {}, 0, {"reversed"}),
]


@pytest.mark.parametrize(("statuses", "there", "units", "told"), CRYPTOMUS)
def test_cryptomus_reports_what_came(
    alice: Customer,
    alice_browser: Client,
    cryptomus: World,
    statuses: list[str],
    there: dict[str, Any],
    units: int,
    told: set[str],
) -> None:
    assert begun(alice_browser, cryptomus.method).page_url == "https://pay.cryptomus.example/pay/8b03432e"
    for status in statuses:
        Checkout.objects.update(looked_at=None)
        assert sent(cryptomus.method, cryptomus_notice(cryptomus.there, status)).status_code == 200
        cryptomus.there["invoice"] |= {"payment_status": status, **there}
        look_ups.look_up_due(SystemClock().now())
    assert balance(alice) == START_MICROS + units * UNIT
    assert raised() == told


def test_cryptomus_believes_only_what_is_signed_whole(alice_browser: Client, cryptomus: World) -> None:
    begun(alice_browser, cryptomus.method)
    body, headers = cryptomus_notice(cryptomus.there, "paid")
    for forged in (body.replace(b"50.00", b"99.00"), body.replace(b'"status":"paid"', b'"status":"paid_over"')):
        assert forged != body
        assert sent(cryptomus.method, (forged, headers)).status_code == 400
    assert sent(cryptomus.method, (body, headers)).status_code == 200
