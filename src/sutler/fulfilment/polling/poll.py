"""Following orders at one provider: all that are due are asked about in full batches, and the answers are applied."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import chain

import structlog

from sutler.core.clock import Random
from sutler.fulfilment.polling import schedule
from sutler.fulfilment.polling.apply import apply_answers
from sutler.fulfilment.polling.interpret import Due
from sutler.fulfilment.providers.ask_statuses import StatusAnswer, StatusCalls
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.client import BATCH_SIZE

# How many are asked about singly in one pass because a batch did not speak of them.
MOST_SINGLES = 100
# How many batches may wait to be asked about, and as many that were answered to be applied.
MOST_WAITING = 10
# An order, and the answer about it; None where the call came to nothing.
Answered = tuple[Due, StatusAnswer | None]

_log = structlog.get_logger(__name__)


async def poll(session: ProviderSession) -> int:
    """Asks once about every order at the provider that is due; returns how many it heard of.

    In batches of 100, as many at once as the provider takes; what a batch leaves out is asked about singly, up to 100
    in a pass. A call that fails changes nothing but when its orders are asked about again, and loses no other's answer;
    after three in a row the rest waits for the next pass.
    """
    one_pass = _Pass(session)
    if not (first := await one_pass.read()):
        return 0
    askers = max(1, session.provider.most_at_once)
    async with asyncio.TaskGroup() as group:
        group.create_task(one_pass.settle_answers())
        async with asyncio.TaskGroup() as asking:
            asking.create_task(one_pass.hand_out(first, askers))
            for _ in range(askers):
                asking.create_task(one_pass.ask_batches())
        await one_pass.answered.put([])
    return one_pass.heard


class _Pass:
    """What the tasks of one pass share: one reads what is due, others ask about it, and one applies the answers."""

    def __init__(self, session: ProviderSession) -> None:
        self.heard = 0
        self.answered: asyncio.Queue[list[Answered]] = asyncio.Queue(MOST_WAITING)
        self._session = session
        self._now = session.clock.now()
        self._place: schedule.Place | None = None
        self._batches: asyncio.Queue[Sequence[Due]] = asyncio.Queue(MOST_WAITING)
        self._calls = StatusCalls(session, MOST_SINGLES)

    async def read(self) -> list[Due]:
        """Returns the next page of what is due."""
        session = self._session
        page, self._place = await session.database.run_until_done(
            schedule.page, session.provider.pk, self._now, self._place
        )
        return page

    async def hand_out(self, page: Sequence[Due], askers: int) -> None:
        """Gives batch after batch to those who ask, page after page, and an empty one to each at the end."""
        while page:
            for start in range(0, len(page), BATCH_SIZE):
                await self._batches.put(page[start : start + BATCH_SIZE])
            page = await self.read() if self._place is not None and not self._calls.has_given_up else []
        for _ in range(askers):
            await self._batches.put([])

    async def ask_batches(self) -> None:
        """Asks about batch after batch until an empty one; if too many calls have failed, only takes them."""
        while batch := await self._batches.get():
            if not self._calls.has_given_up:
                answers = await self._calls.ask({each.upstream_id: each.order_id for each in batch})
                await self.answered.put([(each, answers.get(each.upstream_id)) for each in batch])

    async def settle_answers(self) -> None:
        """Applies what has been answered, all that has come meanwhile together, until an empty answer ends the pass."""
        is_over = False
        while not is_over:
            parts = [await self.answered.get()]
            while not self.answered.empty():
                parts.append(self.answered.get_nowait())
            is_over = not parts[-1]
            if gathered := list(chain.from_iterable(parts)):
                await self._settle(gathered, self._session.take_calls())

    async def _settle(self, answered: Sequence[Answered], calls: Sequence[LoggedExchange]) -> None:
        """Applies the answers. Where one of them cannot be applied, the others are all the same, and it is put off."""
        session = self._session
        try:
            self.heard += await session.database.run_until_done(
                _apply, session.provider.pk, answered, calls, session.clock.now(), session.chance
            )
        except Exception:  # noqa: BLE001 - one order's bug must not stop the others
            if len(answered) > 1:
                await self._settle(answered[: len(answered) // 2], calls)
                await self._settle(answered[len(answered) // 2 :], ())
                return
            [(row, said)] = answered
            _log.exception("follow.not_applied", provider=session.provider.pk, upstream_order=row.pk)
            if said is not None:
                await self._settle([(row, None)], calls)


def _apply(
    provider_id: int, answered: Sequence[Answered], calls: Sequence[LoggedExchange], now: datetime, chance: Random
) -> int:
    answers, before = {row.pk: said for row, said in answered}, {row.pk: row for row, _ in answered}
    return apply_answers(provider_id, answers, calls, now, chance, before)
