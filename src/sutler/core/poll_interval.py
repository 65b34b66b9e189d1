"""When an upstream order is asked about: soon where something is due to happen, seldom where nothing is.

All in seconds. Everybody's orders are asked about in full batches, so what counts is how often, not when to the second.
"""

from sutler.core.clock import Random

SHORTEST, LONGEST = 30.0, 3600.0
# For a service of which no order has ended yet.
UNKNOWN_USUAL = 1200
# What staff must look at changes when staff have acted upstream; asking often does not help.
SELDOM = LONGEST
_HOUR, _DAY = 3600.0, 86400.0
# After its end an order is looked at when it has been over for so long.
LOOKS_AFTER_END = (_HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY)
# The part of what has passed, and of what is still to come, after which it is worth looking again.
_OF_USUAL, _OF_AGE, _OF_LEFT = 1 / 20, 1 / 10, 1 / 2
_JITTER = 0.1


def first_ask_seconds(usual_seconds: int | None) -> float:
    """Returns how long after sending an order is asked about first: a twentieth of what its service usually takes."""
    return _bounded((usual_seconds or UNKNOWN_USUAL) * _OF_USUAL)


def next_ask_seconds(
    age_seconds: float,
    usual_seconds: int | None,
    done_share: float,
    gained_share: float,
    since_last_seconds: float,
    chance: Random,
) -> float:
    """Returns how long to wait before an unfinished order is asked about again, from 30 seconds to an hour.

    Grows with the order's age: a tenth of it, at least a twentieth of what its service usually takes. Shrinks to half
    of what is left by its own pace: of the whole, `done_share` is delivered, `gained_share` of it within the
    `since_last_seconds` since the last answer; where nothing was gained lately, the pace since the beginning counts.
    """
    wait = max(age_seconds * _OF_AGE, (usual_seconds or UNKNOWN_USUAL) * _OF_USUAL)
    share, seconds = (gained_share, since_last_seconds) if gained_share > 0 else (done_share, age_seconds)
    if share > 0 and seconds > 0:
        wait = min(wait, max(0.0, 1 - done_share) / share * seconds * _OF_LEFT)
    return _bounded(wait * (1 - _JITTER + 2 * _JITTER * chance.random()))


def retry_seconds(silent_seconds: float) -> float:
    """Returns how long to wait after a call that failed: as long as the order has gone without an answer, bounded."""
    return _bounded(silent_seconds)


def missing_seconds(misses: int) -> float:
    """Returns how long to wait after an order was not found so often in a row: 30 seconds, then twice as long each."""
    return _bounded(SHORTEST * 2 ** min(max(misses, 1) - 1, 10))


def after_end_seconds(ended_seconds: float) -> float | None:
    """Returns how long to wait before an order that ended so long ago is looked at again; None: never again."""
    return next((each - ended_seconds for each in LOOKS_AFTER_END if each > ended_seconds), None)


def usual_seconds(usual: int | None, took_seconds: float) -> int:
    """Returns what a service usually takes once another order of it has taken so long: an eighth of it is new."""
    took = max(1, round(took_seconds))
    return took if usual is None else max(1, usual + (took - usual) // 8)


def _bounded(seconds: float) -> float:
    return min(max(seconds, SHORTEST), LONGEST)
