"""Connections to one host that are kept open between requests, the one that was used last first.

The pool of httpx2 looks at every connection, whether its server has closed it, whenever a request begins and whenever
one ends; with dozens open that costs as much as the request. Here a request looks at the connection it takes.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import httpx2


class Connections(httpx2.AsyncBaseTransport):
    """As many connections as there are requests at once, each over a transport of its own.

    One that has been idle for `idle_seconds` is closed when a later one is put back.
    """

    def __init__(self, open_one: Callable[[], httpx2.AsyncBaseTransport], idle_seconds: float) -> None:
        """`open_one` returns a transport that holds one connection and opens it anew where it was closed."""
        self._open_one = open_one
        self._idle_seconds = idle_seconds
        # Since when each is idle, the longest first.
        self._idle: deque[tuple[float, httpx2.AsyncBaseTransport]] = deque()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request over an idle connection or a new one, which is kept once the response has been closed."""
        one = self._idle.pop()[1] if self._idle else self._open_one()
        try:
            response = await one.handle_async_request(request)
        except BaseException:
            with suppress(Exception):
                await one.aclose()
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - every asynchronous transport's is
        response.stream = _Kept(response.stream, one, self)
        return response

    async def keep(self, one: httpx2.AsyncBaseTransport) -> None:
        """Puts a connection back that is free again, and closes those that nobody has needed for too long."""
        now = asyncio.get_running_loop().time()
        self._idle.append((now, one))
        # While one is being closed the others may be taken.
        while self._idle and self._idle[0][0] < now - self._idle_seconds:
            await self._idle.popleft()[1].aclose()

    async def aclose(self) -> None:
        """Closes all that are idle."""
        while self._idle:
            await self._idle.popleft()[1].aclose()


class _Kept(httpx2.AsyncByteStream):
    """The body of a response; once it is closed, its connection is kept."""

    def __init__(
        self, stream: httpx2.AsyncByteStream, one: httpx2.AsyncBaseTransport, connections: Connections
    ) -> None:
        self._stream = stream
        self._one = one
        self._connections = connections

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        await self._stream.aclose()
        await self._connections.keep(self._one)
