"""Changing the panel's secret key: what the older one has sealed is sealed anew, and the digest moves on.

Every step may be repeated, and a crash after any of them loses nothing: the older key still opens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.db.models import Model

from sutler.accounts import audit_log, secret_key
from sutler.accounts.models import PanelKey
from sutler.core.subjects import Subject, SubjectType
from sutler.storage.sealed import Unreadable, seal, unseal

MOST_AT_ONCE = 100


@dataclass(slots=True)
class Resealed:
    """How many values were sealed anew, and how many no key opens."""

    values: int = 0
    unreadable: int = 0


def make_current(older: str | None, now: datetime) -> bool:
    """Makes the current key the panel's in place of `older` (None: whichever it was). Returns False if it was another.

    From then on nothing starts without the current key.
    """
    current = secret_key.digest(secret_key.keys()[0])
    rows = PanelKey.objects.filter(pk=1)
    if older is not None:
        rows = rows.filter(digest=secret_key.digest(older))
    with transaction.atomic():
        done = bool(rows.update(digest=current))
        if done:
            audit_log.write(None, "secret key changed", Subject(SubjectType.PANEL), now)
    return done


def reseal() -> Resealed:
    """Seals with the current key whatever an older one has sealed, a bounded number of values in one transaction.

    A value that somebody changes meanwhile stays as they have sealed it.
    """
    done = Resealed()
    changes = _changes(done)
    while part := list(islice(changes, MOST_AT_ONCE)):
        with transaction.atomic():
            for model, column, row_id, old, new in part:
                rows = model._default_manager.filter(pk=row_id, **{column: old})
                done.values += rows.update(**{column: new})
    return done


def is_finished() -> bool:
    """Returns True if the current key opens everything that any of the keys opens."""
    return next(_changes(Resealed()), None) is None


def _changes(done: Resealed) -> Iterator[tuple[type[Model], str, int, str, str]]:
    """Yields what an older key has sealed: model, column, row, sealed text and the new one."""
    current, *older = secret_key.keys()
    for model, column, row_id, sealed in secret_key.sealed_values():
        try:
            unseal(sealed, current)
        except Unreadable:
            try:
                yield model, column, row_id, sealed, seal(unseal(sealed, *older), current)
            except Unreadable:
                done.unreadable += 1
