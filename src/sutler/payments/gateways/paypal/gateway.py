"""PayPal, after the documentation of its Orders API, version 2.

To verify a notice PayPal would have to be asked too. So nothing of a notice is believed: it only says which order to
ask about, and the answer over TLS is what counts.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from sutler.core.money import UNIT_MICROS
from sutler.payments.gateways.reading import amount_text, micros_of, object_of, read_json, text_of
from sutler.payments.gateways.shape import (
    CENT_MICROS,
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
    Settings,
)

API_URL = "https://api-m.paypal.com"
_WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
_WITHOUT_AMOUNT = frozenset({FactKind.FAILED, FactKind.PENDING})
_CAPTURED = frozenset({"COMPLETED", "REFUNDED", "PARTIALLY_REFUNDED"})
_MOST_ROWS = 50
FORBIDDEN = 403
# Each is asked for by itself.
_MOST_DISPUTES = 5
_ORDERS = "/v2/checkout/orders"
_LOST = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED", "RESOLVED_WITH_PAYOUT"})


def unit_micros(currency: str) -> int:
    """Returns the smallest amount of a currency that PayPal takes."""
    return UNIT_MICROS if currency in _WITHOUT_DECIMALS else CENT_MICROS


async def begin(settings: Settings, charge: Charge, ask: Ask) -> Begun | Failure:
    """Makes an order. Begun again, PayPal answers with the same one: the reference is the id of the request."""
    is_whole = unit_micros(charge.currency) == UNIT_MICROS
    value = str(charge.amount_micros // UNIT_MICROS) if is_whole else amount_text(charge.amount_micros)
    context = {
        "return_url": charge.return_url,
        "cancel_url": charge.return_url,
        "shipping_preference": "NO_SHIPPING",
        "user_action": "PAY_NOW",
    }
    unit = {
        "custom_id": charge.reference,
        "description": charge.description[:127],
        "amount": {"currency_code": charge.currency, "value": value},
    }
    fields = {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }
    order = await _call(settings, "POST", _ORDERS, fields, charge.reference, ask)
    if isinstance(order, Failure):
        return order
    links = {text_of(each, "rel"): text_of(each, "href") for each in _rows(order.get("links"))}
    return Begun(page_url=links.get("payer-action") or links.get("approve", ""), gateway_id=text_of(order, "id"))


def read_notice(_settings: Settings, body: bytes, _headers: Mapping[str, str], _now: datetime) -> Notice | Flaw:
    """Reads which payment an event is about; whoever sent it, PayPal is asked before anything moves."""
    event = read_json(body)
    if event is None:
        return Flaw.UNREADABLE
    resource = event.get("resource")
    if not isinstance(resource, dict):
        return Notice()
    if text_of(event, "event_type").startswith("CHECKOUT.ORDER."):
        order_id = text_of(resource, "id")
    else:
        order_id = text_of(resource, "supplementary_data", "related_ids", "order_id")
    reference = text_of(resource, "custom_id")
    # A dispute names the capture.
    disputed = [text_of(each, "seller_transaction_id") for each in _rows(resource.get("disputed_transactions"))]
    facts = [Fact(FactKind.CHANGED, reference, order_id)] if reference or order_id else []
    facts += [Fact(FactKind.CHANGED, transaction_id=each) for each in disputed[:_MOST_DISPUTES] if each]
    return Notice(tuple(facts))


async def look_up(settings: Settings, checkout: Checkout, ask: Ask) -> Sequence[Fact] | Failure:
    """Asks for the order, and captures it where the customer has approved it."""
    if not checkout.gateway_id:
        return ()
    path = f"{_ORDERS}/{quote(checkout.gateway_id, safe='')}"
    order = await _call(settings, "GET", path, None, "", ask)
    if not isinstance(order, Failure) and text_of(order, "status") == "APPROVED":
        order = await _call(settings, "POST", f"{path}/capture", {}, checkout.reference, ask)
    if isinstance(order, Failure):
        return order
    facts: list[Fact] = []
    for unit in _rows(order.get("purchase_units")):
        found = unit.get("payments")
        payments: dict[str, Any] = found if isinstance(found, dict) else {}
        for capture in _rows(payments.get("captures")):
            if text_of(capture, "status") in _CAPTURED:
                facts += _of_capture(capture, _rows(payments.get("refunds")), checkout)
    if not facts:
        kind = FactKind.FAILED if text_of(order, "status") == "VOIDED" else FactKind.PENDING
        facts.append(Fact(kind, checkout.reference, checkout.gateway_id))
    for each in [each for each in facts if each.kind is FactKind.PAID and checkout.is_credited]:
        disputes = await _disputes(settings, each, ask)
        if isinstance(disputes, Failure):
            return disputes
        facts += disputes
    is_read = all(each.amount_micros or each.kind in _WITHOUT_AMOUNT for each in facts)
    return facts if is_read else Failure("an amount cannot be read")


async def _disputes(settings: Settings, paid: Fact, ask: Ask) -> Sequence[Fact] | Failure:
    """Returns how the disputes of a capture stand. The list names them; what came of one, it says itself."""
    path = "/v1/customer/disputes"
    found = await _call(
        settings, "GET", f"{path}?disputed_transaction_id={quote(paid.transaction_id, safe='')}", None, "", ask
    )
    if isinstance(found, Failure):
        # An app that may not see disputes sees the rest.
        return () if found.status == FORBIDDEN else found
    facts: list[Fact] = []
    for row in _rows(found.get("items"))[:_MOST_DISPUTES]:
        dispute = await _call(settings, "GET", f"{path}/{quote(text_of(row, 'dispute_id'), safe='')}", None, "", ask)
        if isinstance(dispute, Failure):
            return dispute
        micros = micros_of(text_of(dispute, "dispute_amount", "value"))
        kind = FactKind.DISPUTED
        if text_of(dispute, "status") == "RESOLVED":
            is_lost = text_of(dispute, "dispute_outcome", "outcome_code") in _LOST
            kind = FactKind.DISPUTE_LOST if is_lost else FactKind.DISPUTE_WON
        if not micros:
            return Failure("an amount cannot be read")
        facts.append(replace(paid, kind=kind, amount_micros=micros))
    return facts


def _of_capture(capture: Mapping[str, Any], refunds: Sequence[Mapping[str, Any]], checkout: Checkout) -> list[Fact]:
    capture_id, currency = text_of(capture, "id"), text_of(capture, "amount", "currency_code")
    micros = micros_of(text_of(capture, "amount", "value")) or 0
    facts = [Fact(FactKind.PAID, checkout.reference, checkout.gateway_id, capture_id, micros, currency)]
    # An order of one unit with the intent to capture has one capture: all refunds are of it.
    done = [each for each in refunds if text_of(each, "status") == "COMPLETED"]
    parts = [micros_of(text_of(each, "amount", "value")) or 0 for each in done]
    back = micros if text_of(capture, "status") == "REFUNDED" else sum(parts)
    if back:
        facts.append(Fact(FactKind.REVERSED, checkout.reference, checkout.gateway_id, capture_id, back, currency))
    return facts


async def _call(
    settings: Settings, method: str, path: str, fields: Mapping[str, Any] | None, request_id: str, ask: Ask
) -> dict[str, Any] | Failure:
    api = settings.get("api_url", "") or API_URL
    secret = f"{settings.get('client_id', '')}:{settings.get('client_secret', '')}"
    headers = {
        "Authorization": f"Basic {b64encode(secret.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    token = object_of(await ask("POST", f"{api}/v1/oauth2/token", headers, b"grant_type=client_credentials"), "error")
    if isinstance(token, Failure):
        return token
    headers = {"Authorization": f"Bearer {text_of(token, 'access_token')}", "Content-Type": "application/json"}
    if request_id:
        # One for making the order, one for capturing it.
        suffix = "/capture" if path.endswith("/capture") else ""
        headers |= {"PayPal-Request-Id": f"{request_id}{suffix}", "Prefer": "return=representation"}
    body = b"" if fields is None else json.dumps(fields).encode()
    return object_of(await ask(method, f"{api}{path}", headers, body), "name")


def _rows(found: Any) -> list[dict[str, Any]]:
    return [each for each in found[:_MOST_ROWS] if isinstance(each, dict)] if isinstance(found, list) else []


PAYPAL = Gateway(
    kind="paypal",
    name="PayPal",
    fields=(
        Field("client_id", _("Client ID")),
        Field("client_secret", _("Client secret"), FieldKind.SECRET),
        Field("api_url", _("API address"), FieldKind.ADDRESS, is_required=False, default=API_URL),
    ),
    begin=begin,
    read_notice=read_notice,
    look_up=look_up,
    unit_micros=unit_micros,
)
