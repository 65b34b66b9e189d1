"""Which links a service takes: patterns with `*`, matched in a time that no link and no pattern can stretch.

A link is compared without its scheme, user, port and `www.`, in small letters, and also as it reads when decoded, so
that another spelling of an address is the same address.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

MOST_PATTERNS = 100
LONGEST_PATTERN = 200

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?=/)/*|//+")
_HOST_END = re.compile(r"[/?#]")
_PORT = re.compile(r":[0-9]{0,5}$")


@dataclass(frozen=True, slots=True)
class LinkRules:
    """What a link must match (any of `allowed`, if there are any) and must not match (any of `refused`).

    A pattern stands for the whole link; `*` in it stands for any text: `example.com/*`, `*.example.com/*`, `*/live/*`.
    """

    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def allow(self, link: str) -> bool:
        """Returns True if an order for this link may be taken."""
        spellings = {_plain(link), _plain(unquote(link))}
        if any(_matches(refused, each) for refused in self.refused for each in spellings):
            return False
        return not self.allowed or all(any(_matches(allowed, each) for allowed in self.allowed) for each in spellings)


def read(allowed: str, refused: str) -> LinkRules | None:
    """Returns the rules written one pattern a line, or None where there are none at all."""
    rules = LinkRules(tuple(map(_plain, lines(allowed))), tuple(map(_plain, lines(refused))))
    return rules if rules.allowed or rules.refused else None


def lines(text: str) -> list[str]:
    """Returns the patterns of a text, one a line, without blank lines and outer spaces."""
    return [stripped for each in text.splitlines() if (stripped := each.strip())]


def are_readable(patterns: Sequence[str]) -> bool:
    """Returns True if there are at most 100 patterns, each a printable line of at most 200 characters."""
    return len(patterns) <= MOST_PATTERNS and all(
        len(each) <= LONGEST_PATTERN and each.isprintable() for each in patterns
    )


def _plain(link: str) -> str:
    """Returns a link, or a pattern, in the one spelling in which they are compared."""
    text = link.strip().lower().replace("\\", "/")
    text = text[found.end() :] if (found := _SCHEME.match(text)) else text
    end = found.start() if (found := _HOST_END.search(text)) else len(text)
    host, rest = text[:end], text[end:]
    user, _, named = host.rpartition("@")
    host = _PORT.sub("", named if user else host).rstrip(".").removeprefix("www.")
    # A bare host is its first page; a name that is no address stays as it is.
    return host + (rest or "/") if "." in host else host + rest


def _matches(pattern: str, text: str) -> bool:
    """Compares part by part, each at its first place after the last: at most one pass over the text for each part."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
