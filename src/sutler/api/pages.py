"""The addresses for programs beside the lane: documentation, example programs, metrics, notices of gateways."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_safe

from sutler.api import metrics, payment_notices, wording
from sutler.api.actions import ACTIONS, Shape
from sutler.web.panel_url import panel_url

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """A program for download."""

    file: str
    language: str
    about: str


EXAMPLES = (
    Example("order.php", "PHP", _("PHP 7.4 or later with the curl extension")),
    Example("order.py", "Python", _("Python 3.8 or later, standard library only")),
    Example("order.mjs", "JavaScript", _("Node.js 18 or later, nothing to install")),
    Example("order.sh", "curl", _("a POSIX shell and curl")),
)
# The address that the programs carry in the source tree; who downloads one gets the panel's own instead.
_STAND_IN_URL = "https://panel.example"


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """Shows every action with its parameters for each type of service, its answers, and the errors."""
    given = {
        "api_url": f"{panel_url(request)}/api/v2",
        "actions": [(action, [_shown(shape) for shape in action.shapes]) for action in ACTIONS.values()],
        "errors": [each for each in wording.WORDINGS.values() if each.about],
        "statuses": wording.STATUSES,
        "refill_statuses": wording.REFILL_STATUSES,
        "examples": EXAMPLES,
        "requests_per_second": settings.SUTLER["SUTLER_KEY_REQUESTS_PER_SECOND"],
    }
    is_signed_in = request.user.is_authenticated
    return render(request, "api/documentation_signed_in.html" if is_signed_in else "api/documentation.html", given)


@require_safe
def example(request: HttpRequest, file: str) -> HttpResponse:
    """Answers one of the example programs as a download, with the panel's own URL in it; 404 for any other name."""
    if file not in {each.file for each in EXAMPLES}:
        raise Http404
    program = (_HERE / "examples" / file).read_text().replace(_STAND_IN_URL, panel_url(request))
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return HttpResponse(program, content_type="text/plain; charset=utf-8", headers=headers)


def _shown(shape: Shape) -> dict[str, Any]:
    answer = msgspec.json.format(msgspec.json.encode(shape.answer), indent=2).decode()
    return {"shape": shape, "answer": answer}


urlpatterns = [
    path("api", documentation, name="documentation"),
    path("api/", documentation),
    path("api/examples/<str:file>", example, name="example"),
    path("metrics", metrics.metrics),
    path("payments/notices/<str:public_id>", payment_notices.payment_notice, name="payment_notice"),
]
