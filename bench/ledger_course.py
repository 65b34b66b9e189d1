"""The random course of one writer of the ledger storm, and the journal that it keeps beside the books."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, TypeVar

from django.db import IntegrityError

from bench.ledger_writer import LARGEST_AMOUNT_MICROS, LARGEST_CHARGE_MICROS, LARGEST_LIST, shared_amount, shared_place
from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, adjust, deposit, house, post
from sutler.core.clock import SystemClock
from sutler.core.refusals import Refusal
from sutler.storage.transactions import Busy, durable

T = TypeVar("T")
Kind = LedgerAccount.Kind
# So far apart that two writers never number an order alike.
ORDERS_OF_A_WRITER = 1_000_000_000


class Course:
    """Does random operations on the ledger: deposits, corrections, lists of transfers, and all of them over again."""

    def __init__(self, number: int, seed: int, shared_deposits: int) -> None:
        self.done = self.refused = self.busy = 0
        self._number, self._chance, self._shared = number, Random(f"{seed} {number}"), shared_deposits
        self._customers = dict(
            LedgerAccount.objects.filter(kind=Kind.WALLET).order_by("pk").values_list("pk", "customer")
        )
        self._wallets = list(self._customers)
        self._in_hand, self._revenue = house(Kind.IN_HAND, "USD"), house(Kind.REVENUE, "USD")
        self._orders = number * ORDERS_OF_A_WRITER
        self._paid: list[tuple[int, int, int]] = []
        self._last: list[Entry] = []
        self._deltas: Counter[int] = Counter()
        self._deposits: set[int] = set()

    def journal(self) -> dict[str, Any]:
        """Returns what the books must agree with, and how it went."""
        return {
            "deltas": self._deltas,
            "deposits": sorted(self._deposits),
            "refused": self.refused,
            "busy": self.busy,
        }

    def step(self, most: int) -> None:
        """Does at most so many operations in one transaction."""
        kinds: list[Callable[[int], int]] = [self._deposit, self._adjust, self._post, self._post, self._post_again]
        self.done += self._chance.choice(kinds)(most)

    def _deposit(self, _: int) -> int:
        number = self._chance.randrange(self._shared)
        wallet = shared_place(number, self._wallets)
        self._durably(
            lambda: deposit(self._customers[wallet], shared_amount(number), f"deposit:{number}", "storm", _now())
        )
        self._deposits.add(number)
        return 1

    def _adjust(self, _: int) -> int:
        wallet = self._chance.choice(self._wallets)
        amount = self._chance.randint(-LARGEST_AMOUNT_MICROS, LARGEST_AMOUNT_MICROS) or 1
        cause = f"adjust:{self._number}:{self.done}"
        answer = self._durably(lambda: adjust(self._customers[wallet], amount, cause, "storm", _now()))
        if isinstance(answer, Refusal):
            self.refused += 1
        else:
            self._deltas[wallet] += amount
        return 1

    def _post(self, most: int) -> int:
        entries: list[Entry] = []
        paid = []
        for _ in range(self._chance.randint(1, min(most, LARGEST_LIST))):
            if self._paid and self._chance.random() < 0.4:
                entries.extend(self._settle(*self._paid.pop(self._chance.randrange(len(self._paid)))))
            else:
                self._orders += 1
                paid.append(
                    (self._orders, self._chance.choice(self._wallets), self._chance.randint(1, LARGEST_CHARGE_MICROS))
                )
                number, wallet, amount = paid[-1]
                entries.append(Entry(f"order:{number}", wallet, self._in_hand, amount, number))
        try:
            new = self._durably(lambda: post(entries, _now()))
        except IntegrityError:
            self.refused += len(entries)
            return min(len(entries), most)
        self._keep(entries, new)
        self._paid.extend(paid)
        self._last = entries
        return min(len(entries), most)

    def _settle(self, number: int, wallet: int, charged: int) -> list[Entry]:
        back = self._chance.randint(0, charged)
        return [
            Entry(f"return:{number}", self._in_hand, wallet, back, number),
            Entry(f"settle:{number}", self._in_hand, self._revenue, charged - back, number),
        ]

    def _post_again(self, most: int) -> int:
        again = self._last[:most]
        assert not self._durably(lambda: post(again, _now())), "a cause moved money twice"
        return len(again)

    def _keep(self, entries: list[Entry], new: set[str]) -> None:
        assert new == {each.cause for each in entries if each.amount_micros}, "a new cause was taken for an old one"
        for each in entries:
            for account, delta in ((each.debit_id, -each.amount_micros), (each.credit_id, each.amount_micros)):
                if account in self._customers:
                    self._deltas[account] += delta

    def _durably(self, operation: Callable[[], T]) -> T:
        """Does it in one transaction, again while the database is busy: then nothing has been done."""
        while True:
            try:
                with durable():
                    return operation()
            except Busy:
                self.busy += 1


def _now() -> datetime:
    return SystemClock().now()
