"""Asking about ids that may be ours: which of them answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.line import Line
from sutler.fulfilment.panel_answers import Declined, UpstreamStatus
from sutler.fulfilment.panel_v2 import BATCH_SIZE

# Of one scan: beyond it the panel's answers to batches are no use.
MOST_SINGLE = 200


@dataclass(slots=True)
class Scan:
    """What the ids said: `ours` answered as orders of this account; the scan is whole if every id gave an answer."""

    ours: dict[int, UpstreamStatus] = field(default_factory=dict)
    is_whole: bool = True


async def scan(line: Line, ids: Sequence[int]) -> Scan:
    """Asks about every id, 100 a call, within the provider's rate limit; ids left out of an answer are asked singly.

    Stops at the first call without an answer.
    """
    found = Scan()
    singles = MOST_SINGLE
    for start in range(0, len(ids), BATCH_SIZE):
        asked = [str(each) for each in ids[start : start + BATCH_SIZE]]
        answer = await line.ask(lambda panel, asked=asked: panel.statuses(asked))  # type: ignore[misc]
        if not isinstance(answer, dict):
            found.is_whole = False
            return found
        for each in asked:
            said = answer.get(each)
            if said is None and singles:
                singles -= 1
                alone = await line.ask(lambda panel, each=each: panel.status(each))  # type: ignore[misc]
                said = alone if isinstance(alone, (UpstreamStatus, Declined)) else None
            _note(found, int(each), said)
    return found


def _note(found: Scan, upstream_id: int, said: UpstreamStatus | Declined | None) -> None:
    if isinstance(said, UpstreamStatus):
        found.ours[upstream_id] = said
    elif said is None or said.kind is not DeclineKind.NOT_FOUND:
        found.is_whole = False
