"""Alarms written in English become kinds and data where that is certain, and stay as they were written elsewhere."""

from importlib import import_module
from typing import Any

import pytest

from sutler.core.events import CauseKind
from sutler.core.subjects import SubjectType
from sutler.fulfilment.migrations import _alarm_texts
from sutler.fulfilment.migrations._alarm_texts import alarm_of

subject_of = import_module("sutler.fulfilment.migrations.0008_alarm_subjects").subject_of
REFUSED = {"kind": "declined", "decline_kind": "FUNDS", "raw": "Not enough: add"}
DIFFERS = {"kind": "charge differs", "charge_micros": 500_000, "expected_micros": 250_010}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("3 unknown outcomes are open", {"kind": "outcomes open", "count": 3}),
        ("Nothing is sent: FUNDS: Not enough: add", {"kind": "nothing sent", "cause": REFUSED}),
        (
            "The catalogue was not taken over: 6 of 10 services are gone at once",
            {"kind": "catalogue rejected", "cause": {"kind": "catalogue shrunk", "gone": 6, "there": 10}},
        ),
        (
            "It says -9.75 USD, 0.25 less than our books (-9.50): something was taken that no order explains",
            {
                "kind": "balance less",
                "balance_micros": -9_750_000,
                "currency": "USD",
                "gap_micros": 250_000,
                "held_micros": -9_500_000,
            },
        ),
        (
            "Paused, for no route is left: 2 services, 5, 7",
            {"kind": "services paused", "count": 2, "services": "5, 7"},
        ),
        (
            "Its status there is unknown to us: Odd: one",
            {"kind": "status unknown", "word": "Odd: one"},
        ),
        ("No backup has succeeded for 27 hours", {"kind": "backup missed", "count": 27}),
        ("Orders wait at the desk: nobody", {"kind": "text", "text": "Orders wait at the desk: nobody"}),
    ],
)
def test_the_text_of_an_alarm_becomes_a_cause(text: str, cause: dict[str, Any]) -> None:
    assert alarm_of(text) == cause


def test_what_is_odd_about_an_order_keeps_its_ids() -> None:
    cause = alarm_of("order 5, 17 at North: It costs 0.50 there, expected was 0.25001")
    assert cause == {"kind": "order odd", "order": 5, "id": "17", "provider": "North", "cause": DIFFERS}


def test_no_text_is_no_cause() -> None:
    assert alarm_of("") is None


def test_the_migration_knows_no_kind_that_there_is_not() -> None:
    assert {kind for _, _, kind in _alarm_texts._PATTERNS} <= set(CauseKind)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("order 17", (SubjectType.ORDER, "17")),
        ("refill 3", (SubjectType.REFILL, "3")),
        ("service 5", (SubjectType.SERVICE, "5")),
        ("id A-17", (SubjectType.PROVIDER_ORDER, "A-17")),
        ("EUR jumped", (SubjectType.RATE_JUMP, "EUR")),
        ("EUR out of date", (SubjectType.RATE_AGE, "EUR")),
        ("EUR not quoted", (SubjectType.RATE_QUOTE, "EUR")),
        ("", (SubjectType.WHOLE, "")),
        ("address", (SubjectType.ADDRESS, "")),
        ("balance", (SubjectType.BALANCE, "")),
        ("currency", (SubjectType.BALANCE_CURRENCY, "")),
        ("not good", (SubjectType.SERVICE_LIST, "")),
        ("unreadable", (SubjectType.UNREADABLE_ROWS, "")),
        ("prices", (SubjectType.PRICES, "")),
        ("held prices", (SubjectType.HELD_PRICES, "")),
        ("promises", (SubjectType.PROMISES, "")),
        ("paused", (SubjectType.PAUSED_SERVICES, "")),
        ("source", (SubjectType.RATE_SOURCE, "")),
        ("restored", (SubjectType.FORGOTTEN_ORDERS, "")),
        ("order 17a", (SubjectType.TEXT, "order 17a")),
        ("orders", (SubjectType.TEXT, "orders")),
    ],
)
def test_the_subject_of_an_alarm_becomes_a_type_and_an_id(text: str, subject: tuple[str, str]) -> None:
    assert subject_of(text) == subject
