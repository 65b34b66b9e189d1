"""How far below zero a wallet may go."""

from datetime import datetime

from django.db import transaction

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.books.models import LedgerAccount
from sutler.core.money import LARGEST_MICROS, show_rate
from sutler.core.refusals import Reason, Refusal


def set_limit(customer_id: int, limit_micros: int, actor: User | None, now: datetime) -> Refusal | None:
    """Lets a customer's balance go down to minus `limit_micros`; the largest limit that ever held is kept beside it.

    Refuses with NOT_FOUND, or INCORRECT_FIELD `credit_limit`: below zero, too large, or less than is owed already.
    """
    with transaction.atomic():
        wallet = LedgerAccount.objects.select_for_update().filter(customer_id=customer_id).first()
        if wallet is None:
            return Refusal(Reason.NOT_FOUND)
        if not 0 <= limit_micros <= LARGEST_MICROS or (wallet.balance_micros or 0) < -limit_micros:
            return Refusal(Reason.INCORRECT_FIELD, "credit_limit")
        before = wallet.credit_limit_micros
        if before != limit_micros:
            wallet.credit_limit_micros = limit_micros
            wallet.largest_credit_limit_micros = max(wallet.largest_credit_limit_micros, limit_micros)
            wallet.save(update_fields=["credit_limit_micros", "largest_credit_limit_micros"])
            changed = ({"credit_limit": f"{show_rate(each)} {wallet.currency}"} for each in (before, limit_micros))
            was, became = changed
            audit_log.write(actor, "credit limit set", f"customer {customer_id}", now, before=was, after=became)
    return None
