"""Looking for what a restored panel has forgotten: the orders at a provider that were sent after the backup was made.

The ids after the highest known one are asked about, and the balance says whether that was all: what is missing there,
beyond what was missing as the backup was made, is what the orders that were found have cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Max, Min, Q

from sutler.core.attempts import UNSETTLED, AttemptState
from sutler.core.lifecycle import Status
from sutler.fulfilment.models import AskTime, Attempt, Provider, account_rows
from sutler.fulfilment.polling import poll
from sutler.fulfilment.providers import call_log, ledger
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling.id_scan import scan
from sutler.fulfilment.reconciling.reconcile import claimed_ids, remember, settle_window
from sutler.panels.results import Balance, UpstreamStatus
from sutler.storage.transactions import durable

# Asked about together, between two looks at the balance.
STRETCH_IDS = 1_000
# So many ids in a row without an order of ours end the search where the balance agrees.
QUIET_IDS = 2_000
MOST_IDS = 200_000
# An answer may deny an order once by mistake, or fail.
PASSES = 3


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was found at one provider above `floor_id`, the highest id in the backup: the orders and what each has cost.

    `missing_micros` is what is missing there and no order explains; None where that cannot be told. It `is_complete`
    where nothing else can have been sent there; else `why` says what stands in the way.
    """

    provider_id: int
    floor_id: int
    asked_to: int
    cost_micros: Mapping[int, int] = field(default_factory=dict)
    missing_micros: int | None = None
    is_complete: bool = False
    why: str = ""


async def search(session: ProviderSession, restored_at: datetime, most_ids: int = MOST_IDS) -> Forgotten:
    """Looks at one provider; to be repeated at will: nothing is booked and nothing sent.

    First all that is known is asked about, so that the books are where the provider is. Ends where the balance agrees
    and a stretch of ids was empty, or after `most_ids`. Keeps the orders that it finds as orphans.
    """
    provider_id, database, clock = session.provider.pk, session.database, session.clock
    await database.run_until_done(_ask_all_now, provider_id, clock.now())
    while await poll.poll(session):
        pass
    search = _Search(session, await database.run(_floor_id, provider_id), most_ids)
    for _ in range(PASSES if search.may_scan else 1):
        found = await search.look()
        if found.is_complete:
            break
    await database.run_until_done(_write_calls, provider_id, session.take_calls())
    window = await database.run(settle_window, session.provider, clock.now())
    if found.is_complete and clock.now() < restored_at + window:
        until = f"{restored_at + window:%H:%M} UTC"
        return replace(found, is_complete=False, why=f"what was on the way may come into being until {until}")
    return found


class _Search:
    """One search at one provider, over several passes; what the ids said last counts."""

    def __init__(self, session: ProviderSession, floor_id: int, most_ids: int) -> None:
        self.may_scan = session.provider.may_scan and floor_id > 0
        self._session = session
        self._floor_id = floor_id
        self._most_ids = most_ids
        self._asked_to = floor_id
        self._said: dict[int, UpstreamStatus] = {}

    async def look(self) -> Forgotten:
        """Goes through the ids once, as far as it takes for the balance to agree."""
        position, quiet = self._floor_id, 0
        while True:
            missing = await self._missing()
            if missing == 0 and (not self.may_scan or quiet >= QUIET_IDS):
                return self._found(missing, is_complete=True)
            if not self.may_scan or position - self._floor_id >= self._most_ids:
                return self._found(missing, why=self._why_not(missing))
            ids = range(position + 1, position + 1 + STRETCH_IDS)
            seen = await self._ask(ids)
            if seen is None:
                return self._found(missing, why=f"it gives no clear answer about ids from {position + 1} on")
            position, quiet = ids[-1], ids[-1] - seen if seen else quiet + STRETCH_IDS
            self._asked_to = max(self._asked_to, position)

    async def _ask(self, ids: Sequence[int]) -> int | None:
        """Returns the highest of the ids that is an order of ours, 0 if none is; None if not all gave an answer."""
        session = self._session
        wanted = await session.database.run(_unclaimed, session.provider.pk, ids)
        for _ in range(PASSES):
            looked = await scan(session, wanted)
            self._said |= looked.ours
            await session.database.run_until_done(remember, session.provider.pk, looked, session.clock.now())
            if looked.is_whole:
                return max((each for each in (*looked.ours, *self._said) if each in ids), default=0)
        return None

    async def _missing(self) -> int | None:
        session = self._session
        answer = await session.ask(lambda panel: panel.balance())
        if not isinstance(answer, Balance):
            return None
        return await session.database.run(_missing, session.provider.pk, answer.micros, self._costs())

    def _costs(self) -> dict[int, int]:
        return {pk: _cost(said) for pk, said in sorted(self._said.items())}

    def _found(self, missing: int | None, *, is_complete: bool = False, why: str = "") -> Forgotten:
        ours = self._session.provider.pk, self._floor_id, self._asked_to
        return Forgotten(*ours, self._costs(), missing, is_complete, why)

    def _why_not(self, missing: int | None) -> str:
        provider = self._session.provider
        if missing is None:
            return "people order with the account too" if provider.is_shared else "its balance cannot be compared"
        if not provider.may_scan:
            return "its balance differs, and its ids may not be asked about"
        if not self._floor_id:
            return "its balance differs, and no id of an order there is known"
        return f"its balance differs from all that was found among the {self._most_ids:,} ids asked about"


def _cost(said: UpstreamStatus) -> int:
    """Returns what an order there has cost by its own word: one that was canceled nothing."""
    return 0 if said.status is Status.CANCELED else said.charge_micros or 0


def _ask_all_now(provider_id: int, now: datetime) -> int:
    return AskTime.objects.filter(provider=provider_id).update(ask_at=now)


def _floor_id(provider_id: int) -> int:
    """Returns up to where all ids are known: below those of what was open as the backup was made."""
    rows = Provider.objects.filter(pk__in=account_rows(provider_id))
    highest = rows.aggregate(highest=Max("live_state__highest_id"))["highest"] or 0
    unclear = (AttemptState.SENDING, *UNSETTLED)
    is_open = Q(state__in=unclear) | Q(state=AttemptState.ACCEPTED, upstream_order__confirmed_at=None)
    adds = Attempt.objects.filter(is_open, provider__in=rows, action=Attempt.Action.ADD, floor_id__gt=0)
    return min(highest, adds.aggregate(lowest=Min("floor_id"))["lowest"] or highest)


def _unclaimed(provider_id: int, ids: Sequence[int]) -> list[int]:
    claimed = claimed_ids(provider_id, ids)
    return [each for each in ids if each not in claimed]


def _missing(provider_id: int, said_micros: int, costs: Mapping[int, int]) -> int | None:
    """Returns what is missing at the provider that neither the backup knows of nor the orders found explain."""
    provider = Provider.objects.select_related("live_state").get(pk=provider_id)
    state = provider.live_state
    if state.gap_micros is None or provider.is_shared:
        return None
    missing = ledger.book_balance_micros(provider_id) - said_micros - state.gap_micros - sum(costs.values())
    return 0 if abs(missing) <= state.rounding.within_micros * (1 + len(costs)) else missing


def _write_calls(provider_id: int, calls: Sequence[LoggedExchange]) -> None:
    with durable():
        call_log.write(provider_id, calls)
