"""The ASGI application: the lane for `/api/v2`, the front door to Django for everything else. Wiring only."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sutler.settings")

import django

django.setup(set_prefix=False)

from django.conf import settings

from sutler.admission.front_door import FrontDoor
from sutler.api.lane import Lane
from sutler.core.clock import SystemClock

_LANE_PATHS = frozenset({"/api/v2", "/api/v2/"})
_lane = Lane(SystemClock(), settings.SUTLER)
_front_door = FrontDoor(settings.SUTLER)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Routes one connection."""
    if scope["type"] == "http" and scope["path"] in _LANE_PATHS:
        await _lane(scope, receive, send)
    else:
        await _front_door(scope, receive, send)
