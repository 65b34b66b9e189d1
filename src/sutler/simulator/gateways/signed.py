"""A gateway without an API: a page, and forms signed by HMAC-SHA256 over the body, as many local services do."""

import hmac
from typing import Any
from urllib.parse import urlencode

from sutler.simulator.gateways.gateway import NOT_FOUND, LyingGateway, Notice, Payment, Request, Transaction, decimal

SETTINGS = {
    "page_url": "{url}/begin?order={{reference}}&sum={{amount}}&cur={{currency}}"
    "&back={{return_url}}&notices={{notice_url}}",
    "algorithm": "hmac-sha256",
    "signature_place": "header",
    "signature_name": "X-Signature",
    "notice_signed": "{body}",
    "reference_field": "order",
    "transaction_field": "payment",
    "amount_field": "sum",
    "currency_field": "cur",
    "status_field": "status",
    "paid_words": "paid",
    "failed_words": "expired",
    "refunded_words": "refunded",
}


class Signed:
    """It cannot be asked: all it says, it says in notices."""

    is_divisible, has_disputes, is_asked = True, False, False

    def answer(self, _gateway: LyingGateway, _request: Request) -> tuple[int, Any]:
        """Knows no questions."""
        return NOT_FOUND

    def notice(
        self, gateway: LyingGateway, payment: Payment, transaction: Transaction | None, event: str, _at: int
    ) -> Notice:
        """Returns a form; of a refund, with all that went back by now."""
        micros = transaction.micros if transaction else payment.micros
        if transaction and event == "refunded":
            micros = transaction.refunded_micros
        fields = {
            "order": payment.reference,
            "payment": transaction.id if transaction else "none",
            "sum": decimal(micros),
            "cur": transaction.currency if transaction else payment.currency,
            "status": event,
        }
        body = urlencode(fields).encode()
        signature = hmac.digest(gateway.secret.encode(), body, "sha256").hex()
        return Notice(body, {"content-type": "application/x-www-form-urlencoded", "x-signature": signature})
