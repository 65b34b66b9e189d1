"""What other currencies are worth in the base currency; orders keep the rate they were placed at."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings

from sutler.catalogue.models import ExchangeRate, RateFetch
from sutler.core.money import is_currency
from sutler.core.refusals import Reason, Refusal
from sutler.core.worth import EVEN, Worth


def rates() -> list[ExchangeRate]:
    """Returns the rates by currency, without the base currency, which is always worth 1."""
    return list(ExchangeRate.objects.order_by("currency"))


def worth(rows: Sequence[ExchangeRate] | None = None) -> dict[str, Worth]:
    """Returns what each currency is worth; the base currency is among them. `rows`: the rates, if they are read."""
    rows = rates() if rows is None else rows
    return {each.currency: each.worth for each in rows} | {settings.SUTLER["SUTLER_BASE_CURRENCY"]: EVEN}


def good_until(rate: ExchangeRate) -> datetime | None:
    """Returns when a rate stops sales in its currency; None for never. One whose age is not known has done so.

    Counted from the day that it states: a source that repeats an old day grows old.
    """
    name = "SUTLER_EXCHANGE_HOURS" if rate.is_followed else "SUTLER_EXCHANGE_MANUAL_HOURS"
    hours = settings.SUTLER[name]
    if hours <= 0:
        return None
    return rate.dated + timedelta(hours=hours) if rate.dated else datetime.min.replace(tzinfo=UTC)


def sold_until(rows: Sequence[ExchangeRate]) -> dict[str, datetime]:
    """Returns when sales in a currency stop, for each whose rate grows too old to sell by."""
    return {each.currency: moment for each in rows if (moment := good_until(each)) is not None}


def outdated(now: datetime, rows: Sequence[ExchangeRate] | None = None) -> dict[str, datetime]:
    """Returns the currencies in which nothing is sold since their rate is too old, and since when; `rows` as above."""
    ends = sold_until(rates() if rows is None else rows)
    return {currency: moment for currency, moment in ends.items() if moment <= now}


def last_fetch() -> RateFetch | None:
    """Returns how asking the source has gone, None before the first time."""
    return RateFetch.objects.filter(pk=1).first()


def fetch_soon(now: datetime) -> None:
    """Makes the source due now, whatever it answered before."""
    RateFetch.objects.update_or_create(pk=1, defaults={"due_at": now})


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
