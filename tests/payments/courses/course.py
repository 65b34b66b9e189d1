"""One course: a payment is begun, paid or not, refunded, disputed. What the books must hold, the gateway knows."""

import heapq
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sutler.simulator.gateways.faults import DAY_SECONDS, FAULTS, Delivery, deliveries
from sutler.simulator.gateways.gateway import LyingGateway, Payment, Request, Transaction, dumps
from sutler.simulator.gateways.kinds import KINDS, settings_of
from tests.payments.courses.life import live

UNIT = 1_000_000
KILL_SHARE, MOST_STEPS, FAULT_SHARE = 0.15, 40, 0.15
# A gateway sends again until it hears 200.
TRY_AGAIN = timedelta(minutes=2)
MOST_TRIES = 30
_FIRST = ("pay", "pay", "pay", "pay", "expire", "withdraw")
_THEN = ("pay", "refund", "refund", "dispute", "dispute", "close", "close", "expire", "withdraw")


@dataclass
class World:
    """The panel as processes that are killed and born again, and the gateways, which never are."""

    chance: Random
    bug: str = ""
    kill_share: float = KILL_SHARE
    kills: int = 0
    calls: int = 0
    gateways: dict[str, LyingGateway] = field(default_factory=dict)
    methods: dict[str, tuple[int, str]] = field(default_factory=dict)
    customers: list[int] = field(default_factory=list)
    expected: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    _pipe: Connection | None = None
    _process: Any = None

    def open(self, now: datetime) -> None:
        """Makes gateways, methods and customers."""
        self.gateways = {name: LyingGateway(make()) for name, make in KINDS.items()}
        settings = {name: settings_of(name, f"https://{name}.example") for name in KINDS}
        made = self.call("make", settings, 5, now, is_safe=True)
        self.methods, self.customers = made["methods"], made["customers"]

    def call(self, verb: str, *arguments: Any, is_safe: bool = False) -> Any:
        """Has the panel do something; None if it was killed meanwhile."""
        kills = not is_safe and self.chance.random() < self.kill_share
        steps = self.chance.randint(1, MOST_STEPS) if kills else None
        self.calls += 1
        pipe = self._born()
        pipe.send((verb, arguments, steps))
        while True:
            try:
                word, answer = pipe.recv()
            except (EOFError, ConnectionResetError):
                self._bury()
                if not kills:
                    raise RuntimeError(f"the panel died in {verb}{arguments}") from None
                self.kills += 1
                return None
            if word == "done":
                return answer
            pipe.send(self._answer(*answer))

    def close(self) -> None:
        """Ends the panel."""
        if self._pipe:
            self._bury()

    def _answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        address = urlsplit(url)
        given = {name.lower(): value for name, value in headers.items()}
        request = Request(method, address.path, dict(parse_qsl(address.query)), given, body)
        status, answer = self.gateways[(address.hostname or "").partition(".")[0]].answer(request)
        return status, dumps(answer)

    def _born(self) -> Connection:
        if self._pipe is None:
            context = get_context("fork")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_child, args=(theirs, self._pipe, self.bug), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _bury(self) -> None:
        assert self._pipe is not None
        self._pipe.close()
        self._process.join()
        self._pipe = None


def _child(theirs: Connection, ours: Connection, bug: str) -> None:
    ours.close()
    live(theirs, bug)
    os._exit(0)


@dataclass
class Course:
    """One payment from the shop to its end."""

    world: World
    kind: str
    now: datetime
    faults: dict[str, int] = field(default_factory=dict)
    _queue: list[tuple[datetime, int, str, Transaction | None, Delivery, int]] = field(default_factory=list)
    _order: Any = field(default_factory=count)

    def play(self) -> str:
        """Plays it; returns what is wrong in the end, or nothing."""
        chance, world = self.world.chance, self.world
        gateway = world.gateways[self.kind]
        customer = chance.choice(world.customers)
        micros = chance.randint(100, 5000) * 10_000
        opened = None
        while opened is None:
            token = f"{chance.getrandbits(128):032x}"
            opened = world.call("open", customer, world.methods[self.kind][0], micros, token, self.now)
        request_id, reference = opened
        while not world.call("begin", customer, request_id, self.now):
            pass
        payment = gateway.open(reference, micros, "USD")
        for number in range(chance.randint(1, 6)):
            self._act(gateway, payment, customer, request_id, chance.choice(_THEN if number else _FIRST))
            self._deliver(self.now + timedelta(seconds=chance.choice((0, 3, 30, 600, 90_000))))
        self._deliver(self.now + timedelta(days=3))
        for _ in range(3):
            world.call("look", request_id, self.now, is_safe=True)
        world.expected[request_id] = expected = _expected(payment)
        credited, taken, frozen, forged = world.call("state", [request_id], is_safe=True)[request_id]
        world.call("withdraw", customer, request_id, self.now, is_safe=True)
        # Some say nothing of a payment any more but that it was refunded: then it was neither credited nor taken.
        is_right = (credited - taken, frozen, forged) == (expected[0] - expected[1], expected[2], 0)
        if is_right and credited in {0, expected[0]}:
            return ""
        return (
            f"{self.kind} {reference}: credited {credited}, taken {taken}, frozen {frozen}, forged {forged}; "
            f"true are {expected} of {payment}"
        )

    def _act(self, gateway: LyingGateway, payment: Payment, customer: int, request_id: int, event: str) -> None:
        chance = self.world.chance
        if event == "withdraw":
            self.world.call("withdraw", customer, request_id, self.now)
            return
        faults = [name for name in FAULTS if chance.random() < FAULT_SHARE]
        if not gateway.kind.is_asked and "lost" in faults:
            # Who cannot be asked sends until it is heard.
            faults.remove("lost")
        happened = self._happen(gateway, payment, event, faults)
        if happened is None:
            return
        for name in faults:
            self.faults[name] = self.faults.get(name, 0) + 1
        word, transaction = happened
        for each in deliveries(gateway, payment, transaction, word, int(self.now.timestamp()), faults, chance):
            self._push(self.now + timedelta(seconds=each.after_seconds), word, transaction, each, MOST_TRIES)
        self._payment, self._gateway = payment, gateway

    def _happen(
        self, gateway: LyingGateway, payment: Payment, event: str, faults: Sequence[str]
    ) -> tuple[str, Transaction | None] | None:
        """Makes it true at the gateway; returns the event that it reports, and of which transaction."""
        if event == "expire" and payment.status == "open":
            payment.status = "expired"
            return "expired", None
        if event == "pay" and (gateway.kind.is_divisible or not payment.transactions):
            return "paid", self._pay(gateway, payment, faults)
        transaction = payment.transactions[-1] if payment.transactions else None
        if transaction is None or event not in {"refund", "dispute", "close"}:
            return None
        if event == "refund":
            return self._refund(transaction)
        return self._dispute(transaction, event) if gateway.kind.has_disputes else None

    def _refund(self, transaction: Transaction) -> tuple[str, Transaction] | None:
        # Refunds by BTCPay Server leave from the operator's own wallet: it reports none.
        if transaction.dispute or self.kind == "btcpay":
            return None
        more = transaction.micros
        if self.kind in {"stripe", "paypal", "signed"} and self.world.chance.random() < 0.5:
            more = self.world.chance.randint(1, max(1, more // 10_000)) * 10_000
        transaction.refunded_micros = min(transaction.micros, transaction.refunded_micros + more)
        return "refunded", transaction

    def _dispute(self, transaction: Transaction, event: str) -> tuple[str, Transaction] | None:
        if event == "dispute" and not transaction.dispute:
            transaction.dispute = "open"
            return "disputed", transaction
        if event == "close" and transaction.dispute == "open":
            transaction.dispute = self.world.chance.choice(("won", "lost"))
            return transaction.dispute, transaction
        return None

    def _pay(self, gateway: LyingGateway, payment: Payment, faults: Sequence[str]) -> Transaction | None:
        if self.kind == "paypal":
            payment.status = "approved"
            return None
        micros = payment.micros
        if gateway.kind.is_divisible and "amount" in faults:
            micros = max(10_000, micros * self.world.chance.randint(1, 15) // 10 // 10_000 * 10_000)
        is_other = "currency" in faults and self.kind in {"stripe", "signed"}
        return gateway.pay(payment, micros, "EUR" if is_other else "")

    def _push(self, at: datetime, word: str, transaction: Transaction | None, each: Delivery, tries: int) -> None:
        heapq.heappush(self._queue, (at, next(self._order), word, transaction, each, tries))

    def _deliver(self, until: datetime) -> None:
        """Brings the notices that are due, in the order of their time; what was not heard is sent again."""
        public_id = self.world.methods[self.kind][1]
        while self._queue and self._queue[0][0] <= until:
            at, _, word, transaction, delivery, tries = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            notice = delivery.notice
            status = self.world.call("notice", public_id, notice.body, dict(notice.headers), self.now)
            is_over = status == 200 or not delivery.is_genuine or delivery.after_seconds >= DAY_SECONDS
            if not is_over and tries > 1:
                fresh = self._gateway.notice(self._payment, transaction, word, int((self.now + TRY_AGAIN).timestamp()))
                self._push(self.now + TRY_AGAIN, word, transaction, Delivery(0.0, fresh), tries - 1)
        self.now = max(self.now, until)


def _expected(payment: Payment) -> tuple[int, int, int]:
    """Returns what must be credited, taken back and frozen."""
    usable = [each for each in payment.transactions if each.currency == payment.currency]
    if sum(each.micros for each in usable) < payment.micros:
        return 0, 0, 0
    credited = sum(each.micros for each in usable)
    taken = sum(
        min(each.micros, each.refunded_micros + (each.micros if each.dispute == "lost" else 0)) for each in usable
    )
    frozen = sum(each.micros - each.refunded_micros for each in usable if each.dispute == "open")
    return credited, taken, frozen
