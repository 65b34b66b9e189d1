"""Whether the process lives and whether it can work, for whoever watches over it."""

from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from sutler import build
from sutler.accounts import readiness, write_probe
from sutler.core.clock import SystemClock
from sutler.fulfilment.providers import heartbeat

_clock = SystemClock()


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers 200, and which program it is, as long as the process answers at all. Asks nothing of the database."""
    return _answer("ok", version=build.VERSION, commit=build.commit())


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answers 200 if the panel can work, else 503 and what is wrong.

    The database must answer, fit this program and its secret key, and take a write (tried at most once a second).
    `worker` says whether one lives. Without one orders are taken in all the same: it makes no web server unready.
    """
    now = _clock.now()
    try:
        obstacle = readiness.obstacle() or write_probe.obstacle(now)
        is_alive = not obstacle and heartbeat.is_alive(heartbeat.last_at(), now)
    except Error:
        obstacle, is_alive = "database does not answer", False
    return _answer(obstacle, 503) if obstacle else _answer("ok", worker="alive" if is_alive else "silent")


def _answer(status: str, code: int = 200, **more: str) -> HttpResponse:
    return JsonResponse({"status": status, **more}, status=code, headers={"Cache-Control": "no-store"})


class Probes:
    """Answers `/healthz` and `/readyz` before anything else looks at the request.

    Load balancers ask by address, under no host name of ours: the check of the host must not turn them away.
    """

    views = {"/healthz": healthz, "/readyz": readyz}

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        build.commit()  # as it is now: a checkout may be another tomorrow

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers a probe, or passes the request on."""
        view = self.views.get(request.path, self.get_response)
        return view(request)
