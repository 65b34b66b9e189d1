"""The ASGI application: the lane for `/api/v2`, Django for everything else. Wiring only."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sutler.settings")

from django.core.asgi import get_asgi_application

_django = get_asgi_application()

from django.conf import settings

from sutler.api.lane import Lane
from sutler.core.clock import SystemClock

_LANE_PATHS = frozenset({"/api/v2", "/api/v2/"})
_lane = Lane(SystemClock(), settings.SUTLER)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Routes one connection."""
    if scope["type"] == "http" and scope["path"] in _LANE_PATHS:
        await _lane(scope, receive, send)
    else:
        await _django(scope, receive, send)
