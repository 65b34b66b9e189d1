"""How a reader likes pages: light or dark, and the language. Kept in cookies, set by plain forms."""

from collections.abc import Container

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

THEMES = {"auto": _("Automatic"), "light": _("Light"), "dark": _("Dark")}
_KEPT_SECONDS = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """Returns the theme the reader has chosen: light, dark, or auto (as the system has it)."""
    theme = request.COOKIES.get("theme", "auto")
    return theme if theme in THEMES else "auto"


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keeps the theme `theme` and goes back to the page `next`. An unknown one changes nothing."""
    return _kept(request, "theme", request.POST.get("theme", ""), THEMES)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keeps the language `language` and goes back to the page `next`. An unknown one changes nothing."""
    return _kept(request, settings.LANGUAGE_COOKIE_NAME, request.POST.get("language", ""), dict(settings.LANGUAGES))


def _kept(request: HttpRequest, cookie: str, value: str, known: Container[str]) -> HttpResponse:
    back = request.POST.get("next", "")
    if not back.startswith("/") or not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/"
    answer = redirect(back)
    if value in known:
        answer.set_cookie(
            cookie, value, _KEPT_SECONDS, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
    return answer
