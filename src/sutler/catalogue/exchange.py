"""What other currencies are worth in the base currency; orders keep the rate they were placed at."""

from django.conf import settings

from sutler.catalogue.models import ExchangeRate
from sutler.core.money import LARGEST_MICROS, is_currency
from sutler.core.pricing import EVEN_EXCHANGE
from sutler.core.refusals import Reason, Refusal


def rates() -> list[ExchangeRate]:
    """Returns the rates by currency, without the base currency, which is always worth 1."""
    return list(ExchangeRate.objects.order_by("currency"))


def worth() -> dict[str, int]:
    """Returns what one unit of each currency is worth, in micros of the base currency, which is among them."""
    known = dict(ExchangeRate.objects.values_list("currency", "worth_micros"))
    return known | {settings.SUTLER["SUTLER_BASE_CURRENCY"]: EVEN_EXCHANGE}


def put(currency: str, worth_micros: int) -> int | Refusal | None:
    """Says what one unit of a currency is worth, in micros of the base currency. Returns what it was before, or None.

    The caller writes the line of the audit log in the same transaction. Refuses with INCORRECT_FIELD `currency` (no
    code, or the base currency) or `worth`.
    """
    if not is_currency(currency) or currency == settings.SUTLER["SUTLER_BASE_CURRENCY"]:
        return Refusal(Reason.INCORRECT_FIELD, "currency")
    if not 0 < worth_micros <= LARGEST_MICROS:
        return Refusal(Reason.INCORRECT_FIELD, "worth")
    had = ExchangeRate.objects.filter(currency=currency).first()
    ExchangeRate.objects.update_or_create(currency=currency, defaults={"worth_micros": worth_micros})
    return had.worth_micros if had else None
