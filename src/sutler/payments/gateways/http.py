"""How gateways are asked: over the one safe way out, in bounded time and space, without redirects."""

from collections.abc import Collection, Mapping
from functools import partial

import httpx2

from sutler import __version__
from sutler.panels.bounded_request import Unanswered, body_of, requested
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
            async with requested(
                partial(open_client, allowed_hosts),
                method,
                url,
                {**_HEADERS, **headers},
                body,
                longest_seconds=longest_seconds,
            ) as response:
                return Reply(response.status_code, await body_of(response, LONGEST_ANSWER_BYTES))
        except Unanswered as error:
            return Failure(str(error))
        except (httpx2.InvalidURL, ValueError) as error:
            return Failure(f"it cannot be reached ({type(error).__name__})")

    return ask
