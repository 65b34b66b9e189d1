"""What a currency is worth is kept exactly as it was written, either way round, with ten digits."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.accounts.models import Customer
from sutler.catalogue.models import ExchangeRate, Service
from sutler.core.refusals import Reason, Refusal
from sutler.core.worth import EVEN, Worth, of_base, of_one, read, rounded
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place
from tests.cases import INPUTS
from tests.conftest import NOW, make_customer, make_service
from tests.ops.test_cli import done, failed

CASES = [
    line.split("\t") for line in (INPUTS / "exchange_rates.tsv").read_text().splitlines() if not line.startswith("#")
]


@pytest.mark.django_db
@pytest.mark.parametrize(("told", "wanted"), CASES)
def test_the_rates_that_operators_have_told(told: str, wanted: str) -> None:
    if wanted == "refused":
        failed(2, "rate", "set", *told.split())
        assert not ExchangeRate.objects.exists()
    else:
        currency, number = told.split()
        assert done("rate", "set", currency, number) == f"1 {currency} = {number} USD\n"
        kept = ExchangeRate.objects.get().worth
        assert Fraction(kept.base, kept.units) == Fraction(number)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("1 USD = 16345.67891 IDR", "1 USD = 16345.67891 IDR"),
        ("1 usd = 12700 uzs", "1 USD = 12700 UZS"),
        ("1 EUR = 1.0800 USD", "1 EUR = 1.08 USD"),
        ("idr 0.000061178230145", None),
        ("idr 0.00006117823014", "1 IDR = 0.00006117823014 USD"),
        ("1 USD = 1 USD", None),
        ("1 EUR = 1.08 GBP", None),
        ("EUR 1e-3", None),
        ("EUR -1", None),
        ("EUR 0", None),
        ("EUR 0.000", None),
        ("EUR 01.5", None),
        ("EUR 12345678901", None),
        ("EURO!! 1.5", None),
        ("euß 1.5", None),
        ("2 EUR = 2.16 USD", None),
        ("EUR", None),
    ],
)
def test_a_rate_is_told_either_way_round_or_refused(words: str, shown: str | None) -> None:
    if shown is None:
        failed(2, "rate", "set", *words.split())
        assert not ExchangeRate.objects.exists()
    else:
        assert done("rate", "set", *words.split()) == f"{shown}\n"
        assert shown in done("rate", "list")


numbers = st.integers(1, 10**10 - 1)
scales = st.integers(0, 18)


@given(numbers, scales)
def test_ten_digits_are_kept_whole_both_ways(digits: int, decimals: int) -> None:
    text = f"{digits:0{decimals + 1}d}"
    number = f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text
    one, base = of_one(number), of_base(number)
    assert one is not None and base is not None
    assert Fraction(one.base, one.units) == Fraction(number) == Fraction(base.units, base.base)
    assert max(one) < 2**63
    assert read(one.show("XYZ", "USD"), "USD") == ("XYZ", one)
    assert read(base.show("XYZ", "USD"), "USD") == ("XYZ", base)


@given(numbers, numbers)
def test_a_rate_that_is_reckoned_is_right_to_ten_digits(base: int, units: int) -> None:
    if max(base, units) // min(base, units) < 10**9:
        near = Fraction(*rounded(base, units)) / Fraction(base, units)
        assert abs(near - 1) <= Fraction(1, 10**9)
        assert max(rounded(base, units)) <= 10**10


@pytest.mark.parametrize(
    ("before", "after", "is_jump"),
    [
        ((108, 100), (118, 100), False),
        ((100, 100), (111, 100), True),
        ((100, 100), (89, 100), True),
        ((1, 3), (1, 3), False),
    ],
)
def test_a_jump_is_more_than_ten_percent(before: tuple[int, int], after: tuple[int, int], is_jump: bool) -> None:
    assert Worth(*after).jumps(Worth(*before), 10) is is_jump


@pytest.mark.django_db
def test_a_customer_in_a_weak_currency_pays_what_the_rate_says_to_the_micro() -> None:
    done("rate", "set", "IDR", "0.0000612")
    service, indra = make_service(rate_micros=900_000), make_customer("Indra", "IDR", 20_000_000_000)
    form = {"service": str(service.pk), "link": "https://example.com/a", "quantity": "1000"}
    [placed] = place([PlaceRequest(indra.pk, form)], NOW)
    assert isinstance(placed, Placed)
    order = Order.objects.get()
    assert (order.exchange, order.charge_micros) == (Worth(612, 10_000_000), 14_705_882_353)


@pytest.mark.django_db
def test_an_order_in_the_base_currency_is_even(alice: Customer, service: Service) -> None:
    form = {"service": str(service.pk), "link": "https://example.com/a", "quantity": "1000"}
    place([PlaceRequest(alice.pk, form)], NOW)
    assert Order.objects.get().exchange == EVEN


@pytest.mark.django_db
def test_a_price_that_cannot_be_kept_is_not_sold() -> None:
    done("rate", "set", "IDR", "0.000000000001")
    service = make_service(type="Subscriptions", rate_micros=9_000_000_000)
    indra = make_customer("Indra", "IDR")
    form = {"service": str(service.pk), "username": "indra", "min": "50", "max": "60", "delay": "0"}
    assert place([PlaceRequest(indra.pk, form)], NOW) == [Refusal(Reason.INCORRECT_SERVICE)]
