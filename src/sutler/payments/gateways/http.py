"""How gateways are asked: over the one safe way out, in bounded time and space, without redirects."""

import asyncio
from collections.abc import Collection, Mapping

import httpx2

from sutler import __version__
from sutler.panels.safe_transport import is_allowed, open_client
from sutler.payments.gateways.shape import Ask, Failure, Reply

LONGEST_SECONDS = 10.0
LONGEST_ANSWER_BYTES = 256 * 1024

_HEADERS = {"User-Agent": f"Sutler/{__version__}", "Accept": "application/json", "Accept-Encoding": "identity"}


def opened(allowed_hosts: Collection[str], longest_seconds: float = LONGEST_SECONDS) -> Ask:
    """Returns a way to ask gateways. Only `allowed_hosts` may have private addresses, or be asked without TLS."""

    async def ask(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply | Failure:
        try:
            parsed = httpx2.URL(url)
            if parsed.scheme != "https" and not is_allowed(parsed.host, allowed_hosts):
                return Failure("its address does not begin with https://")
            async with (
                asyncio.timeout(longest_seconds),
                open_client(allowed_hosts) as client,
                client.stream(
                    method, url, headers={**_HEADERS, **headers}, content=body or None, timeout=longest_seconds
                ) as response,
            ):
                chunks = bytearray()
                async for chunk in response.aiter_raw():
                    chunks += chunk
                    if len(chunks) > LONGEST_ANSWER_BYTES:
                        return Failure(f"the answer is longer than {LONGEST_ANSWER_BYTES} bytes")
                return Reply(response.status_code, bytes(chunks))
        except TimeoutError:
            return Failure(f"no answer within {longest_seconds:g} s")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Failure(f"it cannot be reached ({type(error).__name__})")

    return ask
