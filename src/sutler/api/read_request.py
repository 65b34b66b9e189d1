"""Reading what a program sent: its fields, whatever form it sent them in.

Urlencoded and multipart forms, JSON objects and query strings are all read into one mapping of texts
(the protocol, section 1).
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDictKeyError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MOST_FIELDS = 200
_MOST_ITEMS = 100_000
_LISTS = frozenset({"orders", "refills", "comments", "usernames", "hashtags", "keywords", "groups"})


class TooLarge(Exception):
    """The body is larger than the limit; the rest of it was not read."""


class Disconnected(Exception):
    """The caller went away before the request was complete."""


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """Returns the whole body. Raises TooLarge past the limit and Disconnected if it never came to its end."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message["body"]
        if len(body) > limit_bytes:
            raise TooLarge
        return body
    chunks = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunks.append(message["body"])
        size += len(message["body"])
        if size > limit_bytes:
            raise TooLarge
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


def read_fields(scope: Scope, body: bytes) -> dict[str, str]:
    """Returns the fields of a request by trimmed name; a body field wins over the same field of the query.

    Bytes that are not UTF-8 come through as lone surrogates, which every field refuses. A body that cannot be read as
    what it says it is has no fields. Of a repeated field the last counts.
    """
    query: bytes = scope["query_string"]
    fields = _urlencoded(query) if query else {}
    if body:
        fields |= _body_fields(scope, body)
    return fields


def header(scope: Scope, name: bytes) -> bytes:
    """Returns the value of a header, empty if it was not sent. The name is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def _body_fields(scope: Scope, body: bytes) -> dict[str, str]:
    content_type = header(scope, b"content-type")
    media_type = content_type.partition(b";")[0].strip().lower()
    if media_type == b"application/x-www-form-urlencoded":
        return _urlencoded(body)
    if media_type == b"multipart/form-data":
        return _multipart(content_type, body)
    if media_type == b"application/json" or (not media_type and body.lstrip()[:1] == b"{"):
        return _json(body)
    return {} if media_type else _urlencoded(body)


def _urlencoded(data: bytes) -> dict[str, str]:
    text = data.decode("utf-8", "surrogateescape")
    if "+" in text:
        text = text.replace("+", " ")
    fields = {}
    for pair in text.split("&", _MOST_FIELDS)[:_MOST_FIELDS]:
        name, _, value = pair.partition("=")
        if "%" in pair:
            name, value = _unquoted(name), _unquoted(value)
        fields[name.strip()] = value
    return fields


def _unquoted(text: str) -> str:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _json(body: bytes) -> dict[str, str]:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if not isinstance(decoded, dict):
        return {}
    texts = (_field(name.strip(), value) for name, value in list(decoded.items())[:_MOST_FIELDS])
    return {name: text for name, text in texts if text is not None}


def _field(name: str, value: object) -> tuple[str, str | None]:
    """Returns a JSON member as the field a form would carry; a list, where one belongs, as one item a line."""
    if isinstance(value, list) and name in _LISTS:
        items = [_text(each) for each in value[:_MOST_ITEMS]]
        return name, "\n".join(each for each in items if each is not None)
    return name, _text(value)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def _multipart(content_type: bytes, body: bytes) -> dict[str, str]:
    if not body.rstrip().endswith(b"--"):
        return {}  # cut short: what arrived last may be cut too
    meta = {"CONTENT_TYPE": content_type.decode("latin-1"), "CONTENT_LENGTH": len(body)}
    try:
        posted, _ = MultiPartParser(meta, BytesIO(body), [], "latin-1").parse()
    except (MultiPartParserError, MultiValueDictKeyError, SuspiciousOperation, BadRequest, UnicodeError):
        return {}
    # Read as latin-1, which keeps every byte, so that bytes that are not UTF-8 can be refused like elsewhere.
    return {_as_utf8(name).strip(): _as_utf8(str(posted[name])) for name in posted}


def _as_utf8(text: str) -> str:
    return text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def ids_of(text: str, most: int) -> list[tuple[str, int | None]]:
    """Returns the distinct ids of a comma-separated list as (token, number), at most `most`, in the order given.

    The number is None where the token is not one that an id could be. Blanks are skipped.
    """
    tokens = dict.fromkeys(stripped for token in text.replace("\n", ",").split(",") if (stripped := token.strip()))
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
