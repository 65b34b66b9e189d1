"""Django on a bounded set of threads, each of which keeps one database connection.

Django's own ASGI handler gives every request a thread of its own, whose connection nobody closes; it also goes back and
forth between loop and thread for each layer. Here a request is one call of Django's synchronous handler.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, TypeVar

from django.core import signals
from django.core.handlers.asgi import ASGIHandler
from django.http.response import HttpResponseBase

from sutler.api.admin_request import ACTOR
from sutler.api.read_request import Scope

# How long a thread may keep the interpreter to itself. Beside pages the usual 5 ms are most of what a program waits for
# the lane; without them each change of threads costs the lane more than it gains.
_SWITCH_SECONDS, _SWITCH_SECONDS_BESIDE_PAGES = 0.005, 0.0005

T = TypeVar("T")
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What Django answered: `body`, or the `rest` if it is written while it is sent. `is_staff` is None for guests."""

    status: int
    headers: Headers
    body: bytes
    rest: "Rest | None" = None
    is_staff: bool | None = None


class Rest:
    """The parts of an answer that is written while it is sent. Each is read on a thread, whichever is free."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._parts: Iterator[bytes] = filter(None, response)

    def part(self) -> bytes:
        """Returns the next part, empty after the last."""
        return next(self._parts, b"")

    def close(self) -> None:
        """Lets go of what the answer is written from."""
        self._response.close()


class PageThreads(ASGIHandler):
    """Django's synchronous chain, called on one of `threads` threads."""

    def __init__(self, threads: int) -> None:
        self.load_middleware()  # not ASGIHandler's own, which is asynchronous
        self._threads = ThreadPoolExecutor(threads, "page")
        self._running = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Returns what the call returns on a thread, in the context of whoever asks."""
        self._running += 1
        if self._running == 1:
            sys.setswitchinterval(_SWITCH_SECONDS_BESIDE_PAGES)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, partial(copy_context().run, call))
        finally:
            self._running -= 1
            if not self._running:
                sys.setswitchinterval(_SWITCH_SECONDS)

    def answer(self, scope: Scope, body: bytes) -> PageAnswer:
        """Answers one request on the calling thread. Raises what even the page for failures raised."""
        signals.request_started.send(sender=type(self), scope=scope)  # closes a connection that is broken
        request, unreadable = self.create_request(scope, BytesIO(body))
        response: Any = unreadable if request is None else self.get_response(request)
        if response.streaming:
            return PageAnswer(response.status_code, headers_of(response), b"", Rest(response))
        content: bytes = response.content
        response.close()
        return PageAnswer(response.status_code, headers_of(response), content, is_staff=_is_staff(request))


def headers_of(response: HttpResponseBase) -> Headers:
    """Returns the headers and cookies of an answer as the server sends them."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    cookies = [(b"set-cookie", each.OutputString().encode("ascii")) for each in response.cookies.values()]
    return headers + cookies


def _is_staff(request: Any) -> bool | None:
    """Returns what is known of the sender by now; asks nothing."""
    if request is None:
        return None
    if ACTOR in request.META:
        return True
    user = getattr(request, "_cached_user", None)  # AuthenticationMiddleware's, once somebody has looked
    return user.is_staff if user is not None and user.is_authenticated else None
