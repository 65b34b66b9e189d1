"""The tables of moves, held against the protocol in its own words. `test_move` tries every pair on the database."""

import pytest

from sutler.core.lifecycle import (
    FINAL,
    MOVES,
    REFILL_FINAL,
    REFILL_MOVES,
    RefillStatus,
    Status,
)

# From the first word to each of the others (the protocol, section 4).
ALLOWED = """
    Pending: Processing, In progress, Completed, Partial, Canceled
    Processing: Pending, In progress, Completed, Partial, Canceled
    In progress: Completed, Partial, Canceled
    Completed:
    Partial:
    Canceled:
"""
REFILL_ALLOWED = """
    Pending: In progress, Completed, Rejected
    In progress: Completed, Rejected
    Completed:
    Rejected:
"""


def pairs(table: str) -> set[tuple[str, str]]:
    return {
        (before.strip(), after.strip())
        for before, _, allowed in (line.partition(":") for line in table.strip().splitlines())
        for after in allowed.split(",")
        if after.strip()
    }


@pytest.mark.parametrize("after", Status)
@pytest.mark.parametrize("before", Status)
def test_an_order_moves_as_the_protocol_says(before: Status, after: Status) -> None:
    assert (after in MOVES[before]) == ((str(before), str(after)) in pairs(ALLOWED))


@pytest.mark.parametrize("after", RefillStatus)
@pytest.mark.parametrize("before", RefillStatus)
def test_a_refill_moves_as_the_protocol_says(before: RefillStatus, after: RefillStatus) -> None:
    assert (after in REFILL_MOVES[before]) == ((str(before), str(after)) in pairs(REFILL_ALLOWED))


def test_the_words_are_those_that_clients_compare_byte_for_byte() -> None:
    assert list(Status) == ["Pending", "Processing", "In progress", "Completed", "Partial", "Canceled"]
    assert list(RefillStatus) == ["Pending", "In progress", "Completed", "Rejected"]


def test_final_is_where_no_move_leads_on() -> None:
    assert {status for status, targets in MOVES.items() if not targets} == FINAL
    assert {status for status, targets in REFILL_MOVES.items() if not targets} == REFILL_FINAL
