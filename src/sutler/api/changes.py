"""The changes feed: what has changed for a customer since a cursor, at once or as soon as there is something.

A cursor is the ID of an event and a digest of the customer's price list: `4711-9f86d081884c7d65`. One thread reads for
all who wait, with a database connection of its own: long lists hold up no `status`.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import structlog

from sutler.api import metrics
from sutler.api.gather import Gatherer
from sutler.catalogue import version
from sutler.catalogue.services_answer import Feed, feeds
from sutler.core.refusals import Reason, Refusal
from sutler.orders import event_stream, refill
from sutler.orders.event_stream import Changes
from sutler.orders.status import Standing, look_up

MOST_AT_ONCE = 1000
LONGEST_WAIT_SECONDS = 25
# How often it is looked for news while somebody waits.
LOOK_SECONDS = 0.1
# Who finds no room to wait is answered at once, with what there is.
MOST_WAITING, MOST_WAITING_OF_ONE = 2000, 16
_CURSOR = re.compile(r"([0-9]{1,18})-([0-9a-f]{16})", re.ASCII)
_INCORRECT_CURSOR = Refusal(Reason.INCORRECT_FIELD, "cursor")

_log = structlog.get_logger()


class Ask(NamedTuple):
    """What a caller wants to know. `since` None: only where the feed stands now."""

    customer_id: int
    integer_services: bool
    since: tuple[int, str] | None
    limit: int


class News(NamedTuple):
    """What a caller is told; `services` only where they have changed."""

    changes: Changes
    standings: Mapping[int, Standing]
    refills: Mapping[int, str]
    services: Feed | None
    digest: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell yet."""
        return not (self.standings or self.refills or self.services or self.changes.more)

    @property
    def cursor(self) -> str:
        """Where the next look begins."""
        return f"{self.changes.cursor}-{self.digest}"


def read(fields: Mapping[str, str], customer_id: int, integer_services: bool) -> tuple[Ask, int] | Refusal:
    """Returns what a request asks and how many seconds it waits for news."""
    limit = _number(fields, "limit", 1, MOST_AT_ONCE, MOST_AT_ONCE)
    wait = _number(fields, "wait", 0, LONGEST_WAIT_SECONDS, 0)
    if limit is None or wait is None:
        return Refusal(Reason.INCORRECT_FIELD, "limit" if limit is None else "wait")
    since = fields.get("since", "").strip()
    found = _CURSOR.fullmatch(since)
    if since and not found:
        return _INCORRECT_CURSOR
    return Ask(customer_id, integer_services, (int(found[1]), found[2]) if found else None, limit), wait


def _number(fields: Mapping[str, str], name: str, least: int, most: int, default: int) -> int | None:
    text = fields.get(name, "").strip()
    if not text:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    return min(number, most) if number >= least else None


class ChangesFeed:
    """Answers what has changed. One for each process."""

    def __init__(self) -> None:
        thread = ThreadPoolExecutor(1, "changes")
        self._settled = event_stream.settled()
        self._asks: Gatherer[Ask, News | Refusal] = Gatherer(
            self._look, thread, capacity=512, share=32, most=32, note=_count
        )
        self._looks: Gatherer[None, set[int] | None] = Gatherer(self._look_out, thread)
        self._waiting: defaultdict[int, set[asyncio.Future[None]]] = defaultdict(set)
        self._watcher: asyncio.Task[None] | None = None
        self._head, self._token = 0, ""
        metrics.watch_inbox("changes", self._asks.__len__)
        metrics.watch_inbox("changes_waiting", self._count_waiting)

    async def answer(self, ask: Ask, wait_seconds: float) -> News | Refusal:
        """Returns the news, or none once so much time has passed without any. Raises gather.Full."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_seconds
        while True:
            # Registered before it is looked: what comes in between wakes it at once.
            woken = self._wait(ask.customer_id) if ask.since is not None and loop.time() < until else None
            try:
                news = await self._asks.ask(ask, ask.customer_id)
                if isinstance(news, Refusal) or not news.is_empty or woken is None:
                    return news
                await asyncio.wait([woken], timeout=max(0.0, until - loop.time()))
            finally:
                self._forget(ask.customer_id, woken)

    def _wait(self, customer_id: int) -> "asyncio.Future[None] | None":
        of_one = self._waiting.get(customer_id, ())
        if len(of_one) >= MOST_WAITING_OF_ONE or self._count_waiting() >= MOST_WAITING:
            return None
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        self._waiting[customer_id].add(woken)
        if self._watcher is None or self._watcher.done():
            self._watcher = loop.create_task(self._watch())
        return woken

    def _forget(self, customer_id: int, woken: "asyncio.Future[None] | None") -> None:
        if woken is not None:
            self._waiting[customer_id].discard(woken)
            if not self._waiting[customer_id]:
                del self._waiting[customer_id]

    def _count_waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    async def _watch(self) -> None:
        """Wakes those for whom there is news, as long as anybody waits."""
        while self._waiting:
            try:
                concerned = await self._looks.ask(None)
            except Exception as error:  # noqa: BLE001 - the database may be away; who waits asks again by itself
                _log.warning("changes.not_looked", why=str(error))
                concerned = None
            for customer_id in [*self._waiting] if concerned is None else concerned & self._waiting.keys():
                for each in self._waiting[customer_id]:
                    if not each.done():
                        each.set_result(None)
            await asyncio.sleep(LOOK_SECONDS)

    def _look_out(self, asks: list[None]) -> list[set[int] | None]:
        """Returns for whom something has changed since the last look; None where prices have, for everybody."""
        head, token = self._settled.up_to(), version.current()
        is_repriced = token != self._token
        concerned = event_stream.customers(self._head, head) if self._head and head > self._head else set()
        is_first = not self._head
        self._head, self._token = head, token
        return [None if is_repriced or is_first else concerned] * len(asks)

    def _look(self, asks: list[Ask]) -> list[News | Refusal]:
        up_to = self._settled.up_to()
        lists = feeds([(each.customer_id, each.integer_services) for each in asks])
        return [self._news(ask, services, up_to) for ask, services in zip(asks, lists, strict=True)]

    def _news(self, ask: Ask, services: Feed, up_to: int) -> News | Refusal:
        digest = services.etag.strip('"')[:16]
        if ask.since is None:
            return News(Changes((), (), up_to, False), {}, {}, None, digest)
        after, known = ask.since
        # Another process may have seen further; what was never drawn is nobody's cursor.
        if after > up_to and after > self._settled.drawn():
            return _INCORRECT_CURSOR
        found = event_stream.changes(ask.customer_id, after, up_to, ask.limit)
        [standings] = look_up([(ask.customer_id, found.orders)]) if found.orders else [{}]
        stand = refill.look_up([(ask.customer_id, each) for each in found.refills]) if found.refills else []
        refills = {pk: str(status) for pk, status in zip(found.refills, stand, strict=True) if status is not None}
        return News(found, standings, refills, None if digest == known else services, digest)


def _count(outcomes: Any) -> None:
    refusals = [each for each in outcomes if isinstance(each, Refusal)]  # counted by the lane, as they are answered
    metrics.record_batch("changes", len(outcomes) - len(refusals))
