"""Stripe Checkout from the shop to the balance: a session, the way to it, events as Stripe signs them, look-ups."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from sutler.accounts.models import Customer, User
from sutler.core.clock import SystemClock
from sutler.payments import look_ups, reconcile
from sutler.payments.gateways.shape import FactKind, Failure, Flaw, Notice
from sutler.payments.gateways.stripe.gateway import STRIPE
from sutler.payments.models import Alert, Checkout, FundsRequest, GatewayNotice, Method
from tests.conftest import NOW, START_MICROS
from tests.orders.ordering import balance
from tests.pages.conftest import browser_of, make_person
from tests.payments.gateway_methods import STRIPE_SETTINGS, UNIT, method_of, sent, stripe_notice
from tests.payments.gateway_server import Asked, GatewayServer, served

pytestmark = pytest.mark.postgresql

PAGE = "https://checkout.stripe.example/c/pay/cs_test_1"


@pytest.fixture
def now() -> datetime:
    return SystemClock().now()


@pytest.fixture
def session() -> dict[str, Any]:
    """What Stripe answers; a test changes it as the session goes on."""
    return {"id": "cs_test_1", "url": PAGE, "payment_status": "unpaid", "status": "open", "currency": "usd"}


@pytest.fixture
def stripe(session: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayServer]:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", ["127.0.0.1"])

    def script(asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("authorization") != "Bearer sk_test_none":
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided: sk_****"}}
        if asked.path.startswith(("/v1/charges?", "/v1/disputes?")):
            assert "payment_intent=pi_1&" in asked.path
            return 200, {"object": "list", "data": session.get(asked.path[4:].partition("?")[0], [])}
        if asked.method == "POST":
            fields = parse_qs(asked.body.decode())
            session["client_reference_id"] = fields["client_reference_id"][0]
            session["amount_total"] = int(fields["line_items[0][price_data][unit_amount]"][0])
        return 200, session

    with served(script) as server:
        yield server


@pytest.fixture
def method(sam: User, stripe: GatewayServer, now: datetime) -> Method:
    return method_of(sam, "stripe", {**STRIPE_SETTINGS, "api_url": stripe.url}, now)


@pytest.fixture
def alice_browser(alice: Customer) -> Client:
    return browser_of(make_person("alice@example.com", alice))


def event(kind: str, subject: dict[str, Any]) -> dict[str, Any]:
    return {"id": "evt_1", "object": "event", "type": kind, "data": {"object": subject}}


def paid(session: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**session, "payment_status": "paid", "status": "complete", "payment_intent": "pi_1", **fields}


def begun(browser: Client, method: Method, amount: str = "40") -> Checkout:
    answer = browser.post("/funds/add", {"method": method.pk, "amount": amount, "note": ""})
    checkout = Checkout.objects.latest("pk")
    assert answer.headers["Location"] == f"/funds/add/{checkout.request_id}/pay", answer.content.decode()
    return checkout


def test_from_the_shop_to_the_balance(
    alice: Customer,
    alice_browser: Client,
    method: Method,
    stripe: GatewayServer,
    session: dict[str, Any],
    now: datetime,
) -> None:
    checkout = begun(alice_browser, method)
    [asked] = stripe.asked
    fields = {name: value for name, [value] in parse_qs(asked.body.decode()).items()}
    assert (asked.path, asked.headers["idempotency-key"]) == ("/v1/checkout/sessions", checkout.reference)
    assert fields["line_items[0][price_data][unit_amount]"] == "4000"
    assert fields["payment_intent_data[metadata][reference]"] == checkout.reference
    assert urlsplit(fields["success_url"]).path == f"/funds/add/{checkout.request_id}"
    page = alice_browser.get(f"/funds/add/{checkout.request_id}/pay")
    assert page.headers["Refresh"] == f"0;url={PAGE}"
    assert f'href="{PAGE}"' in page.content.decode()

    answer = sent(method, stripe_notice(event("checkout.session.completed", paid(session)), now))
    assert (answer.status_code, answer.content) == (200, b"")
    assert balance(alice) == START_MICROS + 40 * UNIT
    assert "Payment received" in alice_browser.get(f"/funds/add/{checkout.request_id}").content.decode()
    assert alice_browser.get(f"/funds/add/{checkout.request_id}/pay").status_code == 302


NOTICES = [
    # events after the session was begun, in order: what they are worth in the end, and the last outcome
    (["paid"], 40, "applied"),
    (["paid", "paid"], 40, "known"),
    (["unpaid"], 0, "known"),
    (["unpaid", "succeeded"], 40, "applied"),
    (["succeeded", "unpaid"], 40, "known"),
    (["expired"], 0, "applied"),
    (["expired", "paid"], 40, "applied"),
    (["paid", "refunded"], 30, "applied"),
    (["refunded", "paid"], 30, "applied"),
    (["paid", "disputed"], 0, "applied"),
    (["paid", "inquiry"], 0, "applied"),
    (["paid", "inquiry", "inquiry over"], 40, "applied"),
    (["paid", "disputed", "won"], 40, "applied"),
    (["paid", "won", "disputed"], 40, "known"),
    (["paid", "disputed", "lost"], 0, "applied"),
    (["paid", "disputed", "refunded"], 0, "applied"),
    (["paid", "disputed", "refunded", "won"], 30, "applied"),
    (["euros"], 0, "applied"),
    (["other"], 0, "ignored"),
]


@pytest.mark.parametrize(("kinds", "units", "outcome"), NOTICES)
def test_events_end_right(
    alice: Customer,
    alice_browser: Client,
    method: Method,
    session: dict[str, Any],
    now: datetime,
    kinds: list[str],
    units: int,
    outcome: str,
) -> None:
    checkout = begun(alice_browser, method)
    charge = {"payment_intent": "pi_1", "currency": "usd", "metadata": {"reference": checkout.reference}}
    dispute = {"payment_intent": "pi_1", "currency": "usd", "amount": 4000, "status": "needs_response"}
    events = {
        "paid": event("checkout.session.completed", paid(session)),
        "unpaid": event("checkout.session.completed", session),
        "succeeded": event("checkout.session.async_payment_succeeded", paid(session)),
        "expired": event("checkout.session.expired", session),
        "refunded": event("charge.refunded", {**charge, "amount_refunded": 1000}),
        "disputed": event("charge.dispute.created", dispute),
        "inquiry": event("charge.dispute.created", {**dispute, "status": "warning_needs_response"}),
        "inquiry over": event("charge.dispute.closed", {**dispute, "status": "warning_closed"}),
        "won": event("charge.dispute.closed", {**dispute, "status": "won"}),
        "lost": event("charge.dispute.closed", {**dispute, "status": "lost"}),
        "euros": event("checkout.session.completed", paid(session, currency="eur")),
        "other": event("customer.created", {"id": "cus_1"}),
    }
    for each in kinds:
        assert sent(method, stripe_notice(events[each], now)).status_code == 200
    assert balance(alice) == START_MICROS + units * UNIT
    assert GatewayNotice.objects.latest("pk").outcome == outcome


def headers_of(body: bytes, now: datetime, **changed: Any) -> dict[str, str]:
    return stripe_notice({"x": 1}, now, **changed)[1]


@pytest.mark.parametrize(
    ("body", "header", "flaw"),
    [
        (b'{"x": 1}', {"secret": "whsec_other"}, Flaw.FORGED),
        (b'{"x": 2}', {}, Flaw.FORGED),
        (b'{"x": 1}', {"now": NOW - timedelta(seconds=301)}, Flaw.STALE),
        (b'{"x": 1}', {"now": NOW + timedelta(seconds=301)}, Flaw.STALE),
        (b'{"x": 1}', {}, Flaw.UNREADABLE),
    ],
)
def test_an_event_counts_only_if_signed_lately_by_the_secret(body: bytes, header: dict[str, Any], flaw: Flaw) -> None:
    headers = headers_of(body, **{"now": NOW, **header})
    assert STRIPE.read_notice(STRIPE_SETTINGS, body, headers, NOW) is flaw


@pytest.mark.parametrize("header", ["", "t=1", "v1=00", "t=x,v1=00", "t=1,v1=" + "0" * 64, "t=١,v1=00", "," * 99])
def test_a_header_that_is_no_signature_is_refused(header: str) -> None:
    assert STRIPE.read_notice(STRIPE_SETTINGS, b"{}", {"stripe-signature": header}, NOW) is Flaw.FORGED


def test_one_of_several_signatures_is_enough_while_the_secret_is_changed() -> None:
    body, headers = stripe_notice(event("x", {}), NOW)
    at, signature, _other = headers["stripe-signature"].split(",")
    header = f"{at},v1={'0' * 64},{signature}"
    assert STRIPE.read_notice(STRIPE_SETTINGS, body, {"stripe-signature": header}, NOW) == Notice()


@pytest.mark.parametrize(
    ("currency", "unit"), [("USD", 10_000), ("JPY", UNIT), ("KWD", 10_000)], ids=["cents", "none", "three"]
)
def test_currencies_have_their_smallest_units(currency: str, unit: int) -> None:
    assert STRIPE.unit_micros(currency) == unit


def test_a_lost_notice_is_made_up_for_by_looking(
    alice: Customer, alice_browser: Client, method: Method, session: dict[str, Any], now: datetime
) -> None:
    begun(alice_browser, method)
    assert look_ups.look_up_due(now) == 0
    soon = now + timedelta(minutes=3)
    assert (look_ups.look_up_due(soon), look_ups.look_up_due(soon)) == (1, 0)
    assert balance(alice) == START_MICROS
    session.update(paid(session))
    assert look_ups.look_up_due(soon + timedelta(minutes=3)) == 1
    assert balance(alice) == START_MICROS + 40 * UNIT
    sent(method, stripe_notice(event("checkout.session.completed", session), SystemClock().now()))
    assert (balance(alice), look_ups.count_open()) == (START_MICROS + 40 * UNIT, 0)


def test_what_nobody_pays_expires_and_is_looked_for_some_days_more(
    alice: Customer, alice_browser: Client, method: Method, session: dict[str, Any], now: datetime
) -> None:
    begun(alice_browser, method)
    later, looks = now, 0
    while look_ups.count_open() and looks < 100:
        later = Checkout.objects.get().look_at or later
        looks += look_ups.look_up_due(later)
    assert FundsRequest.objects.get().state == "expired"
    assert 10 < looks < 20
    assert later - now > timedelta(days=4)
    sent(method, stripe_notice(event("checkout.session.completed", paid(session)), SystemClock().now()))
    assert balance(alice) == START_MICROS + 40 * UNIT
    assert [each.kind for each in Alert.objects.all()] == ["late"]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"<html>", "it answered HTTP 500"),
        (302, {}, "it answered HTTP 302"),
        (200, b"[]", "it answered HTTP 200"),
        (200, {"id": "cs_1"}, "the answer has no address to pay at"),
        (200, {"id": "cs_1", "url": "javascript:alert(1)"}, "it named no address to pay at"),
        (200, b" " * 300_000, "the answer is longer than 262144 bytes"),
        (402, {"error": {"code": "amount_too_small"}}, "it answered HTTP 402 amount_too_small"),
    ],
)
def test_a_gateway_that_does_not_answer_is_asked_again_by_the_customer(
    alice: Customer,
    alice_browser: Client,
    sam: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: Any,
    why: str,
) -> None:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", ["127.0.0.1"])
    answers: list[tuple[int, Any]] = [(status, body), (200, {"id": "cs_1", "url": PAGE})]
    with served(lambda _asked: answers.pop(0)) as server:
        method = method_of(sam, "stripe", {**STRIPE_SETTINGS, "api_url": server.url}, now)
        answer = alice_browser.post("/funds/add", {"method": method.pk, "amount": "40"}, follow=True)
        checkout = Checkout.objects.get()
        assert (checkout.fault, checkout.begun_at) == (why, None)
        assert "does not answer" in answer.content.decode()
        again = alice_browser.post(f"/funds/add/{checkout.request_id}/pay")
        assert again.headers["Location"] == f"/funds/add/{checkout.request_id}/pay"
        keys = {each.headers["idempotency-key"] for each in server.asked}
        assert (keys, len(server.asked)) == ({checkout.reference}, 2)


def test_no_private_address_is_asked_unless_the_operator_allows_it(
    alice_browser: Client, method: Method, stripe: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_UPSTREAM_PRIVATE_HOSTS", [])
    alice_browser.post("/funds/add", {"method": method.pk, "amount": "40"})
    assert stripe.asked == []
    assert Checkout.objects.get().fault == "its address does not begin with https://"
    Method.objects.update(settings={"api_url": stripe.url.replace("http://", "https://")})
    alice_browser.post(f"/funds/add/{Checkout.objects.get().request_id}/pay")
    assert stripe.asked == []
    assert Checkout.objects.get().fault == "it cannot be reached (ConnectError)"


def test_a_payment_is_its_customers_alone(
    alice_browser: Client, bob: Customer, method: Method, stripe: GatewayServer
) -> None:
    page = f"/funds/add/{begun(alice_browser, method).request_id}/pay"
    bob_browser = browser_of(make_person("bob@example.com", bob))
    assert (bob_browser.get(page).status_code, bob_browser.post(page).status_code) == (404, 404)
    assert len(stripe.asked) == 1


CHARGE = {"payment_intent": "pi_1", "currency": "usd", "amount_refunded": 1000}
DISPUTE = {"payment_intent": "pi_1", "currency": "usd", "amount": 4000, "status": "needs_response"}
BACK = [
    # what Stripe has of a payment of 40 that was credited: what is left, and the difference that is told
    ({}, 40, []),
    ({"charges": [{**CHARGE, "amount_refunded": 0}]}, 40, []),
    ({"charges": [CHARGE]}, 30, [FactKind.REVERSED]),
    ({"disputes": [DISPUTE]}, 0, [FactKind.DISPUTED]),
    ({"disputes": [{**DISPUTE, "status": "lost"}]}, 0, [FactKind.DISPUTE_LOST]),
    ({"charges": [CHARGE], "disputes": [{**DISPUTE, "status": "warning_closed"}]}, 30, [FactKind.REVERSED, "won"]),
    ({"disputes": [{**DISPUTE, "amount": "x"}]}, 40, [Failure("an amount cannot be read")]),
    ({"payment_status": "unpaid"}, 40, ["pi_1"]),
]


@pytest.mark.parametrize(("there", "units", "told"), BACK)
def test_reconciling_finds_what_no_notice_told(
    alice: Customer,
    alice_browser: Client,
    method: Method,
    session: dict[str, Any],
    now: datetime,
    there: dict[str, Any],
    units: int,
    told: list[object],
) -> None:
    begun(alice_browser, method)
    session.update(paid(session))
    [first] = reconcile.reconcile(now, 30)
    assert getattr(first.what, "kind", "") is FactKind.PAID
    assert list(reconcile.reconcile(now, 30)) == []
    session.update(there)
    found = [each.what for each in reconcile.reconcile(now, 30)]
    words = [getattr(each, "kind", "") or getattr(each, "transaction_id", "") or each for each in found]
    assert words == told
    assert Alert.objects.filter(kind="missing").exists() == (told == ["pi_1"])
    assert balance(alice) == START_MICROS + units * UNIT


def test_what_was_credited_is_asked_about_for_two_months(
    alice_browser: Client, method: Method, session: dict[str, Any], now: datetime
) -> None:
    begun(alice_browser, method)
    session.update(paid(session))
    look_ups.look_up_due(now + timedelta(minutes=3))
    looks, at = 0, Checkout.objects.get().look_at
    while at is not None:
        looks, last = looks + look_ups.look_up_due(at), at
        at = Checkout.objects.get().look_at
    assert (looks, (last - now).days) == (6, 61)
    assert list(reconcile.reconcile(now + timedelta(days=31), 30)) == []
