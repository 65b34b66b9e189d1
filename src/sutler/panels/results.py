"""What a call to an upstream panel can come to: values, never exceptions."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sutler.core.event_texts import cause_text
from sutler.core.events import Cause
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import Micros
from sutler.core.service_row import ServiceRow
from sutler.core.upstream_words import DeclineKind, UnknownStatus


@dataclass(frozen=True, slots=True)
class Accepted:
    """The upstream placed the order under this id, which is never empty."""

    upstream_id: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The upstream took a refill or a cancel. `upstream_id` is the refill's; "" where the answer names none."""

    upstream_id: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """The upstream answered with an error. `raw` is its text: one printable line, bounded, the key masked.

    The text alone does not prove that nothing was placed: for `add` only the kinds of
    `upstream_words.REFUSES_ADD` do, for `refill` and `cancel` those of `REFUSES_REQUEST`. Any other kind, OTHER above
    all, leaves the outcome of such a call unknown, as NoAnswer does; what to do about it is the dispatcher's decision.
    """

    kind: DeclineKind
    raw: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request provably never left, or was read by nobody: no address, no connection, no TLS, or a bare redirect.

    It may be tried again at once.
    """

    cause: Cause

    @property
    def why(self) -> str:
        """The cause in words."""
        return cause_text(self.cause)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing that can be understood came back. What the upstream did is unknown.

    `raw` is the text of an error that names no order but leaves open what was done, "" where there is none.
    """

    cause: Cause
    raw: str = ""

    @property
    def why(self) -> str:
        """The cause in words."""
        return cause_text(self.cause)


Failure = Declined | NotSent | NoAnswer


def is_not_found(answer: object) -> bool:
    """Returns True if a panel that keeps request IDs has said that it knows no order with one, in just these words."""
    return isinstance(answer, Declined) and answer.raw.strip().casefold() == "order not found"


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds upstream. `currency` is "" where the answer names none."""

    micros: Micros
    currency: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """An entry of a catalogue that cannot be used, and why. `upstream_id` is "" where it could not be read.

    A service whose entry was dropped is not gone: its last good one still holds.
    """

    upstream_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """An upstream's `services`. Both parts empty is an empty reply, and what that means is for the caller to say."""

    services: tuple[ServiceRow, ...]
    dropped: tuple[Dropped, ...] = ()

    def left_out(self) -> list[tuple[str, str]]:
        """Returns the ids and reasons of what was dropped."""
        return [(each.upstream_id, str(each.why)) for each in self.dropped]


class UpstreamStatus(NamedTuple):
    """What an upstream says of an order. None stands for what it does not say or what is no number.

    `remains` is as it came, below 0 or above the quantity too. `runs` and `orders` belong to a drip-feed, `posts` and
    `orders` to a subscription.
    """

    status: Status | UnknownStatus
    raw: str
    charge_micros: Micros | None = None
    currency: str = ""
    start_count: int | None = None
    remains: int | None = None
    runs: int | None = None
    posts: int | None = None
    orders: tuple[str, ...] = ()


class UpstreamChanges(NamedTuple):
    """What has changed at an upstream since a cursor: how orders stand now, by id, and the cursor behind them.

    `catalogue` is True if a service or a price has changed, `more` if there is more to tell at once.
    """

    cursor: str
    statuses: dict[str, UpstreamStatus]
    catalogue: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class UpstreamRefill:
    """What an upstream says of a refill; `raw` is its word."""

    status: RefillStatus | UnknownStatus
    raw: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it, for the provider's log.

    `fields` have the key and the panel's fixed fields masked; `answer` is cut to 2,000 characters; `http_status` is
    None where no answer came. `outcome` is the name of the value that the call returned (`Accepted`, `Declined`,
    `NotSent`, `NoAnswer`, ...) and `cause` the reason or the error that goes with it. `redirected_to` is where the
    panel's address leads, "" if nowhere else.
    """

    action: str
    fields: dict[str, str] = field(repr=False)
    answer: str = field(repr=False)
    http_status: int | None
    started_at: datetime
    milliseconds: int
    outcome: str
    cause: Cause | None
    redirected_to: str = ""
