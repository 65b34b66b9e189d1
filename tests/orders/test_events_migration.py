"""Notes written in English become kinds and data where that is certain, and people's words where it is not."""

from typing import Any

import pytest

from sutler.core import event_texts
from sutler.core.events import CauseKind, EventKind
from sutler.orders.migrations._notes import cause_of, event_of

FUNDS = {"kind": "declined", "decline_kind": "FUNDS", "raw": "Not enough: add"}


@pytest.mark.parametrize(
    ("actor", "note", "kind", "data"),
    [
        ("worker", "Sent to North, attempt 17", "sent", {"provider": "North", "attempt": 17}),
        ("worker", "Placed at North: 2 as 17", "placed", {"provider": "North: 2", "id": "17"}),
        (
            "staff 1",
            "Placed at North as 17, placed, as staff found",
            "placed",
            {"provider": "North", "id": "17", "cause": {"kind": "staff: placed"}},
        ),
        (
            "worker",
            "Not placed at North (declined): FUNDS: Not enough: add",
            "not placed",
            {"provider": "North", "state": "declined", "cause": FUNDS},
        ),
        ("worker", "Cancel at North: accepted", "cancel forwarded", {"provider": "North", "state": "accepted"}),
        (
            "worker",
            "Cancel at North: declined: FUNDS: Not enough: add",
            "cancel forwarded",
            {"provider": "North", "state": "declined", "cause": FUNDS},
        ),
        (
            "worker",
            "Unknown whether North has placed it: the line broke",
            "unconfirmed",
            {"provider": "North", "cause": {"kind": "text", "text": "the line broke"}},
        ),
        (
            "worker",
            "North: It costs 0.50 there, expected was 0.25001",
            "odd status",
            {
                "provider": "North",
                "cause": {"kind": "charge differs", "charge_micros": 500_000, "expected_micros": 250_010},
            },
        ),
        (
            "executor",
            "Refill 3: Pending -> In progress",
            "refill moved",
            {"refill": 3, "before": "Pending", "after": "In progress"},
        ),
        ("staff 1", "Not approved: too cheap", "not approved", {"reason": "too cheap"}),
        ("customer 4", "Stopped after 4 of 5 runs", "runs stopped", {"placed": 4, "runs": 5}),
        # What staff wrote only begins alike.
        ("staff 1", "Cancel at noon: please", "remark", {"text": "Cancel at noon: please"}),
        ("staff 1", "Cancel at North: declined", "remark", {"text": "Cancel at North: declined"}),
        ("operator", "Sent to North, attempt 17", "remark", {"text": "Sent to North, attempt 17"}),
        ("worker", "Something else", "remark", {"text": "Something else"}),
    ],
)
def test_a_note_becomes_a_kind_and_data(actor: str, note: str, kind: str, data: dict[str, Any]) -> None:
    assert event_of(actor, note) == (kind, data)
    assert event_texts.event_text(kind, data) == note


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", None),
        ("FUNDS: Not enough: add", FUNDS),
        ("the id 5 belongs to another order", {"kind": "another's id", "id": "5"}),
        ("it refused in unknown words: NO: 5", {"kind": "unknown words", "raw": "NO: 5"}),
        ("UNHEARD: of", {"kind": "text", "text": "UNHEARD: of"}),
    ],
)
def test_a_text_becomes_a_cause(text: str, cause: dict[str, Any] | None) -> None:
    assert cause_of(text) == cause
    assert event_texts.cause_text(cause) == text


def test_the_migration_knows_no_kind_that_there_is_not() -> None:
    from sutler.orders.migrations import _notes

    events = {kind for _, kind in (*_notes._BY_WORKER, *_notes._BY_ANYBODY)}
    causes = {kind for _, kind in (*_notes._CAUSES, *_notes._ODD)}
    assert events <= set(EventKind)
    assert causes <= set(CauseKind)
