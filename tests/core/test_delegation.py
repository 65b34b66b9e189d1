"""What may be handed on whole, and what the protocol tells of a post in its roundabout way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.delegation import Taker, delivers, post_quantity, read_word, runs_made, takes_whole
from sutler.core.lifecycle import Status
from sutler.core.money import parse_amount, show_charge
from sutler.core.pricing import charge, give_back
from sutler.core.upstream_words import UnknownStatus

BOTH = {"drip_feed_there": True, "subscriptions_there": True}


@pytest.mark.parametrize(
    ("ours", "taker", "takes"),
    [
        ("Default", Taker("Default", dripfeed=True, **BOTH), True),
        ("Default", Taker("Default", dripfeed=False, **BOTH), False),
        ("Default", Taker("Default", dripfeed=True, drip_feed_there=False, subscriptions_there=True), False),
        ("Web Traffic", Taker("Web Traffic", dripfeed=True, **BOTH), True),
        ("Web Traffic", Taker("Default", dripfeed=True, **BOTH), False),
        ("Subscriptions", Taker("Subscriptions", dripfeed=False, **BOTH), True),
        ("Subscriptions", Taker("Default", dripfeed=True, **BOTH), False),
        (
            "Subscriptions",
            Taker("Subscriptions", dripfeed=True, drip_feed_there=True, subscriptions_there=False),
            False,
        ),
        ("Default", Taker(None, dripfeed=True, **BOTH), False),
    ],
)
def test_what_is_handed_on_whole(ours: str, taker: Taker, takes: bool) -> None:
    assert takes_whole(ours, taker) is takes


@pytest.mark.parametrize(
    ("ours", "upstream", "there", "does"),
    [
        ("Default", "Default", False, True),
        ("Default", "Package", True, False),
        ("Subscriptions", "Default", False, True),
        ("Subscriptions", "Default", True, True),
        ("Subscriptions", "Subscriptions", True, True),
        ("Subscriptions", "Subscriptions", False, False),
        ("Default", "Subscriptions", True, False),
        ("Default", None, True, False),
    ],
)
def test_what_delivers_what(ours: str, upstream: str | None, there: bool, does: bool) -> None:
    assert delivers(ours, upstream, subscriptions_there=there) is does


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("Expired", Status.COMPLETED),
        (" paused", Status.IN_PROGRESS),
        ("Inactive", Status.IN_PROGRESS),
        ("Telepathy", UnknownStatus.UNKNOWN),
    ],
)
def test_words_of_subscriptions(raw: str, status: Status | UnknownStatus) -> None:
    assert read_word(UnknownStatus.UNKNOWN, raw) is status
    assert read_word(Status.CANCELED, raw) is Status.CANCELED


@given(
    rate=st.integers(25_000, 10**8),
    least=st.integers(1, 10_000),
    more=st.integers(1, 10_000),
    drawn=st.floats(0, 1),
    left=st.floats(0, 1),
    status=st.sampled_from(list(Status)),
)
def test_the_quantity_of_a_post_is_found_from_what_a_panel_shows(
    rate: int, least: int, more: int, drawn: float, left: float, status: Status
) -> None:
    """To the piece, from amounts rounded to five decimals either way, where a piece costs 25 micros or more."""
    quantity = least + int(more * drawn)
    remains = {Status.COMPLETED: 0, Status.IN_PROGRESS: int(quantity * left)}.get(status, quantity)
    remains = min(int(quantity * left), quantity - 1) if status is Status.PARTIAL else remains
    whole = charge(rate, quantity)
    gone = {Status.CANCELED: whole, Status.PARTIAL: give_back(whole, rate, quantity, remains)}.get(status, 0)
    shown = parse_amount(show_charge(whole - gone))
    assert post_quantity(status, shown, remains, rate, least, least + more) == quantity


@pytest.mark.parametrize(
    ("status", "charge_micros", "remains", "found"),
    [
        (Status.IN_PROGRESS, None, None, None),
        (Status.IN_PROGRESS, 0, 70, None),
        (Status.COMPLETED, 10**9, 0, 100),  # beyond what was asked for
        (Status.PENDING, None, 7, 50),
        (Status.CANCELED, 0, 0, 50),
        (UnknownStatus.UNKNOWN, 40_000, None, 80),
    ],
)
def test_what_is_not_told_is_waited_for_and_what_cannot_be_is_clamped(
    status: Status | UnknownStatus, charge_micros: int | None, remains: int | None, found: int | None
) -> None:
    assert post_quantity(status, charge_micros, remains, 500_000, 50, 100) == found
    assert post_quantity(status, charge_micros, remains, 500_000, 60, 60) == 60


@given(delivered=st.integers(-5, 10_000), quantity=st.integers(1, 500))
def test_unnamed_runs_add_up_to_what_was_delivered(delivered: int, quantity: int) -> None:
    left = runs_made(delivered, quantity)
    assert sum(quantity - each for each in left) == max(delivered, 0)
    assert all(each == 0 for each in left[:-1])
