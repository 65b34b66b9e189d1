"""One request to somebody else's server, in bounded time and space, for what is no upstream panel."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import httpx2

NewClient = Callable[[], httpx2.AsyncClient]


class Unanswered(Exception):
    """There is no answer. The text says why in one printable line; the address may hold a key and is not named."""


@asynccontextmanager
async def requested(
    new_client: NewClient,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    longest_seconds: float,
) -> AsyncIterator[httpx2.Response]:
    """Gives the response, its head read. Raises Unanswered, also for what fails while the body is read."""
    try:
        async with (
            asyncio.timeout(longest_seconds),
            new_client() as client,
            client.stream(method, url, headers=headers, content=body or None, timeout=longest_seconds) as response,
        ):
            yield response
    except TimeoutError as error:
        raise Unanswered(f"no answer within {longest_seconds:g} s") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise Unanswered(f"it cannot be reached ({type(error).__name__})") from error


async def body_of(response: httpx2.Response, longest_bytes: int) -> bytes:
    """Returns the body as it came over the wire. Raises Unanswered if it is longer than so many bytes."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > longest_bytes:
            raise Unanswered(f"the answer is longer than {longest_bytes} bytes")
    return bytes(body)
