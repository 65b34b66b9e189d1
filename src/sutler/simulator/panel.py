"""The panel behind the scripted upstream: honest, exact and held in memory. The lies are told elsewhere.

It is an auditor too: every order it ever made stays in its journal, with what it took and gave back, so that whoever
orders here can be checked against it.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from sutler.core.clock import Random
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import Micros
from sutler.core.order_types import ORDER_TYPES, read_number
from sutler.core.placing import Draft, Terms, draft
from sutler.core.pricing import give_back
from sutler.core.refusals import Reason, Refusal
from sutler.core.worth import EVEN

# Other customers order in between.
LARGEST_STEP = 9
Deed = Callable[[datetime], object]


@dataclass(slots=True)
class Service:
    """Something on sale; `rate_micros` may move."""

    id: int
    name: str
    type: str = "Default"
    category: str = "First Category"
    rate_micros: int = 900_000
    min: int = 50
    max: int = 10_000
    refill: bool = True
    cancel: bool = True
    one_order_per_link: bool = False
    dripfeed: bool = False

    @property
    def terms(self) -> Terms:
        """What is promised, as the rules of placing read it."""
        sold, one = (ORDER_TYPES[self.type], self.rate_micros, self.min, self.max), self.one_order_per_link
        return Terms(self.id, *sold, dripfeed=self.dripfeed, one_active_order_per_link=one)


@dataclass(slots=True)
class Account:
    """A customer of the panel: all that was ever paid in, and what is left of it."""

    key: str
    currency: str
    paid_in_micros: int
    balance_micros: int


@dataclass(slots=True)
class Order:
    """A line of the journal: what was ordered, taken and given back, and whether the caller was ever told.

    `told` is True once an answer that names this order has gone out whole; `fault` names what spoiled that answer.
    `final` is None until the order has come to its end, then one of the three final states.
    """

    id: str
    key: str
    service_id: int
    link: str
    quantity: int
    rate_micros: int
    per: int
    charge_micros: int
    created_at: datetime
    start_count: int
    begins_at: datetime
    ends_at: datetime
    outcome: Status
    left: int
    refunded_micros: int = 0
    final: Status | None = None
    by_hand: bool = False
    told: bool = False
    fault: str = ""

    @property
    def kept_micros(self) -> int:
        """What it costs as it stands."""
        return self.charge_micros - self.refunded_micros

    def status(self, now: datetime) -> Status:
        """Returns the state at this moment: a third of the way to its beginning it is Processing."""
        if self.final is not None:
            return self.final
        if now >= self.begins_at:
            return Status.IN_PROGRESS
        is_taken = now >= self.created_at + (self.begins_at - self.created_at) / 3
        return Status.PROCESSING if is_taken else Status.PENDING

    def remains(self, now: datetime) -> int:
        """Returns how much is not delivered at this moment; it falls evenly from beginning to end."""
        if self.final is not None:
            return self.left
        if now <= self.begins_at or self.outcome is Status.CANCELED:
            return self.quantity
        share = min(1.0, (now - self.begins_at) / (self.ends_at - self.begins_at))
        return self.quantity - int((self.quantity - self.left) * share)


@dataclass(frozen=True, slots=True)
class Refill:
    """A refill that was asked for; what becomes of it follows from the time."""

    id: str
    key: str
    order_id: str
    begins_at: datetime
    ends_at: datetime
    outcome: RefillStatus

    def status(self, now: datetime) -> RefillStatus:
        """Returns the state at this moment."""
        if now >= self.ends_at:
            return self.outcome
        return RefillStatus.IN_PROGRESS if now >= self.begins_at else RefillStatus.PENDING


class Panel:
    """Accounts, services, plain orders and refills. `now` never goes back from one call to the next."""

    def __init__(self, chance: Random, services: Iterable[Service], delivery_seconds: float) -> None:
        self._chance = chance
        self._delivery = timedelta(seconds=delivery_seconds)
        self._last_id = 10_000 + chance.randrange(1_000)
        self._refill_ids = count(1)
        self._due: list[tuple[datetime, int, Deed]] = []
        self._turns = count()
        self._by_link: dict[str, list[Order]] = {}
        self._open_refills: dict[str, Refill] = {}
        self.services = {each.id: each for each in services}
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, Order] = {}
        self.refills: dict[str, Refill] = {}
        # Charges and refunds are rounded to multiples of so many micros.
        self.charge_step = 1

    def open_account(self, key: str, currency: str, balance_micros: int) -> Account:
        """Returns a new account that has paid in so much."""
        self.accounts[key] = Account(key, currency, balance_micros, balance_micros)
        return self.accounts[key]

    def later(self, due: datetime, deed: Deed) -> None:
        """Has `deed(due)` done when that moment has passed."""
        heapq.heappush(self._due, (due, next(self._turns), deed))

    def catch_up(self, now: datetime) -> None:
        """Does what has become due by now, in the order of time. Nothing depends on how often this is called."""
        while self._due and self._due[0][0] <= now:
            due, _, deed = heapq.heappop(self._due)
            deed(due)

    def next_id(self) -> str:
        """Returns an id that is taken from now on. Ids rise by an uncertain step."""
        self._last_id += self._chance.randint(1, LARGEST_STEP)
        return str(self._last_id)

    def add(
        self, account: Account, form: Mapping[str, str], now: datetime, *, percent: int = 100, is_opaque: bool = False
    ) -> Order | Refusal:
        """Makes an order and takes its charge, `percent` of what the rate says.

        Refuses as the protocol has it: the service, the fields, the quantity, the same link, the funds.
        """
        service = self.services.get(read_number(form.get("service", "")) or 0)
        if service is None:
            return Refusal(Reason.INCORRECT_SERVICE)
        asked = draft(service.terms, form, Micros(service.rate_micros), EVEN, now.date())
        if isinstance(asked, Refusal):
            return asked
        if asked.terms.one_active_order_per_link and self._is_active(asked.terms.service_id, asked.input.link):
            return Refusal(Reason.LINK_IN_USE)
        charge = self._rounded(-(-asked.charge_micros * percent // 100))
        if charge > account.balance_micros:
            return Refusal(Reason.NOT_ENOUGH_FUNDS)
        account.balance_micros -= charge
        return self._write(account, asked, charge, now, is_opaque=is_opaque)

    def billed(self, key: str) -> list[Order]:
        """Returns the orders for which the account with this key was charged."""
        return [each for each in self.orders.values() if each.key == key]

    def find(self, account: Account, order_id: str) -> Order | None:
        """Returns the account's order, or None: another customer's order is as unknown as one that never was."""
        order = self.orders.get(order_id)
        return order if order is not None and order.key == account.key else None

    def orders_for(self, link: str) -> list[Order]:
        """Returns every order ever made for this link, oldest first."""
        return list(self._by_link.get(link, ()))

    def cancel(self, account: Account, order_id: str, now: datetime) -> Refusal | None:
        """Takes a request to cancel: a Pending order is refunded at once, most others stop soon, some go on."""
        order = self.find(account, order_id)
        if order is None:
            return Refusal(Reason.INCORRECT_ORDER)
        service = self.services.get(order.service_id)
        if order.final is not None or service is None or not service.cancel:
            return Refusal(Reason.CANCEL_NOT_AVAILABLE)
        if order.status(now) is Status.PENDING:
            self._end(order, now, Status.CANCELED, order.quantity)
            self._finish(order, now)
        elif self._chance.random() < 0.7:
            left = order.remains(now)
            if left > 0:
                stops_at = min(order.ends_at, now + self._delivery / 100)
                self._end(order, stops_at, Status.PARTIAL if left < order.quantity else Status.CANCELED, left)
        return None

    def refill(self, account: Account, order_id: str, now: datetime) -> Refill | Refusal:
        """Takes a request for a refill of a Completed order that has no other refill open."""
        order = self.find(account, order_id)
        if order is None:
            return Refusal(Reason.INCORRECT_ORDER)
        service = self.services.get(order.service_id)
        open_refill = self._open_refills.get(order_id)
        is_open = open_refill is not None and now < open_refill.ends_at
        if order.final is not Status.COMPLETED or is_open or service is None or not service.refill:
            return Refusal(Reason.REFILL_NOT_AVAILABLE)
        outcome = RefillStatus.REJECTED if self._chance.random() < 0.15 else RefillStatus.COMPLETED
        lasts = self._delivery * self._chance.uniform(0.5, 1.5)
        made = Refill(str(next(self._refill_ids)), account.key, order_id, now + lasts / 5, now + lasts, outcome)
        self.refills[made.id] = self._open_refills[order_id] = made
        return made

    def give_back(self, order: Order, micros: int) -> None:
        """Refunds so much of an order, never more than is left of its charge."""
        micros = min(self._rounded(micros), order.charge_micros - order.refunded_micros)
        order.refunded_micros += micros
        self.accounts[order.key].balance_micros += micros

    def _rounded(self, micros: int) -> int:
        return (micros + self.charge_step // 2) // self.charge_step * self.charge_step

    def _is_active(self, service_id: int, link: str) -> bool:
        made = self._by_link.get(link, ())
        return any(each.service_id == service_id and each.final is None for each in made)

    def _write(self, account: Account, asked: Draft, charge_micros: int, now: datetime, *, is_opaque: bool) -> Order:
        order_id = self.next_id()
        if is_opaque:
            order_id = f"o{self._chance.getrandbits(64):016x}"
        lasts = self._delivery * self._chance.uniform(0.5, 1.5)
        outcome, left = self._fate(asked.quantity)
        order = Order(
            order_id,
            account.key,
            asked.terms.service_id,
            asked.input.link,
            asked.quantity,
            asked.rate_micros,
            asked.terms.type.per,
            charge_micros,
            now,
            self._chance.randrange(20_000),
            now + lasts / 5,
            now + lasts,
            outcome,
            left,
        )
        self.orders[order_id] = order
        self._by_link.setdefault(order.link, []).append(order)
        self.later(order.ends_at, lambda at: self._finish(order, at))
        return order

    def _fate(self, quantity: int) -> tuple[Status, int]:
        lot = self._chance.random()
        if lot < 0.05:
            return Status.CANCELED, quantity
        if lot < 0.13 and quantity > 1:
            return Status.PARTIAL, self._chance.randrange(1, quantity)
        return Status.COMPLETED, 0

    def _end(self, order: Order, ends_at: datetime, outcome: Status, left: int) -> None:
        order.ends_at, order.outcome, order.left = ends_at, outcome, left
        self.later(ends_at, lambda at: self._finish(order, at))

    def _finish(self, order: Order, at: datetime) -> None:
        """Ends the order, unless its end has been moved since."""
        if order.final is not None or at != order.ends_at:
            return
        order.final = order.outcome
        if order.left:
            self.give_back(
                order, give_back(order.charge_micros, order.rate_micros, order.quantity, order.left, order.per)
            )
