"""A course in which the panel is restored from a backup: it forgets what came after, while the upstreams do not."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from sutler.backups.restore import begin_anew
from sutler.fulfilment import provider_settings
from sutler.fulfilment.models import Orphan, Provider, UpstreamOrder
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling import restored
from sutler.fulfilment.reconciling.forgotten import Forgotten, search
from sutler.fulfilment.reconciling.restored import Settled
from sutler.orders import restoration
from sutler.orders.models import Restoration
from sutler.panels.http_call import HttpCall
from tests.simulation.auditor import Audit, check_invariants
from tests.simulation.course import Course, Plan, logged_errors
from tests.simulation.lives import LIFE, Life
from tests.simulation.loop import SimulatedLoop, outside_the_loop
from tests.simulation.points import TrappedDatabase, TrappedTransport, Traps
from tests.simulation.workers import CALM, STORMY, Crew, paced

# The operator needs so long to restore, and looks so often until everything is explained.
OUTAGE_SECONDS, AGAIN_SECONDS, MOST_LOOKS = 1200.0, 1800.0, 4
REST_SECONDS = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it: each breach as a line, how much the panel had forgotten, and how it was settled."""

    breaches: Sequence[str]
    forgotten_orders: int
    found: Sequence[Forgotten]
    settled: Settled


def run(plan: Plan) -> Restored:
    """Plays the course in the empty SQLite database."""
    with logged_errors() as errors, paced() as set_pace, asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(_Amnesia(plan, errors, set_pace).play_restore())


class _Amnesia(Course):
    async def play_restore(self) -> Restored:
        """Storm, backup, storm, restore, search, and then quiet."""
        self.start()
        traps = Traps(self._fresh_chance())
        self._set_pace(STORMY)
        crew = Crew(self._world, traps, self._fresh_chance())
        keeper = asyncio.create_task(crew.keep_up())
        await self._begin()
        self._lie(self._faults)
        await self._take_orders()
        taken_at = self._clock.now()
        with closing(sqlite3.connect(":memory:", check_same_thread=False)) as backup:
            outside_the_loop(lambda: _copy(connection.connection, backup))
            before = {pk for _, pk in self._placed}
            await self._take_orders()
            keeper.cancel()
            for each in crew.awake():
                each.life.kill()
            await asyncio.sleep(OUTAGE_SECONDS)
            outside_the_loop(lambda: _copy(backup, connection.connection))
        opened = outside_the_loop(lambda: begin_anew(taken_at, self._clock.now()))
        self._set_pace(CALM)
        crew.hire()
        forgotten = len(self._placed) - len(before)
        await self._take_orders()
        self._lie(self._quiet)
        found, settled = await self._recover(opened)
        crew.replace()
        for _ in range(4):
            outside_the_loop(lambda: self._order(2 * self._plan.providers))
            await asyncio.sleep(REST_SECONDS / 4)
        await crew.dismiss()
        breaches = outside_the_loop(self._breaches)
        return Restored([*breaches, *self._errors], forgotten, found, settled)

    async def _take_orders(self) -> None:
        """Orders come for a while of random length."""
        for _ in range(self._chance.randint(2, 4)):
            outside_the_loop(lambda: self._order(self._plan.orders // 10))
            await asyncio.sleep(self._chance.uniform(1, 90))

    async def _recover(self, opened: Restoration) -> tuple[list[Forgotten], Settled]:
        """Does what `sutler recover` does, a few times if need be, and then accepts what cannot be explained."""
        for look in range(1, MOST_LOOKS + 1):
            found = [await self._search(each, opened) for each in outside_the_loop(restored.accounts)]
            if all(each.is_complete for each in found) or look == MOST_LOOKS:
                return found, outside_the_loop(lambda found=found: restored.settle(opened, found, self._clock.now()))  # type: ignore[misc]
            await asyncio.sleep(AGAIN_SECONDS)
        raise AssertionError

    async def _search(self, provider: Provider, opened: Restoration) -> Forgotten:
        life, traps = Life("operator", self._fresh_chance()), Traps(self._fresh_chance())
        context = copy_context()
        context.run(LIFE.set, life)

        async def look() -> Forgotten:
            async with TrappedTransport(life, traps, self._world.upstreams) as transport:
                asked = provider_settings.panel_settings(provider, settings.SECRET_KEY)
                call = HttpCall(transport, self._clock)
                database = TrappedDatabase(life, traps)
                ours = call, database, self._clock, self._chance, "operator"
                return await search(ProviderSession(provider, asked, *ours), opened.restored_at, most_ids=4000)

        return await asyncio.get_running_loop().create_task(look(), context=context)

    def _breaches(self) -> list[str]:
        found = Audit()
        check_invariants(found)
        breaches = list(found.breaches)
        ids = Counter(pk for _, pk in self._placed)
        breaches += [f"order id {pk} was given out {times} times" for pk, times in ids.items() if times > 1]
        if restoration.is_open():
            breaches.append("the restore has not ended")
        claims = {
            (each.provider_id, each.upstream_id): each.order.link
            for each in UpstreamOrder.objects.select_related("order")
        }
        orphans = set(Orphan.objects.values_list("provider_id", "upstream_id"))
        for host, upstream in self._world.upstreams.items():
            provider_id = self._world.providers[host]
            for theirs in upstream.journal():
                claimed = claims.get((provider_id, theirs.id))
                if claimed is None and (provider_id, int(theirs.id)) not in orphans:
                    breaches.append(f"not found: {theirs.id} at {host}, for {theirs.link}")
                elif claimed not in (None, theirs.link):
                    breaches.append(f"wrong: {theirs.id} at {host} is for {theirs.link}, not for {claimed}")
        sent = Counter(each.link for upstream in self._world.upstreams.values() for each in upstream.journal())
        wanted = Counter(self._links)
        breaches += [f"{link} was sent {times} times" for link, times in sent.items() if times > wanted[link]]
        return breaches


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    source.backup(target)
