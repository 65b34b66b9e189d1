"""What other currencies are worth in the base currency; orders keep the rate they were placed at."""

from datetime import datetime

from django.conf import settings

from sutler.catalogue.models import ExchangeRate
from sutler.core.money import is_currency
from sutler.core.refusals import Reason, Refusal
from sutler.core.worth import EVEN, Worth


def rates() -> list[ExchangeRate]:
    """Returns the rates by currency, without the base currency, which is always worth 1."""
    return list(ExchangeRate.objects.order_by("currency"))


def worth() -> dict[str, Worth]:
    """Returns what each currency is worth; the base currency is among them."""
    known = {each.currency: each.worth for each in ExchangeRate.objects.all()}
    return known | {settings.SUTLER["SUTLER_BASE_CURRENCY"]: EVEN}


def put(currency: str, worth: Worth, now: datetime) -> Worth | Refusal | None:
    """Says by hand what a currency is worth; no source changes it then. Returns what it was worth before, or None.

    Refuses with INCORRECT_FIELD `currency` (no code, or the base currency).
    """
    if not is_currency(currency) or currency == settings.SUTLER["SUTLER_BASE_CURRENCY"]:
        return Refusal(Reason.INCORRECT_FIELD, "currency")
    had = ExchangeRate.objects.filter(currency=currency).first()
    ExchangeRate.objects.update_or_create(
        currency=currency,
        defaults={
            "base": worth.base,
            "units": worth.units,
            "source": "",
            "is_followed": False,
            "dated": now,
            "offered_base": None,
            "offered_units": None,
            "offered_dated": None,
        },
    )
    return had.worth if had else None
