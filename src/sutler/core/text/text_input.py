"""What people write into forms, made fit to be kept: bounded, without characters that no page shows."""

import re

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def one_line(text: str, longest: int) -> str | None:
    """Returns the text with single spaces and none around it, or None if it is too long or cannot be shown."""
    joined = " ".join(text.split())
    return None if len(joined) > longest or _UNPRINTABLE.search(joined) else joined


def number(text: str) -> int | None:
    """Returns the number that the text writes in ASCII digits, at most 18, so that it fits a BIGINT; else None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def paragraphs(text: str, longest: int) -> str | None:
    """Returns the text with its line breaks as `\\n` and none around it, or None as above."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return None if len(plain) > longest or _UNPRINTABLE.search(plain) else plain
