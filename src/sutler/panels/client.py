"""The client of an upstream panel: one question a call, and every call returns a value.

What the outside does, answering late, never, twice, in HTML or in lies, never raises here; only a mistake of the
caller does (more ids than a batch holds), and being cancelled. The rules are those of the protocol page, section 5.
How a question travels is its caller's: over HTTP from here (`http_call`), or from a process beside (`caller_process`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

from sutler.core.events import declined
from sutler.core.taught_words import TaughtWord, taught_kind
from sutler.panels import parse
from sutler.panels.parse_catalogue import catalogue
from sutler.panels.results import (
    Accepted,
    Balance,
    Catalogue,
    Declined,
    Exchange,
    Failure,
    NoAnswer,
    Taken,
    UpstreamChanges,
    UpstreamRefill,
    UpstreamStatus,
)

BATCH_SIZE = 100
# The one question that is answered late on purpose.
CHANGES = "changes"
# How long the answer to `add` is waited for: a late one settles what no search need.
PLACING_SECONDS = 120.0

_T = TypeVar("_T")
# Reads a decoded answer. Picklable, since it may be read in another process.
Read = Callable[[Any], _T | Declined | NoAnswer]


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """How one panel wants to be asked.

    `trailing_slash` None leaves the URL as it is written. `extra_fields` go with every call, and are masked in the log
    as the key is. `cancel_field` "order" is for panels that cancel one order a call.
    """

    url: str
    key: str = field(repr=False)
    method: Literal["POST", "GET"] = "POST"
    key_field: str = "key"
    extra_fields: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    cancel_field: Literal["orders", "order"] = "orders"
    trailing_slash: bool | None = None
    connect_seconds: float = 5
    read_seconds: float = 30
    placing_seconds: float = PLACING_SECONDS

    @property
    def longest_seconds(self) -> float:
        """How long a call may take in all, whatever the panel does."""
        return self.placing_seconds + 2 * self.connect_seconds


class Call(Protocol):
    """The way to panels."""

    async def __call__(
        self, settings: PanelSettings, action: str, fields: Mapping[str, str], read: Read[_T]
    ) -> tuple[_T | Failure, Exchange]:
        """Puts one question to a panel and returns what came of it, with the exchange for the provider's log.

        Never raises; one that is cancelled is not told of.
        """
        ...


class Panel:
    """One upstream panel. Knows nothing of orders and providers; holds no state between calls.

    `words` are what staff have taught of how it refuses; an answer is read by those that hold when it comes.
    """

    def __init__(
        self,
        settings: PanelSettings,
        call: Call,
        record: Callable[[Exchange], None],
        words: tuple[TaughtWord, ...] = (),
    ) -> None:
        """Asks by `call` and gives each exchange to `record` when it is over."""
        self.words = words
        self._settings = settings
        self._call = call
        self._record = record

    @property
    def most_cancels(self) -> int:
        """How many orders one `cancel` may name: 100, or 1 where the panel takes one a call."""
        return BATCH_SIZE if self._settings.cancel_field == "orders" else 1

    async def add(self, fields: Mapping[str, str]) -> Accepted | Failure:
        """Places an order with the fields of its type, `service` among them.

        Only NotSent, and Declined of a kind in `upstream_words.REFUSES_ADD`, prove that nothing was placed.
        """
        return await self._ask("add", fields, parse.accepted)

    async def find(self, request_id: str) -> Accepted | Failure:
        """Asks which order an `add` with this request ID has placed. A panel may not know the question.

        `results.is_not_found` tells whether it says that there is none.
        """
        return await self._ask("find", {"request_id": request_id}, parse.accepted)

    async def changes(self, since: str, wait_seconds: int) -> UpstreamChanges | Failure:
        """Asks what has changed since a cursor, waiting up to 25 seconds for news; without one where the feed stands.

        A panel may not know the question.
        """
        fields = {"since": since, "limit": "1000", "wait": str(wait_seconds)} if since else {}
        return await self._ask(CHANGES, fields, parse.changes)

    async def services(self) -> Catalogue | Failure:
        """Fetches the catalogue. An empty reply is an empty catalogue, and what it means is the caller's to decide."""
        return await self._ask("services", {}, catalogue)

    async def status(self, upstream_id: str) -> UpstreamStatus | Failure:
        """Asks about one order."""
        return await self._ask("status", {"order": upstream_id}, partial(parse.status, upstream_id=upstream_id))

    async def statuses(self, ids: Sequence[str]) -> dict[str, UpstreamStatus | Declined] | Failure:
        """Asks about up to 100 orders at once. What the answer does not speak of, or not clearly, is missing."""
        return await self._ask("status", {"orders": _joined(ids)}, partial(parse.statuses, ids=ids))

    async def balance(self) -> Balance | Failure:
        """Asks what the account holds."""
        return await self._ask("balance", {}, parse.balance)

    async def refill(self, upstream_id: str) -> Taken | Failure:
        """Asks for a refill of one order. Proof that none was placed: NotSent, or a kind in REFUSES_REQUEST."""
        return await self._ask("refill", {"order": upstream_id}, parse.refill)

    async def refill_status(self, refill_id: str) -> UpstreamRefill | Failure:
        """Asks about one refill."""
        return await self._ask("refill_status", {"refill": refill_id}, parse.refill_status)

    async def refill_statuses(self, ids: Sequence[str]) -> dict[str, UpstreamRefill | Declined] | Failure:
        """Asks about up to 100 refills at once. What the answer does not speak of is missing."""
        fields = {"refills": _joined(ids)}
        return await self._ask("refill_status", fields, partial(parse.refill_statuses, ids=ids))

    async def cancel(self, ids: Sequence[str]) -> dict[str, Taken | Declined] | Failure:
        """Asks to cancel up to `most_cancels` orders. What the answer does not speak of is missing: unknown."""
        fields: dict[str, str] = {self._settings.cancel_field: _joined(ids, self.most_cancels)}
        return await self._ask("cancel", fields, partial(parse.cancels, ids=ids))

    async def _ask(self, action: str, fields: Mapping[str, str], read: Read[_T]) -> _T | Failure:
        outcome, exchange = await self._call(self._settings, action, fields, read)
        if self.words:
            known: _T | Failure = _as_taught(outcome, self.words)
            if isinstance(known, Declined) and known is not outcome:
                exchange = replace(exchange, outcome="Declined", cause=declined(known.kind, known.raw))
            outcome = known
        self._record(exchange)
        return outcome


def _joined(ids: Sequence[str], most: int = BATCH_SIZE) -> str:
    if not 1 <= len(ids) <= most:
        raise ValueError(f"{len(ids)} ids in a call that takes 1 to {most}")
    return ",".join(ids)


def _as_taught(answer: Any, words: tuple[TaughtWord, ...]) -> Any:
    """Returns the answer, or each part of a batch, with its refusal as staff have taught its words."""
    if isinstance(answer, dict):
        return {name: _as_taught(each, words) for name, each in answer.items()}
    raw = answer.raw if isinstance(answer, (Declined, NoAnswer)) else ""
    kind = taught_kind(raw, words) if raw else None
    return answer if kind is None else Declined(kind, raw)
