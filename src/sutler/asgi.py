"""The ASGI application: the lane for `/api/v2`, the front door to Django for everything else. Wiring only."""

import os
import re
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sutler.settings")

import django

django.setup(set_prefix=False)

from django.conf import settings

from sutler.admission.access_log import AccessLog
from sutler.admission.front_door import FrontDoor
from sutler.api.lane import Lane
from sutler.core.clock import SystemClock

_LANE_PATHS = frozenset({"/api/v2", "/api/v2/"})
# What programs make of the panel's address when it was given them with a slash at its end.
_SPELLED_OTHERWISE = re.compile(r"/{2,}api/v2/?")
_clock = SystemClock()
_lane = Lane(_clock, settings.SUTLER)
_front_door = FrontDoor(settings.SUTLER)


async def _route(scope: Any, receive: Any, send: Any) -> None:
    path = scope["path"]
    if path in _LANE_PATHS or _SPELLED_OTHERWISE.fullmatch(path):
        await _lane(scope, receive, send)
    else:
        await _front_door(scope, receive, send)


# Switched off it costs nothing.
application = AccessLog(_route, _clock) if settings.SUTLER["SUTLER_ACCESS_LOG"] else _route
