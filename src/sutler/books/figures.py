"""Figures of the days, for plots: what was ordered, returned, paid in, adjusted, earned and spent, by customer and by
house.

The worker adds up older transfers into a row for each day; what is younger is added when it is asked for, so that the
figures always hold everything. Days are those of UTC.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from sutler.books.models import DayFigure, FiguresMark, LedgerAccount, Transfer
from sutler.storage.statements import Statement, run
from sutler.storage.transactions import durable

Kind = DayFigure.Kind
HOUSE = 0
# On PostgreSQL an id is drawn before its transaction commits. No transaction lasts so long.
_SETTLED_AFTER = timedelta(minutes=2)
_FIELDS = ("pk", "created_at", "amount_micros", "debit__kind", "credit__kind", "credit__currency")
_ENDS = ("debit__customer_id", "credit__customer_id")
_ADD = Statement(
    "INSERT INTO books_dayfigure (day, customer_id, currency, kind, amount_micros, transfers)"
    " SELECT day, customer_id, currency, kind, amount_micros, transfers FROM {rows} WHERE 1 = 1"
    " ON CONFLICT (customer_id, day, currency, kind) DO UPDATE SET"
    " amount_micros = books_dayfigure.amount_micros + excluded.amount_micros,"
    " transfers = books_dayfigure.transfers + excluded.transfers",
    {
        "day": "date",
        "customer_id": "bigint",
        "currency": "text",
        "kind": "text",
        "amount_micros": "bigint",
        "transfers": "bigint",
    },
)
_Key = tuple[date, int, str, str]


@dataclass(slots=True)
class Day:
    """One day's figures, in micros of one currency; each kind as (amount, number of transfers)."""

    day: date
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)

    def amount(self, kind: str) -> int:
        """Returns the amount of a kind in micros. What was returned counts above zero, an adjustment has its sign."""
        return self.kinds.get(kind, (0, 0))[0]

    def count(self, kind: str) -> int:
        """Returns how many transfers of a kind there were: for ORDERS, how many orders were charged."""
        return self.kinds.get(kind, (0, 0))[1]

    @property
    def spent_micros(self) -> int:
        """What was ordered less what came back."""
        return self.amount(Kind.ORDERS) - self.amount(Kind.RETURNS)


def of_customer(customer_id: int, first: date, last: date) -> list[Day]:
    """Returns a customer's figures for every day from first to last, in the currency of the wallet."""
    wallet = LedgerAccount.objects.get(customer_id=customer_id)
    young = Transfer.objects.filter(Q(debit=wallet) | Q(credit=wallet))
    return _days(customer_id, young, first, last).get(wallet.currency) or _empty(first, last)


def of_house(first: date, last: date) -> dict[str, list[Day]]:
    """Returns the figures of all customers together for every day from first to last, by currency."""
    return _days(HOUSE, Transfer.objects.all(), first, last)


def keep_up(now: datetime, limit: int = 5000) -> int:
    """Adds up at most `limit` transfers that are settled and not in the figures yet; returns how many.

    Several workers may call this at once. Raises storage.transactions.Busy or CommitUnclear.
    """
    mark = FiguresMark.objects.filter(pk=1).values_list("last_transfer_id", flat=True).first() or 0
    until = now - _SETTLED_AFTER
    next_one = Transfer.objects.filter(pk__gt=mark).order_by("pk").values_list("created_at", flat=True).first()
    if next_one is None or next_one > until:  # asking often must not take the write lock
        return 0
    with durable():
        FiguresMark.objects.get_or_create(pk=1)
        figures_mark = FiguresMark.objects.select_for_update().get(pk=1)
        following = Transfer.objects.filter(pk__gt=figures_mark.last_transfer_id).order_by("pk")
        rows = list(following.values_list(*_FIELDS, *_ENDS)[:limit])
        # Up to the first that is too young, whatever stands behind it.
        settled = next((place for place, row in enumerate(rows) if row[1] > until), len(rows))
        if settled:
            sums = _add_up(rows[:settled])
            run(_ADD, [(key[0].isoformat(), *key[1:], *total) for key, total in sorted(sums.items())])
            FiguresMark.objects.filter(pk=1).update(last_transfer_id=rows[settled - 1][0])
    return settled


def _days(customer_id: int, young: QuerySet[Transfer], first: date, last: date) -> dict[str, list[Day]]:
    day_figures = DayFigure.objects.filter(customer_id=customer_id, day__range=(first, last))
    # The mark is read before and after: the worker may have moved it in between.
    while True:
        mark = _mark()
        sums: dict[_Key, tuple[int, int]] = {
            (each.day, customer_id, each.currency, each.kind): (each.amount_micros, each.transfers)
            for each in day_figures.all()
        }
        rows = list(young.filter(pk__gt=mark).values_list(*_FIELDS, *_ENDS))
        if mark == _mark():
            break
    for key, (amount, count) in _add_up(rows).items():
        if key[1] == customer_id and first <= key[0] <= last:
            known = sums.get(key, (0, 0))
            sums[key] = (known[0] + amount, known[1] + count)
    found: dict[str, list[Day]] = {}
    for (day, _, currency, kind), total in sums.items():
        days = found.setdefault(currency, _empty(first, last))
        days[(day - first).days].kinds[kind] = total
    return found


def _mark() -> int:
    return FiguresMark.objects.filter(pk=1).values_list("last_transfer_id", flat=True).first() or 0


def _add_up(rows: Iterable[tuple[Any, ...]]) -> dict[_Key, tuple[int, int]]:
    """Adds transfers up by day, customer (and the house), currency and kind, as (amount, number)."""
    sums: dict[_Key, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for _, at, amount, debit, credit, currency, payer, payee in rows:
        kind = _kind(debit, credit)
        if kind is None:
            continue
        is_taken = kind == Kind.ADJUSTMENTS and debit == LedgerAccount.Kind.WALLET
        signed = -amount if is_taken or debit == LedgerAccount.Kind.COST else amount
        for customer_id in {HOUSE, payer or payee or HOUSE}:
            key = (at.astimezone(UTC).date(), customer_id, currency, str(kind))
            known = sums[key]
            sums[key] = (known[0] + signed, known[1] + 1)
    return sums


def _kind(debit: str, credit: str) -> DayFigure.Kind | None:
    account = LedgerAccount.Kind
    if credit == account.REVENUE:
        return Kind.REVENUE
    if account.COST in {debit, credit}:
        return Kind.COST
    if account.WALLET not in {debit, credit}:
        return None
    if debit == account.DEPOSITS:
        return Kind.DEPOSITS
    if not {account.ADJUSTMENTS, account.FROZEN}.isdisjoint({debit, credit}):
        return Kind.ADJUSTMENTS
    return Kind.ORDERS if debit == account.WALLET else Kind.RETURNS


def _empty(first: date, last: date) -> list[Day]:
    return [Day(first + timedelta(days=number)) for number in range((last - first).days + 1)]
