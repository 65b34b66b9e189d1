"""Texts with `{names}` in them: the address that customers are sent to, and what is signed."""

import re
from collections.abc import Mapping
from urllib.parse import quote

_NAME = re.compile(r"\{([A-Za-z0-9_.\-]{1,60})\}", re.ASCII)


def names_in(template: str) -> frozenset[str]:
    """Returns the names that stand in a template."""
    return frozenset(_NAME.findall(template))


def fill(template: str, values: Mapping[str, str], *, is_address: bool = False) -> str:
    """Returns the template with each name replaced, nothing for one without a value; in an address, escaped."""

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match.group(1), "")
        return quote(value, safe="") if is_address else value

    return _NAME.sub(value_of, template)
