"""Asking about ids that may be ours: which of them answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.providers.ask_statuses import StatusCalls
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.client import BATCH_SIZE
from sutler.panels.results import UpstreamStatus

# Of one scan: beyond it the panel's answers to batches are no use.
MOST_SINGLE = 200


@dataclass(slots=True)
class Scan:
    """What the ids said: `ours` answered as orders of this account; the scan is whole if every id gave an answer."""

    ours: dict[int, UpstreamStatus] = field(default_factory=dict)
    is_whole: bool = True


async def scan(session: ProviderSession, ids: Sequence[int]) -> Scan:
    """Asks about every id, 100 a call, within the provider's rate limit (`providers.ask_statuses`).

    Stops at the first batch of which no id was answered.
    """
    result, calls = Scan(), StatusCalls(session, MOST_SINGLE)
    for start in range(0, len(ids), BATCH_SIZE):
        batch = ids[start : start + BATCH_SIZE]
        answers = await calls.ask({str(each): None for each in batch})
        for upstream_id in batch:
            answer = answers.get(str(upstream_id))
            if isinstance(answer, UpstreamStatus):
                result.ours[upstream_id] = answer
            elif answer is None or answer.kind is not DeclineKind.NOT_FOUND:
                result.is_whole = False
        if not answers or calls.has_given_up:
            break
    return result
