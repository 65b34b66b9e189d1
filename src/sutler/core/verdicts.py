"""What became of an order whose answer was lost, judged from what the protocol alone can tell. Pure.

Ids rise, so an order that was made lies above the highest id known when it was sent and, once the settle window has
passed, below that of any order sent later. An id there that answers as ours and that no order of ours claims is an
orphan. The rules are the reliability page's: a verdict needs evidence, and evidence that fits two attempts is none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto

# A charge is told with five decimals.
SHOWN_WITHIN_MICROS = 10


@dataclass(frozen=True, slots=True)
class Suspect:
    """An attempt that may have placed an order under an id above `floor` and below `ceiling` (None: not known yet).

    `expected_micros` is what it should have been charged. What `makes_more` was handed on whole: if it was placed, the
    provider makes more orders of ours by itself, at any time.
    """

    attempt_id: int
    floor: int
    ceiling: int | None
    expected_micros: int
    makes_more: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An orphan: its id, and its charge when it was first seen, None where none was told.

    `may_be_made` while the provider may have made it for something that goes on there and has not named it yet.
    """

    upstream_id: int
    charge_micros: int | None
    may_be_made: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """The attempt placed this order."""

    upstream_id: int


class Doubt(Enum):
    """Why there is no verdict that it was placed."""

    # Nothing in the window can be this attempt's: if the window was scanned whole, it was not placed.
    NOTHING_FOUND = auto()
    # Something in the window fits, but another attempt may have placed it.
    RIVALS = auto()
    # More than one order fits.
    SEVERAL = auto()
    # An order is there whose charge fits nobody.
    OTHER_CHARGE = auto()
    # It costs nothing by itself, so a charge proves nothing: whatever is there may be its own.
    NO_CHARGE = auto()


def judge(suspect: Suspect, rivals: Collection[Suspect], orphans: Sequence[Found]) -> Placed | Doubt:
    """Returns what the orphans say of one attempt, beside all others whose outcome is open, those on the way too."""
    if not suspect.expected_micros:
        return Doubt.NO_CHARGE if any(_is_within(each, suspect) for each in orphans) else Doubt.NOTHING_FOUND
    fitting = [each for each in orphans if _fits(each, suspect)]
    others = [each for each in rivals if each.attempt_id != suspect.attempt_id]
    if len(fitting) == 1:
        is_doubtful = fitting[0].may_be_made or any(_may_have_made(each, fitting[0]) for each in others)
        return Doubt.RIVALS if is_doubtful else Placed(fitting[0].upstream_id)
    if fitting:
        return Doubt.SEVERAL
    strange = [each for each in orphans if _is_within(each, suspect) and not any(_fits(each, one) for one in others)]
    return Doubt.OTHER_CHARGE if strange else Doubt.NOTHING_FOUND


def balance_contradicts(
    suspect: Suspect, missing_micros: int, orphans: Sequence[Found], others_micros: int
) -> bool | None:
    """Returns True if the balance shows that the suspect was charged, False if not, None if it cannot tell.

    `missing_micros` is what is missing at the provider beyond what was missing as it was sent, `others_micros` the
    charges of all other attempts whose outcome is open. Refunds that the books do not know of yet make less missing.
    """
    since = [each for each in orphans if each.upstream_id > suspect.floor]
    unexplained = missing_micros - sum(each.charge_micros or 0 for each in since)
    if not suspect.expected_micros:
        return None
    if unexplained >= suspect.expected_micros + others_micros - SHOWN_WITHIN_MICROS:
        return True
    return None if others_micros else False


def _may_have_made(rival: Suspect, orphan: Found) -> bool:
    return _fits(orphan, rival) or (rival.makes_more and orphan.upstream_id > rival.floor)


def _is_within(orphan: Found, suspect: Suspect) -> bool:
    return suspect.floor < orphan.upstream_id and (suspect.ceiling is None or orphan.upstream_id < suspect.ceiling)


def _fits(orphan: Found, suspect: Suspect) -> bool:
    if orphan.charge_micros is None or not _is_within(orphan, suspect):
        return False
    return abs(orphan.charge_micros - suspect.expected_micros) <= SHOWN_WITHIN_MICROS
