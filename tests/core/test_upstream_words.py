"""The words and numbers of upstream panels, in both dialects and in every shape that panels are known to send."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import LARGEST_MICROS
from sutler.core.order_types import ORDER_TYPES
from sutler.core.upstream_words import (
    LARGEST_WHOLE,
    UnknownStatus,
    proves_dots_group,
    read_balance_micros,
    read_cost_micros,
    read_count,
    read_decimal,
    read_flag,
    read_id,
    read_limits,
    read_refill_status,
    read_status,
    read_text,
    read_type,
)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Pending", Status.PENDING),
        ("processing", Status.PROCESSING),
        ("In progress", Status.IN_PROGRESS),
        ("in_progress", Status.IN_PROGRESS),
        ("In-Progress", Status.IN_PROGRESS),
        ("INPROGRESS", Status.IN_PROGRESS),
        ("Active", Status.IN_PROGRESS),
        ("Completed", Status.COMPLETED),
        (" complete ", Status.COMPLETED),
        ("Partial", Status.PARTIAL),
        ("Canceled", Status.CANCELED),
        ("CANCELLED", Status.CANCELED),
        ("refunded", Status.CANCELED),
        ("Fail", UnknownStatus.STAFF),
        ("failed", UnknownStatus.STAFF),
        ("Error", UnknownStatus.STAFF),
        ("Awaiting", UnknownStatus.UNKNOWN),
        ("", UnknownStatus.UNKNOWN),
        (3, UnknownStatus.UNKNOWN),
        (None, UnknownStatus.UNKNOWN),
        (True, UnknownStatus.UNKNOWN),
        ([], UnknownStatus.UNKNOWN),
        ({}, UnknownStatus.UNKNOWN),
        ("Completed!", UnknownStatus.UNKNOWN),
    ],
)
def test_the_status_of_an_order(word: object, status: Status | UnknownStatus) -> None:
    assert read_status(word) is status


@pytest.mark.parametrize("status", [*Status, *RefillStatus], ids=repr)
def test_our_own_words_are_understood(status: Status | RefillStatus) -> None:
    read = read_status if isinstance(status, Status) else read_refill_status
    assert read(str(status)) is status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("in_progress", RefillStatus.IN_PROGRESS),
        ("Canceled", RefillStatus.REJECTED),
        ("Error", UnknownStatus.UNKNOWN),
        ("Awaiting", UnknownStatus.UNKNOWN),
        (None, UnknownStatus.UNKNOWN),
        (1, UnknownStatus.UNKNOWN),
    ],
)
def test_the_status_of_a_refill(word: object, status: RefillStatus | UnknownStatus) -> None:
    assert read_refill_status(word) is status


@pytest.mark.parametrize("name", ORDER_TYPES)
@pytest.mark.parametrize("write", [str, str.lower, str.upper, lambda name: name.lower().replace(" ", "_")])
def test_each_type_is_known_however_it_is_written(name: str, write: Any) -> None:
    assert read_type(write(name)) == name


@pytest.mark.parametrize("value", ["", "Custom", "default package", None, 1, ["Default"], "Default\x00"])
def test_an_unknown_type_is_none(value: object) -> None:
    assert read_type(value) is None


@pytest.mark.parametrize("value", [True, 1, "1", "true", "True", " yes ", "YES"])
def test_a_flag_that_is_set(value: object) -> None:
    assert read_flag(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "no", "", None, 2, "2", "on", [], [1], {}, {"a": 1}])
def test_a_flag_that_is_not_set(value: object) -> None:
    assert read_flag(value) is False


@pytest.mark.parametrize(
    ("value", "upstream_id"),
    [
        (23501, "23501"),
        ("23501", "23501"),
        (" 23501 ", "23501"),
        (Decimal("23501.0"), "23501"),
        (7.0, "7"),
        ("64f1c0ffee", "64f1c0ffee"),
        ("a-b_c.d:e", "a-b_c.d:e"),
        ("007", "007"),
        ("9" * 64, "9" * 64),
        (0, None),
        ("0", None),
        ("000", None),
        ("", None),
        (" ", None),
        (None, None),
        (False, None),
        (True, None),
        (-1, None),
        ("-1", None),
        (1.5, None),
        (float("nan"), None),
        (10**30, str(10**30)),
        ("9" * 65, None),
        (10**63, str(10**63)),
        (10**64, None),
        (Decimal("1.000"), None),
        ("null", None),
        ("None", None),
        ("undefined", None),
        ("error", None),
        ("Success", None),
        ("Pending", None),
        ("a,b", None),
        ("a b", None),
        ("<b>1</b>", None),
        ("１２", None),
        ("1\x00", None),
        ([1], None),
        ({}, None),
    ],
)
def test_an_order_id(value: object, upstream_id: str | None) -> None:
    assert read_id(value) == upstream_id


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, "1"),
        (1.5, "1.5"),
        ("1.23", "1.23"),
        ("1,234.5", "1234.5"),
        ("1,234,567", "1234567"),
        (" 7 ", "7"),
        ("-2", "-2"),
        (0.1, "0.1"),
        (1e-7, "1E-7"),
        ("1.0E-5", "0.00001"),
        (Decimal("0.27819"), "0.27819"),
        (".5", "0.5"),
        ("0", "0"),
        ("0.00", "0"),
        ("9" * 30, "9" * 30),
    ],
)
def test_a_number_is_exact(value: object, number: str) -> None:
    assert read_decimal(value) == Decimal(number)


NO_NUMBERS: list[object] = [
    None,
    True,
    False,
    "",
    " ",
    ".",
    "-",
    "+1",
    "1.",
    "0,90",
    "1,23",
    "12,34.5",
    "1.234,5",
    "1_000",
    "1 000",
    "$1",
    "NaN",
    "nan",
    "inf",
    "-Infinity",
    float("nan"),
    float("inf"),
    Decimal("NaN"),
    Decimal("-Infinity"),
    "1e",
    "0x10",
    "1e999",
    "9" * 31,
    "9" * 500,
    10**30,
    Decimal("1e999"),
    "١٢٣",
    "１２",
    "½",
    "1\x00",
    [],
    [1],
    {},
    b"1",
]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=ascii)
def test_what_is_no_number(value: object) -> None:
    assert read_decimal(value) is None
    assert read_count(value) is None or value == "1 000"
    assert read_cost_micros(value) is None
    assert read_balance_micros(value) is None


@pytest.mark.parametrize(
    ("value", "cost", "balance"),
    [
        ("0.27819", 278_190, 278_190),
        ("1,234.5", 1_234_500_000, 1_234_500_000),
        (0, 0, 0),
        # A cost is never read too low, a balance never too high.
        ("0.0000001", 1, 0),
        ("-0.0000001", None, -1),
        ("-2.5", None, -2_500_000),
        (LARGEST_MICROS // 10**6, LARGEST_MICROS, LARGEST_MICROS),
        ("9" * 30, None, None),
        ("1e99", None, None),
    ],
)
def test_an_amount_of_money(value: object, cost: int | None, balance: int | None) -> None:
    assert read_cost_micros(value) == cost
    assert read_balance_micros(value) == balance


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("157", 157),
        (157.0, 157),
        ("157.00", 157),
        ("-2", -2),
        ("1e3", 1000),
        ("010", 10),
        (Decimal("10.00"), 10),
        ("157.5", None),
        (0.5, None),
        (LARGEST_WHOLE, LARGEST_WHOLE),
        (LARGEST_WHOLE + 1, None),
        ("1e99", None),
        ("1,000", 1000),
        ("1,000,000", 1_000_000),
        ("1,000.00", 1000),
        ("2 147 483 647", 2_147_483_647),
        ("1\u00a0000", 1000),
        ("1\u202f000,00", 1000),
        ("1'000", 1000),
        ("10,00", None),
        ("1 00", None),
        # Dots between groups: one alone may mean either; more than one, or other digits than zeros, may not.
        ("1.000", None),
        ("50.000", None),
        ("-1.000", None),
        (" 1.000 ", None),
        (Decimal("1.000"), None),
        (Decimal("1.500"), None),
        ("5.000.000", 5_000_000),
        ("1.500", 1500),
        ("-1.500", -1500),
        ("1.000,00", 1000),
        ("1.000.000,0", 1_000_000),
        ("10.00", 10),
        ("10.0", 10),
        ("1000.000", 1000),
        ("1.0000", 1),
        ("0.000", 0),
        ("0.500", None),
        ("1.50", None),
        ("1.000.00", None),
        ("1,000,00", None),
    ],
)
def test_a_count(value: object, count: int | None) -> None:
    assert read_count(value) == count


def test_a_dot_groups_where_the_rest_of_the_answer_proves_it() -> None:
    assert not proves_dots_group("1.000", "10.00", "50.000", 1.5, Decimal("1.500"), "1,000.500", None)
    for proof in ("5.000.000", "1.234", "1.000,00"):
        assert proves_dots_group("1.000", proof)
    assert read_count("1.000", dots_group=True) == read_count(Decimal("1.000"), dots_group=True) == 1000
    assert read_count("10.00", dots_group=True) == 10
    assert read_count("1,000", dots_group=True) is None


@pytest.mark.parametrize(
    ("low", "high", "limits"),
    [
        ("100", "50.000", (100, 50_000)),
        ("1.000", "5.000.000", (1000, 5_000_000)),
        ("1.500", "50.000", (1500, 50_000)),
        ("1.000", "50.000", None),
        ("10", "50.000", None),
        ("1.000", "50000", None),
        ("1.000", "50", None),
        ("10.00", "1000.00", (10, 1000)),
        ("1,000", "1,000,000", (1000, 1_000_000)),
        (0, 5, (0, 5)),
        (-1, 5, None),
        (10, 5, None),
        (None, 5, None),
        ("x", "50.000", None),
        ("100", "0.000", None),
    ],
)
def test_limits_prove_each_others_dots(low: object, high: object, limits: tuple[int, int] | None) -> None:
    assert read_limits(low, high) == limits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  a \n b\t", "a b"),
        ("a\x00b", "a b"),
        ("a\ud800b\u202ec", "a b c"),
        ("x" * 99, "x" * 10),
        (15, "15"),
        (None, ""),
        (True, ""),
        ([], ""),
        ({}, ""),
        (float("nan"), ""),
        (Decimal("0.90"), "0.90"),
    ],
)
def test_a_text_is_one_bounded_printable_line(value: object, text: str) -> None:
    assert read_text(value, 10) == text


def test_a_number_too_long_to_be_written_out_is_none() -> None:
    huge = 10**5000
    assert read_decimal(huge) is None
    assert read_id(huge) is None
    assert read_text(huge, 10) == ""


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.decimals())


@given(SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(), SCALARS, max_size=2))
def test_any_value_at_all_is_read_without_a_fault(value: object) -> None:
    upstream_id = read_id(value)
    assert upstream_id is None or (upstream_id.strip("0") and "," not in upstream_id)
    cost = read_cost_micros(value)
    assert cost is None or 0 <= cost <= LARGEST_MICROS
    read_status(value), read_refill_status(value), read_type(value), read_flag(value), read_balance_micros(value)
    assert len(read_text(value, 20)) <= 20


@given(st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=6))
def test_six_decimals_come_through_to_the_last_one(amount: Decimal) -> None:
    assert read_balance_micros(f"{amount:,.6f}") == read_balance_micros(amount) == amount * 10**6
