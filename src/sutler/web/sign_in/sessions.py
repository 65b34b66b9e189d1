"""Where somebody is signed in: browsers in words, and one session ended among others."""

import re

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

# The first that is found counts: most browsers name others besides themselves.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS|Chromium", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone|iPad", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """Returns what a `User-Agent` says as a person would: `Chrome on Linux`."""
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, user_agent)), "")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, user_agent)), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


@require_POST
@login_required
def end(request: HttpRequest, session_id: int) -> HttpResponse:
    """Signs another of one's own sessions out; 404 for what is not theirs. The present one stays."""
    found = get_object_or_404(UserSession, pk=session_id, user=request.user)
    if found.is_current():
        return redirect("usersessions_list")
    found.end()
    messages.success(request, _("Session signed out."))
    return redirect("usersessions_list")
