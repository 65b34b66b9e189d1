"""Stripe as its API reference says: Checkout sessions, charges, disputes, and events signed with scheme v1."""

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs

from sutler.simulator.gateways.gateway import NOT_FOUND, LyingGateway, Notice, Payment, Request, Transaction, dumps

CENT = 10_000
_EVENTS = {
    "paid": "checkout.session.completed",
    "expired": "checkout.session.expired",
    "refunded": "charge.refunded",
    "disputed": "charge.dispute.created",
    "won": "charge.dispute.closed",
    "lost": "charge.dispute.closed",
}
_STATUSES = {"open": "needs_response", "won": "won", "lost": "lost"}


class Stripe:
    """A session is paid once and whole."""

    is_divisible, has_disputes, is_asked = False, True, True

    def answer(self, gateway: LyingGateway, request: Request) -> tuple[int, Any]:
        """Answers what the panel asks of a session, its charge and its disputes."""
        if request.headers.get("authorization") != f"Bearer {gateway.secret}":
            return 401, {"error": {"code": "api_key_invalid"}}
        if (request.method, request.path) == ("POST", "/v1/checkout/sessions"):
            fields = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
            payment = gateway.open(
                fields["client_reference_id"],
                int(fields["line_items[0][price_data][unit_amount]"]) * CENT,
                fields["line_items[0][price_data][currency]"].upper(),
                return_url=fields["success_url"],
            )
            return 200, _session(gateway, payment)
        if request.path.startswith("/v1/checkout/sessions/"):
            found = gateway.find(request.path.rpartition("/")[2])
            return (200, _session(gateway, found)) if found else NOT_FOUND
        rows = [
            (payment, each)
            for payment in gateway.payments.values()
            for each in payment.transactions
            if each.id == request.query.get("payment_intent")
        ]
        if request.path == "/v1/charges":
            return 200, {"data": [_charge(payment, each) for payment, each in rows]}
        return 200, {"data": [_dispute(each) for _payment, each in rows if each.dispute]}

    def notice(
        self, gateway: LyingGateway, payment: Payment, transaction: Transaction | None, event: str, at: int
    ) -> Notice:
        """Returns an event with the signature of that second."""
        if event in {"paid", "expired"} or transaction is None:
            subject = _session(gateway, payment)
        else:
            subject = _charge(payment, transaction) if event == "refunded" else _dispute(transaction)
        body = dumps({"id": f"evt_{event}", "object": "event", "type": _EVENTS[event], "data": {"object": subject}})
        signature = hmac.new(gateway.secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return Notice(body, {"content-type": "application/json", "stripe-signature": f"t={at},v1={signature}"})


def _session(gateway: LyingGateway, payment: Payment) -> dict[str, Any]:
    first = payment.transactions[0] if payment.transactions else None
    return {
        "id": payment.id,
        "object": "checkout.session",
        "client_reference_id": payment.reference,
        "url": f"{gateway.url}/pay/{payment.id}",
        "payment_status": "paid" if first else "unpaid",
        "status": "complete" if first else {"open": "open"}.get(payment.status, "expired"),
        "amount_total": (first.micros if first else payment.micros) // CENT,
        "currency": (first.currency if first else payment.currency).lower(),
        "payment_intent": first.id if first else None,
    }


def _charge(payment: Payment, transaction: Transaction) -> dict[str, Any]:
    return {
        "object": "charge",
        "payment_intent": transaction.id,
        "amount": transaction.micros // CENT,
        "amount_refunded": transaction.refunded_micros // CENT,
        "currency": transaction.currency.lower(),
        "metadata": {"reference": payment.reference},
    }


def _dispute(transaction: Transaction) -> dict[str, Any]:
    return {
        "object": "dispute",
        "payment_intent": transaction.id,
        "amount": transaction.micros // CENT,
        "currency": transaction.currency.lower(),
        "status": _STATUSES.get(transaction.dispute, "needs_response"),
    }
