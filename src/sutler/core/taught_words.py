"""Words of a provider that staff have taught: this text is a refusal of that kind. Pure.

A text is taught as it stands, or as a pattern in which `*` is any words and `#` is a number. Patterns are looked for
piece by piece, so what they cost is bounded by the length of the text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sutler.core.upstream_words import LONGEST_RAW, DeclineKind, is_unsure, read_text

MOST_STARS = 5
# So many letters must stand beside the wildcards, or a pattern would be true of nearly everything.
FEWEST_LETTERS = 4


@dataclass(frozen=True, slots=True)
class TaughtWord:
    """One text or pattern, and the kind of refusal that it is."""

    text: str
    kind: DeclineKind
    is_pattern: bool = False


def written(text: str, *, is_pattern: bool) -> str | None:
    """Returns the text as it is kept, on one line; None if it is empty, too long, or a pattern that says too little."""
    line = read_text(text, LONGEST_RAW + 1)
    if not line or len(line) > LONGEST_RAW:
        return None
    says_little = sum(each.isalpha() for each in line) < FEWEST_LETTERS or line.count("*") > MOST_STARS
    return None if is_pattern and says_little else line


def taught_kind(raw: str, words: Iterable[TaughtWord]) -> DeclineKind | None:
    """Returns the kind that the refusal was taught to be, by its exact text before any pattern; else None.

    Patterns say nothing of a text that leaves open what was done (`is_unsure`): that is taught word for word or not.
    """
    text = _plain(raw)
    exact = next((each.kind for each in words if not each.is_pattern and _plain(each.text) == text), None)
    if exact is not None:
        return exact
    patterns = [each for each in words if each.is_pattern]
    if not patterns or is_unsure(raw):
        return None
    return next((each.kind for each in patterns if matches(each.text, raw)), None)


def matches(pattern: str, raw: str) -> bool:
    """Returns whether the whole text is as the pattern has it; capitals and blanks do not count."""
    text, pieces = _plain(raw), _pieces(pattern)
    first, *rest = pieces
    found = first.match(text)
    if found is None or not rest:
        return found is not None and found.end() == len(text)
    at = found.end()
    for piece in rest[:-1]:
        if (found := piece.search(text, at)) is None:
            return False
        at = found.end()
    return any(each.end() == len(text) for each in rest[-1].finditer(text, at)) or rest[-1].pattern == ""


def _plain(text: str) -> str:
    return " ".join(text[:LONGEST_RAW].casefold().split())


@lru_cache(maxsize=2048)
def _pieces(pattern: str) -> tuple[re.Pattern[str], ...]:
    """Returns what stands between the stars, each with its numbers."""
    return tuple(
        re.compile("[0-9]+(?![0-9])".join(map(re.escape, piece.split("#")))) for piece in _plain(pattern).split("*")
    )
