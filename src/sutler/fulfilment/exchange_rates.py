"""Changing exchange rates: the one door, so that prices follow and the audit log knows."""

from datetime import datetime

from django.conf import settings

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.catalogue import exchange
from sutler.core.refusals import Refusal
from sutler.core.worth import Worth
from sutler.fulfilment import selling
from sutler.storage.transactions import durable


def set_by_hand(currency: str, worth: Worth, actor: User | None, now: datetime) -> Refusal | None:
    """Says what a currency is worth; the prices of services follow that are delivered in it.

    Refuses with INCORRECT_FIELD `currency` (no code, or the base currency).
    """
    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    with durable():
        had = exchange.put(currency, worth, now)
        if isinstance(had, Refusal):
            return had
        selling.follow_exchange(currency, now)
        before = {"worth": had.show(currency, base)} if had else None
        after = {"worth": worth.show(currency, base)}
        audit_log.write(actor, "exchange rate set", f"currency {currency}", now, before=before, after=after)
    return None
