"""What is true at a gateway: payments, what was paid of them, refunded and disputed; and the notices that follow."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

# Stands in for every secret that the two sides share.
SECRET = "lying-secret"  # noqa: S105 - of no real gateway
UNIT = 1_000_000


@dataclass
class Transaction:
    """Money that came for a payment, in micros; of it, what was refunded, and how its dispute stands."""

    id: str
    micros: int
    currency: str
    refunded_micros: int = 0
    # "", open, won or lost: over the whole transaction.
    dispute: str = ""


@dataclass
class Payment:
    """What was announced, as the caller named it, and what has come of it."""

    id: str
    reference: str
    micros: int
    currency: str
    notice_url: str = ""
    return_url: str = ""
    status: str = "open"
    transactions: list[Transaction] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; `query` and `form` decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent to the panel: the body and its headers, signature included."""

    body: bytes
    headers: Mapping[str, str]


class Kind(Protocol):
    """One service's protocol."""

    # Whether a payment takes any amount in any number of parts, whether it can be disputed, and asked about.
    is_divisible: bool
    has_disputes: bool
    is_asked: bool

    def answer(self, gateway: "LyingGateway", request: Request) -> tuple[int, Any]:
        """Returns status and JSON for a request of the panel."""

    def notice(
        self, gateway: "LyingGateway", payment: Payment, transaction: Transaction | None, event: str, at: int
    ) -> Notice:
        """Returns what is sent when a payment is paid, refunded, disputed, won, lost or expired, signed at a second."""


@dataclass
class LyingGateway:
    """A gateway of one kind: an honest ledger, whatever happens to its notices."""

    kind: Kind
    url: str = "http://127.0.0.1"
    # What notices are signed with; the panel has to be told of a new one.
    secret: str = SECRET
    notice_url: str = ""
    payments: dict[str, Payment] = field(default_factory=dict)

    def answer(self, request: Request) -> tuple[int, Any]:
        """Answers the panel."""
        return self.kind.answer(self, request)

    def open(self, reference: str, micros: int, currency: str, notice_url: str = "", return_url: str = "") -> Payment:
        """Returns the payment of a reference, a new one unless it was announced before."""
        for each in self.payments.values():
            if each.reference == reference:
                return each
        number = len(self.payments) + 1
        payment = Payment(f"pay-{number}", reference, micros, currency, notice_url or self.notice_url, return_url)
        self.payments[payment.id] = payment
        return payment

    def find(self, payment_id: str) -> Payment | None:
        """Returns a payment by the gateway's own id."""
        return self.payments.get(payment_id)

    def pay(self, payment: Payment, micros: int = 0, currency: str = "") -> Transaction:
        """The customer pays, by default what was asked."""
        number = len(payment.transactions) + 1
        transaction = Transaction(f"tx-{payment.id}-{number}", micros or payment.micros, currency or payment.currency)
        payment.transactions.append(transaction)
        payment.status = "paid"
        return transaction

    def notice(self, payment: Payment, transaction: Transaction | None, event: str, at: int) -> Notice:
        """Returns the notice of an event, signed."""
        return self.kind.notice(self, payment, transaction, event, at)


def dumps(value: Any) -> bytes:
    """Returns compact JSON, as most services send it."""
    return json.dumps(value, separators=(",", ":")).encode()


def decimal(micros: int) -> str:
    """Returns an amount with two decimals; whoever asks for more digits is refused before."""
    return f"{micros // UNIT}.{micros % UNIT // 10_000:02d}"


def micros_of(text: str) -> int:
    """Returns a decimal text in micros."""
    whole, _dot, fraction = str(text).partition(".")
    return int(whole) * UNIT + int(fraction[:6].ljust(6, "0"))


NOT_FOUND: tuple[int, Any] = (404, {"error": "not found"})
MakeKind = Callable[[], Kind]
