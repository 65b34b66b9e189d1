"""The one way money moves: transfers inserted once per cause, wallets brought up to date in the same transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sutler.books.models import LedgerAccount
from sutler.core.money import LARGEST_MICROS, Micros
from sutler.core.refusals import Reason, Refusal
from sutler.storage.statements import Statement, moment, new_ids, run, run_counted, select

Kind = LedgerAccount.Kind

INSERT_TRANSFERS = Statement(
    "INSERT INTO books_transfer (cause, debit_id, credit_id, amount_micros, order_id, reason, created_at)"
    " SELECT cause, debit_id, credit_id, amount_micros, order_id, reason, created_at FROM {rows} WHERE 1 = 1",
    {
        "cause": "text",
        "debit_id": "bigint",
        "credit_id": "bigint",
        "amount_micros": "bigint",
        "order_id": "bigint",
        "reason": "text",
        "created_at": "timestamptz",
    },
)
ADD_TO_WALLETS = Statement(
    "UPDATE books_ledgeraccount SET balance_micros = books_ledgeraccount.balance_micros + rows.delta_micros"
    " FROM {rows} WHERE books_ledgeraccount.id = rows.account_id AND books_ledgeraccount.kind = 'wallet'",
    {"account_id": "bigint", "delta_micros": "bigint"},
)
_INSERT_NEW_TRANSFERS = Statement(
    "INSERT INTO books_transfer (id, cause, debit_id, credit_id, amount_micros, order_id, reason, created_at)"
    " SELECT id, cause, debit_id, credit_id, amount_micros, order_id, reason, created_at FROM {rows} WHERE 1 = 1"
    " ON CONFLICT (cause) DO NOTHING",
    {"id": "bigint", **INSERT_TRANSFERS.columns},
)
_INSERTED = Statement(
    "SELECT {answer} FROM {rows} JOIN books_transfer ON books_transfer.id = rows.id", {"id": "bigint"}, ("rows.id",)
)
_LOCK_WALLETS = Statement(
    "SELECT {answer} FROM {rows} JOIN books_ledgeraccount ON books_ledgeraccount.id = rows.id"
    " AND books_ledgeraccount.kind = 'wallet' ORDER BY books_ledgeraccount.id",
    {"id": "bigint"},
    ("books_ledgeraccount.id",),
    locks="books_ledgeraccount",
)
_HOUSE = Statement(
    "SELECT {answer} FROM books_ledgeraccount WHERE kind = ? AND currency = ? AND customer_id IS NULL"
    " AND provider_id IS NULL",
    {},
    ("id",),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer to be made: `amount_micros` from the debit account to the credit account, for one cause."""

    cause: str
    debit_id: int
    credit_id: int
    amount_micros: int
    order_id: int | None = None
    reason: str = ""


def post(entries: Sequence[Entry], now: datetime) -> set[str]:
    """Inserts the transfers and moves the wallets they touch. Must be called inside a transaction.

    Returns the causes that were new. An entry whose cause is already in the books, or whose amount is 0, does nothing.
    Raises IntegrityError, undoing the caller's transaction, if a wallet would fall below its credit limit.
    """
    assert transaction.get_connection().in_atomic_block  # noqa: S101 - a caller's bug, not an outcome
    asked = [entry for entry in entries if entry.amount_micros]
    if not asked:
        return set()
    wallets = _lock({account for entry in asked for account in (entry.debit_id, entry.credit_id)})
    # What wallets are given stands before what is taken: so no wallet is below its limit in the middle of a list.
    asked.sort(key=lambda entry: entry.debit_id in wallets)
    at = moment(now)
    ids = new_ids("books_transfer", len(asked))
    rows = [
        (pk, e.cause, e.debit_id, e.credit_id, e.amount_micros, e.order_id, e.reason, at)
        for pk, e in zip(ids, asked, strict=True)
    ]
    if run_counted(_INSERT_NEW_TRANSFERS, rows) < len(rows):
        inserted = {pk for (pk,) in run(_INSERTED, [(pk,) for pk in ids])}
        asked = [entry for pk, entry in zip(ids, asked, strict=True) if pk in inserted]
    deltas: dict[int, int] = defaultdict(int)
    for entry in asked:
        for account, amount in ((entry.debit_id, -entry.amount_micros), (entry.credit_id, entry.amount_micros)):
            if account in wallets:
                deltas[account] += amount
    run(ADD_TO_WALLETS, sorted(deltas.items()))
    return {entry.cause for entry in asked}


def house(kind: str, currency: str) -> int:
    """Returns the id of a house account, opened if the currency has none yet."""
    if found := select(_HOUSE, kind, currency):
        return int(found[0][0])
    account, _ = LedgerAccount.objects.get_or_create(kind=kind, currency=currency, customer=None, provider_id=None)
    return account.pk


def open_wallet(customer_id: int, currency: str, credit_limit_micros: int = 0) -> LedgerAccount:
    """Opens a customer's wallet with nothing in it, and the house accounts of its currency."""
    kinds = {Kind.IN_HAND, Kind.SCHEDULED, Kind.REVENUE, Kind.DEPOSITS, Kind.ADJUSTMENTS}
    there = LedgerAccount.objects.filter(kind__in=kinds, currency=currency, customer=None, provider_id=None)
    missing = sorted(kinds - set(there.values_list("kind", flat=True)))
    LedgerAccount.objects.bulk_create(
        (LedgerAccount(kind=kind, currency=currency) for kind in missing), ignore_conflicts=True
    )
    return LedgerAccount.objects.create(
        kind=Kind.WALLET,
        currency=currency,
        customer_id=customer_id,
        balance_micros=0,
        credit_limit_micros=credit_limit_micros,
        largest_credit_limit_micros=credit_limit_micros,
    )


def deposit(customer_id: int, amount_micros: int, cause: str, reason: str, now: datetime) -> Micros | Refusal:
    """Puts money from outside into a customer's wallet, once for each cause. Returns the new balance in micros.

    Refuses with INCORRECT_FIELD `amount` if it is not positive or the balance would exceed what the books can hold.
    """
    return _pay_in(Kind.DEPOSITS, customer_id, amount_micros, cause, reason, now)


def adjust(customer_id: int, amount_micros: int, cause: str, reason: str, now: datetime) -> Micros | Refusal:
    """Corrects a balance by a positive or negative amount, for a stated reason. Returns the new balance in micros.

    Refuses with NOT_ENOUGH_FUNDS if it would fall below the credit limit, INCORRECT_FIELD without an amount or reason.
    """
    if not reason.strip():
        return Refusal(Reason.INCORRECT_FIELD, "reason")
    return _pay_in(Kind.ADJUSTMENTS, customer_id, amount_micros, cause, reason, now, may_take=True)


def _pay_in(
    kind: str, customer_id: int, amount: int, cause: str, reason: str, now: datetime, *, may_take: bool = False
) -> Micros | Refusal:
    if amount == 0 or (amount < 0 and not may_take):
        return Refusal(Reason.INCORRECT_FIELD, "amount")
    with transaction.atomic():
        wallet = LedgerAccount.objects.select_for_update().get(customer_id=customer_id)
        balance = wallet.balance_micros or 0
        if balance + amount > LARGEST_MICROS:
            return Refusal(Reason.INCORRECT_FIELD, "amount")
        if amount < 0 and balance + amount < -wallet.credit_limit_micros:
            return Refusal(Reason.NOT_ENOUGH_FUNDS)
        outside = house(kind, wallet.currency)
        ends = (outside, wallet.pk) if amount > 0 else (wallet.pk, outside)
        new = post([Entry(cause, *ends, abs(amount), reason=reason)], now)
        return Micros(balance + amount if new else balance)


def _lock(account_ids: Iterable[int]) -> set[int]:
    """Returns the wallets among the accounts, locked in id order: two postings never wait for each other in a ring."""
    return {pk for (pk,) in run(_LOCK_WALLETS, [(pk,) for pk in sorted(account_ids)])}
