"""Whether the process lives and whether it can work, for whoever watches over it."""

from collections.abc import Callable

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers 200 as long as the process answers at all. Asks nothing of the database."""
    return _answer("ok")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answers 200 if the database answers and has all migrations, else 503 and what is missing."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return _answer("database does not answer", 503)
    return _answer("migrations are missing", 503) if missing else _answer("ok")


def _answer(status: str, code: int = 200) -> HttpResponse:
    return JsonResponse({"status": status}, status=code, headers={"Cache-Control": "no-store"})


class Probes:
    """Answers `/healthz` and `/readyz` before anything else looks at the request.

    Load balancers ask by address, under no host name of ours: the check of the host must not turn them away.
    """

    views = {"/healthz": healthz, "/readyz": readyz}

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers a probe, or passes the request on."""
        view = self.views.get(request.path, self.get_response)
        return view(request)
