"""Connections that are kept open: which one a request takes, which are closed, and what may happen meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2

from sutler.panels.connection_pool import Connections

IDLE_SECONDS = 0.01


class One(httpx2.AsyncBaseTransport):
    """A connection that says its number, and closes only as it is allowed to."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_closing = asyncio.Event()
        self.may_close = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=self._say())

    async def _say(self) -> AsyncIterator[bytes]:
        yield str(self.number).encode()

    async def aclose(self) -> None:
        self.is_closing.set()
        await self.may_close.wait()


class Scene:
    """Connections, and each that was opened."""

    def __init__(self) -> None:
        self.opened: list[One] = []
        self.connections = Connections(self._open, IDLE_SECONDS)

    def _open(self) -> One:
        self.opened.append(One(len(self.opened)))
        return self.opened[-1]

    async def begin(self) -> httpx2.Response:
        return await self.connections.handle_async_request(httpx2.Request("GET", "http://upstream.example/"))


def play(act: Callable[[Scene], Awaitable[None]]) -> None:
    async def play_it() -> None:
        await act(Scene())

    asyncio.run(play_it())


def test_a_request_takes_the_one_that_was_used_last() -> None:
    async def act(scene: Scene) -> None:
        both = [await scene.begin(), await scene.begin()]
        for each in both:
            await each.aclose()
        again = await scene.begin()
        assert await again.aread() == b"1"
        assert len(scene.opened) == 2

    play(act)


def test_one_is_taken_while_another_that_was_idle_for_too_long_is_closed() -> None:
    async def act(scene: Scene) -> None:
        first, second = await scene.begin(), await scene.begin()
        await first.aclose()
        await asyncio.sleep(2 * IDLE_SECONDS)
        ending = asyncio.create_task(second.aclose())
        await scene.opened[0].is_closing.wait()
        third = await scene.begin()
        scene.opened[0].may_close.set()
        await ending
        assert await third.aread() == b"1"

    play(act)
