"""What is written down in English (notes of orders, alarms, causes, answers, promises) in the reader's language.

It is kept as it was written, for the log and for programs; pages show it through the filter `told`.
"""

import re
from functools import lru_cache

from django.utils.translation import get_language, gettext

from sutler.web.told_texts import TEXTS

# Texts within texts: a note that tells a cause that tells an answer. What comes from outside stays as it is.
_DEEPEST = 3
_GAP = re.compile(r"\{(\w+)\}")
# A gap of these names is one word: staff write notes of their own that only begin alike.
_ONE_WORD, _WORD, _ANYTHING = {"id", "count", "order"}, r"\S+", ".+?"
_BETWEEN = "; "


def told(text: str, depth: int = 0) -> str:
    """Returns the text in the reader's language, or as it is where no text of the panel's is like it."""
    if not text or (get_language() or "en").startswith("en") or depth > _DEEPEST:
        return text
    if text in _plain():
        return gettext(text)
    for shape, pattern in _shapes():
        if match := pattern.fullmatch(text):
            gaps = {name: told(value, depth + 1) for name, value in match.groupdict().items()}
            return gettext(shape).format(**gaps)
    if _BETWEEN in text:
        return _BETWEEN.join(told(each, depth + 1) for each in text.split(_BETWEEN))
    return text


def is_ours(text: str) -> bool:
    """Returns True if it is a text of the panel's, so that it can be told in other languages."""
    return text in _plain() or any(pattern.fullmatch(text) for _shape, pattern in _shapes())


@lru_cache(maxsize=1)
def _plain() -> frozenset[str]:
    return frozenset(each for each in TEXTS if "{" not in each)


@lru_cache(maxsize=1)
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The texts with gaps, those that say most first: the others would take theirs."""
    shapes = sorted((each for each in TEXTS if "{" in each), key=lambda each: -len(_GAP.sub("", each)))
    return tuple((each, _pattern(each)) for each in shapes)


def _pattern(shape: str) -> re.Pattern[str]:
    written = ""
    for place, part in enumerate(_GAP.split(shape)):
        gap = _WORD if part in _ONE_WORD else _ANYTHING
        written += f"(?P<{part}>{gap})" if place % 2 else re.escape(part)
    return re.compile(written, re.DOTALL)
