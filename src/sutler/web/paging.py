"""Lists in pages. Nothing is ever counted: a page knows whether there is another, not how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from sutler.core.text import text_input

ROWS = 25
# A page by number is found by passing over those before it: past this, a reader has to search instead.
LAST_NUMBER = 200

M = TypeVar("M", bound=Model)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the values of the query string that lead to the pages beside it; empty: there is none.

    `{% pages page %}` shows the two links and keeps the other values of the query string.
    """

    rows: Sequence[T]
    parameter: str
    newer: str = ""
    older: str = ""


def before(request: HttpRequest) -> int | None:
    """Returns the id below which the asked page of a list begins, or None for the first page."""
    return text_input.number(request.GET.get("before", ""))


def page(rows: Sequence[T], start: int | None, next_before: int | None) -> Page[T]:
    """Returns what a verb found below `start` as a page; `next_before` is what the verb says comes after it."""
    return Page(rows, "before", "first" if start else "", str(next_before) if next_before else "")


def by_key(rows: QuerySet[M], start: int | None, size: int = ROWS) -> Page[M]:
    """Returns a page of rows, newest id first, below the id `start`. Equally fast however long the list is."""
    wanted = rows.order_by("-pk").filter(pk__lt=start) if start else rows.order_by("-pk")
    found = list(wanted[: size + 1])
    return page(found[:size], start, found[size - 1].pk if len(found) > size else None)


def by_number(rows: QuerySet[M] | Sequence[Any], request: HttpRequest, size: int = ROWS) -> Page[Any]:
    """Returns the asked page, from 1 to LAST_NUMBER, of rows that are in an order of their own."""
    number = min(max(text_input.number(request.GET.get("page", "")) or 1, 1), LAST_NUMBER)
    start = (number - 1) * size
    found = list(rows[start : start + size + 1])
    more = len(found) > size and number < LAST_NUMBER
    return Page(found[:size], "page", str(number - 1) if number > 1 else "", str(number + 1) if more else "")
