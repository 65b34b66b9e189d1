"""Secrets at rest: only who has the panel's secret key can read them."""

import pytest

from sutler.storage.sealed import Unreadable, seal, unseal

KEY = "the panel's secret key"


@pytest.mark.parametrize("secret", ["", "f" * 64, "key=1&extra=ü\n✓", "x" * 10_000])
def test_what_is_sealed_is_read_with_the_same_key(secret: str) -> None:
    assert unseal(seal(secret, KEY), KEY) == secret


def test_the_sealed_text_tells_nothing_not_even_that_two_are_the_same() -> None:
    first, second = seal("open sesame", KEY), seal("open sesame", KEY)
    assert first != second
    assert "sesame" not in first


def test_another_key_cannot_read_it() -> None:
    with pytest.raises(Unreadable):
        unseal(seal("secret", KEY), KEY + " ")


@pytest.mark.parametrize("at", [0, 20, -2])
def test_what_was_changed_is_refused(at: int) -> None:
    sealed = seal("secret", KEY)
    changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at:][1:]
    with pytest.raises(Unreadable):
        unseal(changed, KEY)


@pytest.mark.parametrize("text", ["", "plain", "gAAAAA", "ü"])
def test_what_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        unseal(text, KEY)
