"""Texts as old panels keep them: as HTML, encoded twice, cut in the middle of a character."""

import html
import re

# With its semicolon: `?a=1&lt=2` in a link is no entity.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});", re.ASCII)
_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# What the first bytes of UTF-8 look like when they are read as Windows-1252.
_LEAD = re.compile(
    "[\u00c2-\u00df\u00e0-\u00ef\u00f0-\u00f4][\u0080-\u00bf\u0152-\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
_LONGEST_CUT = 3
_MOST_ENTITY_LAYERS = 3


def line(text: str | None, longest: int) -> str:
    """Returns a text of one line: repaired, without entities and control characters, cut to `longest` characters."""
    return " ".join(_plain(text).split())[:longest].rstrip()


def paragraphs(text: str | None, longest: int) -> str:
    """Returns a text of several lines as it reads: what was HTML without its tags, cut to `longest` characters."""
    plain = _TAG.sub("", _BREAK.sub("\n", _plain(text)))
    lines = (" ".join(each.split()) for each in plain.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:longest].rstrip()


def decoded(text: str) -> str:
    """Returns a text that was encoded twice as it was written; any other as it is.

    UTF-8 that was stored as if it were Windows-1252 is known by its pairs. It is taken back only if all of it is UTF-8,
    but for a last character that a column had no room for.
    """
    while _LEAD.search(text):
        raw = _windows_bytes(text)
        if raw is None or (once := _utf8(raw)) is None or once == text:
            return text
        text = once
    return text


def _plain(text: str | None) -> str:
    plain = decoded(text or "").rstrip("\ufffd")
    for _ in range(_MOST_ENTITY_LAYERS):
        if not _ENTITY.search(plain):
            break
        plain = _ENTITY.sub(lambda found: html.unescape(found[0]), plain)
    return _UNPRINTABLE.sub(" ", decoded(plain))


def _windows_bytes(text: str) -> bytes | None:
    raw = bytearray()
    for letter in text:
        try:
            raw += letter.encode("cp1252")
        except UnicodeEncodeError:
            if not 0x80 <= ord(letter) <= 0x9F:  # five bytes that Windows-1252 leaves out, kept by MySQL
                return None
            raw.append(ord(letter))
    return bytes(raw)


def _utf8(raw: bytes) -> str | None:
    for cut in range(_LONGEST_CUT + 1):
        try:
            return raw[: len(raw) - cut].decode()
        except UnicodeDecodeError as error:
            if error.end < len(raw) - _LONGEST_CUT:
                return None
    return None
