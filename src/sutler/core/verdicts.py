"""What became of an order whose answer was lost, judged from what the protocol alone can tell. Pure.

Ids rise, so an order that was made lies above the highest id known when it was sent and, once the settle window has
passed, below that of any order sent later. An id there that answers as ours and that no order of ours claims is an
orphan. The rules are the reliability page's: a verdict needs evidence, and evidence that fits two attempts is none.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")

# A charge is told with five decimals.
SHOWN_WITHIN_MICROS = 10


@dataclass(frozen=True, slots=True)
class Suspect:
    """An attempt that may have placed an order under an id above `floor` and below `ceiling` (None: not known yet).

    `expected_micros` is what it should have been charged.
    """

    attempt_id: int
    floor: int
    ceiling: int | None
    expected_micros: int


@dataclass(frozen=True, slots=True)
class Found:
    """An orphan: its id, and its charge when it was first seen, None where none was told."""

    upstream_id: int
    charge_micros: int | None


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


class Evidence:
    """The orphans of one provider, and every attempt there whose outcome is open, those on the way too.

    Arranged by charge and by id once, so that each attempt is judged by the few orphans and rivals that concern it.
    """

    def __init__(self, orphans: Iterable[Found], suspects: Iterable[Suspect]) -> None:
        self._orphans = sorted(orphans, key=lambda each: each.upstream_id)
        self._ids = [each.upstream_id for each in self._orphans]
        self._charged = [0, *accumulate(each.charge_micros or 0 for each in self._orphans)]
        self._by_charge: dict[int, list[Found]] = defaultdict(list)
        for orphan in self._orphans:
            if orphan.charge_micros is not None:
                self._by_charge[orphan.charge_micros // SHOWN_WITHIN_MICROS].append(orphan)
        self._by_expected: dict[int, list[Suspect]] = defaultdict(list)
        self._expected = 0
        for suspect in suspects:
            self._by_expected[suspect.expected_micros // SHOWN_WITHIN_MICROS].append(suspect)
            self._expected += suspect.expected_micros
        self._strange = [each for each in self._orphans if not any(self._fitted_by(each))]
        self._strange_ids = [each.upstream_id for each in self._strange]

    def judge(self, suspect: Suspect) -> Placed | Doubt:
        """Returns what the orphans say of one of the attempts."""
        near = _near(self._by_charge, suspect.expected_micros)
        fitting = [each for each in near if _fits(each, suspect)]
        if len(fitting) == 1:
            rivals = any(each.attempt_id != suspect.attempt_id for each in self._fitted_by(fitting[0]))
            return Doubt.RIVALS if rivals else Placed(fitting[0].upstream_id)
        if fitting:
            return Doubt.SEVERAL
        first = bisect_right(self._strange_ids, suspect.floor)
        is_there = first < len(self._strange) and _is_within(self._strange[first], suspect)
        return Doubt.OTHER_CHARGE if is_there else Doubt.NOTHING_FOUND

    def balance_contradicts(self, suspect: Suspect, missing_micros: int) -> bool | None:
        """Returns True if the balance shows that this attempt was charged, False if not, None if it cannot tell.

        `missing_micros` is what is missing at the provider beyond what was missing as it was sent. Refunds that the
        books do not know of yet make less missing.
        """
        others_micros = self._expected - suspect.expected_micros
        explained = self._charged[-1] - self._charged[bisect_right(self._ids, suspect.floor)]
        if missing_micros - explained >= suspect.expected_micros + others_micros - SHOWN_WITHIN_MICROS:
            return True
        return None if others_micros else False

    def within(self, suspect: Suspect, most: int) -> Sequence[Found]:
        """Returns the first orphans that the attempt's window holds, up to so many."""
        first = bisect_right(self._ids, suspect.floor)
        end = len(self._ids) if suspect.ceiling is None else bisect_left(self._ids, suspect.ceiling)
        return self._orphans[first : min(end, first + most)]

    def _fitted_by(self, orphan: Found) -> Iterator[Suspect]:
        """Yields the attempts that may have placed this order, by its charge and its id."""
        if orphan.charge_micros is not None:
            near = _near(self._by_expected, orphan.charge_micros)
            yield from (each for each in near if _fits(orphan, each))


def _near(by_charge: Mapping[int, list[T]], micros: int) -> Iterator[T]:
    """Yields what stands under this charge, and what might where the last digit is not told."""
    place = micros // SHOWN_WITHIN_MICROS
    for each in (place - 1, place, place + 1):
        yield from by_charge.get(each, ())


def _is_within(orphan: Found, suspect: Suspect) -> bool:
    return suspect.floor < orphan.upstream_id and (suspect.ceiling is None or orphan.upstream_id < suspect.ceiling)


def _fits(orphan: Found, suspect: Suspect) -> bool:
    if orphan.charge_micros is None or not _is_within(orphan, suspect):
        return False
    return abs(orphan.charge_micros - suspect.expected_micros) <= SHOWN_WITHIN_MICROS
