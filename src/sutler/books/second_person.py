"""When one member of staff is not enough: whatever they make spendable, by whichever way in, is measured together."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import Abs

from sutler.accounts.models import User
from sutler.books.models import Adjustment
from sutler.catalogue import price_book
from sutler.core.money import UNIT_MICROS

# What one person gives one customer within this time counts together: a large sum in parts is a large sum.
_COUNTED_TOGETHER = timedelta(days=1)


def is_needed(customer_id: int, currency: str, amount_micros: int, actor: User | None, now: datetime) -> bool:
    """Returns True if the amount, with what the actor has given or taken lately, is above SUTLER_ADJUSTMENT_LIMIT.

    Counted are adjustments, rises of the credit limit, and payments credited beyond what was asked. The actor None is
    the operator at the shell. Ask it with the wallet locked: two at once must see each other.
    """
    limit = settings.SUTLER["SUTLER_ADJUSTMENT_LIMIT"] * UNIT_MICROS
    if limit <= 0:
        return False
    lately = Adjustment.objects.filter(
        customer_id=customer_id, asked_by=actor, asked_at__gt=now - _COUNTED_TOGETHER, decided_by=None
    ).exclude(state=Adjustment.State.REJECTED)
    total = abs(amount_micros) + (lately.aggregate(total=Sum(Abs("amount_micros")))["total"] or 0)
    exchange = price_book.current().exchange.get(currency)
    # A currency without an exchange rate has no worth that could be compared: a second person looks.
    return exchange is None or total * exchange.base > limit * exchange.units
