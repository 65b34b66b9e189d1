"""What an error text of a panel is about: in both dialects, in the families of panels and in their languages."""

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.decline_words.reading import plain_words
from sutler.core.order_types import ORDER_TYPES
from sutler.core.upstream_words import REFUSES_ADD, REFUSES_REQUEST, DeclineKind, is_unsure, read_decline
from tests.cases import INPUTS

DECLINES = {
    DeclineKind.AUTH: [
        "Invalid API key",
        "API key is invalid",
        "Incorrect key",
        "Missing key",
        "Account suspended",
        "Your account is not active. Please contact support.",
        "error.invalid_key",
        "IP not allowed",
        "Unauthorized",
        "API key does not allow this action",
    ],
    DeclineKind.FUNDS: [
        "Not enough funds on balance",
        "neworder.error.not_enough_funds",
        "Insufficient balance",
        "NOT ENOUGH BALANCE",
        "not_enough_funds_on_balance",
        "Your balance is too low",
        "Daily limit of this API key reached",
    ],
    DeclineKind.SERVICE: [
        "Incorrect service ID",
        "error.incorrect_service_id",
        "neworder.error.incorrect_service_id",
        "Service ID does not exists",
        "Service doesn't exist",
        "Service not found or currently unavailable.",
        "Service is disabled",
        "Invalid service",
        "No such service",
    ],
    DeclineKind.LINK: ["Incorrect link", "neworder.error.link", "Invalid Link", "Link is not valid", "Bad URL"],
    DeclineKind.QUANTITY: [
        "Quantity less than minimal 50",
        "Quantity more than maximum 10000",
        "Incorrect quantity",
        "neworder.error.min_quantity",
        "neworder.error.max_quantity",
        "neworder.error.quantity_min_quantity",
        "Quantity must to be greater than or equal to minimum amount",
        "Minimum order quantity is 100",
    ],
    DeclineKind.FIELD: [
        "Incorrect comments",
        "Incorrect answer_number",
        "Incorrect request",
        "Missing country",
        "There are missing required parameters. Please check your API Manual",
    ],
    DeclineKind.DUPLICATE: [
        "You have active order with this link. Please wait until order being completed.",
        "neworder.error.link_duplicate",
        "Duplicate link",
    ],
    DeclineKind.RATE: ["Too many requests", "Too Many Requests, please try again later", "Rate limit exceeded"],
    DeclineKind.NOT_FOUND: [
        "Incorrect order ID",
        "error.incorrect_order_id",
        "Refill not found",
        "Incorrect refill ID",
        "Order not found",
    ],
    DeclineKind.NOT_AVAILABLE: [
        "Refill is not available for this order",
        "Cancel is not available for this order",
        "This order can not be cancelled",
        "Refill disabled",
    ],
    DeclineKind.OTHER: [
        "",
        "Something went wrong",
        "Internal Server Error",
        "Service Unavailable",
        "Bad gateway",
        "503",
        "Service temporarily unavailable",
        "Ошибка",
        "neworder.error.saving",
        "true",
        "...",
        # Certain words beside uncertain ones prove nothing.
        "Order was placed, but the link is invalid",
        "Database error: insufficient funds",
        "Invalid key: timeout",
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
    lines = INPUTS.joinpath(file).read_text().splitlines()
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


@given(st.text(max_size=600))
def test_any_text_at_all_is_of_some_kind(text: str) -> None:
    assert read_decline(text) in DeclineKind
