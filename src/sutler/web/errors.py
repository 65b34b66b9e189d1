"""The pages for when there is no page. They ask nothing of the database: one of them is for when it is away."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from sutler.web.preferences import theme_of

WORDS = {
    400: (_("This request cannot be read"), _("The browser has sent something that the panel does not understand.")),
    403: (
        _("Not allowed"),
        _("The page has been open for too long, or cookies are off. Go back, load it anew and try again."),
    ),
    404: (_("Not found"), _("There is no page at this address, or it is not yours to see.")),
    413: (_("Too large"), _("What was sent is larger than the panel takes. Send a smaller file or a shorter text.")),
    500: (
        _("Something went wrong"),
        _("It has been written down. Nothing was changed by halves. Try again in a while."),
    ),
    503: (
        _("Too many requests right now"),
        _("Nothing was changed. Wait a few seconds, then load the page again."),
    ),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answers 400; programs are told in JSON."""
    if request.path.lower().startswith(("/api/", "/adminapi/")):
        return JsonResponse({"error": "Bad request"}, status=400)
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
    """Answers 500."""
    return _page(request, 500)


def instead(request: HttpRequest, code: int) -> HttpResponse:
    """Answers in the place of all that knows the reader: in the browser's language, made once for each."""
    language = translation.get_language_from_request(request)
    return HttpResponse(_made(code, language, theme_of(request)), status=code, headers={"Content-Language": language})


@lru_cache
def _made(code: int, language: str, theme: str) -> bytes:
    with translation.override(language):
        return render_to_string("web/error.html", _words(code, theme)).encode()


def _page(request: HttpRequest, code: int) -> HttpResponse:
    return HttpResponse(render_to_string("web/error.html", _words(code, theme_of(request))), status=code)


def _words(code: int, theme: str) -> dict[str, Any]:
    title, text = WORDS[code]
    name = settings.SUTLER["SUTLER_PANEL_NAME"]
    return {"code": code, "error_title": title, "error_text": text, "theme": theme, "panel_name": name}
