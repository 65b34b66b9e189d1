"""Every way in which the panel says no to a caller, in order of precedence.

A refusal is a value, never an exception. Where several apply, the one that stands first in `Reason` is given.
The words for programs are in `api.wording`; pages have their own beside their forms.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Reason(Enum):
    """Why nothing was done. Declaration order is precedence."""

    TOO_MANY_REQUESTS = auto()
    INVALID_KEY = auto()
    ADDRESS_NOT_ALLOWED = auto()
    INCORRECT_REQUEST = auto()
    SCOPE_MISSING = auto()
    ACCOUNT_SUSPENDED = auto()
    REQUEST_ID_REUSED = auto()
    INCORRECT_SERVICE = auto()
    CURRENCY_PAUSED = auto()
    INCORRECT_FIELD = auto()
    QUANTITY_BELOW_MINIMUM = auto()
    QUANTITY_ABOVE_MAXIMUM = auto()
    LINK_IN_USE = auto()
    SPEND_CAP_REACHED = auto()
    NOT_ENOUGH_FUNDS = auto()
    INCORRECT_ORDER = auto()
    ORDER_NOT_FOUND = auto()
    REFILL_NOT_FOUND = auto()
    REFILL_NOT_AVAILABLE = auto()
    CANCEL_NOT_AVAILABLE = auto()
    MOVE_NOT_ALLOWED = auto()
    NOT_FOUND = auto()
    OTHER_PERSON_NEEDED = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal and what its wording needs.

    `field` names the field for INCORRECT_FIELD; `bound` is the limit for the two quantity reasons.
    """

    reason: Reason
    field: str = ""
    bound: int = 0
