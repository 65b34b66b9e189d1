"""The answer to the search of the menu, the same for customers and staff: groups of links, a few of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_htmx.middleware import HtmxDetails

from sutler.web import navigation

LONGEST = 200
# So many hits of one kind are shown.
MOST = 5


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: where it is, what it is called, what stands beside it."""

    address: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Hits of one kind. `more` is the list that has the rest; nothing if there is none."""

    words: str | Promise
    hits: Sequence[Hit]
    more: str = ""


def words_of(request: HttpRequest) -> str:
    """Returns what is looked for, without the # that people write before an ID."""
    return request.GET.get("q", "").replace("\0", "").strip()[:LONGEST].removeprefix("#").strip()


def answer(request: HttpRequest, htmx: HtmxDetails, text: str, groups: Iterable[Group]) -> HttpResponse:
    """Shows what was found; to htmx a part alone. What is the only hit is opened at once."""
    listed = [_pages(request, text), *groups] if text else []
    listed = [each for each in listed if each.hits]
    hits = [hit for each in listed for hit in each.hits]
    given = {"words": text, "groups": listed}
    if htmx:
        return render(request, "web/search_hits.html", given)
    if len(hits) == 1:
        return redirect(hits[0].address)
    return render(request, "web/search.html", given)


def _pages(request: HttpRequest, text: str) -> Group:
    wanted = text.casefold()
    named = [each for each in navigation.of_reader(request) if wanted in str(each.words).casefold()]
    return Group(_("Pages"), [Hit(each.address, str(each.words)) for each in named[:MOST]])
