"""Cryptomus, after the documentation of its payments: what is signed is MD5 of the body in Base64 and the key."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from sutler.payments.gateways.reading import (
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

API_URL = "https://api.cryptomus.com"
# The longest that an invoice may live.
LONGEST_SECONDS = 43_200
_ENDED = frozenset({"fail", "cancel", "system_fail"})
# Other than was asked: what it is worth has to be asked for.
_UNEQUAL = frozenset({"paid_over", "wrong_amount"})


async def begin(settings: Settings, charge: Charge, ask: Ask) -> Begun | Failure:
    """Makes an invoice. Begun again, Cryptomus answers with the one of the same order."""
    fields = {
        "amount": amount_text(charge.amount_micros),
        "currency": charge.currency,
        "order_id": charge.reference,
        "url_return": charge.return_url,
        "url_success": charge.return_url,
        "url_callback": charge.notice_url,
        "lifetime": LONGEST_SECONDS,
    }
    invoice = await _call(settings, "payment", fields, ask)
    if isinstance(invoice, Failure):
        return invoice
    return Begun(page_url=text_of(invoice, "url"), gateway_id=text_of(invoice, "uuid"))


def read_notice(settings: Settings, body: bytes, _headers: Mapping[str, str], _now: datetime) -> Notice | Flaw:
    """Reads a notice, if its field `sign` is right for all others in the order in which they came."""
    fields = read_json(body)
    if fields is None:
        return Flaw.UNREADABLE
    given = text_of(fields, "sign")
    fields.pop("sign", None)
    key = settings.get("payment_key", "")
    # As PHP writes JSON, with its slashes escaped; some of its senders leave them as they are.
    written = (write_json(fields, escapes_slashes=True), write_json(fields))
    if not key or not any(is_same(_sign(each.encode(errors="replace"), key), given) for each in written):
        return Flaw.FORGED
    if text_of(fields, "status") in _UNEQUAL:
        return Notice((Fact(FactKind.CHANGED, text_of(fields, "order_id"), text_of(fields, "uuid")),))
    fact = _fact(fields, text_of(fields, "status"))
    return Notice((fact,)) if fact else Flaw.UNREADABLE


async def look_up(settings: Settings, checkout: Checkout, ask: Ask) -> Sequence[Fact] | Failure:
    """Asks for the invoice of the charge."""
    invoice = await _call(settings, "payment/info", {"order_id": checkout.reference}, ask)
    if isinstance(invoice, Failure):
        return invoice
    fact = _fact(invoice, text_of(invoice, "payment_status") or text_of(invoice, "status"))
    return (fact,) if fact else Failure("the invoice cannot be read")


def _fact(invoice: Mapping[str, Any], status: str) -> Fact | None:
    reference, uuid = text_of(invoice, "order_id"), text_of(invoice, "uuid")
    if status in _ENDED:
        return Fact(FactKind.FAILED, reference, uuid)
    if status not in {"paid", "refund_paid", *_UNEQUAL}:
        return Fact(FactKind.PENDING, reference, uuid)
    amount = text_of(invoice, "amount")
    micros = micros_of(amount)
    if status in _UNEQUAL:
        micros = share_of(amount, text_of(invoice, "payment_amount"), text_of(invoice, "payer_amount"))
    if not micros or not uuid:
        return None
    kind = FactKind.REVERSED if status == "refund_paid" else FactKind.PAID
    return Fact(kind, reference, uuid, uuid, micros, text_of(invoice, "currency").upper())


async def _call(settings: Settings, action: str, fields: Mapping[str, object], ask: Ask) -> dict[str, Any] | Failure:
    body = json.dumps(fields, separators=(",", ":")).encode()
    headers = {
        "merchant": settings.get("merchant", ""),
        "sign": _sign(body, settings.get("payment_key", "")),
        "Content-Type": "application/json",
    }
    url = f"{settings.get('api_url', '') or API_URL}/v1/{action}"
    answer = object_of(await ask("POST", url, headers, body), "code")
    if isinstance(answer, Failure):
        return answer
    result = answer.get("result")
    return result if isinstance(result, dict) else Failure("the answer has no result")


def _sign(body: bytes, key: str) -> str:
    return hashlib.md5(b64encode(body) + key.encode(), usedforsecurity=False).hexdigest()


CRYPTOMUS = Gateway(
    kind="cryptomus",
    name="Cryptomus",
    fields=(
        Field("merchant", _("Merchant ID")),
        Field("payment_key", _("Payment key"), FieldKind.SECRET),
        Field("api_url", _("API address"), FieldKind.ADDRESS, is_required=False, default=API_URL),
    ),
    begin=begin,
    read_notice=read_notice,
    look_up=look_up,
)
