"""Methods of gateways for the tests: made as staff make them, payments begun, notices signed as the gateways sign."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from sutler.accounts.models import Customer, User
from sutler.payments import checkouts, methods
from sutler.payments.checkouts import Addresses
from sutler.payments.models import Checkout, FundsRequest, Method
from tests.conftest import NOW

UNIT = 1_000_000
SIGNED_SETTINGS = {
    "page_url": "https://pay.example/?order={reference}&sum={amount}&cur={currency}&sign={signature}",
    "page_signed": "{reference}:{amount}:{secret}",
    "secret": "first secret",
    "notice_secret": "second secret",
    "algorithm": "hmac-sha256",
    "signature_place": "header",
    "signature_name": "X-Signature",
    "notice_signed": "{body}",
    "reference_field": "order",
    "transaction_field": "payment",
    "amount_field": "sum",
    "currency_field": "cur",
    "status_field": "status",
    "paid_words": "paid, success",
    "pending_words": "waiting",
    "failed_words": "failed",
    "refunded_words": "refunded",
    "answer": "OK {reference}",
}
STRIPE_SETTINGS = {"secret_key": "sk_test_none", "signing_secret": "whsec_none"}
ADDRESSES = Addresses(
    lambda pk: f"https://panel.example/funds/add/{pk}", lambda pk: f"https://panel.example/payments/notices/{pk}"
)


def method_of(
    sam: User, kind: str, settings: Mapping[str, str], now: datetime = NOW, currency: str = "USD", **terms: Any
) -> Method:
    """A method that is offered."""
    values = {"min_micros": UNIT, "max_micros": 1000 * UNIT, **terms}
    draft = methods.Draft(kind.title(), "", currency, kind=kind, **values)
    made = methods.save(draft, sam, now, settings=settings)
    assert isinstance(made, Method), made
    return made


def signed_method(sam: User, now: datetime = NOW, **terms: Any) -> Method:
    return method_of(sam, "signed", SIGNED_SETTINGS, now, **terms)


def opened(customer: Customer, method: Method, units: int = 50, now: datetime = NOW, token: str = "t" * 64) -> Checkout:
    """A payment that its gateway was told of, where that needs no server."""
    made = checkouts.open_(customer.pk, method.pk, units * UNIT, None, token, now)
    assert isinstance(made, FundsRequest), made
    return Checkout.objects.get(request=made)


def signed_notice(
    checkout: Checkout | str, payment: str, amount: str, status: str = "paid", currency: str = "USD"
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a notice of the generic gateway."""
    reference = checkout if isinstance(checkout, str) else checkout.reference
    fields = {"order": reference, "payment": payment, "sum": amount, "cur": currency, "status": status}
    body = urlencode(fields).encode()
    signature = hmac.new(b"second secret", body, hashlib.sha256).hexdigest()
    return body, {"content-type": "application/x-www-form-urlencoded", "x-signature": signature}


def stripe_notice(event: Mapping[str, Any], now: datetime, secret: str = "whsec_none") -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an event of Stripe."""
    body, at = json.dumps(event).encode(), str(int(now.timestamp()))
    signature = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return body, {"content-type": "application/json", "stripe-signature": f"t={at},v1={signature},v0=00"}


def sent(method: Method, notice: tuple[bytes, Mapping[str, str]], client: Client | None = None) -> Any:
    """Posts a notice as a gateway does, and returns the answer."""
    body, headers = notice
    given = {name: value for name, value in headers.items() if name != "content-type"}
    return (client or Client(enforce_csrf_checks=True)).post(
        f"/payments/notices/{method.public_id}", body, content_type=headers.get("content-type", ""), headers=given
    )
