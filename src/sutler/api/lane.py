"""The lane: a plain ASGI application for programs, beside Django and fast.

Every answer is JSON. What a caller did wrong is HTTP 200 with `{"error": ...}`; 429 and 503 are for overload alone;
when it is not known whether a commit took effect the connection is closed without an answer (the protocol, section 1).
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from sutler.accounts.keys import KeyHolder
from sutler.api import metrics
from sutler.api.actions import ACTIONS
from sutler.api.authenticate import Authenticator, Rejected
from sutler.api.gather import Full, ShareFull
from sutler.api.read_request import Disconnected, Receive, Scope, Send, TooLarge, header, without_secrets
from sutler.api.v2 import V2, Answer, Caller
from sutler.api.wording import error_body, http_status
from sutler.api.writer import Writer
from sutler.catalogue.services_answer import Feed
from sutler.core.clock import Clock
from sutler.core.refusals import Reason, Refusal
from sutler.storage.transactions import Busy, CommitUnclear

_log = structlog.get_logger()

# As long as `Retry-After` says; of more than so many at once a refusal is given at once.
_HELD_BACK_SECONDS = 1.0
_MOST_HELD_BACK = 1000

_JSON = (b"content-type", b"application/json")
_RETRY = [(b"retry-after", b"1")]
_ACTION_NAMES = {name: each.name for each in ACTIONS.values() for name in (each.name, *each.aliases)}

Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


class Lane:
    """Answers `/api/v2`. One for each process: it holds the limits and the way to the writer."""

    def __init__(self, clock: Clock, settings: Mapping[str, Any]) -> None:
        self._clock = clock
        # Two: while one waits for the writer's answer the other puts the next list into its pipe.
        self._writing = ThreadPoolExecutor(2, "writing")
        self._writer = Writer()
        reading = ThreadPoolExecutor(1, "reading")
        self._authenticator = Authenticator(clock, settings, reading)
        self._v2 = V2(clock, self._writing, reading, self._writer)
        self._held_back = 0
        metrics.watch_held_back(lambda: self._held_back)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        try:
            status, headers, body = await self._reply(scope, receive)
        except Disconnected:
            return
        except CommitUnclear:
            _log.error("commit_unclear", path=scope["path"])
            scope["state"]["abort"]()
            return
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [_JSON, (b"content-length", b"%d" % len(body)), *headers],
            }
        )
        await send({"type": "http.response.body", "body": body})

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        fields: Mapping[str, str] = {}
        action = ""
        if scope["method"] not in {"POST", "GET"}:
            return 405, [(b"allow", b"GET, POST")], b'{"error":"Method not allowed"}'
        try:
            fields, holder = await self._authenticator.read(scope, receive)
            action = _ACTION_NAMES.get(_action(fields), "")
            self._note_use()
            answer = await self._act(scope, fields, action, holder)
        except Rejected as rejected:
            answer = rejected.refusal
        except TooLarge:
            return 413, [(b"connection", b"close")], b'{"error":"Request too large"}'
        except (Full, Busy) as error:
            return await self._overload(action, error)
        except (Disconnected, CommitUnclear):
            raise
        except Exception:  # noqa: BLE001 - the boundary: a bug is logged here and answered generically
            metrics.record_failure(action)
            _log.exception("failure", fields=without_secrets(fields))
            return 500, [], b'{"error":"Internal error"}'
        if isinstance(answer, Refusal):
            await self._count(action, answer)
        return _worded(scope, answer)

    async def _overload(self, action: str, error: Full | Busy) -> Reply:
        _log.warning("busy", why=str(error) or "inbox full")
        metrics.record_overload(action)
        if isinstance(error, Full):
            metrics.record_turned_away("share" if isinstance(error, ShareFull) else "inbox")
        if isinstance(error, ShareFull):
            await self._hold_back()
        return 503, _RETRY, b'{"error":"Service busy, try again"}'

    async def _count(self, action: str, refusal: Refusal) -> None:
        if action != "add":  # those are counted with its batches
            metrics.record_refusals(action, [refusal])
        if refusal.reason is Reason.TOO_MANY_REQUESTS:
            await self._hold_back()

    async def _hold_back(self) -> None:
        """Takes its time before a refusal: whoever asks again at once would keep everybody busy with refusing."""
        if self._held_back < _MOST_HELD_BACK:
            self._held_back += 1
            try:
                await asyncio.sleep(_HELD_BACK_SECONDS)
            finally:
                self._held_back -= 1

    async def _act(self, scope: Scope, fields: Mapping[str, str], action: str, holder: KeyHolder) -> Answer:
        if not action:
            return Refusal(Reason.INCORRECT_REQUEST)
        if ACTIONS[action].scope not in holder.scopes:
            return Refusal(Reason.SCOPE_MISSING)
        assert holder.customer_id is not None  # noqa: S101 - what the authenticator promises
        caller = Caller(holder.customer_id, holder)
        if action in {"add", "find"}:
            caller.request_id = header(scope, b"idempotency-key").decode("latin-1").strip()
        return await self._v2.handlers[action](caller, fields)

    def _note_use(self) -> None:
        used = self._authenticator.keys.used_keys(self._clock.monotonic())
        if used:
            self._writing.submit(self._writer.call, "note_use", used)


def _action(fields: Mapping[str, str]) -> str:
    """Returns the action asked for; without one, a look at refills is safe to guess and nothing else is."""
    action = fields.get("action", "").strip().lower()
    if not action and ("refill" in fields or "refills" in fields):
        return "refill_status"
    return action


def _worded(scope: Scope, answer: Answer) -> Reply:
    if isinstance(answer, bytes):
        return 200, [], answer
    if isinstance(answer, Feed):
        return _feed(scope, answer)
    status = http_status(answer)
    return status, _RETRY if status == 429 else [], error_body(answer)


def _feed(scope: Scope, feed: Feed) -> Reply:
    etag = feed.etag.encode()
    headers = [(b"etag", etag), (b"vary", b"accept-encoding")]
    if etag in header(scope, b"if-none-match"):
        return 304, headers, b""
    if b"gzip" in header(scope, b"accept-encoding"):
        return 200, [*headers, (b"content-encoding", b"gzip")], feed.compressed
    return 200, headers, feed.plain
