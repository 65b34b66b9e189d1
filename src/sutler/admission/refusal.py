"""What is answered in Django's place: a light page for people, JSON in the shape they expect for programs."""

from io import BytesIO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, JsonResponse

from sutler.admission.lines import PROBES
from sutler.api import admin_v1, admin_v2
from sutler.api.admin_request import Trouble
from sutler.api.read_request import Scope
from sutler.api.security_headers import CONTENT_SECURITY_POLICY
from sutler.web import errors

RETRY_AFTER_SECONDS = 2


def refusal(scope: Scope, trouble: Trouble) -> HttpResponse:
    """Returns the answer to a request that got no turn. Asks nothing of the database."""
    answer = _worded(scope, trouble)
    answer["Content-Length"] = str(len(answer.content))
    answer["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    answer["Cache-Control"] = "no-store"
    answer["X-Content-Type-Options"] = "nosniff"
    if trouble.code == 503:
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    else:
        answer["Connection"] = "close"  # the rest of the body is not read
    return answer


def _worded(scope: Scope, trouble: Trouble) -> HttpResponse:
    path = scope["path"].lower()
    if path.startswith("/adminapi/v1"):
        return admin_v1.trouble(trouble)
    if path.startswith("/adminapi/"):
        return admin_v2.trouble(trouble)
    if path in PROBES or path == "/api" or path.startswith("/api/"):
        return JsonResponse({"error": trouble.text}, status=trouble.code)
    # Without the query, which may be unreadable.
    return errors.instead(ASGIRequest({**scope, "query_string": b""}, BytesIO()), trouble.code)
