"""Finds a path for every page by following links, as a reader would: one path for each address of `urls.py`."""

import re
from collections.abc import Callable, Iterable
from html import unescape
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve

Get = Callable[[str], tuple[int, str, str]]

_LINK = re.compile(r"""<a\s[^>]*?href=["']([^"'#]*)""")


def crawl(get: Get, starts: Iterable[str]) -> dict[str, str]:
    """Returns the name of each address that links lead to, and the first path found for it.

    `get` answers a path with its HTTP status, its type and its text. Only pages that answer 200 are in the result.
    """
    waiting, seen, found = list(starts), set(starts), {}
    while waiting:
        path = waiting.pop(0)
        name = _name(path)
        if name is None or name in found:
            continue
        status, kind, text = get(path)
        if status != 200:
            continue
        found[name] = path
        if kind.startswith("text/html"):
            for link in _LINK.findall(text):
                target = urljoin(path, unescape(link))
                if urlsplit(target).netloc == "" and target not in seen:
                    seen.add(target)
                    waiting.append(target)
    return found


def _name(path: str) -> str | None:
    try:
        return resolve(urlsplit(path).path).view_name
    except Resolver404:
        return None
