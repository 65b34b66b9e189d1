"""Stripe Checkout, after Stripe's API reference and its page on verifying webhook signatures by hand."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.utils.translation import gettext_lazy as _

from sutler.core.money import LARGEST_MICROS, UNIT_MICROS
from sutler.core.text import text_input
from sutler.payments.gateways.reading import is_same, object_of, read_json, text_of
from sutler.payments.gateways.shape import (
    Ask,
    Begun,
    Charge,
    Checkout,
    Fact,
    FactKind,
    Failure,
    Field,
    FieldKind,
    Flaw,
    Gateway,
    Notice,
    Reply,
    Settings,
)

API_URL = "https://api.stripe.com"
# Older than this, or this far in the future, a signature counts for nothing.
TOLERANCE = timedelta(minutes=5)
# Stripe keeps a session open for less than a day: it ends before the panel gives the payment up.
_ENDS_BEFORE = timedelta(hours=1)
MOST_SIGNATURES = 10

_WITHOUT_DECIMALS = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
_WITH_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# What says that a session was paid: at once, or days later by a way of paying that takes its time.
_SESSION_EVENTS = {
    "checkout.session.completed": FactKind.PENDING,
    "checkout.session.async_payment_succeeded": FactKind.PENDING,
    "checkout.session.async_payment_failed": FactKind.FAILED,
    "checkout.session.expired": FactKind.FAILED,
}
# A dispute's own status, whichever event brings it. An inquiry may become a dispute: it freezes what is unspent too.
_DISPUTE_STATUSES = {
    "warning_needs_response": FactKind.DISPUTED,
    "warning_under_review": FactKind.DISPUTED,
    "warning_closed": FactKind.DISPUTE_WON,
    "needs_response": FactKind.DISPUTED,
    "under_review": FactKind.DISPUTED,
    "prevented": FactKind.DISPUTE_WON,
    "won": FactKind.DISPUTE_WON,
    "lost": FactKind.DISPUTE_LOST,
}
MOST_DISPUTES = 10


def unit_micros(currency: str) -> int:
    """Returns the worth of Stripe's smallest unit of a currency."""
    if currency in _WITHOUT_DECIMALS:
        return UNIT_MICROS
    # The last of three decimals must be 0.
    return UNIT_MICROS // 100


async def begin(settings: Settings, charge: Charge, ask: Ask) -> Begun | Failure:
    """Opens a session. Begun again, Stripe answers with the same one: the reference is the idempotency key."""
    fields = {
        "mode": "payment",
        "client_reference_id": charge.reference,
        "success_url": charge.return_url,
        "cancel_url": charge.return_url,
        "expires_at": str(int((charge.expires_at - _ENDS_BEFORE).timestamp())),
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": charge.currency.lower(),
        "line_items[0][price_data][unit_amount]": str(charge.amount_micros // _minor_micros(charge.currency)),
        "line_items[0][price_data][product_data][name]": charge.description,
        "metadata[reference]": charge.reference,
        # So that refunds of the charge name the payment too.
        "payment_intent_data[metadata][reference]": charge.reference,
    }
    headers = {
        **_headers(settings),
        "Content-Type": "application/x-www-form-urlencoded",
        "Idempotency-Key": charge.reference,
    }
    reply = await ask("POST", f"{_api(settings)}/v1/checkout/sessions", headers, urlencode(fields).encode())
    session = _object(reply)
    if isinstance(session, Failure):
        return session
    if not text_of(session, "url") or not text_of(session, "id"):
        return Failure("the answer has no address to pay at")
    return Begun(page_url=text_of(session, "url"), gateway_id=text_of(session, "id"))


def read_notice(settings: Settings, body: bytes, headers: Mapping[str, str], now: datetime) -> Notice | Flaw:
    """Reads an event, if one of its signatures of scheme v1 is the endpoint's and fresh."""
    flaw = _flaw(settings, body, headers.get("stripe-signature", ""), now)
    if flaw is not None:
        return flaw
    event = read_json(body)
    inside = (event or {}).get("data")
    subject = inside.get("object") if isinstance(inside, dict) else None
    if event is None or not isinstance(subject, dict):
        return Flaw.UNREADABLE
    kind = text_of(event, "type")
    if kind in _SESSION_EVENTS:
        fact = _of_session(subject, _SESSION_EVENTS[kind])
    elif kind == "charge.refunded":
        fact = _of_charge(subject, FactKind.REVERSED, "amount_refunded")
    elif kind.startswith("charge.dispute.") and text_of(subject, "status") in _DISPUTE_STATUSES:
        fact = _of_charge(subject, _DISPUTE_STATUSES[text_of(subject, "status")], "amount")
    else:
        return Notice()
    return Notice((fact,)) if fact else Flaw.UNREADABLE


async def look_up(settings: Settings, checkout: Checkout, ask: Ask) -> Sequence[Fact] | Failure:
    """Asks for the session, and of one that was credited for what went back. Stripe must have named it."""
    if not checkout.gateway_id:
        return ()
    url = f"{_api(settings)}/v1/checkout/sessions/{quote(checkout.gateway_id, safe='')}"
    session = _object(await ask("GET", url, _headers(settings), b""))
    if isinstance(session, Failure):
        return session
    fact = _of_session(session, FactKind.FAILED if text_of(session, "status") == "expired" else FactKind.PENDING)
    if fact is None:
        return Failure("the session cannot be read")
    if not checkout.is_credited or not fact.transaction_id:
        return (fact,)
    back = await _back(settings, fact.transaction_id, ask)
    return back if isinstance(back, Failure) else (fact, *back)


async def _back(settings: Settings, transaction: str, ask: Ask) -> Sequence[Fact] | Failure:
    """Returns what was refunded and disputed of a payment intent."""
    facts: list[Fact | None] = []
    for path, most in (("charges", 1), ("disputes", MOST_DISPUTES)):
        url = f"{_api(settings)}/v1/{path}?payment_intent={quote(transaction, safe='')}&limit={most}"
        answer = _object(await ask("GET", url, _headers(settings), b""))
        if isinstance(answer, Failure):
            return answer
        rows = answer.get("data")
        for row in rows[:most] if isinstance(rows, list) else ():
            if not isinstance(row, dict):
                continue
            if path == "disputes" and text_of(row, "status") in _DISPUTE_STATUSES:
                facts.append(_of_charge(row, _DISPUTE_STATUSES[text_of(row, "status")], "amount"))
            elif path == "charges" and text_of(row, "amount_refunded") not in {"", "0"}:
                facts.append(_of_charge(row, FactKind.REVERSED, "amount_refunded"))
    readable = [each for each in facts if each is not None]
    return readable if len(readable) == len(facts) else Failure("an amount cannot be read")


def _of_session(session: Mapping[str, Any], unpaid: FactKind) -> Fact | None:
    """Returns what a session says, or `unpaid` where it is not paid; None where an amount cannot be read."""
    reference, session_id = text_of(session, "client_reference_id"), text_of(session, "id")
    if text_of(session, "payment_status") != "paid":
        return Fact(unpaid, reference, session_id)
    currency = text_of(session, "currency").upper()
    micros = _micros(text_of(session, "amount_total"), currency)
    transaction = text_of(session, "payment_intent")
    if not micros or not transaction:
        return None
    return Fact(FactKind.PAID, reference, session_id, transaction, micros, currency)


def _of_charge(subject: Mapping[str, Any], kind: FactKind, amount: str) -> Fact | None:
    currency = text_of(subject, "currency").upper()
    micros, transaction = _micros(text_of(subject, amount), currency), text_of(subject, "payment_intent")
    if not micros or not transaction:
        return None
    return Fact(
        kind,
        reference=text_of(subject, "metadata", "reference"),
        transaction_id=transaction,
        amount_micros=micros,
        currency=currency,
    )


def _flaw(settings: Settings, body: bytes, header: str, now: datetime) -> Flaw | None:
    parts = [each.strip().partition("=") for each in header.split(",", MOST_SIGNATURES)]
    at = next((value for name, _eq, value in parts if name == "t"), "")
    sent_at = text_input.number(at)
    if sent_at is None or len(at) > 12:
        return Flaw.FORGED
    secret = settings.get("signing_secret", "")
    expected = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not secret or not any(name == "v1" and is_same(expected, value) for name, _eq, value in parts):
        return Flaw.FORGED
    return Flaw.STALE if abs(now - datetime.fromtimestamp(sent_at, UTC)) > TOLERANCE else None


def _object(reply: Reply | Failure) -> dict[str, Any] | Failure:
    # What Stripe says of an error may quote the key's end; its code does not.
    return object_of(reply, "error", "code")


def _micros(text: str, currency: str) -> int | None:
    minor = text_input.number(text)
    micros = None if minor is None else minor * _minor_micros(currency)
    return micros if micros is not None and micros <= LARGEST_MICROS else None


def _minor_micros(currency: str) -> int:
    return UNIT_MICROS // 1000 if currency in _WITH_THREE_DECIMALS else unit_micros(currency)


def _api(settings: Settings) -> str:
    return settings.get("api_url", "") or API_URL


def _headers(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.get('secret_key', '')}"}


STRIPE = Gateway(
    kind="stripe",
    name="Stripe Checkout",
    fields=(
        Field("secret_key", _("Secret key"), FieldKind.SECRET),
        Field(
            "signing_secret",
            _("Signing secret"),
            FieldKind.SECRET,
            about=_("Stripe shows it for the webhook endpoint that has the notice address of this method."),
        ),
        Field("api_url", _("API address"), FieldKind.ADDRESS, is_required=False, default=API_URL),
    ),
    begin=begin,
    read_notice=read_notice,
    look_up=look_up,
    unit_micros=unit_micros,
)
