"""The panel's secret key, which signs and seals, and its digest in the database: one panel, one key.

A second machine with another key would seal what the first cannot read, and sign what it does not believe.
"""

import hashlib
from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Field, Model

from sutler.accounts.models import PanelKey
from sutler.storage.sealed import Unreadable, unseal

_AT_ONCE = 100
NO_KEY = (
    "there is no secret key: `sutler init` makes one for a new panel; for one that has a key, copy its file secret-key "
    "into the data folder or set SUTLER_SECRET_KEY"
)
ANOTHER_KEY = (
    "this database belongs to a panel with another secret key: copy that panel's file secret-key into the data folder "
    "or set SUTLER_SECRET_KEY; if that key is lost for ever, `sutler secret rotate --lost` makes this one the panel's"
)
UNFINISHED = "the secret key was changed and what it had sealed was not: `sutler secret rotate` finishes that"


def keys() -> tuple[str, ...]:
    """Returns the key that signs and seals, and behind it the older ones that still open. Empty if there is none."""
    return (_current(), *settings.SECRET_KEY_FALLBACKS) if _current() else ()


def digest(key: str) -> str:
    """Returns what the database keeps of a key."""
    return hashlib.sha256(b"sutler: which secret key\0" + key.encode()).hexdigest()


def claim() -> None:
    """Makes this process's key the panel's, if the panel has none yet and nothing is sealed that it cannot open."""
    if keys() and not PanelKey.objects.exists() and not _is_sealed_by_another():
        PanelKey.objects.bulk_create([PanelKey(pk=1, digest=digest(_current()))], ignore_conflicts=True)


def take_over() -> None:
    """Makes this process's key the panel's, whichever was before: what that one had sealed is lost."""
    PanelKey.objects.update_or_create(pk=1, defaults={"digest": digest(_current())})


def is_claimed() -> bool:
    """Returns True if the database belongs to a panel that has a key, so that a new one would not be its key."""
    return PanelKey.objects.exists() or any(sealed for *_, sealed in sealed_values())


def obstacle() -> str:
    """Returns why this process must not work with the database, in words for the operator; empty if it may.

    A database that no key has claimed yet is nobody's.
    """
    if not keys():
        return NO_KEY
    claimed = PanelKey.objects.filter(pk=1).values_list("digest", flat=True).first()
    if claimed is None:
        return ANOTHER_KEY if _is_sealed_by_another() else ""
    if claimed == digest(_current()):
        return ""
    return UNFINISHED if claimed in map(digest, keys()) else ANOTHER_KEY


def sealed_columns() -> Iterator[tuple[type[Model], str]]:
    """Yields every column that holds what is sealed: those named `sealed_*`."""
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, Field) and field.name.startswith("sealed_"):
                yield model, field.name


def sealed_values() -> Iterator[tuple[type[Model], str, int, str]]:
    """Yields everything that is sealed: model, column, row and sealed text."""
    for model, column in sealed_columns():
        rows = model._default_manager.exclude(**{column: ""}).order_by("pk").values_list("pk", column)
        last = 0
        while part := list(rows.filter(pk__gt=last)[:_AT_ONCE]):
            for row_id, sealed in part:
                yield model, column, row_id, sealed
            last = part[-1][0]


def _current() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # it is empty
        return ""


def _is_sealed_by_another() -> bool:
    """Returns True if something is sealed and nothing of it can be opened."""
    is_sealed = False
    for *_, sealed in sealed_values():
        try:
            unseal(sealed, *keys())
        except Unreadable:
            is_sealed = True
        else:
            return False
    return is_sealed
