"""What became of an order whose answer was lost, judged from what the protocol alone can tell. Pure.

Ids rise, so an order that was made lies above the highest id known when it was sent and, once the settle window has
passed, below that of any order sent later. An id there that answers as ours and that no order of ours claims is an
orphan. The rules are the reliability page's: a verdict needs evidence, and evidence that fits two attempts is none.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import accumulate

from sutler.core.charge_digits import SHOWN_WITHIN_MICROS
from sutler.core.lifecycle import Status
from sutler.core.pricing import charge, give_back
from sutler.core.upstream_words import UnknownStatus

_REFUNDED = frozenset({Status.PARTIAL, Status.CANCELED})


@dataclass(frozen=True, slots=True)
class Suspect:
    """An attempt that may have placed an order under an id above `floor` and below `ceiling` (None: not known yet).

    `expected_micros` is what it should have been charged: `rate_micros` for each `per` of `quantity`. What `makes_more`
    was handed on whole: if it was placed, the provider makes more orders of ours by itself, at any time.
    """

    attempt_id: int
    floor: int
    ceiling: int | None
    expected_micros: int
    quantity: int
    rate_micros: int
    per: int
    makes_more: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An orphan as it was first seen: its id, its charge and what remained (None where not told), its status.

    `may_be_made` while the provider may have made it for something that goes on there and has not named it yet.
    """

    upstream_id: int
    charge_micros: int | None
    status: Status | UnknownStatus = Status.PENDING
    remains: int | None = None
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


class Evidence:
    """The orphans of one provider, and every attempt there whose outcome is open, those on the way too.

    Arranged by charge and by id once, so that each attempt is judged by the few orphans and rivals that concern it.
    """

    def __init__(
        self, orphans: Iterable[Found], suspects: Iterable[Suspect], within_micros: int = SHOWN_WITHIN_MICROS
    ) -> None:
        """A charge that is told is what was expected if it is no further from it than `within_micros`."""
        self._within = within_micros
        self._orphans = sorted(orphans, key=lambda each: each.upstream_id)
        self._ids = [each.upstream_id for each in self._orphans]
        self._charged = [0, *accumulate(each.charge_micros or 0 for each in self._orphans)]
        self._suspects = tuple(suspects)
        self._makers = [each for each in self._suspects if each.makes_more]
        self._expected = sum(each.expected_micros for each in self._suspects)
        self._by_expected: dict[int, list[Suspect]] = defaultdict(list)
        for suspect in self._suspects:
            self._by_expected[suspect.expected_micros // within_micros].append(suspect)
        # Which attempts may have placed each orphan, and which orphans each attempt may have placed.
        self._placers = {each.upstream_id: self._placers_of(each) for each in self._orphans}
        self._fitting: dict[int, list[Found]] = defaultdict(list)
        for orphan in self._orphans:
            for attempt_id in self._placers[orphan.upstream_id]:
                self._fitting[attempt_id].append(orphan)
        self._strange = [each for each in self._orphans if not self._placers[each.upstream_id]]
        self._strange_ids = [each.upstream_id for each in self._strange]

    def judge(self, suspect: Suspect) -> Placed | Doubt:
        """Returns what the orphans say of one of the attempts."""
        if not suspect.expected_micros:
            return Doubt.NO_CHARGE if self.within(suspect, 1) else Doubt.NOTHING_FOUND
        fitting = self._fitting.get(suspect.attempt_id, ())
        if len(fitting) == 1:
            return Doubt.RIVALS if self._is_doubtful(fitting[0], suspect) else Placed(fitting[0].upstream_id)
        if fitting:
            return Doubt.SEVERAL
        first = bisect_right(self._strange_ids, suspect.floor)
        is_there = first < len(self._strange) and _is_within(self._strange[first], suspect)
        return Doubt.OTHER_CHARGE if is_there else Doubt.NOTHING_FOUND

    def balance_contradicts(self, suspect: Suspect, missing_micros: int, blur_micros: int = 0) -> bool | None:
        """Returns True if the balance shows that this attempt was charged, False if not, None if it cannot tell.

        `missing_micros` is what is missing at the provider beyond what was missing as it was sent. Refunds that the
        books do not know of yet make less missing. By `blur_micros` it may be wrong either way.
        """
        if not suspect.expected_micros:
            return None
        others_micros = self._expected - suspect.expected_micros
        explained = self._charged[-1] - self._charged[bisect_right(self._ids, suspect.floor)]
        short_micros = suspect.expected_micros + others_micros - self._within - (missing_micros - explained)
        if short_micros <= -blur_micros:
            return True
        return None if others_micros or short_micros <= blur_micros else False

    def within(self, suspect: Suspect, most: int) -> Sequence[Found]:
        """Returns the first orphans that the attempt's window holds, up to so many."""
        first = bisect_right(self._ids, suspect.floor)
        end = len(self._ids) if suspect.ceiling is None else bisect_left(self._ids, suspect.ceiling)
        return self._orphans[first : min(end, first + most)]

    def _is_doubtful(self, orphan: Found, suspect: Suspect) -> bool:
        """Returns True if another attempt may have placed it too, or the provider may have made it by itself."""
        makers = (each for each in self._makers if each.attempt_id != suspect.attempt_id)
        is_made = orphan.may_be_made or any(orphan.upstream_id > each.floor for each in makers)
        return is_made or len(self._placers[orphan.upstream_id]) > 1

    def _placers_of(self, orphan: Found) -> set[int]:
        """Returns the attempts that may have placed this order, by its id and by its charge then."""
        if orphan.charge_micros is None:
            return set()
        place = orphan.charge_micros // self._within
        near = (each for near in (place - 1, place, place + 1) for each in self._by_expected.get(near, ()))
        whole = {each.attempt_id for each in near if _is_charged(orphan, each.expected_micros, each, self._within)}
        if orphan.status not in _REFUNDED:
            return whole
        # Both the charge and what was given back may have been rounded.
        within = 2 * self._within if self._within > SHOWN_WITHIN_MICROS else self._within
        left = ((each, _left_of(each, orphan)) for each in self._suspects)
        return whole | {each.attempt_id for each, micros in left if _is_charged(orphan, micros, each, within)}


def _left_of(suspect: Suspect, orphan: Found) -> int | None:
    """Returns what would be left of the attempt's charge, had its order ended like this orphan; None: it has not.

    An order that has ended early before it was seen shows less than it took; what remained tells how much.
    """
    remains, quantity = orphan.remains, suspect.quantity
    if orphan.status is Status.CANCELED:
        return 0 if remains == quantity else None
    expected = charge(suspect.rate_micros, quantity, suspect.per)
    if remains is None or not 0 < remains < quantity or expected != suspect.expected_micros:
        return None
    return expected - give_back(expected, suspect.rate_micros, quantity, remains, suspect.per)


def _is_within(orphan: Found, suspect: Suspect) -> bool:
    return suspect.floor < orphan.upstream_id and (suspect.ceiling is None or orphan.upstream_id < suspect.ceiling)


def _is_charged(orphan: Found, micros: int | None, suspect: Suspect, within_micros: int) -> bool:
    """Returns True if the orphan lies in the attempt's window and was seen with this charge."""
    if micros is None or orphan.charge_micros is None or not _is_within(orphan, suspect):
        return False
    return abs(orphan.charge_micros - micros) <= within_micros
