"""Staff's corrections of balances: with a reason, on record, and above a limit only by two people.

What else staff make spendable above the limit waits here too.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.books import credit_limits, post, second_person
from sutler.books.models import Adjustment, LedgerAccount, Transfer
from sutler.core.money import LARGEST_MICROS, Micros, show_rate
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line

LONGEST_REASON = 500
MOST_LISTED = 200
State, Kind = Adjustment.State, Adjustment.Kind


@dataclass(frozen=True, slots=True)
class Preview:
    """What an adjustment would do: the balance before and after it (micros), and whether a second person is needed.

    `last_id` is the customer's last adjustment at that moment (0: none); `adjust` takes it to happen once.
    """

    balance_micros: int
    after_micros: int
    currency: str
    needs_second_person: bool
    last_id: int = 0


def preview(customer_id: int, amount_micros: int, actor: User, now: datetime) -> Preview | Refusal:
    """Returns what `adjust` would do, and changes nothing: the dry run. Refuses as `adjust` does."""
    wallet = LedgerAccount.objects.filter(customer_id=customer_id).first()
    if wallet is None:
        return Refusal(Reason.NOT_FOUND)
    after = (wallet.balance_micros or 0) + amount_micros
    if not amount_micros or after > LARGEST_MICROS:
        return Refusal(Reason.INCORRECT_FIELD, "amount")
    if amount_micros < 0 and after < -wallet.credit_limit_micros:
        return Refusal(Reason.NOT_ENOUGH_FUNDS)
    is_large = second_person.is_needed(customer_id, wallet.currency, amount_micros, actor, now)
    last_id = Adjustment.objects.filter(customer_id=customer_id).aggregate(last=Max("pk"))["last"] or 0
    return Preview(wallet.balance_micros or 0, after, wallet.currency, is_large, last_id)


def adjust(
    customer_id: int, amount_micros: int, reason: str, actor: User, now: datetime, *, last_id: int | None = None
) -> Adjustment | Refusal:
    """Corrects a customer's balance by a signed amount (micros), with a line in the audit log.

    Above SUTLER_ADJUSTMENT_LIMIT, as `second_person` counts, it is only stored and its state is WAITING until another
    member of staff confirms it. Refuses with NOT_FOUND (no such
    customer), INCORRECT_FIELD `reason` or `amount`, NOT_ENOUGH_FUNDS (below the credit limit), and with `last_id`
    MOVE_NOT_ALLOWED if the customer has had another adjustment since: a form sent twice adjusts once.
    """
    told = one_line(reason, LONGEST_REASON)
    if not told:
        return Refusal(Reason.INCORRECT_FIELD, "reason")
    with transaction.atomic():
        # Two adjustments at once must see each other: both counted, or the second waits for the first.
        LedgerAccount.objects.select_for_update().filter(customer_id=customer_id).first()
        outlook = preview(customer_id, amount_micros, actor, now)
        if isinstance(outlook, Refusal):
            return outlook
        if last_id is not None and last_id != outlook.last_id:
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        made = Adjustment.objects.create(
            customer_id=customer_id,
            amount_micros=amount_micros,
            reason=told,
            state=State.WAITING if outlook.needs_second_person else State.DONE,
            asked_by=actor,
            asked_at=now,
        )
        if made.state == State.WAITING:
            _write_down(made, actor, "adjustment asked", now, outlook.currency)
            return made
        _post(made, actor, now)
        return made


def pay(customer_id: int, amount_micros: int, cause: str, reason: str, now: datetime) -> Micros | Refusal:
    """Puts what was paid into a wallet, or takes some out, as the operator at the shell; once for each cause.

    Returns the new balance in micros. Refuses as `books.post.deposit` and `adjust` do, and with OTHER_PERSON_NEEDED
    above SUTLER_ADJUSTMENT_LIMIT: nobody waits at the shell, so such a sum is adjusted on the customer's page.
    """
    with transaction.atomic():
        wallet = LedgerAccount.objects.select_for_update().get(customer_id=customer_id)
        is_new = not Transfer.objects.filter(cause=cause).exists()
        if is_new and second_person.is_needed(customer_id, wallet.currency, amount_micros, None, now):
            return Refusal(Reason.OTHER_PERSON_NEEDED)
        verb = post.deposit if amount_micros > 0 else post.adjust
        balance = verb(customer_id, amount_micros, cause, reason, now)
        if is_new and not isinstance(balance, Refusal):
            count_payment(customer_id, amount_micros, reason, None, now)
        return balance


def count_payment(
    customer_id: int,
    amount_micros: int,
    reason: str,
    actor: User | None,
    now: datetime,
    *,
    decided_by: User | None = None,
) -> None:
    """Keeps that staff paid in what no customer had asked for, in the caller's transaction: it counts as adjusted.

    `decided_by` is the second person, where one was needed.
    """
    Adjustment.objects.create(
        customer_id=customer_id,
        kind=Kind.PAYMENT,
        amount_micros=amount_micros,
        reason=reason[:LONGEST_REASON],
        state=State.DONE,
        asked_by=actor,
        asked_at=now,
        decided_by=decided_by,
        decided_at=now if decided_by else None,
    )


def confirm(adjustment_id: int, actor: User, now: datetime) -> Micros | Refusal:
    """Carries out an adjustment, or a rise of the credit limit, that waits. Returns the new balance in micros.

    Refuses with NOT_FOUND, MOVE_NOT_ALLOWED (decided already), OTHER_PERSON_NEEDED (it is the actor's own), or
    NOT_ENOUGH_FUNDS and INCORRECT_FIELD `amount` where the balance has changed since: it then goes on waiting.
    """
    with transaction.atomic():
        made = _to_decide(adjustment_id)
        if isinstance(made, Refusal):
            return made
        if made.asked_by_id == actor.pk:
            return Refusal(Reason.OTHER_PERSON_NEEDED)
        is_limit = made.kind == Kind.CREDIT_LIMIT
        balance = credit_limits.carry_out(made, actor, now) if is_limit else _post(made, actor, now)
        if not isinstance(balance, Refusal):
            _close(made, State.DONE, actor, now)
        return balance


def reject(adjustment_id: int, reason: str, actor: User, now: datetime) -> Refusal | None:
    """Drops an adjustment that waits; whoever asked for it may only withdraw it like this too.

    Refuses with NOT_FOUND, MOVE_NOT_ALLOWED (decided already), INCORRECT_FIELD `reason`.
    """
    told = one_line(reason, LONGEST_REASON)
    if not told:
        return Refusal(Reason.INCORRECT_FIELD, "reason")
    with transaction.atomic():
        made = _to_decide(adjustment_id)
        if isinstance(made, Refusal):
            return made
        _close(made, State.REJECTED, actor if actor.pk != made.asked_by_id else None, now)
        subject = Subject(SubjectType.CUSTOMER, made.customer_id)
        audit_log.write(actor, "adjustment rejected", subject, now, reason=told, before={"adjustment": made.pk})
        return None


def waiting() -> list[Adjustment]:
    """Returns up to 200 adjustments that wait for a second person, oldest first, with customer and who asked."""
    adjustments = Adjustment.objects.filter(state=State.WAITING).select_related("customer", "asked_by")
    return list(adjustments.order_by("pk")[:MOST_LISTED])


def _to_decide(adjustment_id: int) -> Adjustment | Refusal:
    adjustment = Adjustment.objects.select_for_update().filter(pk=adjustment_id).first()
    if adjustment is None:
        return Refusal(Reason.NOT_FOUND)
    return adjustment if adjustment.state == State.WAITING else Refusal(Reason.MOVE_NOT_ALLOWED)


def _close(made: Adjustment, state: str, actor: User | None, now: datetime) -> None:
    made.state, made.decided_by, made.decided_at = state, actor, now
    made.save(update_fields=["state", "decided_by", "decided_at"])


def _post(made: Adjustment, actor: User, now: datetime) -> Micros | Refusal:
    balance = post.adjust(made.customer_id, made.amount_micros, f"adjustment:{made.pk}", made.reason, now)
    if not isinstance(balance, Refusal):
        currency = LedgerAccount.objects.values_list("currency", flat=True).get(customer_id=made.customer_id)
        _write_down(made, actor, "balance adjusted", now, currency, balance)
    return balance


def _write_down(
    made: Adjustment, actor: User, action: str, now: datetime, currency: str, balance: int | None = None
) -> None:
    amount = f"{show_rate(made.amount_micros)} {currency}"
    after = {"adjustment": made.pk, "amount": amount}
    before = {}
    if balance is not None:
        before = {"balance": show_rate(balance - made.amount_micros)}
        after["balance"] = show_rate(balance)
    audit_log.write(
        actor,
        action,
        Subject(SubjectType.CUSTOMER, made.customer_id),
        now,
        reason=made.reason,
        before=before,
        after=after,
    )
