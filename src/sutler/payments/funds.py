"""Adding funds by hand: a customer asks, staff confirm once the money has come, and the wallet gets it once.

Each verb owns its transaction, and raises storage.transactions.Busy or CommitUnclear as `durable` says.
"""

import re
from datetime import datetime

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from sutler.accounts import audit_log, mail
from sutler.accounts.models import Customer, Notice, User
from sutler.books import post, second_person
from sutler.books.adjustments import count_payment
from sutler.books.models import LedgerAccount
from sutler.core.money import Micros, show_balance, show_rate
from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line
from sutler.payments import lifecycle
from sutler.payments.models import Checkout, FundsRequest, Method, Receipt
from sutler.storage.transactions import durable

MOST_WAITING = 10
MOST_ON_A_PAGE = 200
LONGEST_NOTE = 500
LONGEST_ID, LONGEST_TRANSACTION_ID = 200, 100
MOST_NAMED = 50
_REFERENCE = re.compile(r"(?:[fF]-)?([0-9]{1,18})", re.ASCII)
State = FundsRequest.State


def credit_for(method: Method, amount_micros: int) -> Micros:
    """Returns what the wallet gets for a paid amount: less the fee, rounded up, and with the bonus, rounded down."""
    fee = -(-amount_micros * method.fee_basis_points // WHOLE_PRICE_BASIS_POINTS)
    bonus = amount_micros * method.bonus_basis_points // WHOLE_PRICE_BASIS_POINTS
    return Micros(amount_micros - fee + bonus)


def ask(
    customer_id: int,
    method_id: int,
    amount_micros: int,
    note: str,
    asked_by: User | None,
    now: datetime,
    *,
    is_at_gateway: bool = False,
) -> FundsRequest | Refusal:
    """Stores that a customer pays an amount by a method; `reference` of the answer is what they quote.

    Only `checkouts.open_` asks for a gateway's method, and completes the request in its own transaction.
    Refuses with INCORRECT_FIELD `method` (not offered, or in another currency), `amount` (outside the method's min
    and max) or `note`, TOO_MANY_REQUESTS (ten are waiting).
    """
    told = one_line(note, LONGEST_NOTE)
    if told is None:
        return Refusal(Reason.INCORRECT_FIELD, "note")
    with durable():
        customer = Customer.objects.select_for_update().get(pk=customer_id)
        method = Method.objects.filter(pk=method_id, is_offered=True, currency=customer.currency).first()
        if method is None or bool(method.kind) != is_at_gateway:
            return Refusal(Reason.INCORRECT_FIELD, "method")
        credit = credit_for(method, amount_micros)
        if not method.min_micros <= amount_micros <= method.max_micros or credit <= 0:
            return Refusal(Reason.INCORRECT_FIELD, "amount")
        if FundsRequest.objects.filter(customer=customer, state=State.WAITING).count() >= MOST_WAITING:
            return Refusal(Reason.TOO_MANY_REQUESTS)
        return FundsRequest.objects.create(
            customer=customer,
            method=method,
            asked_by=asked_by,
            currency=customer.currency,
            amount_micros=amount_micros,
            credit_micros=credit,
            note=told,
            asked_at=now,
        )


def withdraw(customer_id: int, request_id: int, now: datetime) -> Refusal | None:
    """Takes a request of the customer's own back. Refuses with NOT_FOUND, MOVE_NOT_ALLOWED (decided already)."""
    with durable():
        asked = _to_decide(request_id, customer_id)
        if isinstance(asked, Refusal):
            return asked
        _close(asked, State.WITHDRAWN, None, "", now)
    return None


def name_transaction(customer_id: int, request_id: int, text: str) -> Refusal | None:
    """Keeps what a customer says that the transaction of their waiting payment is called; an empty text takes it back.

    Refuses with NOT_FOUND, MOVE_NOT_ALLOWED (decided already, or a gateway knows it), INCORRECT_FIELD `transaction_id`.
    """
    told = one_line(text, LONGEST_TRANSACTION_ID)
    if told is None:
        return Refusal(Reason.INCORRECT_FIELD, "transaction_id")
    with durable():
        asked = _to_decide(request_id, customer_id)
        if isinstance(asked, Refusal):
            return asked
        if asked.method.kind:
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        asked.transaction_id = told
        asked.save(update_fields=["transaction_id"])
    return None


def with_same_transaction(asked: FundsRequest) -> list[FundsRequest]:
    """Returns other requests that name the same transaction, newest first: money may be claimed twice."""
    if not asked.transaction_id:
        return []
    same = FundsRequest.objects.filter(Q(transaction_id=asked.transaction_id) & ~Q(transaction_id=""))
    return list(same.exclude(pk=asked.pk).order_by("-pk")[:MOST_NAMED])


def confirm(request_id: int, actor: User, now: datetime, *, amount_micros: int | None = None) -> Micros | Refusal:
    """Credits a request, once. Returns the customer's new balance in micros.

    With an amount, where another one came than was asked: it is credited on the terms of the method as they are now.
    Refuses with NOT_FOUND, MOVE_NOT_ALLOWED (decided already), INCORRECT_FIELD `amount` (nothing would be left of it,
    or more than the books can hold), OTHER_PERSON_NEEDED: more is credited than the customer asked for, and with that
    the actor is above SUTLER_ADJUSTMENT_LIMIT. Then another member of staff has to confirm the same amount.
    """
    with durable():
        asked = _to_decide(request_id)
        if isinstance(asked, Refusal):
            return asked
        # What staff have asked for in a customer's name, no customer has asked for.
        is_own = asked.asked_by is None or not asked.asked_by.is_staff
        as_asked = asked.credit_micros if is_own else 0
        if amount_micros is not None and amount_micros != asked.amount_micros:
            asked.amount_micros, asked.credit_micros = amount_micros, credit_for(asked.method, amount_micros)
            if amount_micros <= 0 or asked.credit_micros <= 0:
                return Refusal(Reason.INCORRECT_FIELD, "amount")
        refusal = _ask_a_second_person(asked, asked.credit_micros - as_asked, actor, now)
        if refusal is not None:
            return refusal
        balance = post.deposit(
            asked.customer_id, asked.credit_micros, f"funds:{asked.pk}", f"{asked.reference} {asked.method.name}", now
        )
        if isinstance(balance, Refusal):
            return balance
        _close(asked, State.CONFIRMED, actor, "", now)
        after = {"credited": f"{show_rate(asked.credit_micros)} {asked.currency}"}
        audit_log.write(actor, "funds confirmed", Subject(SubjectType.CUSTOMER, asked.customer_id), now, after=after)
        _tell(asked, balance, now)
        return balance


def _ask_a_second_person(asked: FundsRequest, above_micros: int, actor: User, now: datetime) -> Refusal | None:
    """Keeps what the actor credits above what was asked; refuses where another person has to say the same first."""
    if above_micros <= 0:
        return None
    LedgerAccount.objects.select_for_update().get(customer_id=asked.customer_id)
    first = asked.received_by
    is_seconded = first is not None and first != actor and asked.received_micros == asked.amount_micros
    if not is_seconded and second_person.is_needed(asked.customer_id, asked.currency, above_micros, actor, now):
        # Only this of the request: its terms stay as they were asked.
        FundsRequest.objects.filter(pk=asked.pk).update(received_micros=asked.amount_micros, received_by=actor)
        after = {"request": asked.reference, "received": f"{show_rate(asked.amount_micros)} {asked.currency}"}
        audit_log.write(
            actor, "funds confirmation asked", Subject(SubjectType.CUSTOMER, asked.customer_id), now, after=after
        )
        return Refusal(Reason.OTHER_PERSON_NEEDED)
    count_payment(
        asked.customer_id,
        above_micros,
        f"{asked.reference}: more than was asked",
        first if is_seconded else actor,
        now,
        decided_by=actor if is_seconded else None,
    )
    return None


def reject(request_id: int, reason: str, actor: User, now: datetime) -> Refusal | None:
    """Turns a request down for a reason that the customer is told.

    Refuses with NOT_FOUND, MOVE_NOT_ALLOWED (decided already), INCORRECT_FIELD `reason`.
    """
    told = one_line(reason, LONGEST_NOTE)
    if not told:
        return Refusal(Reason.INCORRECT_FIELD, "reason")
    with durable():
        asked = _to_decide(request_id)
        if isinstance(asked, Refusal):
            return asked
        _close(asked, State.REJECTED, actor, told, now)
        audit_log.write(actor, "funds rejected", Subject(SubjectType.CUSTOMER, asked.customer_id), now, reason=told)
        _tell(asked, None, now)
    return None


def of_customer(customer_id: int, *, text: str = "", before: int | None = None, limit: int = 50) -> list[FundsRequest]:
    """Returns the customer's requests with their methods, newest first, below the id `before`; `text`: see `of_all`."""
    found = FundsRequest.objects.filter(customer_id=customer_id)
    return _listed(found.filter(pk__in=_named(text[:LONGEST_ID])) if text else found, before, limit)


def get(customer_id: int, request_id: int) -> FundsRequest | None:
    """Returns the customer's request with its method, or None if the customer has no such request."""
    found = FundsRequest.objects.select_related("method", "checkout")
    return found.filter(pk=request_id, customer_id=customer_id).first()


def get_for_staff(request_id: int) -> FundsRequest | None:
    """Returns anybody's request with its method, its customer and who decided it, or None if there is none."""
    found = FundsRequest.objects.select_related(
        "method", "customer__wallet", "decided_by", "asked_by", "received_by", "checkout"
    )
    return found.filter(pk=request_id).first()


def of_all(
    *, waiting_only: bool = False, text: str = "", before: int | None = None, limit: int = 50
) -> list[FundsRequest]:
    """Returns everybody's requests, for staff, newest first, below the id `before`.

    Those that wait are for staff to decide: a gateway's are not among them. `text` is a reference of the panel's, or an
    ID of the gateway's, of the payment or of a transaction: whole, as it was copied from there.
    """
    found = FundsRequest.objects.select_related("customer", "decided_by")
    if text:
        found = found.filter(pk__in=_named(text[:LONGEST_ID]))
    return _listed(found.filter(state=State.WAITING, checkout=None) if waiting_only else found, before, limit)


def _named(text: str) -> list[int]:
    """Returns the ids of the requests that an id names, at most 50: one statement, each part of it by an index."""
    at_gateway, by_hand = Checkout.objects.values_list("request_id"), FundsRequest.objects.values_list("pk")
    # The index of transactions begins with their method.
    receipts = Receipt.objects.filter(method__in=Method.objects.exclude(kind="").values("pk"), transaction_id=text)
    named = at_gateway.filter(reference=text).union(
        at_gateway.filter(_is_filled("gateway_id"), gateway_id=text),
        receipts.values_list("request_id"),
        by_hand.filter(_is_filled("transaction_id"), transaction_id=text),
    )
    ids = [request_id for (request_id,) in named[:MOST_NAMED]]
    match = _REFERENCE.fullmatch(text)
    return [*ids, int(match.group(1))] if match else ids


def _is_filled(column: str) -> RawSQL:
    """The condition of a partial index, word for word: SQLite does not find it behind parameters."""
    return RawSQL(f"NOT ({column} = '')", [], BooleanField())  # noqa: S611 - a name of our own


def _listed(found: QuerySet[FundsRequest], before: int | None, limit: int) -> list[FundsRequest]:
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.select_related("method").order_by("-pk")[: max(1, min(limit, MOST_ON_A_PAGE))])


def _to_decide(request_id: int, customer_id: int | None = None) -> FundsRequest | Refusal:
    """Locks a request that waits for a decision."""
    found = FundsRequest.objects.select_for_update(of=("self",)).select_related(
        "method", "customer", "asked_by", "received_by"
    )
    if customer_id is not None:
        found = found.filter(customer_id=customer_id)
    asked = found.filter(pk=request_id).first()
    if asked is None:
        return Refusal(Reason.NOT_FOUND)
    return asked if asked.state == State.WAITING else Refusal(Reason.MOVE_NOT_ALLOWED)


def _close(asked: FundsRequest, state: str, actor: User | None, reason: str, now: datetime) -> None:
    asked.save(update_fields=["amount_micros", "credit_micros"])
    is_moved = lifecycle.move(asked, state, now, actor=actor, reason=reason)
    assert is_moved, f"{asked} was locked and waiting"  # noqa: S101 - `_to_decide` has looked


def _tell(asked: FundsRequest, balance: int | None, now: datetime) -> None:
    def compose() -> tuple[str, str]:
        if balance is None:
            return (
                _("Your payment %(reference)s was rejected") % {"reference": asked.reference},
                _("Reason: %(reason)s") % {"reason": asked.reason},
            )
        return (
            _("Your payment %(reference)s was credited") % {"reference": asked.reference},
            _("%(credit)s %(currency)s added to your balance. Balance now: %(balance)s %(currency)s.")
            % {
                "credit": show_balance(asked.credit_micros),
                "balance": show_balance(balance),
                "currency": asked.currency,
            },
        )

    mail.tell(asked.customer.people.all(), Notice.FUNDS, compose, now)
