"""NOWPayments, after its API documentation and its pages on instant payment notifications."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from sutler.payments.gateways.reading import (
    Number,
    amount_text,
    is_same,
    micros_of,
    object_of,
    read_json,
    share_of,
    text_of,
    write_json,
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

API_URL = "https://api.nowpayments.io"
_ENDED = frozenset({"failed", "expired"})


async def begin(settings: Settings, charge: Charge, ask: Ask) -> Begun | Failure:
    """Makes an invoice with a page, or where a coin is set, a payment with an address."""
    coin = settings.get("pay_currency", "")
    fields: dict[str, Any] = {
        "price_amount": Number(amount_text(charge.amount_micros)),
        "price_currency": charge.currency.lower(),
        "order_id": charge.reference,
        "order_description": charge.description,
        "ipn_callback_url": charge.notice_url,
    }
    if coin:
        fields["pay_currency"] = coin
    else:
        fields |= {"success_url": charge.return_url, "cancel_url": charge.return_url}
    headers = {**_headers(settings), "Content-Type": "application/json"}
    url = f"{_api(settings)}/v1/{'payment' if coin else 'invoice'}"
    made = object_of(await ask("POST", url, headers, write_json(fields).encode()), "code")
    if isinstance(made, Failure):
        return made
    if not coin:
        return Begun(page_url=text_of(made, "invoice_url"), gateway_id=text_of(made, "id"))
    memo = text_of(made, "payin_extra_id")
    return Begun(
        pay_address=f"{text_of(made, 'pay_address')} ({memo})" if memo else text_of(made, "pay_address"),
        pay_amount=f"{text_of(made, 'pay_amount')} {text_of(made, 'pay_currency').upper()}",
        gateway_id=text_of(made, "payment_id"),
    )


def read_notice(settings: Settings, body: bytes, headers: Mapping[str, str], _now: datetime) -> Notice | Flaw:
    """Reads a notification, if its fields in the order of their names are signed with the IPN secret."""
    fields, secret = read_json(body), settings.get("ipn_secret", "")
    if fields is None:
        return Flaw.UNREADABLE
    expected = hmac.digest(secret.encode(), write_json(fields, is_sorted=True).encode(errors="replace"), "sha512").hex()
    if not secret or not is_same(expected, headers.get("x-nowpayments-sig", "").lower()):
        return Flaw.FORGED
    fact = _fact(fields)
    return Notice((fact,)) if fact else Flaw.UNREADABLE


async def look_up(settings: Settings, checkout: Checkout, ask: Ask) -> Sequence[Fact] | Failure:
    """Asks for a payment with an address. Which payments an invoice has, its page alone and the notices tell."""
    if not settings.get("pay_currency") or not checkout.gateway_id:
        return ()
    url = f"{_api(settings)}/v1/payment/{quote(checkout.gateway_id, safe='')}"
    payment = object_of(await ask("GET", url, _headers(settings), b""), "code")
    if isinstance(payment, Failure):
        return payment
    fact = _fact(payment)
    return (fact,) if fact else Failure("the payment cannot be read")


def _fact(payment: Mapping[str, Any]) -> Fact | None:
    status, reference = text_of(payment, "payment_status"), text_of(payment, "order_id")
    transaction, currency = text_of(payment, "payment_id"), text_of(payment, "price_currency").upper()
    if status in _ENDED:
        return Fact(FactKind.FAILED, reference)
    if status not in {"finished", "partially_paid", "refunded"}:
        return Fact(FactKind.PENDING, reference)
    price = text_of(payment, "price_amount")
    micros = micros_of(price)
    if status != "refunded":
        came = share_of(price, text_of(payment, "actually_paid"), text_of(payment, "pay_amount"))
        # A deposit to the address of an earlier payment is worth what it is.
        is_whole = status == "finished" and not text_of(payment, "parent_payment_id")
        micros = max(micros or 0, came or 0) if is_whole else came
    if not micros or not transaction:
        return None
    kind = FactKind.REVERSED if status == "refunded" else FactKind.PAID
    return Fact(kind, reference, "", transaction, micros, currency)


def _api(settings: Settings) -> str:
    return settings.get("api_url", "") or API_URL


def _headers(settings: Settings) -> dict[str, str]:
    return {"x-api-key": settings.get("api_key", "")}


NOWPAYMENTS = Gateway(
    kind="nowpayments",
    name="NOWPayments",
    fields=(
        Field("api_key", _("API key"), FieldKind.SECRET),
        Field("ipn_secret", _("IPN secret"), FieldKind.SECRET),
        Field(
            "pay_currency",
            _("Coin"),
            is_required=False,
            about=_(
                "Such as usdttrc20: its address is shown here. Leave empty to let customers choose at NOWPayments."
            ),
        ),
        Field("api_url", _("API address"), FieldKind.ADDRESS, is_required=False, default=API_URL),
    ),
    begin=begin,
    read_notice=read_notice,
    look_up=look_up,
)
