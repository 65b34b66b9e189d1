"""Which tables an archive holds, and in what order they are read back."""

from graphlib import TopologicalSorter
from typing import Any

from django.apps import apps
from django.db.models import Field, Model

# What belongs to this machine and this hour, and not to the panel: sessions, caches, who is alive, where backups lie.
LEFT_OUT = frozenset(
    {
        "accounts.Shared",
        "fulfilment.Heartbeat",
        "backups.BackupRun",
        "account.EmailConfirmation",
        "usersessions.UserSession",
    }
)
_OF_LIBRARIES = frozenset({"account", "mfa", "usersessions"})


def all_models() -> list[type[Model]]:
    """Returns every model that a panel keeps, those of an archive and those that are left out."""
    return [
        model
        for config in apps.get_app_configs()
        if config.name.startswith("sutler.") or config.label in _OF_LIBRARIES
        for model in config.get_models()
    ]


def exported() -> list[type[Model]]:
    """Returns the models of an archive, each behind all that it refers to."""
    models = {model._meta.label: model for model in all_models() if model._meta.label not in LEFT_OUT}
    order: TopologicalSorter[str] = TopologicalSorter()
    for label, model in sorted(models.items()):
        needs = {each.related_model._meta.label for each in fields(model) if each.is_relation and each.related_model}
        order.add(label, *sorted((needs & set(models)) - {label}))
    return [models[label] for label in order.static_order()]


def fields(model: type[Model]) -> list[Any]:
    """Returns the fields that are columns."""
    return [each for each in model._meta.concrete_fields if isinstance(each, Field)]


def table(model: type[Model]) -> str:
    """Returns the name of a model's table, which is that of its file in the archive."""
    return model._meta.db_table
