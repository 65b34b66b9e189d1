"""Answers that cost next to nothing, so that they need no turn: given on the event loop, without the database."""

from io import BytesIO

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse, JsonResponse

from sutler.admission.lines import PROBES
from sutler.api import admin_v1, admin_v2
from sutler.api.admin_request import Trouble
from sutler.api.read_request import Scope
from sutler.api.security_headers import CONTENT_SECURITY_POLICY
from sutler.web import assets, errors

RETRY_AFTER_SECONDS = 2


def asset(scope: Scope) -> HttpResponse | None:
    """Returns the answer to a request for one of the files of pages, or None if that is not what is asked for.

    A first visit asks for ten of them beside the page; in the queue each would wait as long as a page.
    """
    folder, _, name = scope["path"].removeprefix("/").partition("/")
    if folder != "assets" or scope["method"] not in {"GET", "HEAD"}:
        return None
    try:
        return _dressed(assets.asset(_request(scope), name))
    except Http404:
        return None


def refusal(scope: Scope, trouble: Trouble) -> HttpResponse:
    """Returns the answer to a request that got no turn: a page for people, JSON of the expected shape for programs."""
    answer = _dressed(_worded(scope, trouble))
    answer["Cache-Control"] = "no-store"
    if trouble.code == 503:
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    else:
        answer["Connection"] = "close"  # the rest of the body is not read
    return answer


def _dressed(answer: HttpResponse) -> HttpResponse:
    """Adds what the middleware adds to other answers."""
    answer["Content-Length"] = str(len(answer.content))
    answer["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    answer["X-Content-Type-Options"] = "nosniff"
    answer["X-Frame-Options"] = "DENY"
    return answer


def _request(scope: Scope) -> ASGIRequest:
    # Without the query, which may be unreadable.
    return ASGIRequest({**scope, "query_string": b""}, BytesIO())


def _worded(scope: Scope, trouble: Trouble) -> HttpResponse:
    path = scope["path"].lower()
    if path.startswith("/adminapi/v1"):
        return admin_v1.trouble(trouble)
    if path.startswith("/adminapi/"):
        return admin_v2.trouble(trouble)
    if path in PROBES or errors.is_for_programs(path):
        return JsonResponse({"error": trouble.text}, status=trouble.code)
    return errors.instead(_request(scope), trouble.code)
