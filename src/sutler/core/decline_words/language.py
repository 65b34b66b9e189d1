"""What a table of one language's refusals holds, and how it is written.

A refusal is mostly a thing (`link`, `bakiye`, `услуга`) and what is wrong with it, in either order; what is said in
another way stands as a phrase. Tables are written as `reading.plain_words` leaves texts: small letters, no accents.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Language(NamedTuple):
    """How one language refuses, as regular expressions. `things` and `phrases` are by the kind that they tell of."""

    wrong: str
    # So many words may stand between a thing and what is wrong with it.
    gap: int
    things: Mapping[str, str]
    phrases: Mapping[str, str]
    # A fault of the panel's, or something that was placed: nothing beside such words is certain.
    unsure: str
    # It may do later what it does not do now, or somebody else has failed: no proof either.
    passing: str
    # Where what stands before a thing and what stands after it differ.
    wrong_before: str = ""


def alternatives(lines: str) -> str:
    """Returns the pattern of which each line is an alternative; a line with a `+` before it goes on with the last."""
    return "|".join(line for each in lines.splitlines() if (line := each.strip())).replace("|+", "")
