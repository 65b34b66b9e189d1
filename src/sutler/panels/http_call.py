"""One question to a panel over HTTP: sent, read in bounded time and space, understood, and told for the log.

What provably was not done is told apart here from what may have been, by what broke and when.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http import HTTPStatus
from typing import TypeVar, cast
from urllib.parse import quote, quote_plus

import httpx2

from sutler import __version__
from sutler.core.clock import Clock
from sutler.core.events import Cause, CauseKind, cause, declined, failure
from sutler.core.text import charset
from sutler.core.text.charset import UnknownCharset
from sutler.core.upstream_words import LONGEST_RAW, REFUSES_ADD, REFUSES_REQUEST, DeclineKind, read_text
from sutler.panels import answer_body, parse_catalogue
from sutler.panels.client import PanelSettings, Read
from sutler.panels.results import Declined, Exchange, Failure, NoAnswer, NotSent

LONGEST_ANSWER_BYTES = 8 * 1024 * 1024
LONGEST_CATALOGUE_BYTES = 32 * 1024 * 1024
CATALOGUE = "services"
# Longer answers are unpacked, decoded and read in a thread, while the loop serves other calls.
_READ_ASIDE_BYTES = 128 * 1024
LONGEST_LOGGED = 2000
MASK = "***"
# A shorter key may stand in an answer by chance, in an id say; masking it there would change what is read.
_SHORTEST_MASKED = 8
# Calls that change something upstream, and what refuses them: nobody waits for them, no redirect is followed, no bare
# 429 is believed.
_REFUSES = {"add": REFUSES_ADD, "refill": REFUSES_REQUEST, "cancel": REFUSES_REQUEST}
_MOVES = frozenset({301, 307, 308})
_LONGEST_MOVE_PAGE = 2000
# Their readers look at the error themselves: one beside an id is no plain refusal.
_NAMES_WHAT_IT_PLACED = frozenset({"add", "find", "refill"})
_HEADERS = {"User-Agent": f"Sutler/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"}
# Nothing of a request has left before there is a connection, with TLS where it is wanted, to send it over. A write
# or read error, and whatever else, may come after the upstream has understood.
_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)

_T = TypeVar("_T")
OnAnswer = Callable[[httpx2.Response], None]


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer as it came over the wire."""

    http_status: int
    body: bytes = field(repr=False)
    content_type: str
    encoding: str
    location: str = ""
    # Where the answer comes from, if that is not where it was asked for.
    redirected_to: str = ""
    stays_on_host: bool = False


def _go_on(_response: httpx2.Response) -> None:
    """Nobody watches."""


class HttpCall:
    """Calls panels over one transport (see `safe_transport.SafeTransport`); a `client.Call`.

    Without a client: a call is one request, and cookies, redirects and proxies have no place in it.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, clock: Clock, on_answer: OnAnswer = _go_on) -> None:
        """`on_answer` is given each response before its body is read."""
        self._transport = transport
        self._clock = clock
        self._on_answer = on_answer

    async def __call__(
        self, settings: PanelSettings, action: str, fields: Mapping[str, str], read: Read[_T]
    ) -> tuple[_T | Failure, Exchange]:
        """Puts the question to the panel."""
        started_at, started = self._clock.now(), self._clock.monotonic()
        manner = _manner(settings)
        reply = await self._exchange(manner, settings.longest_seconds, action, fields)
        outcome, text = await _understood(manner, action, reply, read)
        return outcome, Exchange(
            action=action,
            fields=manner.logged(fields),
            answer=text,
            http_status=reply.http_status if isinstance(reply, _Reply) else None,
            started_at=started_at,
            milliseconds=round((self._clock.monotonic() - started) * 1000),
            outcome=type(outcome).__name__ if not isinstance(outcome, dict) else "Answered",
            cause=_cause(outcome),
            redirected_to=reply.redirected_to if isinstance(reply, _Reply) else "",
        )

    async def _exchange(
        self, manner: "_Manner", longest_seconds: float, action: str, fields: Mapping[str, str]
    ) -> _Reply | NotSent | NoAnswer:
        """Sends the request and reads the whole answer, in bounded time and space."""
        try:
            request = manner.request(action, fields)
        except Exception as error:  # noqa: BLE001 - before a request is built nothing can have left
            return NotSent(failure(manner.told(error)))
        try:
            async with asyncio.timeout(longest_seconds):
                reply = await self._send(request, _longest(action))
                leads_to = _leads_to(request, reply)
                if action not in _REFUSES and leads_to is not None and _stays_on_host(request, leads_to):
                    reply = await self._send(manner.request(action, fields, leads_to), _longest(action))
        except _NEVER_LEFT as error:
            return NotSent(failure(manner.told(error)))
        except Exception as error:  # noqa: BLE001 - whatever broke, the upstream may have acted
            return NoAnswer(failure(manner.told(error)))
        if isinstance(reply, NoAnswer) or leads_to is None:
            return reply
        told = read_text(manner.masked(str(leads_to.copy_with(query=None))), LONGEST_RAW)
        return replace(reply, redirected_to=told, stays_on_host=_stays_on_host(request, leads_to))

    async def _send(self, request: httpx2.Request, longest: int) -> _Reply | NoAnswer:
        response = await self._transport.handle_async_request(request)
        try:
            self._on_answer(response)
            body = bytearray()
            # As it came over the wire: unpacking it is bounded, and httpx2's own is not.
            async for chunk in cast(httpx2.AsyncByteStream, response.stream):
                body += chunk
                if len(body) > longest:
                    return NoAnswer(cause(CauseKind.TOO_LONG, count=longest))
        finally:
            with suppress(Exception):  # what has been heard counts, whatever becomes of the connection
                await response.aclose()
        headers = response.headers
        location = headers.get("Location", "") if response.has_redirect_location else ""
        content_type, encoding = headers.get("Content-Type", ""), headers.get("Content-Encoding", "")
        return _Reply(response.status_code, bytes(body), content_type, encoding, location)


class _Manner:
    """How one panel is asked: how a request to it is built, and what of it must not be told."""

    def __init__(self, settings: PanelSettings) -> None:
        self._settings = settings
        written = {settings.key, quote(settings.key, safe=""), quote_plus(settings.key)}
        self._secrets = [each for each in written if len(each) >= _SHORTEST_MASKED]
        self._waits, self._waits_placing = (
            httpx2.Timeout(seconds, connect=settings.connect_seconds, pool=settings.connect_seconds).as_dict()
            for seconds in (settings.read_seconds, settings.placing_seconds)
        )
        self._url: httpx2.URL | None = None

    def request(self, action: str, fields: Mapping[str, str], url: httpx2.URL | None = None) -> httpx2.Request:
        """Returns the request that asks this, of another URL than the panel's if one is given."""
        wanted = self._settings
        if self._url is None:
            self._url = _with_slash(httpx2.URL(wanted.url), wanted.trailing_slash)
        url = url or self._url
        form = {**wanted.extra_fields, **fields, wanted.key_field: wanted.key, "action": action}
        extensions = {"timeout": self._waits_placing if action in _REFUSES else self._waits}
        if wanted.method == "GET":
            return httpx2.Request("GET", url.copy_merge_params(form), headers=_HEADERS, extensions=extensions)
        return httpx2.Request("POST", url, data=form, headers=_HEADERS, extensions=extensions)

    def logged(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Returns the fields of a request as they may be kept."""
        masked = dict.fromkeys([self._settings.key_field, *self._settings.extra_fields], MASK)
        return {name: text[:LONGEST_LOGGED] for name, text in fields.items()} | masked

    def told(self, error: Exception) -> str:
        """Returns what broke, as it may be kept."""
        return f"{type(error).__name__}: {read_text(self.masked(str(error)), LONGEST_RAW)}".removesuffix(": ")

    def masked(self, text: str) -> str:
        """Returns a text without the key."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


_manner = lru_cache(maxsize=256)(_Manner)


async def _understood(
    manner: _Manner, action: str, reply: _Reply | NotSent | NoAnswer, read: Read[_T]
) -> tuple[_T | Failure, str]:
    """Returns what the answer means, and the beginning of its text for the log."""
    if not isinstance(reply, _Reply):
        return reply, ""
    if len(reply.body) > _READ_ASIDE_BYTES:
        return await asyncio.to_thread(_meaning, manner, action, reply, read)
    return _meaning(manner, action, reply, read)


def _meaning(manner: _Manner, action: str, reply: _Reply, read: Read[_T]) -> tuple[_T | Failure, str]:
    """Decides what the answer means. A body that says something counts whatever the HTTP status."""
    plain = _unpacked(reply.body, reply.encoding, _longest(action))
    if isinstance(plain, NoAnswer):
        return plain, ""
    text, fault = _text(plain, reply.content_type)
    text = manner.masked(text)
    if reply.location:
        moved = cause(CauseKind.REDIRECTED, address=reply.redirected_to)
        is_unread = action in _REFUSES and reply.stays_on_host and _is_bare_move(reply.http_status, text)
        return NotSent(moved) if is_unread else NoAnswer(moved), text[:LONGEST_LOGGED]
    if fault and action == CATALOGUE:
        answer: _T | Declined | NoAnswer = NoAnswer(cause(CauseKind.CHARSET_UNKNOWN, charset=fault))
    else:
        heard = answer_body.decode(text, parse_catalogue.row if action == CATALOGUE else None)
        answer = heard if isinstance(heard, NoAnswer) else _read(action, heard, read)
    if reply.http_status >= 500 and isinstance(answer, Declined) and not _is_known(action, answer):
        answer = NoAnswer(failure(answer.raw), answer.raw)  # a fault of the panel's, in its own words
    if isinstance(answer, NoAnswer):
        answer = replace(answer, cause=cause(CauseKind.HTTP, code=reply.http_status, cause=answer.cause))
    too_many = reply.http_status == HTTPStatus.TOO_MANY_REQUESTS and action not in _REFUSES
    if too_many and isinstance(answer, (Declined, NoAnswer)):
        answer = Declined(DeclineKind.RATE, answer.raw if isinstance(answer, Declined) else answer.why)
    return answer, text[:LONGEST_LOGGED]


def _text(body: bytes, content_type: str) -> tuple[str, str]:
    """Returns the text of an answer, and what is wrong with it: then what could not be read is replaced.

    An id or a status is read beside what was lost; a name must not be sold so.
    """
    try:
        return charset.decode(body, content_type), ""
    except UnknownCharset as error:
        return body.decode("utf-8", "replace"), str(error)


def _longest(action: str) -> int:
    return LONGEST_CATALOGUE_BYTES if action == CATALOGUE else LONGEST_ANSWER_BYTES


def _is_known(action: str, refusal: Declined) -> bool:
    return action not in _REFUSES or refusal.kind in _REFUSES[action]


def _read(action: str, heard: object, read: Read[_T]) -> _T | Declined | NoAnswer:
    if action in _NAMES_WHAT_IT_PLACED:
        return read(heard)
    answer = answer_body.refusal(heard, of_one=False) or read(heard)
    # A `message` may stand beside what was asked for, so it is looked at last, and only known words count.
    told = answer_body.refusal(heard, messages=True) if isinstance(answer, NoAnswer) else None
    return told if told and told.kind is not DeclineKind.OTHER else answer


def _with_slash(url: httpx2.URL, trailing_slash: bool | None) -> httpx2.URL:
    if trailing_slash is None:
        return url
    return url.copy_with(path=url.path.rstrip("/") + "/" * trailing_slash)


def _leads_to(request: httpx2.Request, reply: _Reply | NoAnswer) -> httpx2.URL | None:
    """Returns where a redirect leads, None if the reply is none."""
    if isinstance(reply, NoAnswer) or not reply.location:
        return None
    return request.url.join(reply.location).copy_with(fragment=None)


def _stays_on_host(request: httpx2.Request, url: httpx2.URL) -> bool:
    """Returns whether a redirect stays on the host, and never leads from https down to http."""
    return url.host == request.url.host and url.scheme in ("https", request.url.scheme)


def _is_bare_move(http_status: int, text: str) -> bool:
    """Returns whether a web server has moved the caller on before anybody read the request.

    Only what repeats the same request elsewhere: a 302 or 303 may follow on an order that was placed. With no body, or
    the page that web servers put there.
    """
    body = text.strip()
    is_page = body.startswith("<") and len(body) <= _LONGEST_MOVE_PAGE
    return http_status in _MOVES and (not body or is_page)


def _unpacked(body: bytes, encoding: str, longest: int) -> bytes | NoAnswer:
    """Returns the body without its gzip, which must be whole and not unpack to more than an answer may have."""
    if encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        return NoAnswer(cause(CauseKind.PACKED, how=read_text(encoding, LONGEST_RAW)))
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(body, longest + 1)
    except zlib.error:
        return NoAnswer(cause(CauseKind.GZIP_BROKEN))
    return plain if unpacking.eof and len(plain) <= longest else NoAnswer(cause(CauseKind.GZIP_CUT))


def _cause(outcome: object) -> Cause | None:
    if isinstance(outcome, Declined):
        return declined(outcome.kind, outcome.raw)
    return outcome.cause if isinstance(outcome, (NotSent, NoAnswer)) else None
