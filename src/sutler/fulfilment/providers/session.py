"""The session of one worker to one provider: its panel, its rate limit, and the way to the database.

Everything that speaks with a provider does so over its session, so that its rate limit holds for all calls together,
and one that hangs delays no other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

from sutler.core.clock import Clock, Random
from sutler.core.taught_words import TaughtWord
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Provider
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.database import Database
from sutler.panels.client import Call, Panel, PanelSettings
from sutler.panels.results import Declined, Exchange, NotSent

T = TypeVar("T")

_NO_LIMIT = 1_000_000
FIRST_BACK_OFF_SECONDS, LONGEST_BACK_OFF_SECONDS = 2.0, 120.0
# Which order of ours the call under way is about, for the provider's log.
_about: ContextVar[int | None] = ContextVar("about", default=None)


class ProviderSession:
    """One provider as one worker reaches it. `calls` holds the exchanges that are not in the journal yet.

    `provider` is the row as the worker read it last; whoever decides about money or sending reads it again.
    """

    def __init__(
        self,
        provider: Provider,
        settings: PanelSettings,
        call: Call,
        database: Database,
        clock: Clock,
        chance: Random,
        worker: str,
        words: tuple[TaughtWord, ...] = (),
    ) -> None:
        self.provider = provider
        self.database = database
        self.clock = clock
        self.chance = chance
        self.worker = worker
        self.calls: list[LoggedExchange] = []
        # Whether the provider has said that its catalogue has changed; whoever fetches it takes that back.
        self.catalogue_changed = False
        self.settings = settings
        self.panel = Panel(settings, call, self._record, words)
        self._call = call
        self._free_at = 0.0
        self._back_off = 0.0
        self._backs_off_until = 0.0

    def beside(self, settings: PanelSettings) -> "ProviderSession":
        """Returns another session to the provider, asked so: its calls are not in the journal."""
        ours = self.database, self.clock, self.chance, self.worker, self.panel.words
        return ProviderSession(self.provider, settings, self._call, *ours)

    async def ask(self, ask: Callable[[Panel], Awaitable[T]], order_id: int | None = None) -> T:
        """Makes one call as soon as the provider's rate limit allows, and returns what the panel's method returns."""
        await self.turn()
        return await self.call(ask, order_id)

    async def call(self, ask: Callable[[Panel], Awaitable[T]], order_id: int | None = None) -> T:
        """Makes one call now; whoever calls has taken a `turn`."""
        token = _about.set(order_id)
        try:
            answer = await ask(self.panel)
        finally:
            _about.reset(token)
        self._mind_the_rate(answer)
        return answer

    async def turn(self) -> None:
        """Waits until the provider may be called, and takes that turn."""
        now = asyncio.get_running_loop().time()
        starts = max(self._free_at, now)
        self._free_at = starts + self.provider.call_interval_milliseconds / 1000
        if starts > now:
            await asyncio.sleep(starts - now)

    def turns_within(self, seconds: float) -> int:
        """Returns how many turns will come within so many seconds, as far as is known; many where there is no limit."""
        left = asyncio.get_running_loop().time() + seconds - self._free_at
        interval = self.provider.call_interval_milliseconds / 1000
        if left < 0:
            return 0
        return int(left / interval) + 1 if interval else _NO_LIMIT

    def take_calls(self) -> list[LoggedExchange]:
        """Returns the exchanges that are not in the journal yet, to be written into it."""
        taken, self.calls = self.calls, []
        return taken

    def _mind_the_rate(self, answer: object) -> None:
        """Backs off twice as long each time that the provider says it was asked too often, or cannot be reached.

        What was on the way when it said so first says nothing new.
        """
        now = asyncio.get_running_loop().time()
        if now < self._backs_off_until:
            return
        if isinstance(answer, NotSent) or (isinstance(answer, Declined) and answer.kind is DeclineKind.RATE):
            self._back_off = min(max(2 * self._back_off, FIRST_BACK_OFF_SECONDS), LONGEST_BACK_OFF_SECONDS)
            self._backs_off_until = now + self._back_off * self.chance.uniform(0.8, 1.2)
            self._free_at = max(self._free_at, self._backs_off_until)
        else:
            self._back_off = 0.0

    def _record(self, exchange: Exchange) -> None:
        self.calls.append(LoggedExchange(exchange, _about.get()))
