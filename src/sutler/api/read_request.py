"""Reading what a program sent: its body as it arrives, its headers, the ids in its fields."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# So many tokens of a list of ids are looked at; blanks and repetitions count.
MOST_TOKENS = 1000


class TooLarge(Exception):
    """The body is larger than the limit; the rest of it was not read."""


class Disconnected(Exception):
    """The caller went away before the request was complete."""


async def read_body(receive: Receive, enough_bytes: int) -> tuple[bytes, bool]:
    """Returns the body as far as it was received, and whether more will come: reads on up to so many bytes, or beyond.

    Raises Disconnected if the caller went away.
    """
    chunks = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunks.append(message["body"])
        size += len(message["body"])
        more: bool = message.get("more_body", False)
        if not more or size > enough_bytes:
            return b"".join(chunks), more


def content_length(scope: Scope) -> int:
    """Returns the length that a request gives for its body, 0 if it gives none."""
    text = header(scope, b"content-length")
    return int(text) if text.isdigit() and len(text) < 20 else 0


def header(scope: Scope, name: bytes) -> bytes:
    """Returns the value of a header, empty if it was not sent. The name is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def ids_of(text: str, most: int) -> list[tuple[str, int | None]]:
    """Returns the distinct ids of a comma-separated list as (token, number), at most `most`, in the order given.

    Blanks are skipped; nothing behind the first MOST_TOKENS tokens is looked at. The number is None where the token is
    not one that an id could be.
    """
    looked_at = text.replace("\n", ",").split(",", MOST_TOKENS)[:MOST_TOKENS]
    tokens = dict.fromkeys(stripped for token in looked_at if (stripped := token.strip()))
    found: dict[str | int, tuple[str, int | None]] = {}
    for token in tokens:
        number = id_of(token)
        found.setdefault(number or token, (token, number))
        if len(found) == most:
            break
    return list(found.values())


def id_of(token: str) -> int | None:
    """Returns the id that the token writes in ASCII digits, or None if it is none between 1 and 2^31-1."""
    if not (token.isascii() and token.isdigit()) or len(token) > 20:
        return None
    number = int(token)
    return number if 0 < number < 2**31 else None


def without_secrets(fields: Mapping[str, str]) -> dict[str, str]:
    """Returns the fields as they may be logged: shortened, the key masked."""
    return {name[:40]: "***" if name == "key" else value[:200] for name, value in list(fields.items())[:20]}
