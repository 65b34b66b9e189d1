"""The token of the catalogue's present state: renewed by every change, read by whoever keeps a copy."""

from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from sutler.catalogue.models import CatalogueVersion, Category, ExchangeRate, PriceOverride, Service
from sutler.core.clock import new_token


def current() -> str:
    """Returns the token of the catalogue as this transaction sees it; empty while there has been no change."""
    return CatalogueVersion.objects.filter(pk=1).values_list("token", flat=True).first() or ""


def renew() -> None:
    """Says that the catalogue has changed. Saving a model does it by itself; set-based changes must call it."""
    CatalogueVersion.objects.update_or_create(pk=1, defaults={"token": new_token()})


def renew_on_save() -> None:
    """Connects the catalogue's models, so that saving or deleting any of them renews the token."""
    for model in (Category, Service, ExchangeRate, PriceOverride):
        post_save.connect(_changed, sender=model, dispatch_uid=f"renew-{model.__name__}")
        post_delete.connect(_changed, sender=model, dispatch_uid=f"renew-{model.__name__}-deleted")


def _changed(sender: type[Model], **_: Any) -> None:
    renew()
