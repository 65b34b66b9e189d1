"""Sending what a provider is to place: claim, commit, call, settle, commit."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from sutler.core.attempts import AttemptState
from sutler.core.events import CauseKind, cause
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.database import NOT_NOW, Database
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.sending import claims, outcome
from sutler.fulfilment.sending.claims import Claim
from sutler.fulfilment.sending.outcome import Outcome

# A claim that could not leave within this is given up unsent: much less than the settle window, so that a worker that
# slept over its claim never sends what has been settled as absent.
SEND_WITHIN_SECONDS = 60.0
# How far ahead of the provider's rate limit batch are made.
AHEAD_SECONDS = 0.5
# Not longer, or turns would pass unused.
IDLE_SECONDS = AHEAD_SECONDS
# Where somebody else looks for what is due.
UNWOKEN_SECONDS = 30.0
# Answers that come this close together are settled in one transaction.
GATHER_SECONDS = 0.003

_log = structlog.get_logger(__name__)


class Sender:
    """Sends the orders of one provider, up to its `most_at_once` at a time."""

    def __init__(self, session: ProviderSession, database: Database, due: asyncio.Event | None = None) -> None:
        """`due` is set by whoever knows that something is to be sent; without it the sender looks again and again."""
        self._due = due or asyncio.Event()
        self._unwoken_seconds = IDLE_SECONDS if due is None else UNWOKEN_SECONDS
        self._session = session
        self._database = database
        self._under_way: set[asyncio.Task[Outcome]] = set()
        self._is_stopping = asyncio.Event()

    async def run(self) -> None:
        """Sends and settles until `stop` is called, then waits for the answers that are still out.

        Cancelled meanwhile, it leaves them SENDING: after the lease they are unknown.
        """
        try:
            while not (self._is_stopping.is_set() and not self._under_way):
                claimed = await self._work_off()
                await self._await_answers(0 if claimed else IDLE_SECONDS)
        finally:
            for each in self._under_way:
                each.cancel()

    def stop(self) -> None:
        """Claims nothing more."""
        self._is_stopping.set()
        self._due.set()

    async def _work_off(self) -> int:
        """Settles what has been answered, and batch as many as there is room for; returns how many it claimed."""
        session = self._session
        answered = {each for each in self._under_way if each.done()}
        outcomes = sorted((each.result() for each in answered), key=lambda each: each.attempt_id)
        calls = session.take_calls() if answered else []
        room = self._room()
        claimed = None
        if outcomes and room:
            claimed = await self._claim(claims.settle_and_claim, session.provider.pk, outcomes, calls, room)
        if outcomes and claimed is None:
            await self._settle(outcomes, calls)
        self._under_way -= answered
        if claimed is None and room:
            claimed = await self._claim(claims.claim, session.provider.pk, room)
        return claimed or 0

    async def _claim(self, claim: Callable[..., Sequence[Claim]], *args: object) -> int | None:
        """Sends what the verb batch; returns how many that was, None if nothing could be done now."""
        session = self._session
        try:
            batch = await self._database.run(claim, *args, session.worker, session.clock.now())
        except NOT_NOW as error:
            # What may have been committed after all is unknown once its lease is over.
            _log.warning("worker.waits_for_the_database", step=claim.__name__, error=str(error))
            return None
        except Exception:  # noqa: BLE001 - one order's bug must not stop what is out already
            _log.exception("sender.not_claimed", provider=session.provider.name)
            return None
        claimed_at = asyncio.get_running_loop().time()
        self._under_way |= {asyncio.create_task(self._send(each, claimed_at)) for each in batch}
        return len(batch)

    def _room(self) -> int:
        """How many more may be claimed: what the rate limit lets out soon, within what may be out at once."""
        if self._is_stopping.is_set():
            return 0
        session = self._session
        return max(0, min(session.provider.most_at_once - self._calls_out(), session.turns_within(AHEAD_SECONDS)))

    def _calls_out(self) -> int:
        """How many are not answered yet. What is answered makes room before it is settled: the next leave meanwhile."""
        return sum(not each.done() for each in self._under_way)

    async def _send(self, claim: Claim, claimed_at: float) -> Outcome:
        session = self._session
        await session.turn()
        if asyncio.get_running_loop().time() - claimed_at > SEND_WITHIN_SECONDS:
            return Outcome(claim.attempt_id, AttemptState.NOT_SENT, cause=cause(CauseKind.NOT_IN_TIME))
        answer = await session.call(lambda panel: panel.add(claim.fields), claim.order_id)
        return outcome.outcome_of(claim.attempt_id, answer)

    async def _await_answers(self, patience_seconds: float) -> None:
        """Waits for an answer, as long as nothing more can be claimed, and for those that come close behind it."""
        if not self._under_way:
            if patience_seconds:
                await self._nap()
            return
        is_full = self._calls_out() >= self._session.provider.most_at_once
        timeout = None if is_full else patience_seconds
        await asyncio.wait(self._under_way, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if len(self._under_way) > 1:
            await asyncio.sleep(GATHER_SECONDS)

    async def _settle(self, outcomes: Sequence[Outcome], calls: Sequence[LoggedExchange]) -> None:
        """Settles the outcomes. One that cannot be written spoils no other, and is unknown once its lease is over."""
        session = self._session
        try:
            await self._database.run_until_done(
                outcome.settle, session.provider.pk, outcomes, calls, session.clock.now()
            )
        except Exception:  # noqa: BLE001 - one order's bug must not stop the others
            _log.exception("sender.not_settled", attempts=[each.attempt_id for each in outcomes])
            if len(outcomes) > 1:
                middle = len(outcomes) // 2
                await self._settle(outcomes[:middle], calls)
                await self._settle(outcomes[middle:], ())

    async def _nap(self) -> None:
        """Sleeps until something is due, or it is told to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), self._unwoken_seconds)
        self._due.clear()
