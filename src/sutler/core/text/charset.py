"""Bytes from outside, read as the text that they are: in the charset they came in, or not at all.

Nothing is guessed and nothing is replaced: a name that was lost on the way must not be sold under question marks.
"""

import codecs
import json
import re

# Text encodings of the web, besides Unicode, which shows by itself. Those of seven bits are left out: they hide in it.
_KNOWN = re.compile(
    r"(?:windows|cp)-?(?:125[0-8]|874)|iso-?8859-?[0-9]{1,2}|latin-?[0-9]{1,2}|koi8-?[ru]"
    r"|(?:us-)?ascii|gb(?:k|2312|18030)|big5|shift[-_]jis|euc-(?:jp|kr)|tis-620|(?:cp|ibm)-?(?:866|949)|macintosh",
    re.ASCII | re.IGNORECASE,
)
# Browsers read these as windows-1252, and so do the panels that write them.
_WESTERN = frozenset({"iso8859-1", "ascii"})
_NAMED = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.ASCII | re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST_HEAD = 1024


class UnknownCharset(ValueError):
    """The bytes are no text in a charset that is known. The message is one line."""


def decode(body: bytes, content_type: str = "") -> str:
    """Returns the text of a body: by its byte order mark, as UTF-8 if it is that, else by the charset that is named.

    A charset is named by the Content-Type, or by a `meta` in the head of a page. UTF-8 goes first because JSON is
    UTF-8 and servers add a wrong charset to it more often than others write bytes that are UTF-8 by chance. Raises
    UnknownCharset if the bytes are not what is named, or nothing that is known is named.
    """
    head = body[:4]
    marked = next((name for mark, name in _BOMS if body.startswith(mark)), "")
    if not marked and b"\0" in head:
        marked = json.detect_encoding(head)  # JSON begins with ASCII, so zeros tell how wide it is
    try:
        return body.decode(marked or "utf-8")
    except UnicodeDecodeError as error:
        place = error.start
    named = "" if marked else _named(body, content_type)
    if not named:
        raise UnknownCharset(f"it is not {marked or 'UTF-8'} (byte {place}) and names no other charset")
    for codec in _codecs(named):
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    raise UnknownCharset(f"it is neither UTF-8 nor {named}")


def _named(body: bytes, content_type: str) -> str:
    found = _NAMED.search(content_type[:200])
    if found is None and body.lstrip()[:1] == b"<":
        found = _NAMED.search(body[:_LONGEST_HEAD].decode("ascii", "replace"))
    return found[1] if found else ""


def _codecs(named: str) -> tuple[str, ...]:
    """Returns what to read a charset by, in order; nothing for one that is not known."""
    if not _KNOWN.fullmatch(named):
        return ()
    try:
        codec = codecs.lookup(re.sub(r"^(?:windows|ibm)-?", "cp", named, flags=re.IGNORECASE)).name
    except LookupError:
        return ()
    return ("cp1252", "iso8859-1") if codec in _WESTERN else (codec,)
