"""A panel that has prices or money never starts with another base currency; one without follows the setting."""

from collections.abc import Callable
from typing import Any

import pytest

from sutler.catalogue.models import BaseCurrency, ExchangeRate
from sutler.ops import base_currency
from sutler.payments.models import Method
from tests.conftest import make_customer, make_service
from tests.fulfilment.catalogue.catalogues import make_provider
from tests.ops.test_cli import done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture
def based_on(settings: Any) -> Callable[[str], None]:
    def put(currency: str) -> None:
        settings.SUTLER = settings.SUTLER | {"SUTLER_BASE_CURRENCY": currency}

    return put


@pytest.mark.parametrize(
    "fill",
    [
        pytest.param(make_service, id="price"),
        pytest.param(lambda: make_customer("Claire"), id="money"),
        pytest.param(make_provider, id="provider"),
        pytest.param(lambda: ExchangeRate.objects.create(currency="GBP", base=5, units=4), id="exchange rate"),
        pytest.param(
            lambda: Method.objects.create(name="Bank", instructions="x", currency="USD", min_micros=1, max_micros=2),
            id="payment method",
        ),
    ],
)
def test_a_panel_with_prices_or_money_refuses_every_command(
    based_on: Callable[[str], None], fill: Callable[[], object]
) -> None:
    done("order", "list")
    fill()
    based_on("EUR")
    for command in (["serve"], ["work"], ["run"], ["verify"], ["rate", "list"], ["order", "list"]):
        line = failed(1, *command)
        assert "keeps its prices and money in USD: set it back to USD" in line
        assert "sutler rate set EUR" in line
    based_on("USD")
    done("order", "list")


def test_an_empty_panel_follows_the_setting(based_on: Callable[[str], None]) -> None:
    done("order", "list")
    based_on("EUR")
    done("order", "list")
    assert BaseCurrency.objects.get().currency == "EUR"


def test_an_older_panel_keeps_the_currency_that_it_is_started_with(based_on: Callable[[str], None]) -> None:
    make_service()
    assert base_currency.obstacle() == ""
    based_on("EUR")
    assert "in USD" in base_currency.obstacle()


def test_an_older_panel_is_not_based_on_a_currency_with_a_rate(based_on: Callable[[str], None]) -> None:
    ExchangeRate.objects.create(currency="EUR", base=108, units=100)
    based_on("EUR")
    assert "in another currency" in base_currency.obstacle()
    assert not BaseCurrency.objects.exists()
