"""The states of an order and of a refill, and every move between them.

The six words are compared byte for byte by clients (protocol page, section 4). Whatever else happens inside
(held, unknown, failing over) is kept elsewhere and shows as PENDING or PROCESSING.
"""

from enum import StrEnum


class Status(StrEnum):
    """What a customer sees of an order; the value is the wire's word."""

    PENDING = "Pending"
    PROCESSING = "Processing"
    IN_PROGRESS = "In progress"
    COMPLETED = "Completed"
    PARTIAL = "Partial"
    CANCELED = "Canceled"


class RefillStatus(StrEnum):
    """What a customer sees of a refill; the value is the wire's word."""

    PENDING = "Pending"
    IN_PROGRESS = "In progress"
    COMPLETED = "Completed"
    REJECTED = "Rejected"


class CancelStatus(StrEnum):
    """What became of a customer's request to cancel. Staff and executors see it, customers see the order."""

    OPEN = "Open"
    TAKEN = "Taken"
    DONE = "Done"
    REJECTED = "Rejected"


FINAL = frozenset({Status.COMPLETED, Status.PARTIAL, Status.CANCELED})

# PROCESSING -> PENDING is work handed back before it began; nothing ever leaves a final state.
MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.IN_PROGRESS, *FINAL}),
    Status.PROCESSING: frozenset({Status.PENDING, Status.IN_PROGRESS, *FINAL}),
    Status.IN_PROGRESS: FINAL,
    Status.COMPLETED: frozenset(),
    Status.PARTIAL: frozenset(),
    Status.CANCELED: frozenset(),
}

REFILL_FINAL = frozenset({RefillStatus.COMPLETED, RefillStatus.REJECTED})

REFILL_MOVES: dict[RefillStatus, frozenset[RefillStatus]] = {
    RefillStatus.PENDING: frozenset({RefillStatus.IN_PROGRESS, *REFILL_FINAL}),
    RefillStatus.IN_PROGRESS: REFILL_FINAL,
    RefillStatus.COMPLETED: frozenset(),
    RefillStatus.REJECTED: frozenset(),
}
