"""The client of an upstream panel: one request a call, and every call returns a value.

What the outside does, answering late, never, twice, in HTML or in lies, never raises here; only a mistake of the
caller does (more ids than a batch holds), and being cancelled. The rules are those of the protocol page, section 5.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from http import HTTPStatus
from typing import Any, Literal, TypeVar, cast
from urllib.parse import quote, quote_plus

import httpx2

from sutler import __version__
from sutler.core.clock import Clock
from sutler.core.upstream_words import LONGEST_RAW, DeclineKind, read_text
from sutler.fulfilment import panel_read
from sutler.fulfilment.panel_answers import (
    Accepted,
    Balance,
    Catalogue,
    Declined,
    Exchange,
    Failure,
    NoAnswer,
    NotSent,
    Taken,
    UpstreamRefill,
    UpstreamStatus,
)
from sutler.fulfilment.panel_catalogue import catalogue

BATCH_SIZE = 100
# How long the answer to `add` is waited for: a late one settles what no search need.
PLACING_SECONDS = 120.0
LONGEST_ANSWER_BYTES = 8 * 1024 * 1024
LONGEST_LOGGED = 2000
MASK = "***"
# A shorter key may stand in an answer by chance, in an id say; masking it there would change what is read.
_SHORTEST_MASKED = 8
# Calls that change something upstream: nobody waits for them, no redirect is followed, no bare 429 is believed.
_PLACING = frozenset({"add", "refill", "cancel"})
# Their readers look at the error themselves: one beside an id is no plain refusal.
_NAMES_WHAT_IT_PLACED = frozenset({"add", "refill"})
_HEADERS = {"User-Agent": f"Sutler/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"}
# Nothing of a request has left before there is a connection, with TLS where it is wanted, to send it over. A write
# or read error, and whatever else, may come after the upstream has understood.
_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)

_T = TypeVar("_T")


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
    extra_fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    cancel_field: Literal["orders", "order"] = "orders"
    trailing_slash: bool | None = None
    connect_seconds: float = 5
    read_seconds: float = 30
    placing_seconds: float = PLACING_SECONDS


@dataclass(frozen=True, slots=True)
class _Reply:
    http_status: int
    text: str
    location: str = ""


class Panel:
    """One upstream panel. Knows nothing of orders and providers; holds no state between calls."""

    def __init__(
        self, settings: PanelSettings, http: httpx2.AsyncClient, clock: Clock, record: Callable[[Exchange], None]
    ) -> None:
        """Asks through `http` (see `safe_transport.open_client`) and gives each exchange to `record` when it is over.

        An exchange that was cancelled from within this process is not recorded.
        """
        self._settings = settings
        self._http = http
        self._clock = clock
        self._record = record
        written = {settings.key, quote(settings.key, safe=""), quote_plus(settings.key)}
        self._secrets = [each for each in written if len(each) >= _SHORTEST_MASKED]
        self._waits, self._waits_placing = (
            httpx2.Timeout(seconds, connect=settings.connect_seconds, pool=settings.connect_seconds)
            for seconds in (settings.read_seconds, settings.placing_seconds)
        )

    @property
    def most_cancels(self) -> int:
        """How many orders one `cancel` may name: 100, or 1 where the panel takes one a call."""
        return BATCH_SIZE if self._settings.cancel_field == "orders" else 1

    @cached_property
    def _url(self) -> httpx2.URL:
        return _with_slash(httpx2.URL(self._settings.url), self._settings.trailing_slash)

    async def add(self, fields: Mapping[str, str]) -> Accepted | Failure:
        """Places an order with the fields of its type, `service` among them.

        Only NotSent, and Declined of a kind in `upstream_words.REFUSES_ADD`, prove that nothing was placed.
        """
        return await self._ask("add", fields, panel_read.accepted)

    async def services(self) -> Catalogue | Failure:
        """Fetches the catalogue. An empty reply is an empty catalogue, and what it means is the caller's to decide."""
        return await self._ask("services", {}, catalogue)

    async def status(self, upstream_id: str) -> UpstreamStatus | Failure:
        """Asks about one order."""
        return await self._ask("status", {"order": upstream_id}, panel_read.status)

    async def statuses(self, ids: Sequence[str]) -> dict[str, UpstreamStatus | Declined] | Failure:
        """Asks about up to 100 orders at once. What the answer does not speak of, or not clearly, is missing."""
        return await self._ask("status", {"orders": _joined(ids)}, partial(panel_read.statuses, ids=ids))

    async def balance(self) -> Balance | Failure:
        """Asks what the account holds."""
        return await self._ask("balance", {}, panel_read.balance)

    async def refill(self, upstream_id: str) -> Taken | Failure:
        """Asks for a refill of one order. Proof that none was placed: NotSent, or a kind in REFUSES_REQUEST."""
        return await self._ask("refill", {"order": upstream_id}, panel_read.refill)

    async def refill_status(self, refill_id: str) -> UpstreamRefill | Failure:
        """Asks about one refill."""
        return await self._ask("refill_status", {"refill": refill_id}, panel_read.refill_status)

    async def refill_statuses(self, ids: Sequence[str]) -> dict[str, UpstreamRefill | Declined] | Failure:
        """Asks about up to 100 refills at once. What the answer does not speak of is missing."""
        fields = {"refills": _joined(ids)}
        return await self._ask("refill_status", fields, partial(panel_read.refill_statuses, ids=ids))

    async def cancel(self, ids: Sequence[str]) -> dict[str, Taken | Declined] | Failure:
        """Asks to cancel up to `most_cancels` orders. What the answer does not speak of is missing: unknown."""
        fields: dict[str, str] = {self._settings.cancel_field: _joined(ids, self.most_cancels)}
        return await self._ask("cancel", fields, partial(panel_read.cancels, ids=ids))

    async def _ask(
        self, action: str, fields: Mapping[str, str], read: Callable[[Any], _T | Declined | NoAnswer]
    ) -> _T | Failure:
        started_at, started = self._clock.now(), self._clock.monotonic()
        reply = await self._exchange(action, fields)
        outcome: _T | Failure = self._understood(action, reply, read) if isinstance(reply, _Reply) else reply
        self._record(
            Exchange(
                action=action,
                fields=self._logged(fields),
                answer=reply.text[:LONGEST_LOGGED] if isinstance(reply, _Reply) else "",
                http_status=reply.http_status if isinstance(reply, _Reply) else None,
                started_at=started_at,
                milliseconds=round((self._clock.monotonic() - started) * 1000),
                outcome=type(outcome).__name__ if not isinstance(outcome, dict) else "Answered",
                why=_why(outcome),
            )
        )
        return outcome

    async def _exchange(self, action: str, fields: Mapping[str, str]) -> _Reply | NotSent | NoAnswer:
        """Sends the request and reads the whole answer, in bounded time and space."""
        try:
            request = self._request(action, fields)
        except Exception as error:  # noqa: BLE001 - before a request is built nothing can have left
            return NotSent(self._told(error))
        try:
            async with asyncio.timeout(self._settings.placing_seconds + 2 * self._settings.connect_seconds):
                reply = await self._send(request)
                again = None if action in _PLACING else _same_host(request, reply)
                if again is not None:
                    reply = await self._send(self._request(action, fields, again))
        except _NEVER_LEFT as error:
            return NotSent(self._told(error))
        except Exception as error:  # noqa: BLE001 - whatever broke, the upstream may have acted
            return NoAnswer(self._told(error))
        return reply

    def _request(self, action: str, fields: Mapping[str, str], url: httpx2.URL | None = None) -> httpx2.Request:
        wanted = self._settings
        url = url or self._url
        form = {**wanted.extra_fields, **fields, wanted.key_field: wanted.key, "action": action}
        timeout = self._waits_placing if action in _PLACING else self._waits
        if wanted.method == "GET":
            url = url.copy_merge_params(form)
            return httpx2.Request("GET", url, headers=_HEADERS, extensions={"timeout": timeout.as_dict()})
        return httpx2.Request("POST", url, data=form, headers=_HEADERS, extensions={"timeout": timeout.as_dict()})

    async def _send(self, request: httpx2.Request) -> _Reply | NoAnswer:
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            body = bytearray()
            # As it came over the wire: unpacking it is bounded, and httpx2's own is not.
            async for chunk in cast(httpx2.AsyncByteStream, response.stream):
                body += chunk
                if len(body) > LONGEST_ANSWER_BYTES:
                    return NoAnswer(f"the answer is longer than {LONGEST_ANSWER_BYTES} bytes")
        finally:
            await response.aclose()
        plain = _unpacked(bytes(body), response.headers.get("Content-Encoding", ""))
        if isinstance(plain, NoAnswer):
            return plain
        text = self._masked(plain.decode("utf-8", "replace"))
        location = response.headers.get("Location", "") if response.has_redirect_location else ""
        return _Reply(response.status_code, text, location)

    def _understood(
        self, action: str, reply: _Reply, read: Callable[[Any], _T | Declined | NoAnswer]
    ) -> _T | Declined | NoAnswer:
        """Decides what the answer means. A body that says something counts whatever the HTTP status."""
        if reply.location:
            return NoAnswer(f"redirected to {read_text(self._masked(reply.location), LONGEST_RAW)}")
        heard = panel_read.decode(reply.text)
        answer = heard if isinstance(heard, NoAnswer) else self._read(action, heard, read)
        if isinstance(answer, NoAnswer):
            answer = replace(answer, why=f"HTTP {reply.http_status}: {answer.why}")
        too_many = reply.http_status == HTTPStatus.TOO_MANY_REQUESTS and action not in _PLACING
        if too_many and isinstance(answer, (Declined, NoAnswer)):
            return Declined(DeclineKind.RATE, answer.raw if isinstance(answer, Declined) else answer.why)
        return answer

    @staticmethod
    def _read(action: str, heard: object, read: Callable[[Any], _T | Declined | NoAnswer]) -> _T | Declined | NoAnswer:
        declined = None if action in _NAMES_WHAT_IT_PLACED else panel_read.refusal(heard)
        return declined or read(heard)

    def _logged(self, fields: Mapping[str, str]) -> dict[str, str]:
        masked = dict.fromkeys([self._settings.key_field, *self._settings.extra_fields], MASK)
        return {name: text[:LONGEST_LOGGED] for name, text in fields.items()} | masked

    def _told(self, error: Exception) -> str:
        return f"{type(error).__name__}: {read_text(self._masked(str(error)), LONGEST_RAW)}".removesuffix(": ")

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


def _joined(ids: Sequence[str], most: int = BATCH_SIZE) -> str:
    if not 1 <= len(ids) <= most:
        raise ValueError(f"{len(ids)} ids in a call that takes 1 to {most}")
    return ",".join(ids)


def _with_slash(url: httpx2.URL, trailing_slash: bool | None) -> httpx2.URL:
    if trailing_slash is None:
        return url
    return url.copy_with(path=url.path.rstrip("/") + "/" * trailing_slash)


def _same_host(request: httpx2.Request, reply: _Reply | NoAnswer) -> httpx2.URL | None:
    """Returns where a redirect leads if it stays on the host, never from https down to http; else None."""
    if isinstance(reply, NoAnswer) or not reply.location:
        return None
    url = request.url.join(reply.location)
    stays = url.host == request.url.host and url.scheme in ("https", request.url.scheme)
    return url.copy_with(fragment=None) if stays else None


def _unpacked(body: bytes, encoding: str) -> bytes | NoAnswer:
    """Returns the body without its gzip, which must be whole and not unpack to more than an answer may have."""
    if encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        return NoAnswer(f"the answer is packed as {read_text(encoding, LONGEST_RAW)}")
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(body, LONGEST_ANSWER_BYTES)
    except zlib.error:
        return NoAnswer("the answer's gzip is broken")
    return plain if unpacking.eof else NoAnswer("the answer's gzip is cut off or too long")


def _why(outcome: object) -> str:
    if isinstance(outcome, Declined):
        return f"{outcome.kind.name}: {outcome.raw}"
    return outcome.why if isinstance(outcome, (NotSent, NoAnswer)) else ""
