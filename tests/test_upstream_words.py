"""The words and numbers of upstream panels, in both dialects and in every shape that panels are known to send."""

import html
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.decline_words.reading import plain_words
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import LARGEST_MICROS
from sutler.core.order_types import ORDER_TYPES
from sutler.core.upstream_words import (
    LARGEST_WHOLE,
    REFUSES_ADD,
    REFUSES_REQUEST,
    DeclineKind,
    Doubt,
    is_unsure,
    proves_dots_group,
    read_balance_micros,
    read_cost_micros,
    read_count,
    read_decimal,
    read_decline,
    read_flag,
    read_id,
    read_limits,
    read_refill_status,
    read_status,
    read_text,
    read_type,
)

DECLINES = {
    DeclineKind.AUTH: [
        *("Invalid API key", "API key is invalid", "Incorrect key", "Missing key", "Account suspended"),
        *("Your account is not active. Please contact support.", "error.invalid_key", "IP not allowed", "Unauthorized"),
        "API key does not allow this action",
    ],
    DeclineKind.FUNDS: [
        *("Not enough funds on balance", "neworder.error.not_enough_funds", "Insufficient balance"),
        *("NOT ENOUGH BALANCE", "not_enough_funds_on_balance", "Your balance is too low"),
        "Daily limit of this API key reached",
    ],
    DeclineKind.SERVICE: [
        *("Incorrect service ID", "error.incorrect_service_id", "neworder.error.incorrect_service_id"),
        *("Service ID does not exists", "Service doesn't exist", "Service not found or currently unavailable."),
        *("Service is disabled", "Invalid service", "No such service"),
    ],
    DeclineKind.LINK: ["Incorrect link", "neworder.error.link", "Invalid Link", "Link is not valid", "Bad URL"],
    DeclineKind.QUANTITY: [
        *("Quantity less than minimal 50", "Quantity more than maximum 10000", "Incorrect quantity"),
        *("neworder.error.min_quantity", "neworder.error.max_quantity", "neworder.error.quantity_min_quantity"),
        *("Quantity must to be greater than or equal to minimum amount", "Minimum order quantity is 100"),
    ],
    DeclineKind.FIELD: [
        *("Incorrect comments", "Incorrect answer_number", "Incorrect request", "Missing country"),
        "There are missing required parameters. Please check your API Manual",
    ],
    DeclineKind.DUPLICATE: [
        "You have active order with this link. Please wait until order being completed.",
        *("neworder.error.link_duplicate", "Duplicate link"),
    ],
    DeclineKind.RATE: ["Too many requests", "Too Many Requests, please try again later", "Rate limit exceeded"],
    DeclineKind.NOT_FOUND: [
        *("Incorrect order ID", "error.incorrect_order_id", "Refill not found", "Incorrect refill ID"),
        "Order not found",
    ],
    DeclineKind.NOT_AVAILABLE: [
        *("Refill is not available for this order", "Cancel is not available for this order"),
        *("This order can not be cancelled", "Refill disabled"),
    ],
    DeclineKind.OTHER: [
        *("", "Something went wrong", "Internal Server Error", "Service Unavailable", "Bad gateway", "503"),
        *("Service temporarily unavailable", "Ошибка", "neworder.error.saving", "true", "..."),
        # Certain words beside uncertain ones prove nothing.
        *("Order was placed, but the link is invalid", "Database error: insufficient funds", "Invalid key: timeout"),
        "SQLSTATE[40001]: deadlock: not enough funds",
    ],
}
SAID = [(kind, text) for kind, texts in DECLINES.items() for text in texts]


@pytest.mark.parametrize(("kind", "text"), SAID, ids=lambda each: each if isinstance(each, str) else each.name)
def test_an_error_is_known_in_both_dialects(kind: DeclineKind, text: str) -> None:
    assert read_decline(text) is kind
    assert read_decline(f"  {text.upper()}!  ") is kind


def told(file: str) -> list[tuple[str, str]]:
    """The rows of a case file: the wanted kind, or several of which one will do, and the text."""
    lines = Path(__file__).with_name("cases").joinpath(file).read_text().splitlines()
    return [(kind, text) for line in lines if not line.startswith("#") for kind, text in [line.split("\t")]]


@pytest.mark.parametrize(
    ("kinds", "text"),
    told("refusals_add.tsv") + told("refusals_requests.tsv") + told("refusals_families.tsv"),
    ids=lambda each: each,
)
def test_a_text_of_a_panel_tells_its_kind_or_stays_unknown(kinds: str, text: str) -> None:
    wanted = {"OTHER"} if kinds == "STAYS UNKNOWN" else {*kinds.split("/")}
    assert read_decline(text).name in wanted
    assert read_decline(f" {html.escape(text)}!").name in wanted


@pytest.mark.parametrize(
    "doubt",
    [
        "Request timed out.",
        "Database error:",
        "Your order has been placed.",
        "Zaman aşımı:",
        "Siparişiniz alındı.",
        "Ошибка базы данных:",
        "Заказ уже создан.",
        "Erro no banco de dados:",
        "Pedido realizado com sucesso.",
        "Tiempo de espera agotado:",
    ],
)
def test_no_words_refuse_beside_words_of_doubt(doubt: str) -> None:
    for _, text in told("refusals_families.tsv"):
        assert read_decline(f"{doubt} {text}") is DeclineKind.OTHER
        assert is_unsure(f"{text} {doubt}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("neworder.error.notEnoughFunds", "neworder error not enough funds"),
        ("BAKİYE  yetersız!", "bakiye yetersiz"),
        ("Ёлка, й", "елка и"),
        ("Conexão&#39;s é", "conexao s e"),
        ("__--", ""),
    ],
)
def test_words_are_plain(text: str, words: str) -> None:
    assert plain_words(text) == words


@pytest.mark.parametrize("order_type", ORDER_TYPES.values(), ids=lambda each: each.name)
def test_an_incorrect_field_of_any_type_refuses_an_order(order_type: Any) -> None:
    for field in order_type.fields:
        assert read_decline(f"Incorrect {field.name}") in REFUSES_ADD


def test_what_is_not_on_the_known_list_refuses_nothing() -> None:
    assert DeclineKind.OTHER not in REFUSES_ADD | REFUSES_REQUEST
    assert REFUSES_ADD.isdisjoint({DeclineKind.NOT_FOUND, DeclineKind.NOT_AVAILABLE})
    assert REFUSES_REQUEST >= REFUSES_ADD


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(("Pending", Status.PENDING), ("processing", Status.PROCESSING), ("In progress", Status.IN_PROGRESS)),
        *(("in_progress", Status.IN_PROGRESS), ("In-Progress", Status.IN_PROGRESS), ("INPROGRESS", Status.IN_PROGRESS)),
        *(("Active", Status.IN_PROGRESS), ("Completed", Status.COMPLETED), (" complete ", Status.COMPLETED)),
        *(("Partial", Status.PARTIAL), ("Canceled", Status.CANCELED), ("CANCELLED", Status.CANCELED)),
        *(("refunded", Status.CANCELED), ("Fail", Doubt.STAFF), ("failed", Doubt.STAFF), ("Error", Doubt.STAFF)),
        *(("Awaiting", Doubt.UNKNOWN), ("", Doubt.UNKNOWN), (3, Doubt.UNKNOWN), (None, Doubt.UNKNOWN)),
        *((True, Doubt.UNKNOWN), ([], Doubt.UNKNOWN), ({}, Doubt.UNKNOWN), ("Completed!", Doubt.UNKNOWN)),
    ],
)
def test_the_status_of_an_order(word: object, status: Status | Doubt) -> None:
    assert read_status(word) is status


@pytest.mark.parametrize("status", [*Status, *RefillStatus], ids=repr)
def test_our_own_words_are_understood(status: Status | RefillStatus) -> None:
    read = read_status if isinstance(status, Status) else read_refill_status
    assert read(str(status)) is status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(("in_progress", RefillStatus.IN_PROGRESS), ("Canceled", RefillStatus.REJECTED), ("Error", Doubt.UNKNOWN)),
        *(("Awaiting", Doubt.UNKNOWN), (None, Doubt.UNKNOWN), (1, Doubt.UNKNOWN)),
    ],
)
def test_the_status_of_a_refill(word: object, status: RefillStatus | Doubt) -> None:
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
        *((23501, "23501"), ("23501", "23501"), (" 23501 ", "23501"), (Decimal("23501.0"), "23501"), (7.0, "7")),
        *(("64f1c0ffee", "64f1c0ffee"), ("a-b_c.d:e", "a-b_c.d:e"), ("007", "007"), ("9" * 64, "9" * 64)),
        *((0, None), ("0", None), ("000", None), ("", None), (" ", None), (None, None), (False, None), (True, None)),
        *((-1, None), ("-1", None), (1.5, None), (float("nan"), None), (10**30, str(10**30)), ("9" * 65, None)),
        *((10**63, str(10**63)), (10**64, None), (Decimal("1.000"), None)),
        *(("null", None), ("None", None), ("undefined", None), ("error", None), ("Success", None), ("Pending", None)),
        *(("a,b", None), ("a b", None), ("<b>1</b>", None), ("１２", None), ("1\x00", None), ([1], None), ({}, None)),
    ],
)
def test_an_order_id(value: object, upstream_id: str | None) -> None:
    assert read_id(value) == upstream_id


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((1, "1"), (1.5, "1.5"), ("1.23", "1.23"), ("1,234.5", "1234.5"), ("1,234,567", "1234567"), (" 7 ", "7")),
        *(("-2", "-2"), (0.1, "0.1"), (1e-7, "1E-7"), ("1.0E-5", "0.00001"), (Decimal("0.27819"), "0.27819")),
        *((".5", "0.5"), ("0", "0"), ("0.00", "0"), ("9" * 30, "9" * 30)),
    ],
)
def test_a_number_is_exact(value: object, number: str) -> None:
    assert read_decimal(value) == Decimal(number)


NO_NUMBERS: list[object] = [
    *(None, True, False, "", " ", ".", "-", "+1", "1.", "0,90", "1,23", "12,34.5", "1.234,5", "1_000", "1 000", "$1"),
    *("NaN", "nan", "inf", "-Infinity", float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity"), "1e", "0x10"),
    *(
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
    ),
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
        *(("0.27819", 278_190, 278_190), ("1,234.5", 1_234_500_000, 1_234_500_000), (0, 0, 0)),
        # A cost is never read too low, a balance never too high.
        *(("0.0000001", 1, 0), ("-0.0000001", None, -1), ("-2.5", None, -2_500_000)),
        *((LARGEST_MICROS // 10**6, LARGEST_MICROS, LARGEST_MICROS), ("9" * 30, None, None), ("1e99", None, None)),
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
        *(("  a \n b\t", "a b"), ("a\x00b", "a b"), ("a\ud800b\u202ec", "a b c"), ("x" * 99, "x" * 10), (15, "15")),
        *((None, ""), (True, ""), ([], ""), ({}, ""), (float("nan"), ""), (Decimal("0.90"), "0.90")),
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


@given(st.text(max_size=600))
def test_any_text_at_all_is_of_some_kind(text: str) -> None:
    assert read_decline(text) in DeclineKind
