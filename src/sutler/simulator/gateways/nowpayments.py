"""NOWPayments as its API documentation says: an address for a coin, notices signed over their fields in order."""

import hmac
import json
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
    micros_of,
)


class NowPayments:
    """A payment has an address, one transaction, and no dispute."""

    is_divisible, has_disputes, is_asked = False, False, True

    def answer(self, gateway: LyingGateway, request: Request) -> tuple[int, Any]:
        """Answers payments."""
        if request.headers.get("x-api-key") != gateway.secret:
            return 403, {"code": "INVALID_API_KEY"}
        if (request.method, request.path) == ("POST", "/v1/payment"):
            fields = json.loads(request.body, parse_float=str, parse_int=str)
            currency = fields["price_currency"].upper()
            payment = gateway.open(
                fields["order_id"], micros_of(fields["price_amount"]), currency, fields["ipn_callback_url"]
            )
            return 201, _payment(payment, "waiting")
        found = gateway.find(request.path.rpartition("/")[2])
        return (200, _payment(found, _status(found))) if found else NOT_FOUND

    def notice(
        self, gateway: LyingGateway, payment: Payment, _transaction: Transaction | None, event: str, _at: int
    ) -> Notice:
        """Returns a notification; its signature is over the fields sorted by name."""
        status = "expired" if event == "expired" else _status(payment)
        fields = _payment(payment, status)
        signature = hmac.digest(gateway.secret.encode(), dumps(dict(sorted(fields.items()))), "sha512").hex()
        return Notice(dumps(fields), {"content-type": "application/json", "x-nowpayments-sig": signature})


def _status(payment: Payment) -> str:
    if not payment.transactions:
        return "waiting" if payment.status == "open" else "expired"
    return "refunded" if payment.transactions[0].refunded_micros else "finished"


def _payment(payment: Payment, status: str) -> dict[str, Any]:
    came = payment.transactions[0].micros if payment.transactions else 0
    return {
        "payment_id": payment.id,
        "payment_status": status,
        "order_id": payment.reference,
        "price_amount": decimal(payment.micros),
        "price_currency": payment.currency.lower(),
        "pay_address": f"T{payment.id}",
        "pay_amount": decimal(payment.micros),
        "pay_currency": "usdttrc20",
        "actually_paid": decimal(came),
    }
