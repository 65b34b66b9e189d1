"""The address that gateways send notices to: what is refused, counted and logged, and moves no money."""

import hashlib
import hmac
import json

import pytest
from django.test import Client

from sutler.accounts.models import Customer, User
from sutler.api import payment_notices
from sutler.api.rate_limits import RateLimit
from sutler.core.clock import SystemClock
from sutler.payments import notices, settle
from sutler.payments.models import Checkout, GatewayNotice, Method, Receipt
from sutler.storage.transactions import Busy
from tests.conftest import START_MICROS
from tests.orders.ordering import balance
from tests.payments.gateway_methods import UNIT, opened, sent, signed_method, signed_notice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payment_notices, "_limit", RateLimit(0))


@pytest.fixture
def method(sam: User) -> Method:
    return signed_method(sam)


def opened_now(customer: Customer, method: Method) -> Checkout:
    return opened(customer, method, now=SystemClock().now())


def counted(outcome: str) -> float:
    text = Client().get("/metrics").content.decode()
    name = f'sutler_payment_notices_total{{outcome="{outcome}"}} '
    return next((float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)), 0.0)


def figure(name: str) -> float:
    text = Client().get("/metrics").content.decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


def test_a_genuine_notice_is_answered_as_the_gateway_expects(alice: Customer, method: Method) -> None:
    checkout = opened_now(alice, method)
    assert figure("sutler_payments_open") == 1
    before = counted("applied")
    answer = sent(method, signed_notice(checkout, "1", "60.00"))
    assert (answer.status_code, answer.content.decode()) == (200, f"OK {checkout.reference}")
    assert balance(alice) == START_MICROS + 60 * UNIT
    assert (counted("applied"), figure("sutler_payments_open")) == (before + 1, 0)
    assert figure("sutler_payment_alerts") == 1
    [row] = GatewayNotice.objects.all()
    assert (row.outcome, row.kind, row.transaction_id, row.request_id) == ("applied", "paid", "1", checkout.request_id)


def test_a_forged_notice_is_refused_counted_and_changes_nothing(alice: Customer, method: Method) -> None:
    checkout = opened_now(alice, method)
    body, headers = signed_notice(checkout, "1", "50.00")
    before = counted("forged")
    for forged in (
        (body.replace(b"50.00", b"99.00"), headers),
        (body, headers | {"x-signature": "0" * 64}),
        (body, headers | {"x-signature": ""}),
        (body, headers | {"x-signature": "é"}),
        (b"", headers),
    ):
        assert sent(method, forged).status_code == 400
    assert (balance(alice), Receipt.objects.count()) == (START_MICROS, 0)
    assert counted("forged") == before + 5


@pytest.mark.parametrize(
    ("path", "status"), [("/payments/notices/nobody", 404), ("/payments/notices/" + "x" * 500, 404)]
)
def test_an_address_of_no_method_is_not_there(db: None, path: str, status: int) -> None:
    assert Client().post(path, b"{}", content_type="application/json").status_code == status


def test_a_method_by_hand_takes_no_notices(sam: User, method: Method) -> None:
    Method.objects.update(kind="")
    assert sent(method, signed_notice("F-1", "1", "5")).status_code == 404


def test_only_post_is_answered(method: Method) -> None:
    assert Client().get(f"/payments/notices/{method.public_id}").status_code == 405


def test_a_notice_is_bounded(method: Method) -> None:
    body = b"a=" + b"x" * notices.MOST_BYTES
    assert sent(method, (body, {"content-type": "application/x-www-form-urlencoded"})).status_code == 413
    assert not GatewayNotice.objects.exists()


def test_an_address_sends_so_many_and_no_more(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payment_notices, "_limit", RateLimit(1))
    monkeypatch.setattr(payment_notices._clock, "monotonic", lambda: 1000.0, raising=False)
    codes = [sent(method, signed_notice("F-1", "1", "5")).status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_a_database_that_is_busy_has_the_gateway_send_again(
    alice: Customer, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = opened_now(alice, method)

    def busy(*_: object) -> None:
        raise Busy("locked")

    with monkeypatch.context() as patch:
        patch.setattr(settle, "apply", busy)
        assert sent(method, signed_notice(checkout, "1", "50")).status_code == 503
    assert sent(method, signed_notice(checkout, "1", "50")).status_code == 200
    assert balance(alice) == START_MICROS + 50 * UNIT


def test_secrets_that_cannot_be_opened_have_the_gateway_send_again(method: Method) -> None:
    Method.objects.update(sealed_settings="gAAAA")
    assert sent(method, signed_notice("F-1", "1", "5")).status_code == 503


def test_the_log_is_bounded_and_forged_notices_drive_no_genuine_one_out(
    alice: Customer, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "MOST_LOGGED", 4)
    monkeypatch.setattr(notices, "MOST_REFUSED_LOGGED", 3)
    for number in range(6):
        sent(method, signed_notice("F-1", str(number), "5"))
    for _ in range(6):
        sent(method, (b"a=b", {"content-type": "application/x-www-form-urlencoded"}))
    outcomes = list(GatewayNotice.objects.order_by("pk").values_list("outcome", flat=True))
    assert outcomes == ["unknown"] * 4 + ["forged"] * 3


def test_a_notice_in_json_is_read_too(alice: Customer, sam: User) -> None:
    checkout = opened_now(alice, method := signed_method(sam))
    fields = {"order": checkout.reference, "payment": 7, "sum": 50.000000, "cur": "usd", "status": "Success"}
    body = json.dumps(fields).encode()
    signature = hmac.new(b"second secret", body, hashlib.sha256).hexdigest().upper()
    assert sent(method, (body, {"content-type": "application/json", "x-signature": signature})).status_code == 200
    assert balance(alice) == START_MICROS + 50 * UNIT
