"""The pages for when there is no page. They ask nothing of the database: one of them is for when it is away."""

import re
import sys
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from sutler.storage.transactions import is_fault
from sutler.web.branding import Branding, last_branding
from sutler.web.preferences import theme_of

# A 503 of another kind: the database is full, locked or away.
_CANNOT_SAVE = 5030

WORDS = {
    400: (_("Bad request"), _("Your browser sent a request that we could not read. Go back and try again.")),
    403: (
        _("Access denied"),
        _("The page was open for too long, or cookies are disabled. Go back, reload and try again."),
    ),
    404: (_("Not found"), _("This page does not exist, or you don't have access.")),
    413: (_("Request too large"), _("The request is over the size limit. Send a smaller file or a shorter text.")),
    500: (
        _("Something went wrong"),
        _("The error was logged. No partial changes were made. Try again later."),
    ),
    503: (
        _("Too many requests right now"),
        _("Nothing was changed. Wait a few seconds, then reload the page."),
    ),
    _CANNOT_SAVE: (
        _("Temporarily unavailable"),
        _("Changes cannot be saved right now. Wait a minute, then check whether yours was saved."),
    ),
}
# Programs are told in JSON, however their address is spelled.
_FOR_PROGRAMS = re.compile(r"(?:^|/)(?:admin)?api(?:/|$)", re.IGNORECASE)
_PROGRAM_TEXTS = {400: "Bad request", 403: "Not allowed", 404: "Not found", 500: "Internal error"}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answers 400."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answers 403."""
    return _page(request, 403)


def no_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answers 403 to a form that does not come from one of our own pages, or comes too late."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answers 404."""
    return _page(request, 404)


def failure(request: HttpRequest) -> HttpResponse:
    """Answers 500; 503 where the database is full, locked or away, which is no bug."""
    if not is_fault(sys.exc_info()[1]):
        return _page(request, 500)
    answer = _page(request, 503, _CANNOT_SAVE)
    answer["Retry-After"] = "5"
    return answer


def instead(request: HttpRequest, code: int) -> HttpResponse:
    """Answers in the place of all that knows the reader: in the browser's language, made once for each."""
    language = translation.get_language_from_request(request)
    return HttpResponse(
        _made(code, language, theme_of(request), last_branding()), status=code, headers={"Content-Language": language}
    )


@lru_cache
def _made(code: int, language: str, theme: str, panel: Branding | None) -> bytes:
    with translation.override(language):
        return render_to_string("web/error.html", _words(code, theme, panel)).encode()


def _page(request: HttpRequest, code: int, words: int = 0) -> HttpResponse:
    if is_for_programs(request.path):
        return JsonResponse({"error": _PROGRAM_TEXTS.get(code, "Service busy, try again")}, status=code)
    given = _words(code, theme_of(request), last_branding(), words)
    return HttpResponse(render_to_string("web/error.html", given), status=code)


def is_for_programs(path: str) -> bool:
    """Returns True for an address that only a program can mean; the documentation at `/api` is a page that there is."""
    return _FOR_PROGRAMS.search(path) is not None


def _words(code: int, theme: str, panel: Branding | None, words: int = 0) -> dict[str, Any]:
    title, text = WORDS[words or code]
    name = panel.name if panel else settings.SUTLER["SUTLER_PANEL_NAME"]
    given = {"panel": panel, "panel_name": name}
    return given | {"code": code, "error_title": title, "error_text": text, "theme": theme}
