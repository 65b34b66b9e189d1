"""BTCPay Server, after the documentation of its Greenfield API.

Its notices name an invoice and no amount, so that what it says is always asked for. Each payment of an invoice is a
transaction of its own: an invoice may be paid in parts, and after its time.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from sutler.payments.gateways.reading import (
    amount_text,
    is_same,
    micros_of,
    object_of,
    read_json,
    read_list,
    share_of,
    text_of,
)
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
    Settings,
)

_ENDED = frozenset({"Expired", "Invalid"})
_MOST_PAYMENTS = 50


async def begin(settings: Settings, charge: Charge, ask: Ask) -> Begun | Failure:
    """Makes an invoice, or finds the one that was made for this charge before."""
    before = await _list(settings, f"{_invoices(settings)}?orderId={quote(charge.reference, safe='')}", ask)
    if isinstance(before, Failure):
        return before
    mine = [each for each in before if text_of(each, "metadata", "orderId") == charge.reference]
    if mine:
        return _begun(mine[0])
    body = {
        "amount": amount_text(charge.amount_micros),
        "currency": charge.currency,
        "metadata": {"orderId": charge.reference, "itemDesc": charge.description},
        "checkout": {"redirectURL": charge.return_url},
    }
    headers = {**_headers(settings), "Content-Type": "application/json"}
    invoice = object_of(await ask("POST", _invoices(settings), headers, json.dumps(body).encode()), "code")
    return invoice if isinstance(invoice, Failure) else _begun(invoice)


def read_notice(settings: Settings, body: bytes, headers: Mapping[str, str], _now: datetime) -> Notice | Flaw:
    """Reads an event about an invoice, if it is signed with the webhook's secret."""
    secret = settings.get("webhook_secret", "")
    expected = hmac.digest(secret.encode(), body, "sha256").hex()
    if not secret or not is_same(f"sha256={expected}", headers.get("btcpay-sig", "")):
        return Flaw.FORGED
    event = read_json(body)
    if event is None:
        return Flaw.UNREADABLE
    if not text_of(event, "type").startswith("Invoice") or not text_of(event, "invoiceId"):
        return Notice()
    reference = text_of(event, "metadata", "orderId")
    return Notice((Fact(FactKind.CHANGED, reference, text_of(event, "invoiceId")),))


async def look_up(settings: Settings, checkout: Checkout, ask: Ask) -> Sequence[Fact] | Failure:
    """Asks for the invoice and its payments; only those that are settled count."""
    if not checkout.gateway_id:
        return ()
    url = f"{_invoices(settings)}/{quote(checkout.gateway_id, safe='')}"
    invoice = object_of(await ask("GET", url, _headers(settings), b""), "code")
    if isinstance(invoice, Failure):
        return invoice
    ways = await _list(settings, f"{url}/payment-methods", ask)
    if isinstance(ways, Failure):
        return ways
    facts = _facts(invoice, ways, checkout.reference)
    return facts or Failure("an amount cannot be read")


def _facts(invoice: Mapping[str, Any], ways: Sequence[dict[str, Any]], reference: str) -> list[Fact]:
    """Returns what an invoice and its payments say; nothing where an amount cannot be read."""
    currency, invoice_id = text_of(invoice, "currency").upper(), text_of(invoice, "id")
    payments, status = _settled(ways), text_of(invoice, "status")
    if not payments and status == "Settled":
        # Marked as paid by hand, without a payment.
        payments = [(invoice_id, micros_of(text_of(invoice, "amount")))]
    if not payments:
        return [Fact(FactKind.FAILED if status in _ENDED else FactKind.PENDING, reference, invoice_id)]
    facts = [
        Fact(FactKind.PAID, reference, invoice_id, payment_id, micros, currency)
        for payment_id, micros in payments
        if micros
    ]
    return facts if len(facts) == len(payments) else []


def _settled(ways: Sequence[dict[str, Any]]) -> list[tuple[str, int | None]]:
    """Returns the settled payments with what they are worth in the invoice's currency."""
    found: list[tuple[str, int | None]] = []
    for way in ways:
        payments, rate = way.get("payments"), text_of(way, "rate")
        for each in payments[:_MOST_PAYMENTS] if isinstance(payments, list) else ():
            if not isinstance(each, dict) or text_of(each, "status") != "Settled" or not text_of(each, "id"):
                continue
            value = text_of(each, "value")
            is_same_currency = micros_of(rate) == 1_000_000
            found.append((text_of(each, "id"), micros_of(value) if is_same_currency else share_of(rate, value, "1")))
    return found


async def _list(settings: Settings, url: str, ask: Ask) -> list[dict[str, Any]] | Failure:
    reply = await ask("GET", url, _headers(settings), b"")
    if isinstance(reply, Failure):
        return reply
    found = read_list(reply.body) if reply.status == 200 else None
    return Failure(f"it answered HTTP {reply.status}") if found is None else found


def _begun(invoice: Mapping[str, Any]) -> Begun | Failure:
    if not text_of(invoice, "checkoutLink") or not text_of(invoice, "id"):
        return Failure("the answer has no address to pay at")
    return Begun(page_url=text_of(invoice, "checkoutLink"), gateway_id=text_of(invoice, "id"))


def _invoices(settings: Settings) -> str:
    return f"{settings['api_url'].rstrip('/')}/api/v1/stores/{quote(settings['store_id'], safe='')}/invoices"


def _headers(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"token {settings.get('api_key', '')}"}


BTCPAY = Gateway(
    kind="btcpay",
    name="BTCPay Server",
    fields=(
        Field("api_url", _("Server address"), FieldKind.ADDRESS),
        Field("store_id", _("Store ID")),
        Field(
            "api_key",
            _("API key"),
            FieldKind.SECRET,
            about=_("It needs the permissions to view and to create invoices."),
        ),
        Field("webhook_secret", _("Secret of the webhook"), FieldKind.SECRET),
    ),
    begin=begin,
    read_notice=read_notice,
    look_up=look_up,
)
