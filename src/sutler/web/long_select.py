"""A choice among hundreds: Django renders a template for each option, which takes a tenth of a second for a page."""

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class LongSelect(forms.Select):
    """A list to choose one of, in groups or without; its options are written at once."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Returns the list with the chosen value marked."""
        written = flatatt(self.build_attrs({**self.attrs, "name": name}, attrs))
        return format_html("<select{}>{}</select>", written, _options(self.choices, self.format_value(value)))


def _options(choices: Iterable[Any], chosen: Collection[str]) -> SafeString:
    return format_html_join("", "{}", ([_option(key, words, chosen)] for key, words in choices))


def _option(key: Any, words: Any, chosen: Collection[str]) -> SafeString:
    if isinstance(words, list | tuple):
        return format_html('<optgroup label="{}">{}</optgroup>', key, _options(words, chosen))
    return format_html('<option value="{}"{}>{}</option>', key, " selected" if str(key) in chosen else "", words)
