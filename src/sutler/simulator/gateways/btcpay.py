"""BTCPay Server as the documentation of its Greenfield API says: invoices paid in parts, signed events."""

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

_EVENTS = {"paid": "InvoicePaymentSettled", "expired": "InvoiceExpired"}


class BtcPay:
    """An invoice takes any number of payments, before and after its time."""

    is_divisible, has_disputes, is_asked = True, False, True

    def answer(self, gateway: LyingGateway, request: Request) -> tuple[int, Any]:
        """Answers invoices and how they were paid."""
        if request.headers.get("authorization") != f"token {gateway.secret}":
            return 401, {"code": "unauthenticated"}
        invoices = "/api/v1/stores/store/invoices"
        if (request.method, request.path) == ("POST", invoices):
            fields = json.loads(request.body)
            payment = gateway.open(
                fields["metadata"]["orderId"],
                micros_of(fields["amount"]),
                fields["currency"],
                return_url=fields["checkout"]["redirectURL"],
            )
            return 200, _invoice(gateway, payment)
        if request.path == invoices:
            wanted = request.query.get("orderId")
            return 200, [_invoice(gateway, each) for each in gateway.payments.values() if each.reference == wanted]
        found = gateway.find(request.path.removeprefix(f"{invoices}/").partition("/")[0])
        if found is None:
            return NOT_FOUND
        if not request.path.endswith("/payment-methods"):
            return 200, _invoice(gateway, found)
        payments = [{"id": each.id, "value": decimal(each.micros), "status": "Settled"} for each in found.transactions]
        # In the invoice's own currency, as of a coin that is worth one unit of it.
        return 200, [{"paymentMethodId": "TEST-CHAIN", "rate": "1", "payments": payments}]

    def notice(
        self, gateway: LyingGateway, payment: Payment, _transaction: Transaction | None, event: str, _at: int
    ) -> Notice:
        """Returns an event of the webhook."""
        body = dumps({"type": _EVENTS[event], "invoiceId": payment.id, "metadata": {"orderId": payment.reference}})
        signature = hmac.digest(gateway.secret.encode(), body, "sha256").hex()
        return Notice(body, {"content-type": "application/json", "btcpay-sig": f"sha256={signature}"})


def _invoice(gateway: LyingGateway, payment: Payment) -> dict[str, Any]:
    came = sum(each.micros for each in payment.transactions)
    status = (
        "Settled" if came >= payment.micros else {"open": "New", "paid": "Processing"}.get(payment.status, "Expired")
    )
    return {
        "id": payment.id,
        "amount": decimal(payment.micros),
        "currency": payment.currency,
        "status": status,
        "checkoutLink": f"{gateway.url}/pay/{payment.id}",
        "metadata": {"orderId": payment.reference},
    }
