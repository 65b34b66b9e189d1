"""Whose request this is, found before it costs anything: the key first, then the limits, then the rest of the body.

What comes with a valid key counts for the key, all else for its address: customers who share an address with somebody
hostile, or with each other, do not share a limit.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from sutler.accounts.keys import KeyHolder
from sutler.api import metrics
from sutler.api.form_fields import Unreadable, key_in, read_fields
from sutler.api.gather import Gatherer
from sutler.api.key_cache import KeyCache
from sutler.api.rate_limits import RateLimit, Room
from sutler.api.read_request import Receive, Scope, TooLarge, content_length, read_body
from sutler.core.clock import Clock
from sutler.core.refusals import Reason, Refusal

# A body up to here is read where it arrives, which costs some ten microseconds; a larger one on a thread of its own.
SMALL_BODY_BYTES = 4096
# Every so many bytes of a body count as one more call of its key.
BYTES_A_CALL = 64 * 1024
# What an address may send in larger bodies whose key does not stand at the start; twice as much at once.
KEYLESS_BYTES_PER_SECOND = 1024 * 1024
# Larger bodies that are received or wait to be read, in all and of one key or address.
MOST_LARGE_BODIES, LARGE_BODIES_OF_ONE = 64, 8
# From an address over its limit, unknown keys wait for each other so long, to be looked up together.
_GATHER_SECONDS = 0.05


class Rejected(Exception):
    """The request is refused before its action was looked at."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason.name)
        self.refusal = refusal


class Authenticator:
    """Reads requests and finds their keys' holders. One for each process: it holds the key cache and the limits."""

    def __init__(self, clock: Clock, settings: Mapping[str, Any], reading: Executor) -> None:
        self._clock = clock
        self._body_limit_bytes: int = settings["SUTLER_BODY_LIMIT_BYTES"]
        self.keys = KeyCache(clock, reading)
        self._per_key = RateLimit(settings["SUTLER_KEY_REQUESTS_PER_SECOND"])
        self._per_address = RateLimit(settings["SUTLER_ADDRESS_REQUESTS_PER_SECOND"])
        self._keyless_bytes = RateLimit(KEYLESS_BYTES_PER_SECOND)
        self._large_bodies = Room(MOST_LARGE_BODIES, LARGE_BODIES_OF_ONE)
        self._parsing: Gatherer[tuple[Scope, bytes], dict[str, str]] = Gatherer(
            _read_each, ThreadPoolExecutor(1, "parsing"), capacity=MOST_LARGE_BODIES, most=1
        )
        metrics.watch_inbox("large_bodies", self._large_bodies.__len__)

    async def read(self, scope: Scope, receive: Receive) -> tuple[dict[str, str], KeyHolder]:
        """Returns the fields of a request and the customer's key that it came with.

        Raises Rejected without a key that may be used here, or past a limit; Unreadable, TooLarge, Disconnected, or
        gather.Full where too many large bodies are under way.
        """
        address: str = scope["client"][0] if scope["client"] else ""
        if content_length(scope) > self._body_limit_bytes:
            raise TooLarge
        start, more = await read_body(receive, SMALL_BODY_BYTES)
        if more or len(start) > SMALL_BODY_BYTES:
            fields = await self._large(scope, receive, start, more, address)
            return fields, await self._holder(_key(fields), address)
        if self._per_address.is_spent(address, self._clock.monotonic()):
            await self._holder(key_in(scope, start) or "", address)  # so that what is refused is not even read
        fields = self._small(scope, start, address)
        holder = await self._holder(_key(fields), address)
        self._count(holder, 1)
        return fields, holder

    def _small(self, scope: Scope, body: bytes, address: str) -> dict[str, str]:
        try:
            return read_fields(scope, body)
        except Unreadable as error:
            raise self._keyless(address, Reason.INCORRECT_REQUEST) from error

    async def _large(self, scope: Scope, receive: Receive, body: bytes, more: bool, address: str) -> dict[str, str]:
        secret = key_in(scope, body)
        holder = None if secret is None else await self._holder(secret, address)
        expected = content_length(scope) or self._body_limit_bytes
        if holder is None and not self._keyless_bytes.allows(address, self._clock.monotonic(), expected):
            metrics.record_turned_away("keyless_bytes")
            raise Rejected(Refusal(Reason.TOO_MANY_REQUESTS))
        with self._large_bodies.taken_by(holder.key_id if holder else address):
            if more:
                rest, more = await read_body(receive, self._body_limit_bytes - len(body))
                body += rest
            if more or len(body) > self._body_limit_bytes:
                raise TooLarge
            if holder is None:
                holder = await self._holder(key_in(scope, body) or "", address)
                self._keyless_bytes.give_back(address, expected)
            self._count(holder, 1 + len(body) // BYTES_A_CALL)
            try:
                return await self._parsing.ask((scope, body), holder.key_id)
            except Unreadable as error:
                raise Rejected(Refusal(Reason.INCORRECT_REQUEST)) from error

    def _count(self, holder: KeyHolder, calls: int) -> None:
        if not self._per_key.allows(holder.key_id, self._clock.monotonic(), calls):
            metrics.record_turned_away("key_limit")
            raise Rejected(Refusal(Reason.TOO_MANY_REQUESTS))

    async def _holder(self, secret: str, address: str) -> KeyHolder:
        holder = self.keys.kept(secret, self._clock.monotonic())
        if holder is None and secret:
            holder = await self._look_up(secret, address)
        if holder is None or holder.customer_id is None:
            raise self._keyless(address, Reason.INVALID_KEY)
        if not holder.allows_address(address):
            raise self._keyless(address, Reason.ADDRESS_NOT_ALLOWED)
        return holder

    async def _look_up(self, secret: str, address: str) -> KeyHolder | None:
        now_seconds = self._clock.monotonic()
        if not self.keys.has(secret) and self._per_address.is_spent(address, now_seconds):
            await asyncio.sleep(_GATHER_SECONDS - now_seconds % _GATHER_SECONDS)  # all of them to the same moment
        return await self.keys.look_up(secret, now_seconds, address)

    def _keyless(self, address: str, reason: Reason) -> Rejected:
        if self._per_address.allows(address, self._clock.monotonic()):
            return Rejected(Refusal(reason))
        metrics.record_turned_away("address_limit")
        return Rejected(Refusal(Reason.TOO_MANY_REQUESTS))


def _key(fields: Mapping[str, str]) -> str:
    return fields.get("key", "").strip()


def _read_each(asks: list[tuple[Scope, bytes]]) -> list[Any]:
    """Returns the fields of each, or why they cannot be read; raised it would be taken for a bug."""
    return [_read(*each) for each in asks]


def _read(scope: Scope, body: bytes) -> dict[str, str] | Unreadable:
    try:
        return read_fields(scope, body)
    except Unreadable as error:
        return error
