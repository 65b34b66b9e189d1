"""Amounts as text: what is read, what is refused, how each kind of amount is shown."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.money import (
    LARGEST_MICROS,
    UNIT_MICROS,
    is_currency,
    parse_amount,
    show_balance,
    show_charge,
    show_rate,
)

amounts = st.integers(0, LARGEST_MICROS)


@given(amounts)
def test_what_a_rate_shows_reads_back_as_the_same_amount(micros: int) -> None:
    assert parse_amount(show_rate(micros)) == micros


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{1,11}(\.[0-9]{0,7})?", fullmatch=True))
def test_a_text_is_read_exactly_or_not_at_all(text: str) -> None:
    micros = parse_amount(text)
    assert micros is None or Decimal(micros) / UNIT_MICROS == Decimal(text)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0", 0),
        ("0.0", 0),
        ("12", 12_000_000),
        ("12.3", 12_300_000),
        ("0.000001", 1),
        ("9000000000", LARGEST_MICROS),
        ("9000000000.000000", LARGEST_MICROS),
    ],
)
def test_a_plain_decimal_is_read_as_micros(text: str, micros: int) -> None:
    assert parse_amount(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1 2",
        " 5 ",
        "5 ",
        "5\n",
        "\t5",
        "+5",
        "-1",
        "-0",
        "--1",
        "1e3",
        "1E3",
        "0x10",
        "1_000",
        "1,000",
        "1'000",
        "0,90",
        "$5",
        "5 USD",
        "NaN",
        "nan",
        "Infinity",
        "inf",
        "-inf",
        "null",
        "None",
        "true",
        "１２",
        "٣",
        "१",
        "²",
        "½",
        "1٫5",
        "1\u00a0000",
        "5\u200b",
        "5\x00",
        ".5",
        "5.",
        ".",
        "1.2.3",
        "00",
        "01",
        "1.2345678",
        "0.0000001",
        "9000000000.000001",
        "9999999999",
        "10000000000",
        "9" * 400,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert parse_amount(text) is None


@pytest.mark.parametrize(
    ("micros", "rate", "charge", "balance"),
    [
        (0, "0.00", "0.00", "0.00"),
        (1, "0.000001", "0.00001", "0.00"),
        (900_000, "0.90", "0.90", "0.90"),
        (278_190, "0.27819", "0.27819", "0.27819"),
        (278_191, "0.278191", "0.2782", "0.27819"),
        (100_842_920, "100.84292", "100.84292", "100.84292"),
        (1_234_500, "1.2345", "1.2345", "1.2345"),
        (12_000_000, "12.00", "12.00", "12.00"),
        (-1, "-0.000001", "0.00", "-0.00001"),
        (-1_500_000, "-1.50", "-1.50", "-1.50"),
    ],
)
def test_amounts_show_two_decimals_at_least_and_no_trailing_zeros(
    micros: int, rate: str, charge: str, balance: str
) -> None:
    assert (show_rate(micros), show_charge(micros), show_balance(micros)) == (rate, charge, balance)


@given(st.integers(-LARGEST_MICROS, LARGEST_MICROS))
def test_a_shown_charge_never_hides_a_part_and_a_shown_balance_never_promises_one(micros: int) -> None:
    exact = Decimal(micros) / UNIT_MICROS
    hundred_thousandth = Decimal("0.00001")
    assert 0 <= Decimal(show_charge(micros)) - exact < hundred_thousandth
    assert 0 <= exact - Decimal(show_balance(micros)) < hundred_thousandth


@given(amounts)
def test_shown_amounts_are_plain_decimals(micros: int) -> None:
    for shown in (show_rate(micros), show_charge(micros), show_balance(micros)):
        whole, fraction = shown.split(".")
        assert whole.isdigit()
        assert fraction.isdigit()
        assert len(fraction) == 2 or not fraction.endswith("0")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("USD", True),
        ("EUR", True),
        ("USDT", True),
        ("USDTX", True),
        ("usd", False),
        ("US", False),
        ("USDTXY", False),
        ("US1", False),
        ("", False),
        ("ＵＳＤ", False),
        ("USD ", False),
        ("USD\n", False),
    ],
)
def test_a_currency_is_three_to_five_capitals(text: str, is_one: bool) -> None:
    assert is_currency(text) is is_one
