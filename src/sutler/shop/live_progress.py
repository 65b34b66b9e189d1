"""Parts of pages that htmx asks for again every few seconds, and that are sent only if something has changed."""

import hashlib

from django.http import HttpRequest, HttpResponse


def digest(shown: object) -> str:
    """Returns a short mark of what is shown; `shown` is written with `repr`."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def unless_seen(request: HttpRequest, mark: str) -> HttpResponse | None:
    """Returns the answer to who has seen this already, as the parameter `seen` says: nothing, and nothing moves."""
    return HttpResponse(status=204) if request.GET.get("seen") == mark else None
