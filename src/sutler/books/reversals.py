"""Payments that are disputed or go back: frozen until it is decided, and taken from the wallet whatever it holds.

A wallet may go below its credit limit here, and here alone. It then orders nothing until deposits have lifted it again.
"""

from datetime import datetime

from sutler.books import post
from sutler.books.models import LedgerAccount

Kind = LedgerAccount.Kind


def take(customer_id: int, amount_micros: int, cause: str, reason: str, now: datetime) -> int:
    """Takes a payment that went back out of the wallet, once for each cause; returns how far that is below its limit.

    Must be called inside a transaction.
    """
    wallet = _locked(customer_id)
    balance = wallet.balance_micros or 0
    below = -(balance - amount_micros + wallet.credit_limit_micros)
    if below > wallet.reversed_below_micros:
        LedgerAccount.objects.filter(pk=wallet.pk).update(reversed_below_micros=below)
    _move(wallet.pk, post.house(Kind.ADJUSTMENTS, wallet.currency), amount_micros, cause, reason, now)
    return max(0, below)


def freeze(customer_id: int, most_micros: int, cause: str, reason: str, now: datetime) -> int:
    """Freezes up to an amount of what the wallet holds, without its credit limit; returns how much.

    Must be called inside a transaction, once for each cause.
    """
    wallet = _locked(customer_id)
    amount = min(most_micros, max(0, wallet.balance_micros or 0))
    _move(wallet.pk, post.house(Kind.FROZEN, wallet.currency), amount, cause, reason, now)
    return amount


def release(customer_id: int, amount_micros: int, cause: str, reason: str, now: datetime) -> None:
    """Gives what was frozen back to the wallet, once for each cause. Must be called inside a transaction."""
    wallet = _locked(customer_id)
    _move(post.house(Kind.FROZEN, wallet.currency), wallet.pk, amount_micros, cause, reason, now)


def _locked(customer_id: int) -> LedgerAccount:
    return LedgerAccount.objects.select_for_update().get(customer_id=customer_id)


def _move(debit_id: int, credit_id: int, amount_micros: int, cause: str, reason: str, now: datetime) -> None:
    new = post.post([post.Entry(cause, debit_id, credit_id, amount_micros, reason=reason)], now)
    assert new or not amount_micros, cause  # noqa: S101 - the caller knows what it has moved
