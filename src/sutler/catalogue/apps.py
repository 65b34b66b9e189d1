"""Django's entry to the catalogue."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """Starts watching the catalogue's models for changes."""

    name = "sutler.catalogue"

    def ready(self) -> None:
        """Connects the signals."""
        from sutler.catalogue.version import renew_on_save

        renew_on_save()
