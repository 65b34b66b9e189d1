"""The states of an attempt to place something upstream, and every move between them (reliability page).

SENDING is a one-way door: it is stored durably before the first byte leaves, and after a crash it is UNKNOWN, never
PLANNED again. While an attempt is UNKNOWN or with STAFF nothing is sent again, failed over or refunded.
"""

from enum import StrEnum


class AttemptState(StrEnum):
    """Where an attempt stands."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    # No byte left; a refusal that proves that nothing was placed; settled as never placed.
    NOT_SENT = "not sent"
    DECLINED = "declined"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    STAFF = "staff"


_S = AttemptState

# Something may be, or is, alive upstream: no second attempt beside one of these.
LIVE = (_S.PLANNED, _S.SENDING, _S.ACCEPTED, _S.UNKNOWN, _S.STAFF)
# Not settled either way.
OPEN = (_S.PLANNED, _S.SENDING, _S.UNKNOWN, _S.STAFF)
UNSETTLED = (_S.UNKNOWN, _S.STAFF)
# Proof that nothing is there: the next attempt may be planned.
NOTHING_PLACED = (_S.NOT_SENT, _S.DECLINED, _S.ABSENT)

# ACCEPTED -> UNKNOWN is an id that turned out not to be this order's: the answer to `add` named another's.
ATTEMPT_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    _S.PLANNED: frozenset({_S.SENDING, _S.NOT_SENT}),
    _S.SENDING: frozenset({_S.ACCEPTED, _S.NOT_SENT, _S.DECLINED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.DECLINED, _S.ABSENT, _S.STAFF}),
    _S.STAFF: frozenset({_S.ACCEPTED, _S.ABSENT}),
    _S.ACCEPTED: frozenset({_S.UNKNOWN}),
    _S.NOT_SENT: frozenset(),
    _S.DECLINED: frozenset(),
    _S.ABSENT: frozenset(),
}
