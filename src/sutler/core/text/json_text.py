"""JSON as other programs write it: nearly JSON, exact numbers, one hostile literal that spoils no other. Pure."""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from sutler.core.upstream_words import read_text

LONGEST_NUMBER = 80
LONGEST_BEGINNING = 120
_BLANK = "\ufeff \t\r\n"
_TAG = re.compile(r"<[^<>]{0,200}>")

Hook = Callable[[dict[str, Any]], Any]
PairsHook = Callable[[list[tuple[str, Any]]], Any]


class NotJson(ValueError):
    """The text is no JSON. The message is the first words of it, quoted, on one line; "" if there are none."""


def loads(text: str, hook: Hook | None = None, pairs: PairsHook | None = None) -> Any:
    """Returns the JSON value; fractions are Decimals, NaN, infinities and numbers of over 80 digits None.

    `hook` is given each object as it is read, and returns what stands in its place; `pairs` is given its names and
    values as they stand, doubles too. Raises NotJson.
    """
    text = text.lstrip(_BLANK)
    if not text:
        raise NotJson
    try:
        try:
            return _loads(text, hook, pairs)
        except json.JSONDecodeError:
            raise
        except ValueError:  # a whole number longer than int() takes
            return _loads(text, hook, pairs, parse_int=_whole)
    except (ValueError, RecursionError):
        raise NotJson(_beginning(text)) from None


def _loads(text: str, hook: Hook | None, pairs: PairsHook | None, **more: Any) -> Any:
    return json.loads(
        text,
        parse_float=_decimal,
        parse_constant=_nothing,
        strict=False,
        object_hook=hook,
        object_pairs_hook=pairs,
        **more,
    )


def _decimal(literal: str) -> Decimal | None:
    try:
        return Decimal(literal) if len(literal) <= LONGEST_NUMBER else None
    except InvalidOperation:  # an exponent that not even Decimal holds
        return None


def _whole(literal: str) -> int | None:
    return int(literal) if len(literal) <= LONGEST_NUMBER else None


def _nothing(_literal: str) -> None:
    """Returns None: no JSON has NaN."""


def _beginning(text: str) -> str:
    """Returns the first words of what stands there, without tags."""
    head = text[: 20 * LONGEST_BEGINNING]
    return repr(read_text(_TAG.sub(" ", head), LONGEST_BEGINNING) or read_text(head, LONGEST_BEGINNING))
