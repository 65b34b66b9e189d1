"""Which way an order goes: the routes that are there, what came of those tried before, and what is left. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sutler.core.upstream_words import DeclineKind

# About the order itself: with every other provider it would be the same.
ABOUT_THE_ORDER = frozenset({DeclineKind.LINK, DeclineKind.QUANTITY, DeclineKind.FIELD})
# The provider's own passing condition.
PASSING = frozenset({DeclineKind.RATE, DeclineKind.FUNDS, DeclineKind.AUTH, DeclineKind.DUPLICATE})

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=20), timedelta(minutes=10)
# The same link may be active there for as long as another order runs.
DUPLICATE_DELAY, DUPLICATE_PATIENCE = timedelta(minutes=10), timedelta(hours=24)
# So long a route is tried again that takes no order now, or is not reached.
PATIENCE = timedelta(days=3)
# What went by a route and never came there may go that way once more, not for ever.
MOST_ABSENT = 2


class Blocked(Enum):
    """Whether a route may take this order."""

    NONE = auto()
    # Stopped or full: it may take it later.
    FOR_NOW = auto()
    # Gone, of another type, too dear, outside its limits.
    FOR_GOOD = auto()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route as it stands for one order."""

    route_id: int
    preference: int
    weight: int
    bar: Blocked = Blocked.NONE


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    """An earlier attempt that placed nothing. `kind` is None where not a byte left, or it was settled as absent.

    OTHER where it was absent after a refusal in words that we do not know.
    """

    route_id: int
    kind: DeclineKind | None
    ended_at: datetime
    is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The order goes this way, not before `due_at`."""

    route_id: int
    due_at: datetime


class NoRoute(Enum):
    """There is no way now."""

    # It waits as Pending: a route may take it later.
    WAIT = auto()
    # No route will take it: staff must.
    DESK = auto()
    # Providers refuse the order for what it is: it is canceled and refunded.
    CANCEL = auto()


def choose(
    order_id: int, ways: Sequence[Candidate], pasts: Sequence[EarlierAttempt], now: datetime
) -> Choice | NoRoute:
    """Returns where an order goes, given what came of its earlier attempts, oldest first.

    A route that has refused the order for good, in whatever words, is not tried again, and one where it was lost on the
    way once more; one with a passing condition is tried again later, for three days at most, and only if no other can
    take it now. Within one preference the order's own lot decides by weight, so that asking
    twice gives the same answer.
    """
    refused = {each.route_id for each in pasts if _is_final(each, pasts)}
    last = {each.route_id: each for each in pasts}
    left = [each for each in ways if each.bar is Blocked.NONE and each.route_id not in refused]
    fresh = [each for each in left if each.route_id not in last or last[each.route_id].is_absent]
    if fresh:
        return Choice(_drawn(fresh, f"{order_id}:{len(pasts)}").route_id, now)
    if left:
        due = {each.route_id: _due(last[each.route_id], pasts) for each in left}
        route_id = min(due, key=lambda each: (due[each], each))
        return Choice(route_id, max(due[route_id], now))
    if any(each.bar is Blocked.FOR_NOW and each.route_id not in refused for each in ways):
        return NoRoute.WAIT
    is_the_order = any(each.kind in ABOUT_THE_ORDER or each.kind is DeclineKind.DUPLICATE for each in pasts)
    return NoRoute.CANCEL if is_the_order else NoRoute.DESK


def _is_final(past: EarlierAttempt, pasts: Sequence[EarlierAttempt]) -> bool:
    if past.kind is not None and past.kind not in PASSING:
        return True
    alike = [
        each
        for each in pasts
        if (each.route_id, each.kind, each.is_absent) == (past.route_id, past.kind, past.is_absent)
    ]
    if past.is_absent:
        return len(alike) >= MOST_ABSENT
    patience = DUPLICATE_PATIENCE if past.kind is DeclineKind.DUPLICATE else PATIENCE
    return past.ended_at - alike[0].ended_at >= patience


def _due(past: EarlierAttempt, pasts: Sequence[EarlierAttempt]) -> datetime:
    if past.kind is DeclineKind.DUPLICATE:
        return past.ended_at + DUPLICATE_DELAY
    tried = sum(each.route_id == past.route_id for each in pasts)
    doubled: int = 2 ** min(tried - 1, 10)
    return past.ended_at + min(FIRST_DELAY * doubled, LONGEST_DELAY)


def _drawn(ways: Sequence[Candidate], ticket: str) -> Candidate:
    """Returns one of the ways of the lowest preference, each as often as its weight says."""
    first = min(each.preference for each in ways)
    drawn = sorted((each for each in ways if each.preference == first), key=lambda each: each.route_id)
    lot = int.from_bytes(hashlib.sha256(ticket.encode()).digest()[:8]) % sum(each.weight for each in drawn)
    for each in drawn:
        lot -= each.weight
        if lot < 0:
            return each
    raise AssertionError("the lot is below the sum of the weights")
