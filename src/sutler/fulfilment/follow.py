"""Following orders at one provider: all that are due are asked about in full batches, and the answers are applied."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import structlog
from django.db.models import Q

from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.journal import Said
from sutler.fulfilment.line import Line
from sutler.fulfilment.models import UpstreamOrder
from sutler.fulfilment.panel_answers import Declined, Failure, UpstreamStatus
from sutler.fulfilment.panel_v2 import BATCH_SIZE
from sutler.fulfilment.settle import Answers, settle

# What is read from the database at once, and asked about singly in one pass because a batch did not speak of it.
PAGE_SIZE = 10 * BATCH_SIZE
MOST_SINGLES = 100
# How many answers may wait to be applied.
MOST_WAITING = 10
# After so many failed calls in a row the rest of a pass would most likely fail too.
MOST_FAILURES = 3
# A batch may be refused for one id in it, or because the panel takes one order a call.
_REFUSED_FOR_AN_ID = frozenset({DeclineKind.NOT_FOUND, DeclineKind.FIELD, DeclineKind.OTHER})

_log = structlog.get_logger(__name__)


class Due(NamedTuple):
    """An upstream order that is to be asked about."""

    pk: int
    upstream_id: str
    order_id: int
    ask_at: datetime


async def follow(line: Line) -> int:
    """Asks once about every order at the provider that is due; returns how many it heard of.

    In batches of 100, as many at once as the provider takes; what a batch leaves out is asked about singly, up to 100
    in a pass. A call that fails changes nothing but when its orders are asked about again, and loses no other's answer;
    after three in a row the rest waits for the next pass.
    """
    one_pass = _Pass(line)
    async with asyncio.TaskGroup() as group:
        group.create_task(one_pass.settle_answers())
        async with asyncio.TaskGroup() as asking:
            for _ in range(max(1, line.provider.most_at_once)):
                asking.create_task(one_pass.ask_batches())
        await one_pass.answered.put({})
    return one_pass.heard


class _Pass:
    """What the tasks of one pass share: how far the list of due orders has been read, and how it goes."""

    def __init__(self, line: Line) -> None:
        self.heard = 0
        self.answered: asyncio.Queue[Answers] = asyncio.Queue(MOST_WAITING)
        self._line = line
        self._now = line.clock.now()
        self._page: deque[Due] = deque()
        self._last: Due | None = None
        self._is_read = False
        self._reading = asyncio.Lock()
        self._singles_left = MOST_SINGLES
        self._failures = 0

    async def ask_batches(self) -> None:
        """Asks about batch after batch until all that is due has been asked about, or too many calls have failed."""
        while self._failures < MOST_FAILURES and (batch := await self._next()):
            await self.answered.put(await self._ask(batch))

    async def settle_answers(self) -> None:
        """Applies what has been answered, all that has come meanwhile together, until an empty answer ends the pass."""
        is_over = False
        while not is_over:
            parts = [await self.answered.get()]
            while not self.answered.empty():
                parts.append(self.answered.get_nowait())
            is_over = not parts[-1]
            gathered = {pk: said for part in parts for pk, said in part.items()}
            if gathered:
                await self._settle(gathered, self._line.take_calls())

    async def _next(self) -> list[Due]:
        """Returns the next orders to ask about, at most a batch; none when all have been."""
        async with self._reading:
            if len(self._page) < BATCH_SIZE and not self._is_read:
                page = await self._line.database.run_until_done(_due, self._line.provider.pk, self._now, self._last)
                self._page.extend(page)
                self._is_read = len(page) < PAGE_SIZE
                self._last = page[-1] if page else self._last
            return [self._page.popleft() for _ in range(min(BATCH_SIZE, len(self._page)))]

    async def _ask(self, batch: Sequence[Due]) -> Answers:
        if len(batch) == 1:
            return {batch[0].pk: await self._ask_singly(batch[0])}
        ids = [each.upstream_id for each in batch]
        said = await self._line.ask(lambda panel: panel.statuses(ids))
        self._count(said)
        if isinstance(said, dict):
            answers = {each.pk: said.get(each.upstream_id) for each in batch}
        else:
            answers = dict.fromkeys([each.pk for each in batch])
        if isinstance(said, dict) or (isinstance(said, Declined) and said.kind in _REFUSED_FOR_AN_ID):
            await self._ask_again([each for each in batch if answers[each.pk] is None], answers)
        return answers

    async def _ask_again(self, missing: Sequence[Due], answers: dict[int, UpstreamStatus | Declined | None]) -> None:
        count = min(len(missing), self._singles_left)
        self._singles_left -= count
        for each in missing[:count]:
            if self._failures < MOST_FAILURES:
                answers[each.pk] = await self._ask_singly(each)

    async def _ask_singly(self, due: Due) -> UpstreamStatus | Declined | None:
        said = await self._line.ask(lambda panel: panel.status(due.upstream_id), due.order_id)
        self._count(said)
        return said if isinstance(said, (UpstreamStatus, Declined)) else None

    def _count(self, said: dict[str, UpstreamStatus | Declined] | UpstreamStatus | Failure) -> None:
        is_not_found = isinstance(said, Declined) and said.kind is DeclineKind.NOT_FOUND
        self._failures = 0 if is_not_found or isinstance(said, (dict, UpstreamStatus)) else self._failures + 1

    async def _settle(self, answers: Answers, calls: Sequence[Said]) -> None:
        """Applies the answers. Where one of them cannot be applied, the others are all the same, and it is put off."""
        line = self._line
        apply = partial(settle, line.provider.pk, answers, calls, line.clock.now(), line.chance)
        try:
            self.heard += await line.database.run_until_done(apply)
        except Exception:  # noqa: BLE001 - one order's bug must not stop the others
            items = list(answers.items())
            if len(items) > 1:
                await self._settle(dict(items[: len(items) // 2]), calls)
                await self._settle(dict(items[len(items) // 2 :]), ())
                return
            _log.exception("follow.not_applied", provider=line.provider.pk, upstream_order=items[0][0])
            if items[0][1] is not None:
                await self._settle(dict.fromkeys(answers), calls)


def _due(provider_id: int, now: datetime, after: Due | None) -> list[Due]:
    due = UpstreamOrder.objects.filter(provider=provider_id, ask_at__lte=now)
    if after is not None:
        due = due.filter(Q(ask_at__gt=after.ask_at) | Q(pk__gt=after.pk), ask_at__gte=after.ask_at)
    rows = due.order_by("ask_at", "pk").values_list("pk", "upstream_id", "order_id", "ask_at")
    return list(map(Due._make, rows[:PAGE_SIZE]))
