"""PayPal as the documentation of its Orders and Disputes APIs says. Its events carry no secret."""

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

_EVENTS = {
    "paid": "CHECKOUT.ORDER.APPROVED",
    "expired": "CHECKOUT.ORDER.VOIDED",
    "refunded": "PAYMENT.CAPTURE.REFUNDED",
    "disputed": "CUSTOMER.DISPUTE.CREATED",
    "won": "CUSTOMER.DISPUTE.RESOLVED",
    "lost": "CUSTOMER.DISPUTE.RESOLVED",
}
_OUTCOMES = {"open": "", "won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"}


class PayPal:
    """An order is approved by the customer, and captured once and whole by the panel: only then is it paid."""

    is_divisible, has_disputes, is_asked = False, True, True

    def answer(self, gateway: LyingGateway, request: Request) -> tuple[int, Any]:
        """Answers tokens, orders, captures and disputes."""
        if request.path == "/v1/oauth2/token":
            return 200, {"access_token": gateway.secret}
        if request.headers.get("authorization") != f"Bearer {gateway.secret}":
            return 401, {"name": "AUTHENTICATION_FAILURE"}
        if request.path.startswith("/v1/customer/disputes"):
            return _disputes(gateway, request)
        if (request.method, request.path) == ("POST", "/v2/checkout/orders"):
            fields = json.loads(request.body)
            [unit] = fields["purchase_units"]
            amount = unit["amount"]
            context = fields["payment_source"]["paypal"]["experience_context"]
            payment = gateway.open(
                unit["custom_id"], micros_of(amount["value"]), amount["currency_code"], "", context["return_url"]
            )
            return 201, _order(gateway, payment)
        parts = request.path.split("/")
        found = gateway.find(parts[4]) if len(parts) > 4 else None
        if found is None:
            return NOT_FOUND
        if parts[-1] == "capture" and found.status == "approved":
            gateway.pay(found)
        return 200, _order(gateway, found)

    def notice(
        self, _gateway: LyingGateway, payment: Payment, transaction: Transaction | None, event: str, _at: int
    ) -> Notice:
        """Returns an event, which names what it is about."""
        resource: dict[str, Any] = {"id": payment.id}
        if event == "refunded":
            resource = {"custom_id": payment.reference}
        elif event in _OUTCOMES or event == "disputed":
            resource = {"disputed_transactions": [{"seller_transaction_id": transaction.id if transaction else "x"}]}
        body = dumps({"event_type": _EVENTS[event], "resource": resource})
        return Notice(body, {"content-type": "application/json"})


def _order(gateway: LyingGateway, payment: Payment) -> dict[str, Any]:
    captures = [
        {
            "id": each.id,
            "status": _capture_status(each),
            "amount": {"currency_code": each.currency, "value": decimal(each.micros)},
        }
        for each in payment.transactions
    ]
    refunds = [
        {
            "id": f"R-{each.id}",
            "status": "COMPLETED",
            "amount": {"currency_code": each.currency, "value": decimal(each.refunded_micros)},
        }
        for each in payment.transactions
        if each.refunded_micros
    ]
    statuses = {"open": "PAYER_ACTION_REQUIRED", "approved": "APPROVED", "paid": "COMPLETED"}
    return {
        "id": payment.id,
        "status": statuses.get(payment.status, "VOIDED"),
        "purchase_units": [{"custom_id": payment.reference, "payments": {"captures": captures, "refunds": refunds}}],
        "links": [{"rel": "payer-action", "href": f"{gateway.url}/pay/{payment.id}"}],
    }


def _capture_status(transaction: Transaction) -> str:
    if not transaction.refunded_micros:
        return "COMPLETED"
    return "REFUNDED" if transaction.refunded_micros >= transaction.micros else "PARTIALLY_REFUNDED"


def _disputes(gateway: LyingGateway, request: Request) -> tuple[int, Any]:
    disputed = [each for payment in gateway.payments.values() for each in payment.transactions if each.dispute]
    wanted = request.query.get("disputed_transaction_id")
    if wanted is not None:
        return 200, {"items": [{"dispute_id": f"D-{each.id}"} for each in disputed if each.id == wanted]}
    for each in disputed:
        if request.path.endswith(f"/D-{each.id}"):
            return 200, {
                "dispute_id": f"D-{each.id}",
                "status": "UNDER_REVIEW" if each.dispute == "open" else "RESOLVED",
                "dispute_amount": {"currency_code": each.currency, "value": decimal(each.micros)},
                "dispute_outcome": {"outcome_code": _OUTCOMES[each.dispute]},
            }
    return NOT_FOUND
