"""Following a provider's changes feed, where it has one: what changes there is known here within a second.

Orders are then asked about once an hour only. The cursor is stored after what it has told: what is told twice changes
nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sutler.core.clock import Random
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import ProviderState, UpstreamOrder
from sutler.fulfilment.polling.apply import apply_answers
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.results import Declined, UpstreamChanges, UpstreamStatus
from sutler.storage.transactions import durable

# Less than a call may take (`client.PanelSettings.read_seconds`).
WAIT_SECONDS = 20
# A provider that has no feed may have one one day.
ASK_AGAIN = timedelta(days=1)
FAILURE_SECONDS = 5.0
_NOT_ABOUT_IT = frozenset({DeclineKind.AUTH, DeclineKind.FUNDS, DeclineKind.RATE})


async def follow(session: ProviderSession) -> bool:
    """Waits once for news of the provider and applies them; asks first, once a day, whether it has a feed.

    Returns whether to go on at once.
    """
    database, pk = session.database, session.provider.pk
    state = session.provider.live_state  # as of a while ago: enough to see that there is none
    if not state.changes_cursor and state.changes_at is not None and state.changes_at + ASK_AGAIN > session.clock.now():
        return False
    cursor, asked_at = await database.run(_read, pk)
    if not cursor and asked_at is not None and asked_at + ASK_AGAIN > session.clock.now():
        return False
    answer = await session.ask(lambda panel: panel.changes(cursor, WAIT_SECONDS))
    now = session.clock.now()
    if isinstance(answer, UpstreamChanges):
        session.catalogue_changed |= answer.catalogue
        if answer.statuses:
            calls = session.take_calls()
            await database.run_until_done(_apply, pk, answer.statuses, calls, now, session.chance)
        await database.run_until_done(_remember, pk, answer.cursor, now)
        return bool(answer.statuses) or answer.more
    if isinstance(answer, Declined) and answer.kind not in _NOT_ABOUT_IT:
        # It has none, or not from this cursor: then it begins again with the next pass, and polling has the rest.
        await database.run_until_done(_remember, pk, "", None if cursor else now)
    else:
        await asyncio.sleep(FAILURE_SECONDS)
    return False


def _read(provider_id: int) -> tuple[str, datetime | None]:
    cursor, asked_at = ProviderState.objects.values_list("changes_cursor", "changes_at").get(provider=provider_id)
    return cursor, asked_at


def _remember(provider_id: int, cursor: str, at: datetime | None) -> None:
    with durable():
        ProviderState.objects.filter(provider=provider_id).update(changes_cursor=cursor, changes_at=at)


def _apply(
    provider_id: int,
    statuses: Mapping[str, UpstreamStatus],
    calls: Sequence[LoggedExchange],
    now: datetime,
    chance: Random,
) -> int:
    """Applies what is said of those orders that are followed; one whose `add` is not settled yet is polled later."""
    followed = UpstreamOrder.objects.filter(provider=provider_id, upstream_id__in=statuses, ask_time__isnull=False)
    answers = {pk: statuses[upstream_id] for pk, upstream_id in followed.values_list("pk", "upstream_id")}
    return apply_answers(provider_id, answers, calls, now, chance)
