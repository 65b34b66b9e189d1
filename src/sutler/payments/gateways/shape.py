"""The shape of a gateway: its settings, the three things it can do, and the words it answers in."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.utils.functional import Promise

# The settings of one method by name, secrets among them. What is not set is not there.
Settings = Mapping[str, str]

CENT_MICROS = 10_000


class FieldKind(StrEnum):
    """How a setting is typed: a line, one of the choices, an address, or a secret that is sealed."""

    TEXT = "text"
    CHOICE = "choice"
    ADDRESS = "address"
    SECRET = "secret"  # noqa: S105 - a kind of field


@dataclass(frozen=True, slots=True)
class Field:
    """One setting that staff type in."""

    name: str
    label: str | Promise
    kind: FieldKind = FieldKind.TEXT
    is_required: bool = True
    default: str = ""
    about: str | Promise = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Charge:
    """What a customer is to pay. `reference` is the panel's own for it, the same however often it is begun."""

    reference: str
    amount_micros: int
    currency: str
    description: str
    return_url: str
    notice_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the customer pays: at a page, or with `pay_amount` (its coin included) sent to an address."""

    page_url: str = ""
    pay_address: str = ""
    pay_amount: str = ""
    gateway_id: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """The gateway did not answer as it should. `why` is one printable line without secrets.

    `status` is that of its answer, 0 where there was none.
    """

    why: str
    status: int = 0


class FactKind(StrEnum):
    """What became of a payment, as its gateway says.

    PAID: money is there. REVERSED: so much of it was given back. DISPUTED: so much of it is asked back, which is not
    decided; then DISPUTE_WON or DISPUTE_LOST. FAILED: nothing will come any more, as far as the gateway knows. PENDING:
    nothing yet. CHANGED: something, and the gateway has to be asked what.
    """

    PAID = "paid"
    REVERSED = "reversed"
    DISPUTED = "disputed"
    DISPUTE_WON = "won"
    DISPUTE_LOST = "lost"
    FAILED = "failed"
    PENDING = "pending"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a gateway says, verified. It names the payment by any of its three ids.

    `amount_micros` is what came (PAID), all that was given back of the transaction by now (REVERSED), or what the
    dispute is about.
    """

    kind: FactKind
    reference: str = ""
    gateway_id: str = ""
    transaction_id: str = ""
    amount_micros: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a genuine notice says, maybe nothing that matters here, and what the gateway wants to hear back."""

    facts: tuple[Fact, ...] = ()
    answer: str = ""


class Flaw(StrEnum):
    """Why a notice counts for nothing: not signed by the gateway, signed too long ago, or not to be understood."""

    FORGED = "forged"
    STALE = "stale"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP, whatever its status."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Checkout:
    """A payment that was begun, as the gateway can be asked about it.

    `is_credited`: money came and was credited, so that disputes of it are asked for too.
    """

    reference: str
    gateway_id: str
    amount_micros: int
    currency: str
    is_credited: bool = False


# Asks over the network: method, URL, headers, body. In bounded time and space, without redirects.
Ask = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Reply | Failure]]


def _no_fault(_settings: Settings) -> str:
    return ""


def _cents(_currency: str) -> int:
    return CENT_MICROS


@dataclass(frozen=True, slots=True)
class Gateway:
    """One kind of gateway.

    `begin` announces a charge, and may be called again for the same one. `read_notice` takes the body as it came, the
    headers by lower-case name and the present moment; it is pure. `look_up` asks what became of a payment; None where
    the gateway cannot be asked. `fault` returns the name of a setting that will not do, or nothing. `unit_micros`
    returns the smallest amount of a currency that can be charged.
    """

    kind: str
    name: str
    fields: tuple[Field, ...]
    begin: Callable[[Settings, Charge, Ask], Awaitable[Begun | Failure]]
    read_notice: Callable[[Settings, bytes, Mapping[str, str], datetime], Notice | Flaw]
    look_up: Callable[[Settings, Checkout, Ask], Awaitable[Sequence[Fact] | Failure]] | None = None
    fault: Callable[[Settings], str] = _no_fault
    unit_micros: Callable[[str], int] = _cents
    # Settings to start from, by name: what many services do alike.
    presets: Mapping[str, Settings] = field(default_factory=dict)
