"""The tabs above a list of orders or refills: one for each state, and one for all."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sutler.web.templatetags.web import STATES

State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: its words, the address that keeps the other filters, and whether the reader is there."""

    words: str | Promise
    address: str
    is_here: bool


def chosen(text: str, states: Iterable[State]) -> State | None:
    """Returns the state that stands in an address as `status=in-progress`, None for anything else."""
    return next((each for each in states if _slug(each) == text), None)


def tabs(query: QueryDict, states: Iterable[State]) -> list[Tab]:
    """Returns the tabs for the query string of a request."""
    asked = query.get("status", "")
    here = chosen(asked, states)
    kept = query.copy()
    for name in ("status", "before"):
        kept.pop(name, None)
    found = [Tab(_("All"), f"?{kept.urlencode()}", here is None)]
    for each in states:
        kept["status"] = _slug(each)
        found.append(Tab(STATES[each][0], f"?{kept.urlencode()}", each is here))
    return found


def _slug(state: StrEnum) -> str:
    return state.lower().replace(" ", "-")
