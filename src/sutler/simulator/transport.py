"""The scripted upstream's face in simulated time: a transport for an httpx2 client that sends nothing anywhere."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn

import httpx2

from sutler.simulator.form import read_form
from sutler.simulator.reply import Ending, Reply
from sutler.simulator.upstream import LyingUpstream

Wait = Callable[[float], Awaitable[None]]
# How long a client without a time-out of its own is kept waiting.
LONGEST_SECONDS = 600.0


class SimulatedTransport(httpx2.AsyncBaseTransport):
    """Answers every request from the upstream, whatever its address.

    It raises what a real connection would: ConnectError and ConnectTimeout before a byte has left, ReadTimeout after
    the client's own read time-out, ReadError for a reset, RemoteProtocolError for an end without a whole answer. It
    never sleeps: `await wait(seconds)` lets simulated time pass.
    """

    def __init__(self, upstream: LyingUpstream, wait: Wait) -> None:
        self._upstream = upstream
        self._wait = wait

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Returns the upstream's answer to this request, or raises the httpx2 error that its fault comes to."""
        body = await request.aread()
        fields = read_form(request.url.query, body, request.headers.get("content-type", ""))
        reply = self._upstream.answer(fields)
        if reply.ending is Ending.UNREACHED:
            await self._let_pass(reply.delay_seconds, request, "connect")
            raise httpx2.ConnectError("Connection refused", request=request)
        await self._let_pass(reply.delay_seconds, request, "read")
        if reply.ending in {Ending.RESET, Ending.CLOSED}:
            _fail(reply.ending, request)
        if reply.ending is Ending.WHOLE:
            reply.mark_told()
        return httpx2.Response(reply.code, headers=reply.headers, stream=_Body(reply, request))

    async def _let_pass(self, seconds: float, request: httpx2.Request, kind: str) -> None:
        """Waits so long, or raises the client's time-out of this kind if that comes first."""
        own = request.extensions.get("timeout", {}).get(kind)
        patience = LONGEST_SECONDS if own is None else own
        if seconds:
            await self._wait(min(seconds, patience))
        if seconds > patience:
            late = httpx2.ConnectTimeout if kind == "connect" else httpx2.ReadTimeout
            raise late("The simulated time-out has passed", request=request)


class _Body(httpx2.AsyncByteStream):
    """A body as it arrives: whole, or half of it and then the end of the connection."""

    def __init__(self, reply: Reply, request: httpx2.Request) -> None:
        self._reply = reply
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._reply.ending is Ending.WHOLE:
            yield self._reply.body
        else:
            yield self._reply.half
            text = "peer closed connection without sending complete message body"
            raise httpx2.RemoteProtocolError(text, request=self._request)


def _fail(ending: Ending, request: httpx2.Request) -> NoReturn:
    if ending is Ending.RESET:
        raise httpx2.ReadError("Connection reset by peer", request=request)
    raise httpx2.RemoteProtocolError("Server disconnected without sending a response.", request=request)
