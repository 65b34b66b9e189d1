"""Searches that cost the same however long a table is: the start of a text by its index, or in the newest rows."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from sutler.storage.statements import is_postgres

_AFTER_ALL_LETTERS = "\U0010ffff"
M = TypeVar("M", bound=Model)


def starts_with(field: str, text: str) -> Q:
    """Returns the condition that a text column with an index starts with `text`, so that each engine uses the index.

    PostgreSQL has an index for LIKE beside that of a unique text; SQLite uses none for LIKE, but does for a range.
    """
    if is_postgres():
        return Q(**{f"{field}__startswith": text})
    return Q(**{f"{field}__gte": text, f"{field}__lt": text + _AFTER_ALL_LETTERS})


def newest(rows: QuerySet[M], most: int) -> QuerySet[M]:
    """Returns the newest `most` of the rows as a range of ids: a condition that no index serves looks at no more."""
    last = rows.order_by("-pk").values("pk")[most : most + 1]
    return rows.filter(pk__gt=Coalesce(Subquery(last), Value(0)))
