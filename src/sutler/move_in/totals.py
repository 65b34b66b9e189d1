"""The totals of both panels side by side: what is there, what stayed behind, what is here; the difference must be 0.

The other side is added up by its own server, this side from the books: two ways that share no code.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncHour

from sutler.accounts.models import Customer
from sutler.books.models import LedgerAccount
from sutler.core.lifecycle import FINAL, Status
from sutler.core.money import show_rate
from sutler.core.old_panels import words
from sutler.move_in.models import Finding, RunningOrder
from sutler.move_in.passes import Source
from sutler.move_in.reading.known import Known
from sutler.orders.models import Order

OPEN = "open"
_EARNING = frozenset({Status.COMPLETED, Status.PARTIAL})


@dataclass(frozen=True, slots=True)
class Line:
    """One total: what it is, and its number (of rows, or of micros) there, left behind, waiting, and here."""

    what: str
    there: int
    left: int
    here: int
    is_money: bool = False
    # What still runs there: it comes at the cut-over.
    waiting: int = 0

    @property
    def difference(self) -> int:
        """What is neither here nor explained."""
        return self.there - self.left - self.waiting - self.here

    def cells(self) -> tuple[str, ...]:
        """Returns the line as a table shows it."""
        numbers = (self.there, self.left, self.waiting, self.here, self.difference)
        return (self.what, *(show_rate(each) if self.is_money else f"{each:,}" for each in numbers))


def compare(source: Source, known: Known) -> list[Line]:
    """Returns the totals: customers, balances by currency, orders and their charges by state."""
    return [*_customers(source, known), *_orders(source)]


def revenue_by_month(source: Source, known: Known) -> list[Line]:
    """Returns what ended orders have earned by the month they were placed in, as the old server's clock has it.

    An order without a date stands in no month there, and in that of its last change here.
    """
    there: dict[str, int] = defaultdict(int)
    for (month, word), micros in source.by_month().items():
        if words.status(word) in _EARNING:
            there[month] += micros
    here: dict[str, int] = defaultdict(int)
    hours = Order.objects.filter(status__in=_EARNING).annotate(hour=TruncHour("created_at")).values("hour")
    for each in hours.annotate(micros=Sum("charge_micros")).order_by():
        here[f"{each['hour'].astimezone(known.zone):%Y-%m}"] += each["micros"]
    months = sorted({*there, *here})
    return [Line(f"revenue in {each}", there.get(each, 0), 0, here.get(each, 0), is_money=True) for each in months]


def _customers(source: Source, known: Known) -> Iterator[Line]:
    left = Finding.objects.filter(name="customers", came=False)
    yield Line("customers", source.count("customers"), left.count(), Customer.objects.count())
    there: dict[str, int] = defaultdict(int)
    for code, (_, micros) in source.totals("customers", "balance", "currency").items():
        there[code.strip().upper() or known.currency] += micros
    wallets = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.WALLET).values("currency")
    here = {each["currency"]: each["sum"] for each in wallets.annotate(sum=Sum("balance_micros"))}
    behind = {each["word"]: each["sum"] for each in left.values("word").annotate(sum=Sum("amount_micros"))}
    for currency in sorted({*there, *here}):
        sums = [int(each.get(currency, 0)) for each in (there, behind, here)]
        yield Line(f"balances in {currency}", sums[0], sums[1], sums[2], is_money=True)


def _orders(source: Source) -> Iterator[Line]:
    there = _by_state((words.status(word), *each) for word, each in source.totals("orders", "charge", "status").items())
    left = _by_state(
        (words.status(each["word"]), each["rows"], each["micros"])
        for each in Finding.objects.filter(name="orders", came=False)
        .values("word")
        .annotate(rows=Count("pk"), micros=Sum("amount_micros"))
    )
    rows = Order.objects.values("status").annotate(rows=Count("pk"), micros=Sum("charge_micros"))
    here = _by_state((Status(each["status"]), each["rows"], each["micros"]) for each in rows)
    waiting = RunningOrder.objects.count()
    for state in (Status.COMPLETED.value, Status.PARTIAL.value, Status.CANCELED.value, OPEN):
        (rows_there, micros_there), (rows_left, micros_left), (rows_here, micros_here) = (
            each.get(state, (0, 0)) for each in (there, left, here)
        )
        is_open = state == OPEN
        yield Line(f"orders {state}", rows_there, rows_left, rows_here, waiting=waiting if is_open else 0)
        held_back = micros_there - micros_left - micros_here if is_open and waiting else 0
        yield Line(f"charges of orders {state}", micros_there, micros_left, micros_here, True, held_back)


def _by_state(rows: Iterable[tuple[Any, int, int]]) -> dict[str, tuple[int, int]]:
    """Adds up by the state that is final, or `open`: what is open here is not called as it is called there."""
    found: dict[str, tuple[int, int]] = {}
    for status, count, micros in rows:
        state = status.value if isinstance(status, Status) and status in FINAL else OPEN
        known_count, known_micros = found.get(state, (0, 0))
        found[state] = (known_count + count, known_micros + micros)
    return found
