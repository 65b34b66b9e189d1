"""The lane: a plain ASGI application for programs, beside Django and fast.

Every answer is JSON. What a caller did wrong is HTTP 200 with `{"error": ...}`; 429 and 503 are for overload alone;
when it is not known whether a commit took effect the connection is closed without an answer (the protocol, section 1).
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from sutler.api import metrics
from sutler.api.actions import ACTIONS
from sutler.api.gather import Full
from sutler.api.key_cache import KeyCache
from sutler.api.limits import RateLimit
from sutler.api.read_request import (
    Disconnected,
    Receive,
    Scope,
    Send,
    TooLarge,
    header,
    read_body,
    read_fields,
    without_secrets,
)
from sutler.api.v2 import V2, Answer, Caller
from sutler.api.wording import error_body, http_status
from sutler.api.writer import Writer
from sutler.catalogue.feed import Feed
from sutler.core.clock import Clock
from sutler.core.refusals import Reason, Refusal
from sutler.storage.transactions import Busy, CommitUnclear

_log = structlog.get_logger()

_JSON = (b"content-type", b"application/json")
_RETRY = [(b"retry-after", b"1")]
_ACTION_NAMES = {name: each.name for each in ACTIONS.values() for name in (each.name, *each.aliases)}

Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


class Lane:
    """Answers `/api/v2`. One for each process: it holds the key cache, the limits and the way to the writer."""

    def __init__(self, clock: Clock, settings: Mapping[str, Any]) -> None:
        self._clock = clock
        self._writing = ThreadPoolExecutor(2, "writing")
        self._writer = Writer()
        reading = ThreadPoolExecutor(1, "reading")
        self._keys = KeyCache(clock, reading)
        self._v2 = V2(clock, self._writing, reading, self._writer)
        self._per_key = RateLimit(settings["SUTLER_KEY_REQUESTS_PER_SECOND"])
        self._per_address = RateLimit(settings["SUTLER_ADDRESS_REQUESTS_PER_SECOND"])
        self._body_limit_bytes: int = settings["SUTLER_BODY_LIMIT_BYTES"]

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
            fields = read_fields(scope, await read_body(receive, self._body_limit_bytes))
            action = _ACTION_NAMES.get(_action(fields), "")
            answer = await self._answer(scope, fields, action)
        except TooLarge:
            return 413, [(b"connection", b"close")], b'{"error":"Request too large"}'
        except (Full, Busy) as error:
            _log.warning("busy", why=str(error) or "inbox full")
            metrics.record_overload(action)
            return 503, _RETRY, b'{"error":"Service busy, try again"}'
        except (Disconnected, CommitUnclear):
            raise
        except Exception:  # noqa: BLE001 - the boundary: a bug is logged here and answered generically
            metrics.record_failure(action)
            _log.exception("failure", fields=without_secrets(fields))
            return 500, [], b'{"error":"Internal error"}'
        # The refusals of `add` are counted with its batches.
        if isinstance(answer, Refusal) and action != "add":
            metrics.record_refusals(action, [answer])
        return _worded(scope, answer)

    async def _answer(self, scope: Scope, fields: Mapping[str, str], action: str) -> Answer:
        now_seconds = self._clock.monotonic()
        address = scope["client"][0] if scope["client"] else ""
        if not self._per_address.allows(address, now_seconds):
            return Refusal(Reason.TOO_MANY_REQUESTS)
        holder = await self._keys.holder(fields.get("key", "").strip(), now_seconds)
        if holder is None or holder.customer_id is None:
            return Refusal(Reason.INVALID_KEY)
        if not holder.allows_address(address):
            return Refusal(Reason.ADDRESS_NOT_ALLOWED)
        if not self._per_key.allows(holder.key_id, now_seconds):
            return Refusal(Reason.TOO_MANY_REQUESTS)
        self._note_use(now_seconds)
        return await self._act(scope, fields, action, Caller(holder.customer_id, holder))

    async def _act(self, scope: Scope, fields: Mapping[str, str], action: str, caller: Caller) -> Answer:
        if not action:
            return Refusal(Reason.INCORRECT_REQUEST)
        if ACTIONS[action].scope not in caller.holder.scopes:
            return Refusal(Reason.SCOPE_MISSING)
        if action == "add":
            caller.request_id = header(scope, b"idempotency-key").decode("latin-1").strip()
        return await self._v2.handlers[action](caller, fields)

    def _note_use(self, now_seconds: float) -> None:
        used = self._keys.used_keys(now_seconds)
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
