"""The base currency: the panel's own from its first price, account or provider on, whatever the environment says."""

from django.conf import settings
from django.db import transaction

from sutler.accounts.models import Customer
from sutler.catalogue.models import BaseCurrency, ExchangeRate, Service
from sutler.fulfilment.models import Provider
from sutler.payments.models import Method


def obstacle() -> str:
    """Returns why the panel cannot start with the configured base currency, and the way out; empty if it can.

    The currency of a panel that has neither prices nor money follows the setting. One that an older program made has
    the one that it is started with first.
    """
    configured = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    kept = BaseCurrency.objects.filter(pk=1).values_list("currency", flat=True).first()
    if kept == configured:
        return ""
    with transaction.atomic():
        kept = BaseCurrency.objects.filter(pk=1).values_list("currency", flat=True).first()
        if kept is None and ExchangeRate.objects.filter(currency=configured).exists():
            kept = "another currency"  # made by an older program, which told nobody; but the base currency has no rate
        elif kept is None or not _has_prices():
            BaseCurrency.objects.update_or_create(pk=1, defaults={"currency": configured})
            return ""
    return (
        f"SUTLER_BASE_CURRENCY is {configured}, but this panel keeps its prices and money in {kept}:"
        f" set it back to {kept}. To sell in {configured} as well, give it a rate (`sutler rate set {configured} ...`)"
        f" and open accounts in it; a panel based on {configured} is a new one: `sutler init` in another data folder"
    )


def _has_prices() -> bool:
    return any(each.objects.exists() for each in (Service, Customer, Provider, ExchangeRate, Method))
