"""Receiving bodies within bounds: of one request, of one sender, and of all that are held at a time."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sutler.admission.fair_queue import Refused
from sutler.api.read_request import Disconnected, Receive, TooLarge


class Bodies:
    """Holds at most `most_bytes` of bodies, `most_of_one` of them from one sender."""

    def __init__(self, most_bytes: int, most_of_one: int) -> None:
        self._most_bytes, self._most_of_one = most_bytes, most_of_one
        self._held_by: Counter[str] = Counter()
        self.held_bytes = 0

    @asynccontextmanager
    async def received(self, sender: str, receive: Receive, limit_bytes: int) -> AsyncIterator[bytes]:
        """Receives a body, which counts until the block ends.

        Raises TooLarge past the limit, Refused past what may be held, Disconnected if it never came to its end.
        """
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                chunk: bytes = message["body"]
                size += len(chunk)
                self._count(sender, len(chunk))
                if size > limit_bytes:
                    raise TooLarge
                chunks.append(chunk)
                if not message.get("more_body"):
                    break
            yield b"".join(chunks)
        finally:
            self._count(sender, -size, is_bounded=False)

    def _count(self, sender: str, size: int, *, is_bounded: bool = True) -> None:
        if not size:
            return
        self.held_bytes += size
        self._held_by[sender] += size
        if is_bounded and (self.held_bytes > self._most_bytes or self._held_by[sender] > self._most_of_one):
            raise Refused("bodies")
        if not self._held_by[sender]:
            del self._held_by[sender]
