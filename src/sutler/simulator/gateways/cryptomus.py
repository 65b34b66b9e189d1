"""Cryptomus as the documentation of its payments says: signed both ways by MD5 of the body in Base64 and the key."""

import hashlib
import json
from base64 import b64encode
from typing import Any

from sutler.simulator.gateways.gateway import (
    NOT_FOUND,
    LyingGateway,
    Notice,
    Payment,
    Request,
    Transaction,
    decimal,
    dumps,
)
from sutler.simulator.gateways.gateway import micros_of as micros


class Cryptomus:
    """An invoice is paid once and whole."""

    is_divisible, has_disputes, is_asked = False, False, True

    def answer(self, gateway: LyingGateway, request: Request) -> tuple[int, Any]:
        """Answers invoices."""
        if request.headers.get("sign") != _sign(request.body, gateway.secret):
            return 401, {"code": 401}
        fields = json.loads(request.body)
        if request.path == "/v1/payment":
            payment = gateway.open(
                fields["order_id"],
                micros(fields["amount"]),
                fields["currency"],
                fields["url_callback"],
                fields["url_return"],
            )
            return 200, {"state": 0, "result": _invoice(gateway, payment)}
        found = [each for each in gateway.payments.values() if each.reference == fields.get("order_id")]
        return (200, {"state": 0, "result": _invoice(gateway, found[0])}) if found else NOT_FOUND

    def notice(
        self, gateway: LyingGateway, payment: Payment, _transaction: Transaction | None, event: str, _at: int
    ) -> Notice:
        """Returns a notice with its signature in the field `sign`, slashes escaped as PHP does."""
        fields = _invoice(gateway, payment)
        fields["status"] = "cancel" if event == "expired" else fields["payment_status"]
        unsigned = dumps(fields).replace(b"/", b"\\/")
        fields["sign"] = _sign(unsigned, gateway.secret)
        return Notice(dumps(fields).replace(b"/", b"\\/"), {"content-type": "application/json"})


def _invoice(gateway: LyingGateway, payment: Payment) -> dict[str, Any]:
    status = "check" if payment.status == "open" else "cancel"
    if payment.transactions:
        status = "refund_paid" if payment.transactions[0].refunded_micros else "paid"
    return {
        "uuid": payment.id,
        "order_id": payment.reference,
        "amount": decimal(payment.micros),
        "currency": payment.currency,
        "url": f"{gateway.url}/pay/{payment.id}",
        "payment_status": status,
    }


def _sign(body: bytes, key: str) -> str:
    return hashlib.md5(b64encode(body) + key.encode(), usedforsecurity=False).hexdigest()
