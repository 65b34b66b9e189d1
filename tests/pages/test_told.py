"""What is kept in English and told in the reader's language: nothing that rooms keep is missing in `web.told_texts`."""

import pytest
from django.utils import translation

from sutler.web.told import told


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ("4 services; 2 more dropped: no name", "услуг: 4; ещё отброшено 2: no name"),
        ("Paid by hand", "Paid by hand"),
        ("", ""),
    ],
)
def test_a_text_is_told_with_what_stands_in_it(kept: str, words: str) -> None:
    assert told(kept) == kept
    with translation.override("ru"):
        assert told(kept) == words
