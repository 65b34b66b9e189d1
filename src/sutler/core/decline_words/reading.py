"""A text read into plain words, and the patterns of all languages put together."""

import html
import re
import unicodedata

from sutler.core.decline_words.arabic import ARABIC
from sutler.core.decline_words.english import ENGLISH
from sutler.core.decline_words.indonesian import INDONESIAN
from sutler.core.decline_words.language import Language
from sutler.core.decline_words.portuguese_spanish import PORTUGUESE_SPANISH
from sutler.core.decline_words.russian import RUSSIAN
from sutler.core.decline_words.turkish import TURKISH

_LANGUAGES = (ENGLISH, TURKISH, RUSSIAN, PORTUGUESE_SPANISH, INDONESIAN, ARABIC)
# In the order in which they are looked for: the first that is found in a text counts. A missing parameter is told
# before the things that it names.
_KINDS = (
    "AUTH",
    "FUNDS",
    "DUPLICATE",
    "RATE",
    "NOT_AVAILABLE",
    "NOT_FOUND",
    "PARAMETERS",
    "SERVICE",
    "QUANTITY",
    "LINK",
    "FIELD",
)
_WORDS_IN_ONE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")


def plain_words(text: str) -> str:
    """Returns the words of a text in small letters without accents, single spaces between them.

    `neworder.error.notEnoughFunds` has five. The Turkish dotless i is an i, since capitals do not tell the two apart.
    """
    spaced = _WORDS_IN_ONE.sub(" ", html.unescape(text))
    return _NO_WORD.sub(" ", _without_accents(spaced.casefold().replace("\u0131", "i"))).strip()


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _said(language: Language, kind: str) -> list[str]:
    thing, phrase = language.things.get(kind), language.phrases.get(kind)
    found = [phrase] if phrase else []
    if thing and language.wrong_before:
        found += [rf"(?:{language.wrong_before})(?:{thing})", rf"(?:{thing}){language.wrong}"]
    elif thing:
        between = rf"(?: \w+){{0,{language.gap}}}? "
        found += [rf"(?:{thing}){between}(?:{language.wrong})", rf"(?:{language.wrong}){between}(?:{thing})"]
    return found


def _whole_words(patterns: list[str]) -> re.Pattern[str]:
    return re.compile(_without_accents(rf"\b(?:{'|'.join(patterns)})\b"))


# By the name of a `DeclineKind`.
DECLINES = tuple(
    (
        "FIELD" if kind == "PARAMETERS" else kind,
        _whole_words([pattern for language in _LANGUAGES for pattern in _said(language, kind)]),
    )
    for kind in _KINDS
)
UNSURE = _whole_words([language.unsure for language in _LANGUAGES])
PASSING = _whole_words([language.passing for language in _LANGUAGES])
