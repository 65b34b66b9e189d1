"""The fields of a request, whatever form it came in: a query, an urlencoded or multipart form, a JSON object.

All are read into one mapping of texts (the protocol, section 1), within bounds that are looked at before anything is
decoded: to read a request that was made to cost time must cost none. Nothing here waits or knows a database.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import unquote_to_bytes

import msgspec

from sutler.api.read_request import Scope, header

# `add` of the richest type takes 14 fields; a list of a hundred ids may come as so many fields.
MOST_FIELDS = 128
LONGEST_NAME_BYTES = 256
# The longest text that any field takes, escaped: 2,048 characters of four bytes, each byte as `%F0`.
LONGEST_VALUE_BYTES = 32 * 1024
LONGEST_PART_HEAD_BYTES = 1024
# Fields that hold many items; how long they may be, the limit of the body says.
LISTS = frozenset({"orders", "refills", "comments", "usernames", "hashtags", "keywords", "groups"})

_BOUNDARY = re.compile(rb'boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;,"]{1,200})(?![^\s;,]))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:[ \t]*form-data[ \t]*;(.*?)\r?$", re.IGNORECASE | re.MULTILINE)
_PART_NAME = re.compile(rb'(?:^|;)[ \t]*name[ \t]*=[ \t]*(?:"([^"]*)"|([^;\s]+))', re.IGNORECASE)
_PART_FILE = re.compile(rb";[ \t]*filename\*?[ \t]*=", re.IGNORECASE)
_ENCODED_PART = re.compile(rb"content-transfer-encoding:[ \t]*(?:base64|quoted-printable)", re.IGNORECASE)
_JSON_KEY = re.compile(rb'"key"\s*:\s*"([^"\\]{0,256})"')
_PART_KEY = re.compile(rb'name="?key"?[ \t]*\r\n(?:[^\r\n]{1,200}\r\n){0,4}\r\n([^\r\n]{0,256})')

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[bool | int | float | str | None]).decode

Reader = Callable[[bytes], dict[str, str]]


class Unreadable(Exception):
    """The request has more fields, or longer ones, than any that we know. Nothing of it counts."""


def read_fields(scope: Scope, body: bytes) -> dict[str, str]:
    """Returns the fields of a request by trimmed name; a body field wins over the same field of the query.

    Bytes that are not UTF-8 come through as lone surrogates, which every field refuses. A body that cannot be read as
    what it says it is has no fields. Of a repeated field the last counts. Raises Unreadable past a bound.
    """
    query: bytes = scope["query_string"]
    fields = _urlencoded(query) if query else {}
    if body:
        fields |= _reader(scope, body)(body)
    return fields


def key_in(scope: Scope, start: bytes) -> str | None:
    """Returns the key that stands in the first bytes of a body, or else in the query, without reading the rest.

    None if none stands there: it may come later. Which key counts is decided once all has been read.
    """
    reader = _reader(scope, start)
    if reader is _urlencoded:
        found = _urlencoded_key(start)
    else:
        match = (_JSON_KEY if reader is _json else _PART_KEY).search(start)
        found = match[1] if match else None
    if found is None:
        found = _urlencoded_key(scope["query_string"])
    return None if found is None else _unescaped(_utf8(found.replace(b"+", b" "))).strip()


def _urlencoded_key(data: bytes) -> bytes | None:
    _, mark, after = (b"&" + data).rpartition(b"&key=")
    return after[: LONGEST_NAME_BYTES + 1].partition(b"&")[0] if mark else None


def _reader(scope: Scope, body: bytes) -> Reader:
    content_type = header(scope, b"content-type")
    media_type = content_type.partition(b";")[0].strip().lower()
    if media_type == b"application/x-www-form-urlencoded":
        return _urlencoded
    if media_type == b"multipart/form-data":
        return partial(_multipart, content_type)
    if media_type == b"application/json" or (not media_type and body[:1024].lstrip()[:1] == b"{"):
        return _json
    return _nothing if media_type else _urlencoded


def _nothing(_: bytes) -> dict[str, str]:
    return {}


def _urlencoded(data: bytes) -> dict[str, str]:
    if data.count(b"&") >= MOST_FIELDS:
        raise Unreadable("too many fields")
    fields = {}
    # Decoded at once and then cut: most requests are of this kind, and calls for each name and value cost the most.
    for pair in _utf8(data.replace(b"+", b" ")).split("&"):
        name, _, value = pair.partition("=")
        escaped = "%" in pair
        if len(name) > LONGEST_NAME_BYTES:
            raise Unreadable("a name too long")
        if escaped:
            name = _unescaped(name)
        name = name.strip()
        if len(value) > LONGEST_VALUE_BYTES and name not in LISTS:
            raise Unreadable("a value too long")
        fields[name] = _unescaped(value) if escaped else value
    return fields


def _unescaped(text: str) -> str:
    return _utf8(unquote_to_bytes(text.encode("utf-8", "surrogateescape")))


def _multipart_texts(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    fields = {}
    for raw_name, value in pairs:
        if len(raw_name) > LONGEST_NAME_BYTES:
            raise Unreadable("a name too long")
        name = _utf8(raw_name).strip()
        if len(value) > LONGEST_VALUE_BYTES and name not in LISTS:
            raise Unreadable("a value too long")
        fields[name] = _utf8(value)
    return fields


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _multipart(content_type: bytes, body: bytes) -> dict[str, str]:
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return {}
    delimiter = b"\r\n--" + (boundary[1] or boundary[2])
    body = b"\r\n" + body
    if body.count(delimiter) > MOST_FIELDS + 1:
        raise Unreadable("too many parts")
    parts = body.split(delimiter)
    if not parts[-1].startswith(b"--"):
        return {}  # cut short: what arrived last may be cut too
    return _multipart_texts(filter(None, map(_part, parts[1:-1])))


def _part(part: bytes) -> tuple[bytes, bytes] | None:
    """Returns the name and value of a part as they came; None if it is no field, as a file is none."""
    head, _, value = part.partition(b"\r\n\r\n")
    if len(head) > LONGEST_PART_HEAD_BYTES:
        raise Unreadable("a part with too long a head")
    if _ENCODED_PART.search(head):
        raise Unreadable("a part that is encoded")
    disposition = _DISPOSITION.search(head)
    name = _PART_NAME.search(disposition[1]) if disposition else None
    if disposition is None or name is None or _PART_FILE.search(disposition[1]):
        return None
    return name[1] or name[2] or b"", value


def _json(body: bytes) -> dict[str, str]:
    try:
        members = _members(body)
        if len(members) > MOST_FIELDS:
            raise Unreadable("too many members")
        texts = ((name.strip(), _member(name.strip(), bytes(value))) for name, value in members.items())
        return {name: text for name, text in texts if text is not None}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _member(name: str, raw: bytes) -> str | None:
    """Returns a JSON member as the field a form would carry; a list, where one belongs, as one item a line."""
    if len(name) > LONGEST_NAME_BYTES or (len(raw) > LONGEST_VALUE_BYTES and name not in LISTS):
        raise Unreadable("a member too long")
    if raw[:1] == b"[" and name in LISTS:
        return "\n".join(text for each in _items(raw) if (text := _text(each)) is not None)
    return None if raw[:1] in b"[{" else _text(msgspec.json.decode(raw))


def _text(value: bool | float | str | None) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
