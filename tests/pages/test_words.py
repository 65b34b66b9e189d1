"""The words of the pages in every language: nothing is left out, and no translation loses or invents a placeholder."""

import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

import sutler
from sutler.web.locale_middleware import written

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
SOURCE = Path(sutler.__file__).parent
LOCALE = SOURCE / "web" / "locale"
# The calls that a string is translated by: which of their arguments are strings, and which one is a context (`c`).
PLAIN, COUNTED, IN_CONTEXT = None, (1, 2), ((1, "c"), 2)
CALLS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy"), PLAIN),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), COUNTED),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), IN_CONTEXT),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}|(%%)")
MARKUP = re.compile(r"</?\w+")


def gathered(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def forms(words: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """The forms of a string: one, or as many as a language counts with."""
    return tuple(words) if isinstance(words, tuple | list) else (words or "",)


def held(words: str) -> set[str]:
    """What a string must not lose: its placeholders and its markup."""
    return {match.group() for match in PLACEHOLDER.finditer(words)} | set(MARKUP.findall(words))


def messages(language: str) -> list[Message]:
    return [each for each in gathered(language) if each.id]


def programs() -> Iterator[str]:
    """The files that hold words: Python as it is, templates as the Python that stands for their words."""
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "gettext" in text:
            yield text
    for path in SOURCE.rglob("*.html"):
        yield templatize(path.read_text(encoding="utf-8"))


def in_code() -> set[tuple[str | None, str | tuple[str, ...]]]:
    """Every string to translate, with its context."""
    return {
        (context, words)
        for program in programs()
        for _, words, _, context in extract("python", io.BytesIO(program.encode()), CALLS)
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_string_is_translated(language: str) -> None:
    unsure = [each.id for each in messages(language) if each.fuzzy or not all(forms(each.string))]
    assert unsure == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_placeholders_and_markup(language: str) -> None:
    changed = [
        (each.id, form)
        for each in messages(language)
        for form in forms(each.string)
        if held(form) != held(forms(each.id)[-1])
    ]
    assert changed == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_begins_and_ends_as_what_it_translates(language: str) -> None:
    """What is put together with other words, or ends a sentence, does so in every language."""
    ragged = [
        (each.id, form)
        for each in messages(language)
        for form in forms(each.string)
        if form[:1].isspace() != forms(each.id)[0][:1].isspace()
        or form[-1:].isspace() != forms(each.id)[0][-1:].isspace()
    ]
    assert ragged == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_pages_is_gathered_and_no_other(language: str) -> None:
    """What `make messages` finds, found without gettext's own programs."""
    assert in_code() == {(each.context, each.id) for each in messages(language)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, gathered(language))
    assert compiled.getvalue() == (LOCALE / language / "LC_MESSAGES" / "django.mo").read_bytes()


def test_a_language_chosen_is_a_page_in_it(guest: Client) -> None:
    page = guest.get("/", headers={"Accept-Language": "ru"}).content.decode()
    assert '<html lang="ru"' in page
    assert "Создать аккаунт" in page


@pytest.mark.parametrize(("language", "words"), [("en", "5 Nov 2026"), ("ru", "5 ноя 2026")])
def test_a_short_month_is_written_as_the_language_does(language: str, words: str) -> None:
    with translation.override(language):
        assert written(date(2026, 11, 5), "j M Y") == words
