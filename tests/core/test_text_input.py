"""What people write into forms and addresses, as it is read."""

import pytest

from sutler.core.text import text_input


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0", 0),
        ("7", 7),
        ("007", 7),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("9" * 5000, None),
        ("", None),
        (" 7", None),
        ("-7", None),
        ("+7", None),
        ("7.0", None),
        ("1_000", None),
        ("\N{SUPERSCRIPT TWO}", None),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("x", None),
    ],
)
def test_a_number_is_ascii_digits_that_fit_a_bigint(text: str, meant: int | None) -> None:
    assert text_input.number(text) == meant


@pytest.mark.parametrize(
    ("text", "line", "kept"),
    [
        (" two  words\n", "two words", "two  words"),
        ("one\r\ntwo\rthree", "one two three", "one\ntwo\nthree"),
        ("", "", ""),
        ("x" * 13, "x" * 13, "x" * 13),
        ("x" * 14, None, None),
        ("bell\a", None, None),
    ],
)
def test_a_text_is_bounded_and_without_what_no_page_shows(text: str, line: str | None, kept: str | None) -> None:
    assert text_input.one_line(text, 13) == line
    assert text_input.paragraphs(text, 13) == kept
