"""Gateways in the office: methods with secrets, payments with their transactions and notices, alerts, looking up."""

import re
from datetime import datetime

import pytest
from django.test import Client

from sutler.accounts.models import AuditEntry, Customer, Role, User
from sutler.core.clock import SystemClock
from sutler.payments import funds, gateway_settings, methods
from sutler.payments.models import Alert, Checkout, FundsRequest, Method
from tests.conftest import START_MICROS
from tests.orders.ordering import balance
from tests.pages.conftest import browser_of, make_person
from tests.pages.office.test_customers import errors
from tests.payments.gateway_methods import SIGNED_SETTINGS, UNIT, opened, sent, signed_method, signed_notice

METHOD = {
    "name": "Wallet",
    "instructions": "",
    "currency": "USD",
    "min": "1",
    "max": "500",
    "fee": "0",
    "bonus": "0",
    "position": "0",
    "is_offered": "on",
}
NEW = "/office/payments/methods/new?kind=signed"


@pytest.fixture
def now() -> datetime:
    return SystemClock().now()


def form(**changed: str) -> dict[str, str]:
    return METHOD | {f"setting_{name}": value for name, value in (SIGNED_SETTINGS | changed).items()}


def test_a_gateways_method_is_made_and_its_secrets_never_shown_again(sam_browser: Client) -> None:
    assert "Stripe Checkout" in sam_browser.get("/office/payments/methods").content.decode()
    answer = sam_browser.post(NEW, form())
    method = Method.objects.get()
    assert answer.headers["Location"] == f"/office/payments/methods/{method.pk}"
    html = sam_browser.get(f"/office/payments/methods/{method.pk}").content.decode()
    assert f"/payments/notices/{method.public_id}" in html
    assert "second secret" not in html + method.sealed_settings + str(method.settings)
    assert "A secret is stored" in html
    written = str(AuditEntry.objects.get().after)
    assert "notice_secret" in written
    assert "second secret" not in written
    # Left empty, a secret stays; typed in, it is another.
    sam_browser.post(f"/office/payments/methods/{method.pk}", form(secret="", notice_secret="third", answer="YES"))
    method.refresh_from_db()
    settings = gateway_settings.settings_of(method)
    assert (settings["secret"], settings["notice_secret"], settings["answer"]) == ("first secret", "third", "YES")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"secret": ""}, "setting_secret"),
        ({"page_url": ""}, "setting_page_url"),
        ({"page_url": "javascript:alert(1)"}, "setting_page_url"),
        ({"algorithm": "md5"}, "setting_notice_signed"),
        ({"algorithm": "rot13"}, "setting_algorithm"),
        ({"answer": "x" * 1001}, "setting_answer"),
    ],
)
def test_a_gateway_that_is_not_whole_is_not_offered(sam_browser: Client, changed: dict[str, str], field: str) -> None:
    assert errors(sam_browser.post(NEW, form(**changed)).content.decode()) == [field]
    assert not Method.objects.exists()


def test_without_its_secret_it_may_be_kept_for_later(sam_browser: Client) -> None:
    given = {name: value for name, value in form(secret="", notice_secret="").items() if name != "is_offered"}
    sam_browser.post(NEW, given)
    method = Method.objects.get()
    page = f"/office/payments/methods/{method.pk}"
    assert errors(sam_browser.post(page, form(secret="")).content.decode()) == ["setting_secret"]
    assert not Method.objects.get().is_offered
    sam_browser.post(page, form())
    assert Method.objects.get().is_offered


def test_secrets_that_cannot_be_opened_are_typed_in_anew(sam: User, sam_browser: Client, now: datetime) -> None:
    method = signed_method(sam, now)
    Method.objects.update(sealed_settings="gAAAA")
    page = f"/office/payments/methods/{method.pk}"
    assert "A secret is stored" not in sam_browser.get(page).content.decode()
    assert errors(sam_browser.post(page, form(secret="", notice_secret="")).content.decode()) == ["setting_secret"]
    sam_browser.post(page, form())
    assert gateway_settings.settings_of(Method.objects.get())["secret"] == "first secret"


def test_a_kind_that_there_is_not_has_no_page(sam_browser: Client) -> None:
    assert sam_browser.get("/office/payments/methods/new?kind=barter").status_code == 404


def test_a_payment_shows_what_the_gateway_reported(
    alice: Customer, sam: User, sam_browser: Client, now: datetime
) -> None:
    method = signed_method(sam, now)
    checkout = opened(alice, method, now=now)
    sent(method, signed_notice(checkout, "tx-1", "20.00"))
    page = f"/office/payments/{checkout.request_id}"
    html = sam_browser.get(page).content.decode()
    for text in ("tx-1", checkout.reference, "Underpaid: received 20.00 of 50.00 USD", "Not credited", "Look up now"):
        assert text in html
    assert "Underpaid" in sam_browser.get("/office/payments/alerts").content.decode()
    assert checkout.request.reference not in sam_browser.get("/office/payments").content.decode()
    sent(method, signed_notice(checkout, "tx-2", "40.00"))
    sent(method, signed_notice(checkout, "tx-2", "15.00", "refunded"))
    html = sam_browser.get(page).content.decode()
    assert "Overpaid: received 60.00, asked 50.00 USD" in html
    assert "Refunded by the gateway: 15.00 USD" in html
    assert balance(alice) == START_MICROS + 45 * UNIT
    for address in re.findall(rf"{page}/alerts/\d+/close", html):
        sam_browser.post(address)
    assert not Alert.objects.filter(closed_at=None).exists()
    assert "Nothing needs attention" in sam_browser.get("/office/payments/alerts").content.decode()
    assert "tx-2" in sam_browser.get(f"/office/payments/methods/{method.pk}").content.decode()


def test_every_alert_has_its_words(alice: Customer, sam: User, sam_browser: Client, now: datetime) -> None:
    checkout = opened(alice, signed_method(sam, now), now=now)
    data = {
        "came": 1,
        "asked": 2,
        "micros": 3,
        "currency": "EUR",
        "first": 4,
        "then": 5,
        "back": 6,
        "taken": 7,
        "disputed": 9,
        "frozen": 10,
        "state": "open",
        "owed": 8,
        "transaction": "tx-9",
    }
    for kind in Alert.Kind:
        Alert.objects.create(request=checkout.request, kind=kind, data=data, raised_at=now)
    assert "Payments to check" in sam_browser.get("/office/").content.decode()
    html = sam_browser.get("/office/payments/alerts").content.decode()
    assert html.count('data-label="Alert"') == len(Alert.Kind)


def test_looking_up_asks_only_what_is_at_a_gateway(
    alice: Customer, sam: User, sam_browser: Client, now: datetime
) -> None:
    checkout = opened(alice, signed_method(sam, now), now=now)
    answer = sam_browser.post(f"/office/payments/{checkout.request_id}/look-up", follow=True)
    assert "up to date" in answer.content.decode()
    assert sam_browser.post("/office/payments/999/look-up").status_code == 302


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.FULFILMENT])
def test_payments_of_gateways_are_not_for_everybody(alice: Customer, sam: User, now: datetime, role: str) -> None:
    checkout = opened(alice, signed_method(sam, now), now=now)
    browser = browser_of(make_person("other@example.com", role=role))
    page = f"/office/payments/{checkout.request_id}"
    assert browser.get("/office/payments/alerts").status_code == 404
    assert browser.post(f"{page}/look-up").status_code == 404
    assert browser.post(f"{page}/alerts/1/close").status_code == 404


def test_a_payment_is_found_by_any_of_its_ids(alice: Customer, sam: User, sam_browser: Client, now: datetime) -> None:
    method = signed_method(sam, now)
    checkout, other = opened(alice, method, now=now), opened(alice, method, now=now, token="u" * 64)
    sent(method, signed_notice(checkout, "tx-77", "50.00"))
    Checkout.objects.filter(pk=checkout.pk).update(gateway_id="inv-5")
    for text in ("tx-77", "inv-5", checkout.reference, checkout.request.reference, str(checkout.request_id)):
        html = sam_browser.get("/office/payments", {"q": f" {text} "}).content.decode()
        assert checkout.request.reference in html, text
        assert other.request.reference not in html, text
    for text in ("tx-7", "%", "F-999999"):
        assert "No payment found" in sam_browser.get("/office/payments", {"q": text}).content.decode()


def test_a_transaction_id_that_two_payments_name_is_shown(
    alice: Customer, bob: Customer, sam: User, sam_browser: Client, now: datetime
) -> None:
    draft = methods.Draft("Bank", "Pay to ...", "USD", UNIT, 100 * UNIT)
    method = methods.save(draft, sam, now)
    assert isinstance(method, Method)
    first, second = (funds.ask(each.pk, method.pk, 5 * UNIT, "", None, now) for each in (alice, bob))
    assert isinstance(first, FundsRequest)
    assert isinstance(second, FundsRequest)
    browser = browser_of(make_person("alice@example.com", alice))
    page = f"/funds/add/{first.pk}"
    assert "TX-9" in browser.post(f"{page}/transaction", {"transaction_id": "TX-9"}, follow=True).content.decode()
    assert "Invalid" in browser.post(f"{page}/transaction", {"transaction_id": "x" * 101}, follow=True).content.decode()
    assert browser.post(f"/funds/add/{second.pk}/transaction", {"transaction_id": "TX-9"}).status_code == 404
    funds.name_transaction(bob.pk, second.pk, "TX-9")
    html = sam_browser.get(f"/office/payments/{second.pk}").content.decode()
    assert f"{first.reference} names the same transaction ID" in html
