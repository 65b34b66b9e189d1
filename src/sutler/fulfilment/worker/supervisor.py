"""The supervisor: the sessions of one worker to the providers that it holds, and what runs over each of them.

It keeps no state of its own: what is due stands in the database, and who does it is settled there. What happens on one
session delays no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from sutler.accounts import secret_key
from sutler.core.clock import Clock, Random
from sutler.core.events import CauseKind, cause
from sutler.core.subjects import WHOLE
from sutler.core.taught_words import TaughtWord
from sutler.fulfilment import provider_settings
from sutler.fulfilment.catalogue import sync
from sutler.fulfilment.models import Alarm, Provider
from sutler.fulfilment.polling import children, feed, poll
from sutler.fulfilment.providers import account, alarms, leases
from sutler.fulfilment.providers.database import NOT_NOW, Database
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling import balance, orphans, request_ids, taught_words
from sutler.fulfilment.requests import forward
from sutler.fulfilment.sending.sender import Sender
from sutler.fulfilment.worker import due, tasks
from sutler.fulfilment.worker.due import Due
from sutler.panels.client import Call, PanelSettings
from sutler.storage.sealed import Unreadable
from sutler.storage.transactions import durable

# Returns something true where it is to be called again at once.
Step = Callable[[ProviderSession], Awaitable[object]]

# What is done over each session beside sending, and how long to wait at least where nothing was due.
STEPS: tuple[tuple[Step, float], ...] = (
    (poll.poll, 2.0),
    (feed.follow, 0.5),
    (children.adopt, 2.0),
    (forward.forward, 2.0),
    (tasks.carry_out, 2.0),
    (request_ids.settle_unknown, 5.0),
    (balance.care, 30.0),
    (request_ids.learn, 60.0),
    (sync.keep_in_step, 60.0),
    (orphans.audit, 300.0),
)
# Of these it is known when they are due: they wait until then, and look by themselves only so often.
WOKEN: Mapping[Step, Due] = {
    poll.poll: Due.POLL,
    children.adopt: Due.ADOPT,
    forward.forward: Due.FORWARD,
    tasks.carry_out: Due.TASK,
    request_ids.settle_unknown: Due.RECONCILE,
}
WATCH_SECONDS = 0.5
UNWOKEN_SECONDS = 30.0
# How long answers that are still out are waited for when a session is closed.
END_SECONDS = 15.0

_log = structlog.get_logger(__name__)


class Supervisor:
    """Opens a session to each provider whose lease the worker `name` holds. `name` tells it from every other worker."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        chance: Random,
        call: Call,
        *,
        sending: Database,
        following: Database,
        secret_keys: Sequence[str],
    ) -> None:
        self._name = name
        self._clock = clock
        self._chance = chance
        self._call = call
        self._sending = sending
        self._following = following
        self._secret_keys = secret_keys
        # The sealed keys that could not be read, each told once.
        self._unreadable: dict[int, str] = {}
        self._sessions: dict[int, OpenSession] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Keeps the sessions open until `stop` is set; what is out is then waited for, as far as it comes soon."""
        ending = asyncio.create_task(stop.wait())
        watching = asyncio.create_task(self._watch())
        is_joined = False
        while not stop.is_set():
            try:
                if not is_joined:  # before anything is sent: ids are claimed by account
                    await self._following.run(account.join_twins, self._clock.now())
                    is_joined = True
                held = await self._following.run(leases.hold, self._name, self._clock.now())
                words = await self._following.run(taught_words.words_by_provider, [each.pk for each in held])
                await self._keep_lines(held, words)
            except NOT_NOW as error:
                _log.warning("supervisor.waits_for_the_database", error=str(error))
            await asyncio.wait([ending], timeout=leases.RENEW_SECONDS)
        watching.cancel()
        await asyncio.gather(*(each.close() for each in self._sessions.values()))
        with suppress(*NOT_NOW):
            await self._following.run(leases.release, self._name)

    async def _watch(self) -> None:
        """Wakes what is due over each session: one question for all of them."""
        while True:
            with suppress(*NOT_NOW):
                found = await self._sending.run(due.read, self._clock.now()) if self._sessions else {}
                for provider_id, session in self._sessions.items():
                    session.wake(found.get(provider_id, ()))
            await asyncio.sleep(WATCH_SECONDS)

    async def _keep_lines(self, held: Sequence[Provider], words: Mapping[int, tuple[TaughtWord, ...]]) -> None:
        """Opens the sessions to the providers that are held; closes those to others and those that are asked otherwise.

        New words end no session: what is out is read by them when it comes.
        """
        wanted = {each.pk: (each, found) for each in held if (found := await self._settings(each)) is not None}
        gone = [pk for pk, session in self._sessions.items() if pk not in wanted or wanted[pk][1] != session.settings]
        await asyncio.gather(*(self._sessions.pop(pk).close() for pk in gone))
        for pk, (provider, settings) in wanted.items():
            if pk in self._sessions:
                self._sessions[pk].session.provider = provider
            else:
                self._sessions[pk] = self._open(provider, settings)
            self._sessions[pk].session.panel.words = words[pk]

    async def _settings(self, provider: Provider) -> PanelSettings | None:
        try:
            settings = provider_settings.panel_settings(provider, *self._secret_keys)
        except Unreadable as error:
            sealed = provider.sealed_key + provider.sealed_fields
            if self._unreadable.get(provider.pk) != sealed:
                _log.error("supervisor.key_unreadable", provider=provider.name, error=str(error))
                await self._following.run(_sound_unreadable, provider.pk, self._clock.now())
                self._unreadable[provider.pk] = sealed
            return None
        if provider.pk not in self._sessions:
            self._unreadable.pop(provider.pk, None)
            await self._following.run(_close_unreadable, provider.pk, self._clock.now())
        return settings

    def _open(self, provider: Provider, settings: PanelSettings) -> "OpenSession":
        session = ProviderSession(
            provider, settings, self._call, self._following, self._clock, self._chance, self._name
        )
        return OpenSession(session, settings, self._sending)


def _sound_unreadable(provider_id: int, now: datetime) -> None:
    """Opens the alarm, unless it is this process whose key is no longer the panel's: that one is about to end."""
    if not secret_key.obstacle():
        with durable():
            alarms.sound(provider_id, Alarm.Kind.KEY_UNREADABLE, WHOLE, cause(CauseKind.KEY_UNREADABLE), now)


def _close_unreadable(provider_id: int, now: datetime) -> None:
    is_open = Alarm.objects.filter(provider=provider_id, kind=Alarm.Kind.KEY_UNREADABLE, closed_at=None)
    if is_open.exists():  # asking often must not take the write lock
        with durable():
            alarms.close(provider_id, Alarm.Kind.KEY_UNREADABLE, WHOLE, "worker", now)


class OpenSession:
    """A session, and all that runs over it."""

    def __init__(self, session: ProviderSession, settings: PanelSettings, sending: Database) -> None:
        self.session = session
        self.settings = settings
        self._due = {each: asyncio.Event() for each in Due}
        self._sender = Sender(session, sending, self._due[Due.SEND])
        self._sending = asyncio.create_task(self._sender.run())
        self._steps = [asyncio.create_task(self._again_and_again(*each)) for each in STEPS]

    def wake(self, due_now: Collection[Due]) -> None:
        """Has what is due done at once."""
        for each in due_now:
            self._due[each].set()

    async def close(self) -> None:
        """Sends nothing more, and waits a while for the answers that are out."""
        self._sender.stop()
        await asyncio.wait([self._sending], timeout=END_SECONDS)
        running = [self._sending, *self._steps]
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _again_and_again(self, step: Step, idle_seconds: float) -> None:
        while True:
            done: object = None
            try:
                done = await step(self.session)
            except NOT_NOW as error:
                _log.warning("line.waits_for_the_database", step=step.__name__, error=str(error))
            except Exception:  # noqa: BLE001 - one step's bug must not stop the others
                _log.exception("line.step_failed", step=step.__name__, provider=self.session.provider.name)
            if not done:
                await self._rest(step, idle_seconds * self.session.chance.uniform(0.9, 1.1))

    async def _rest(self, step: Step, least_seconds: float) -> None:
        """Waits until the step is due, but at least so long: it may be due and cannot be done."""
        if (wakes := WOKEN.get(step)) is None:
            await asyncio.sleep(least_seconds)
            return
        self._due[wakes].clear()
        await asyncio.sleep(least_seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._due[wakes].wait(), UNWOKEN_SECONDS)
