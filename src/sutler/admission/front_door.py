"""The way of a request to Django: received within bounds, waiting its turn, answered on a thread, sent."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from django.http import HttpResponse

from sutler.admission import metrics
from sutler.admission.bodies import Bodies
from sutler.admission.fair_queue import FairQueue, Line, Refused, Turn
from sutler.admission.light_answers import asset, refusal
from sutler.admission.lines import Lines
from sutler.admission.page_threads import PageThreads, Rest, headers_of
from sutler.api.admin_request import BUSY, TOO_LARGE
from sutler.api.read_request import Disconnected, Receive, Scope, Send, TooLarge
from sutler.server import LARGEST_BODY_BYTES

# Bodies of all requests that are received or wait; one sender may hold a largest one.
_BODIES_BYTES = 4 * LARGEST_BODY_BYTES
# Whoever asks again at once after a refusal would keep the panel busy with refusing: so a refusal takes its time. Of
# more than so many at once it is given at once.
_REFUSAL_SECONDS = 1.0
_MOST_HELD_BACK = 1000


class FrontDoor:
    """Answers everything but `/api/v2`. One for each process."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        threads = max(2, settings["SUTLER_PAGE_THREADS"])
        self._django = PageThreads(threads)
        self._queue = FairQueue(threads, settings["SUTLER_PAGE_QUEUE"], settings["SUTLER_PAGE_QUEUE_PER_SESSION"])
        self._wait_seconds: int = settings["SUTLER_PAGE_WAIT_SECONDS"]
        self._body_limit_bytes: int = settings["SUTLER_BODY_LIMIT_BYTES"]
        self._bodies = Bodies(_BODIES_BYTES, LARGEST_BODY_BYTES)
        self._lines = Lines()
        self._held_back = 0
        metrics.watch(
            waiting=lambda: self._queue.waiting,
            at_work=lambda: self._queue.at_work,
            bodies_bytes=lambda: self._bodies.held_bytes,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if (file := asset(scope)) is not None:
            await _send_whole(file, send)
            return
        try:
            await self._admit(scope, receive, send)
        except Disconnected:
            metrics.record_gone()
        except TooLarge:
            await _send_whole(refusal(scope, TOO_LARGE), send)
        except Refused as refused:
            metrics.record_refused(refused.reason)
            if self._held_back < _MOST_HELD_BACK:
                self._held_back += 1
                await asyncio.sleep(_REFUSAL_SECONDS)
                self._held_back -= 1
            await _send_whole(refusal(scope, BUSY), send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = asyncio.get_running_loop().time()
        line = self._lines.of(scope)
        # The office takes files: catalogues, a logo.
        limit_bytes = LARGEST_BODY_BYTES if scope["path"].startswith("/office/") else self._body_limit_bytes
        async with self._bodies.received(line.name, receive, limit_bytes) as body:
            line = self._lines.of(scope, body)
            async with self._turn(line, receive):
                answer = await self._django.run(lambda: self._django.answer(scope, body))
            if answer.is_staff is not None:
                self._lines.remember(scope, body, is_staff=answer.is_staff)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if answer.rest is not None:
            await self._send_rest(line, answer.rest, receive, send)
        await send({"type": "http.response.body", "body": answer.body})
        metrics.record_seconds(scope["path"], asyncio.get_running_loop().time() - began)

    @asynccontextmanager
    async def _turn(self, line: Line, receive: Receive | None) -> AsyncIterator[None]:
        """Waits for a turn of the line, unless whoever asks goes away or it takes too long.

        Without `receive` it is a further turn for what has begun, and waits as long as it must.
        """
        turn = self._queue.join(line, goes_on=receive is None)
        try:
            if receive is None:
                await asyncio.wait({turn})  # awaited itself it would be cancelled with whoever waits
            elif not turn.done():
                await wait_for(turn, receive, self._wait_seconds)
            turn.result()
        except BaseException:
            self._queue.withdraw(line, turn)
            raise
        try:
            yield
        finally:
            self._queue.leave(line)

    async def _send_rest(self, line: Line, rest: Rest, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            while not gone.done():
                async with self._turn(line, None):
                    part = await self._django.run(rest.part)
                if not part:
                    return
                await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            gone.cancel()
            await self._django.run(rest.close)


async def _send_whole(answer: HttpResponse, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers_of(answer)})
    await send({"type": "http.response.body", "body": answer.content})


async def wait_for(turn: Turn, receive: Receive, seconds: float) -> None:
    """Waits for a turn. Raises Disconnected if the other end goes away first, Refused if it takes too long."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({turn, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    if not turn.done():
        raise Disconnected if gone.done() and not gone.cancelled() else Refused("waited too long")


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
