"""Asking about ids that may be ours: which of them answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.providers.session import ProviderSession
from sutler.panels.client import BATCH_SIZE
from sutler.panels.results import Declined, UpstreamStatus

# Of one scan: beyond it the panel's answers to batches are no use.
MOST_SINGLE = 200
# What a batch is refused with for one id in it, or where the panel takes one order a call.
_FOR_AN_ID = frozenset({DeclineKind.NOT_FOUND, DeclineKind.FIELD})


@dataclass(slots=True)
class Scan:
    """What the ids said: `ours` answered as orders of this account; the scan is whole if every id gave an answer."""

    ours: dict[int, UpstreamStatus] = field(default_factory=dict)
    is_whole: bool = True


async def scan(session: ProviderSession, ids: Sequence[int]) -> Scan:
    """Asks about every id, 100 a call, within the provider's rate limit; ids left out of an answer are asked singly.

    So are those of a batch that was refused as a whole, until one of them gets no clear answer either. Stops at the
    first batch without an answer.
    """
    found = Scan()
    singles = MOST_SINGLE
    for start in range(0, len(ids), BATCH_SIZE):
        asked = [str(each) for each in ids[start : start + BATCH_SIZE]]
        answer = await session.ask(lambda panel, asked=asked: panel.statuses(asked))  # type: ignore[misc]
        is_refused = isinstance(answer, Declined) and answer.kind in _FOR_AN_ID
        if not is_refused and not isinstance(answer, dict):
            found.is_whole = False
            return found
        for each in asked:
            if is_refused and not found.is_whole:
                return found
            said = answer.get(each) if isinstance(answer, dict) else None
            if said is None and singles:
                singles -= 1
                alone = await session.ask(lambda panel, each=each: panel.status(each))  # type: ignore[misc]
                said = alone if isinstance(alone, (UpstreamStatus, Declined)) else None
            _note(found, int(each), said)
    return found


def _note(found: Scan, upstream_id: int, said: UpstreamStatus | Declined | None) -> None:
    if isinstance(said, UpstreamStatus):
        found.ours[upstream_id] = said
    elif said is None or said.kind is not DeclineKind.NOT_FOUND:
        found.is_whole = False
