"""A customer's statement: every transfer of the wallet, newest first, with the balance after it.

Within a wallet the ids of transfers rise in the order in which they were committed, since each holds the wallet's
lock: so the balance after a transfer is today's less all that came later. The indexes by debit and by credit account
find a wallet's transfers; nothing here reads another's.
"""
# ruff: noqa: S608 - the queries are put together from constants of this file alone

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.db import connection

from sutler.books.models import LedgerAccount
from sutler.core.money import show_rate
from sutler.core.text.csv_safe import Number, line

MOST_ON_A_PAGE = 200
# How many transfers are passed for one page of a filtered statement: what is rare may need several pages.
MOST_PASSED = 10_000
_AT_ONCE = 1000
_FIRST = 2**63 - 1

HEAD = ("transfer", "time_utc", "kind", "order", "amount", "balance", "currency", "reason")


class Kind(StrEnum):
    """What a transfer was for, as the customer is told."""

    ORDER = "order"
    RETURN = "return"
    DEPOSIT = "deposit"
    ADJUSTMENT = "adjustment"
    FROZEN = "frozen"


_KINDS = {
    LedgerAccount.Kind.DEPOSITS: Kind.DEPOSIT,
    LedgerAccount.Kind.ADJUSTMENTS: Kind.ADJUSTMENT,
    LedgerAccount.Kind.FROZEN: Kind.FROZEN,
}
# Each half is cut to the page before they are put together, so that a page reads two pages of rows at most.
_HALF = (
    "SELECT * FROM (SELECT id, {sign}amount_micros AS delta, {other}_id AS other_id, order_id, reason, created_at"
    " FROM books_transfer WHERE {own}_id = {wallet} AND id < {before} ORDER BY id DESC LIMIT {limit}) AS {own}"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement. The amount is signed: below zero it left the wallet."""

    transfer_id: int
    at: datetime
    kind: Kind
    order_id: int | None
    amount_micros: int
    balance_micros: int
    reason: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are to be told; nothing given means any. The bounds are part of the range."""

    kind: Kind | None = None
    moved_from: datetime | None = None
    moved_until: datetime | None = None

    def hold(self, entry: Entry) -> bool:
        """Returns True if the entry is asked for."""
        return (
            (self.kind is None or entry.kind is self.kind)
            and (self.moved_from is None or entry.at >= self.moved_from)
            and (self.moved_until is None or entry.at <= self.moved_until)
        )


ALL = Filters()


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of entries, newest first; `next_before` asks for the page after, if there is one."""

    currency: str
    entries: list[Entry]
    next_before: int | None


def page(customer_id: int, filters: Filters = ALL, *, before: int | None = None, limit: int = 50) -> Statement:
    """Returns the customer's transfers below the id `before`, by default the newest; at most 200.

    A filtered page may hold fewer than `limit` although there are more: `next_before` goes on where it stopped.
    """
    wallet_id, currency = _wallet(customer_id)
    size = max(1, min(limit, MOST_ON_A_PAGE))
    passed, more = _read(wallet_id, before or _FIRST, size if filters == ALL else MOST_PASSED, None)
    entries = [each for each in passed if filters.hold(each)]
    if len(entries) > size:
        return Statement(currency, entries[:size], entries[size - 1].transfer_id)
    return Statement(currency, entries, passed[-1].transfer_id if more else None)


def csv(customer_id: int, filters: Filters = ALL) -> Iterator[str]:
    """Yields the whole statement as lines of CSV, newest first, the names of the columns first of all.

    Amounts are decimals with all their digits; texts that a spreadsheet would run are made harmless.
    """
    wallet_id, currency = _wallet(customer_id)
    yield line(HEAD)
    before, balance, more = _FIRST, None, True
    while more:
        entries, more = _read(wallet_id, before, _AT_ONCE, balance)
        yield from (_line(each, currency) for each in entries if filters.hold(each))
        if entries:
            before, balance = entries[-1].transfer_id, entries[-1].balance_micros - entries[-1].amount_micros


def _line(entry: Entry, currency: str) -> str:
    amount, held = Number(show_rate(entry.amount_micros)), Number(show_rate(entry.balance_micros))
    at = entry.at.strftime("%Y-%m-%d %H:%M:%S")
    return line((entry.transfer_id, at, entry.kind, entry.order_id or "", amount, held, currency, entry.reason))


def _wallet(customer_id: int) -> tuple[int, str]:
    return LedgerAccount.objects.values_list("pk", "currency").get(customer_id=customer_id)


def _read(wallet_id: int, before: int, limit: int, balance: int | None) -> tuple[list[Entry], bool]:
    """Returns the entries below an id and whether there are more, in one statement that sees one moment.

    `balance` is what the wallet held before the entry `before`, if that is known; otherwise it is reckoned back.
    """
    names: dict[str, Any] = {"wallet": wallet_id, "before": before, "limit": limit + 1}
    credit, debit = _half("credit", "debit", ""), _half("debit", "credit", "-")
    held = "%(balance)s" if balance is not None else _balance_before()
    sql = (
        f"SELECT moved.id, moved.delta, account.kind, moved.order_id, moved.reason, moved.created_at, {held}"
        f" FROM ({credit} UNION ALL {debit}) AS moved JOIN books_ledgeraccount account ON account.id = moved.other_id"
        " ORDER BY moved.id DESC LIMIT %(limit)s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, names | {"balance": balance})
        rows = cursor.fetchall()
    entries: list[Entry] = []
    held_now = int(rows[0][6]) if rows else 0
    for transfer_id, delta, kind, order_id, reason, at, _ in rows[:limit]:
        told = _KINDS.get(kind, Kind.ORDER if delta < 0 else Kind.RETURN)
        entries.append(Entry(transfer_id, _moment(at), told, order_id, delta, held_now, reason))
        held_now -= delta
    return entries, len(rows) > limit


def _half(own: str, other: str, sign: str) -> str:
    return _HALF.format(own=own, other=other, sign=sign, wallet="%(wallet)s", before="%(before)s", limit="%(limit)s")


def _balance_before() -> str:
    """Returns the SQL of what the wallet held before the entry `before`: today's balance less all that came since."""
    later = "SELECT COALESCE(SUM(amount_micros), 0) FROM books_transfer WHERE {}_id = %(wallet)s AND id >= %(before)s"
    return (
        "(SELECT balance_micros FROM books_ledgeraccount WHERE id = %(wallet)s)"
        f" - ({later.format('credit')}) + ({later.format('debit')})"
    )


def _moment(at: datetime | str) -> datetime:
    """SQLite answers what it stored, a text or without its zone; it is UTC."""
    read = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
