"""The access log: one line for each request, without what is secret in its address."""

import re
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars

from sutler.api.read_request import Receive, Scope, Send
from sutler.core.clock import Clock, new_token

LONGEST_PATH = 200
# Behind /account/ a link may carry what confirms an address or sets a password; words and numbers are none.
_PLAIN = re.compile(r"(?:[a-z]{1,20}(?:-[a-z]{1,20}){0,3}|\d{1,10}|2fa)?")

_log = structlog.get_logger("access")

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AccessLog:
    """Passes requests on to the application; logs each, and tells the caller its id in `X-Request-ID`.

    Whatever else is logged on the way carries the id too.
    """

    def __init__(self, application: Application, clock: Clock) -> None:
        self._application = application
        self._clock = clock
        self._process = new_token()[:8]
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. One that is cut off without an answer has the status 0."""
        request_id = f"{self._process}-{next(self._numbers):x}"
        bind_contextvars(request_id=request_id)
        began = self._clock.monotonic()
        status = 0

        async def send_named(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = message | {"headers": [*message["headers"], (b"x-request-id", request_id.encode())]}
            await send(message)

        try:
            await self._application(scope, receive, send_named)
        finally:
            _log.info(
                "request",
                address=scope["client"][0] if scope["client"] else "",
                method=scope["method"],
                path=shown(scope["path"]),
                status=status,
                milliseconds=round((self._clock.monotonic() - began) * 1000, 1),
            )


def shown(path: str) -> str:
    """Returns a path as it may be logged: bounded, and without keys of links. The query is never logged."""
    before, account, after = path[: 4 * LONGEST_PATH].partition("account/")
    hidden = "/".join(each if _PLAIN.fullmatch(each) else "***" for each in after.split("/"))
    whole = before + account + hidden
    return whole if len(whole) <= LONGEST_PATH else whole[:LONGEST_PATH] + "..."
