"""How far below zero a wallet may go. A higher limit is money to spend: above a limit of its own only by two people."""

from datetime import datetime

from django.db import transaction

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.books import second_person
from sutler.books.models import Adjustment, LedgerAccount
from sutler.core.money import LARGEST_MICROS, Micros, show_rate
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType

State, Kind = Adjustment.State, Adjustment.Kind


def set_limit(customer_id: int, limit_micros: int, actor: User | None, now: datetime) -> Adjustment | Refusal | None:
    """Lets a customer's balance go down to minus `limit_micros`; the largest limit that ever held is kept beside it.

    A rise above SUTLER_ADJUSTMENT_LIMIT, as `second_person` counts, waits until another member of staff confirms it
    (`adjustments.confirm`): then the adjustment that waits is returned, in place of one that waited before it.
    Refuses with NOT_FOUND, INCORRECT_FIELD `credit_limit`: below zero, too large, or less than is owed already; and
    with OTHER_PERSON_NEEDED at the shell (actor None), where nobody waits.
    """
    with transaction.atomic():
        wallet = LedgerAccount.objects.select_for_update().filter(customer_id=customer_id).first()
        if wallet is None:
            return Refusal(Reason.NOT_FOUND)
        if not 0 <= limit_micros <= LARGEST_MICROS or (wallet.balance_micros or 0) < -limit_micros:
            return Refusal(Reason.INCORRECT_FIELD, "credit_limit")
        rise = limit_micros - wallet.credit_limit_micros
        if rise > 0:
            return _raise(wallet, customer_id, rise, actor, now)
        _write(wallet, limit_micros, actor, now)
    return None


def carry_out(made: Adjustment, actor: User, now: datetime) -> Micros | Refusal:
    """Raises the limit by what waited, in the caller's transaction. Returns the balance, which stays as it is.

    Refuses with INCORRECT_FIELD `amount` if the limit would be too large.
    """
    wallet = LedgerAccount.objects.select_for_update().get(customer_id=made.customer_id)
    limit = wallet.credit_limit_micros + made.amount_micros
    if limit > LARGEST_MICROS:
        return Refusal(Reason.INCORRECT_FIELD, "amount")
    _write(wallet, limit, actor, now)
    return Micros(wallet.balance_micros or 0)


def _raise(
    wallet: LedgerAccount, customer_id: int, rise: int, actor: User | None, now: datetime
) -> Adjustment | Refusal | None:
    is_needed = second_person.is_needed(customer_id, wallet.currency, rise, actor, now)
    if is_needed and actor is None:
        return Refusal(Reason.OTHER_PERSON_NEEDED)
    before, after = (show_rate(each) for each in (wallet.credit_limit_micros, wallet.credit_limit_micros + rise))
    asked = Adjustment(
        customer_id=customer_id,
        kind=Kind.CREDIT_LIMIT,
        amount_micros=rise,
        reason=f"Credit limit {before} -> {after} {wallet.currency}",
        state=State.WAITING if is_needed else State.DONE,
        asked_by=actor,
        asked_at=now,
    )
    if not is_needed:
        asked.save()
        _write(wallet, wallet.credit_limit_micros + rise, actor, now)
        return None
    # Asked twice, it is still raised once.
    earlier = Adjustment.objects.filter(customer_id=customer_id, kind=Kind.CREDIT_LIMIT, state=State.WAITING)
    earlier.update(state=State.REJECTED, decided_at=now)
    asked.save()
    audit_log.write(
        actor,
        "credit limit asked",
        Subject(SubjectType.CUSTOMER, customer_id),
        now,
        after={"credit_limit": asked.reason},
    )
    return asked


def _write(wallet: LedgerAccount, limit_micros: int, actor: User | None, now: datetime) -> None:
    before = wallet.credit_limit_micros
    if before == limit_micros:
        return
    wallet.credit_limit_micros = limit_micros
    wallet.largest_credit_limit_micros = max(wallet.largest_credit_limit_micros, limit_micros)
    wallet.save(update_fields=["credit_limit_micros", "largest_credit_limit_micros"])
    was, became = ({"credit_limit": f"{show_rate(each)} {wallet.currency}"} for each in (before, limit_micros))
    audit_log.write(
        actor,
        "credit limit set",
        Subject(SubjectType.CUSTOMER, wallet.customer_id or ""),
        now,
        before=was,
        after=became,
    )
