"""The one door through which facts of gateways move money: each transaction once, whatever order they come in.

What came and what went back is written down as a receipt first; then what the receipts of a request come to is worked
out anew and the books are brought to it. So a fact that is doubled, late or out of order ends where the others do.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext as _

from sutler.accounts import mail
from sutler.accounts.models import Notice
from sutler.books import post
from sutler.core.money import show_balance
from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS
from sutler.core.refusals import Refusal
from sutler.payments import alerts, lifecycle, reverse
from sutler.payments.gateways.shape import Fact, FactKind
from sutler.payments.models import Alert, Checkout, FundsRequest, Method, Receipt
from sutler.storage.transactions import durable

LONGEST_CAUSE = 60
# More transactions for one payment than anybody makes.
MOST_RECEIPTS = 100
FIRST_LOOK_AFTER_CREDIT = timedelta(days=1)
# Between two looks that notices ask for.
LOOK_APART = timedelta(seconds=10)
State, Kind = FundsRequest.State, Alert.Kind
_DISPUTES = {
    FactKind.DISPUTED: Receipt.Dispute.OPEN,
    FactKind.DISPUTE_WON: Receipt.Dispute.WON,
    FactKind.DISPUTE_LOST: Receipt.Dispute.LOST,
}
_OF_MONEY = frozenset({FactKind.PAID, FactKind.REVERSED, *_DISPUTES})


class Outcome(StrEnum):
    """What a fact led to: something changed, it was known already, or no payment of the method is meant."""

    APPLIED = "applied"
    KNOWN = "known"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of one fact, and the id of the request it was about, if there is one."""

    outcome: Outcome
    request_id: int | None = None


def apply(method: Method, fact: Fact, now: datetime) -> Settled:
    """Applies one verified fact of the method's gateway, in a transaction of its own.

    Raises storage.transactions.Busy or CommitUnclear as `durable` says; applying it again is right then.
    """
    with durable():
        checkout = _find(method, fact)
        if checkout is None:
            return Settled(Outcome.UNKNOWN)
        request = FundsRequest.objects.select_for_update(of=("self",)).get(pk=checkout.request_id)
        request.customer = checkout.request.customer
        checkout.refresh_from_db()
        is_new = _take(method, request, checkout, fact, now)
        if is_new and fact.kind in _OF_MONEY:
            _balance(method, request, checkout, now)
        return Settled(Outcome.APPLIED if is_new else Outcome.KNOWN, request.pk)


def cause_of(method: Method, transaction_id: str) -> str:
    """Returns the cause under which a transaction is credited: the same for the same one, and no other's."""
    cause = f"gateway:{method.kind}:{method.pk}-{transaction_id}"
    if len(cause) <= LONGEST_CAUSE:
        return cause
    return f"gateway:{method.kind}:{method.pk}#{hashlib.sha256(transaction_id.encode()).hexdigest()}"[:LONGEST_CAUSE]


def _find(method: Method, fact: Fact) -> Checkout | None:
    named = Checkout.objects.filter(request__method=method).select_related("request__customer")
    if fact.reference and (checkout := named.filter(reference=fact.reference).first()):
        return checkout
    if fact.gateway_id and (checkout := named.filter(gateway_id=fact.gateway_id).first()):
        return checkout
    if not fact.transaction_id:
        return None
    return named.filter(request__receipts__method=method, request__receipts__transaction_id=fact.transaction_id).first()


def _take(method: Method, request: FundsRequest, checkout: Checkout, fact: Fact, now: datetime) -> bool:
    """Writes down what the fact says; returns False if that was known."""
    if fact.kind is FactKind.PENDING:
        return False
    if fact.kind is FactKind.CHANGED:
        # Whoever sends many of these has the gateway asked no more often.
        checkout.look_at = max(now, checkout.looked_at + LOOK_APART) if checkout.looked_at else now
        checkout.save(update_fields=["look_at"])
        return True
    if fact.kind is FactKind.FAILED:
        return expire(request, now)
    receipt = Receipt.objects.filter(method=method, transaction_id=fact.transaction_id).first()
    if receipt is None:
        if not fact.transaction_id or request.receipts.count() >= MOST_RECEIPTS:
            return False
        receipt = Receipt(
            request=request,
            method=method,
            transaction_id=fact.transaction_id,
            cause=cause_of(method, fact.transaction_id),
            received_at=now,
        )
    elif receipt.request_id != request.pk:
        # One transaction pays one request.
        alerts.raise_(request, Kind.TRANSACTION, {"transaction": fact.transaction_id}, now)
        return False
    if fact.kind in _DISPUTES:
        is_new = _disputed(request, receipt, fact, now)
    else:
        is_new = _paid(request, receipt, fact, now) if fact.kind is FactKind.PAID else _refunded(receipt, fact)
    if is_new:
        receipt.save()
    return is_new


def _paid(request: FundsRequest, receipt: Receipt, fact: Fact, now: datetime) -> bool:
    if not receipt.amount_micros:
        receipt.amount_micros, receipt.currency = fact.amount_micros, fact.currency[:10]
        return True
    if (receipt.amount_micros, receipt.currency) == (fact.amount_micros, fact.currency[:10]):
        return False
    # The first amount stands, and staff look: a transaction is credited once.
    data = {"first": receipt.amount_micros, "then": fact.amount_micros, "currency": fact.currency[:10]}
    alerts.raise_(request, Kind.AMOUNT, data, now)
    return False


def _refunded(receipt: Receipt, fact: Fact) -> bool:
    is_new = fact.amount_micros > receipt.refunded_micros
    receipt.refunded_micros = max(receipt.refunded_micros, fact.amount_micros)
    return is_new


def _disputed(request: FundsRequest, receipt: Receipt, fact: Fact, now: datetime) -> bool:
    state = _DISPUTES[fact.kind]
    is_new = state in lifecycle.DISPUTE_MOVES[receipt.dispute] or fact.amount_micros > receipt.disputed_micros
    if receipt.dispute == Receipt.Dispute.LOST and state == Receipt.Dispute.WON:
        alerts.raise_(request, Kind.REINSTATED, {"micros": receipt.disputed_micros}, now)
    if state in lifecycle.DISPUTE_MOVES[receipt.dispute]:
        receipt.dispute = state
    receipt.disputed_micros = max(receipt.disputed_micros, fact.amount_micros)
    return is_new


def expire(request: FundsRequest, now: datetime) -> bool:
    """Ends a request to which nothing came; returns False if it has ended, or something came that staff look at.

    Belongs into a transaction that has locked the request.
    """
    if request.state != State.WAITING or request.receipts.exists():
        return False
    return lifecycle.move(request, State.EXPIRED, now)


def _balance(method: Method, request: FundsRequest, checkout: Checkout, now: datetime) -> None:
    """Brings the books to what the receipts come to."""
    receipts = list(request.receipts.order_by("pk"))
    came = [each for each in receipts if each.amount_micros]
    usable = [each for each in came if each.currency == request.currency]
    for each in came:
        if each.currency != request.currency:
            data = {"micros": each.amount_micros, "currency": each.currency}
            alerts.raise_(request, Kind.CURRENCY, data, now)
    _credit(method, request, checkout, usable, now)
    for each in receipts:
        reverse.settle(request, each, now)


def _credit(
    method: Method, request: FundsRequest, checkout: Checkout, usable: Sequence[Receipt], now: datetime
) -> None:
    held = [each for each in usable if each.state == Receipt.State.HELD]
    total = sum(each.amount_micros for each in usable)
    if held and _is_decided_by_staff(request):
        alerts.raise_(request, Kind.DECIDED, {"micros": sum(each.amount_micros for each in held)}, now)
        return
    if total < checkout.asked_micros and not method.accepts_partial and not _is_credited(usable):
        if usable:
            alerts.raise_(request, Kind.TOO_LITTLE, {"came": total, "asked": checkout.asked_micros}, now)
        return
    is_late = request.state in {State.EXPIRED, State.WITHDRAWN} or now > checkout.expires_at
    credited = [each for each in held if _credit_one(request, checkout, each, now)]
    if credited:
        _confirm(request, checkout, usable, now)
        if is_late:
            alerts.raise_(request, Kind.LATE, {"micros": sum(each.amount_micros for each in credited)}, now)
    if total >= checkout.asked_micros:
        alerts.pass_over(request, Kind.TOO_LITTLE, now)
    if total > checkout.asked_micros:
        alerts.raise_(request, Kind.TOO_MUCH, {"came": total, "asked": checkout.asked_micros}, now)


def _credit_one(request: FundsRequest, checkout: Checkout, receipt: Receipt, now: datetime) -> bool:
    credit = credit_for(checkout, receipt.amount_micros)
    if credit <= 0:
        data = {"came": receipt.amount_micros, "asked": checkout.asked_micros}
        alerts.raise_(request, Kind.TOO_LITTLE, data, now)
        return False
    reason = f"{request.reference} {receipt.method.name}"
    balance = post.deposit(request.customer_id, credit, receipt.cause, reason, now)
    if isinstance(balance, Refusal):
        alerts.raise_(request, Kind.TOO_LARGE, {"micros": receipt.amount_micros}, now)
        return False
    receipt.credit_micros, receipt.state = credit, Receipt.State.CREDITED
    receipt.save(update_fields=["credit_micros", "state"])
    if balance >= 0:
        alerts.pass_over_debt(request.customer_id, now)
    _tell(request, credit, int(balance), now)
    return True


def credit_for(checkout: Checkout, amount_micros: int) -> int:
    """Returns what the wallet gets for an amount by the terms on which the payment was begun."""
    fee = -(-amount_micros * checkout.fee_basis_points // WHOLE_PRICE_BASIS_POINTS)
    bonus = amount_micros * checkout.bonus_basis_points // WHOLE_PRICE_BASIS_POINTS
    return amount_micros - fee + bonus


def _confirm(request: FundsRequest, checkout: Checkout, usable: Sequence[Receipt], now: datetime) -> None:
    credited = [each for each in usable if each.state == Receipt.State.CREDITED]
    request.amount_micros = sum(each.amount_micros for each in credited)
    request.credit_micros = sum(each.credit_micros for each in credited)
    request.save(update_fields=["amount_micros", "credit_micros"])
    lifecycle.move(request, State.CONFIRMED, now)
    if request.amount_micros >= checkout.asked_micros:
        # From now on it is asked about rarely: what may still go back.
        checkout.look_at, checkout.looks = now + FIRST_LOOK_AFTER_CREDIT, 0
        checkout.save(update_fields=["look_at", "looks"])


def _is_decided_by_staff(request: FundsRequest) -> bool:
    return request.state == State.REJECTED or (request.state == State.CONFIRMED and request.decided_by_id is not None)


def _is_credited(receipts: Sequence[Receipt]) -> bool:
    return any(each.state == Receipt.State.CREDITED for each in receipts)


def _tell(request: FundsRequest, credit_micros: int, balance_micros: int, now: datetime) -> None:
    def compose() -> tuple[str, str]:
        return (
            _("Your payment %(reference)s has arrived") % {"reference": request.reference},
            _("%(credit)s %(currency)s were added. Your balance is %(balance)s %(currency)s.")
            % {
                "credit": show_balance(credit_micros),
                "balance": show_balance(balance_micros),
                "currency": request.currency,
            },
        )

    mail.tell(request.customer.people.all(), Notice.FUNDS, compose, now)
