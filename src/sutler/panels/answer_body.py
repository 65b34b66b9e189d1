"""The body of an answer: decoded, out of its wrappings, and whether it refuses. Pure; takes anything, raises nothing.

The wrappings are the same for every action: the value itself, what stands under `data`, a list of one. A refusal is a
text under `error` or `errors`, or under `message` or `msg` where nothing else is said, in whatever it is nested.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sutler.core.events import CauseKind, cause
from sutler.core.text import json_text
from sutler.core.text.json_text import LONGEST_NUMBER, Hook, NotJson
from sutler.core.upstream_words import LONGEST_RAW, read_decline, read_id, read_text
from sutler.panels.results import Declined, NoAnswer

MOST_TEXTS = 20
_WRAPPINGS = ("data", "result", "response")
_MOST_WRAPPINGS = 4
_DEEPEST = 5
# What programs write for "no error" in an `error` that is always there, and for no and yes in a `status`.
_NO_ERRORS = frozenset({"", "0", "false", "null", "none"})
_NO = frozenset({"fail", "failed", "failure", "error", "false", "0"})
_YES = frozenset({"success", "ok", "true", "1", "200", "201"})
_TELLING = frozenset({"error", "errors", "message", "msg", *_WRAPPINGS})
_NAMES_OF_ORDERS = frozenset({"order", "orderid"})


class Torn(tuple[Any, ...]):
    """What an object says under one name more than once, and differently."""


def decode(text: str, hook: Hook | None = None) -> Any:
    """Returns the JSON value as `json_text.loads` does, or NoAnswer; with a hook it says what stands there instead.

    Without one a name that an object has twice is Torn between what is said under it.
    """
    try:
        return json_text.loads(text, hook) if hook else json_text.loads(text, pairs=_object)
    except NotJson as error:
        if not str(error):
            return NoAnswer(cause(CauseKind.EMPTY))
        return NoAnswer(cause(CauseKind.NOT_JSON_TEXT, text=str(error)) if hook else cause(CauseKind.NOT_JSON))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for name in found:
            values = [value for each, value in pairs if each == name]
            if any(value != values[0] for value in values):
                found[name] = Torn(values)
    return found


def levels(answer: Any, *, of_one: bool = True) -> list[Any]:
    """Returns the answer and what it wraps, from the outside in. `of_one`: a list of one stands for what is in it."""
    found: list[Any] = []
    while len(found) <= _MOST_WRAPPINGS:
        if of_one and isinstance(answer, list) and len(answer) == 1:
            answer = answer[0]
        found.append(answer)
        inner = [answer.get(name) for name in _WRAPPINGS] if isinstance(answer, dict) else []
        answer = next((each for each in inner if each and isinstance(each, (dict, list))), None)
        if answer is None:
            break
    return found


def refusal(answer: Any, *, of_one: bool = True, messages: bool = False) -> Declined | None:
    """Returns the refusal that the answer is, else None. `messages`: a `message` without an `error` is one as well."""
    if isinstance(answer, dict) and _TELLING.isdisjoint(answer):
        return None
    objects = [each for each in levels(answer, of_one=of_one) if isinstance(each, dict)]
    errors = [text for each in objects for name in ("error", "errors") for text in _errors(each.get(name))]
    if not errors and not messages:
        return None
    said = [text for each in objects for name in ("message", "msg") for text in _words(each.get(name))]
    texts = [text for text in [*errors, *said] if text != "true"] or errors
    raw = " ".join(islice(dict.fromkeys(texts), MOST_TEXTS))[:LONGEST_RAW]
    return Declined(read_decline(raw), raw) if raw else None


def says(answer: Any, word: bool) -> bool:
    """Returns whether the answer calls itself a success, or the contrary of one."""
    words = _YES if word else _NO
    return any(
        each.get(name) is word or read_text(each.get(name), LONGEST_NUMBER).lower() in words
        for each in levels(answer)
        if isinstance(each, dict)
        for name in ("status", "success", "ok")
    )


def _errors(error: Any) -> list[str]:
    texts = list(islice(_words(error), MOST_TEXTS))
    return [] if " ".join(texts).lower() in _NO_ERRORS else texts


def _words(error: Any, depth: int = 0) -> Iterator[str]:
    """Yields the texts of an error, whatever it is nested in."""
    if isinstance(error, (dict, list, Torn)):
        if depth < _DEEPEST:
            for each in error.values() if isinstance(error, dict) else error:
                yield from _words(each, depth + 1)
        elif error:
            yield "..."
    elif error is True:
        yield "true"
    elif text := read_text(error, LONGEST_RAW):
        yield text


def order_ids(answer: Any) -> tuple[set[str], bool]:
    """Returns the ids of orders that the answer names, and whether it names them where an answer to `add` does.

    An `order` or `order_id` counts wherever it stands; an `id` only beside them, since other things have one too.
    """
    places = levels(answer)
    places += [inner for each in places if isinstance(each, dict) for inner in _named(each) if isinstance(inner, dict)]
    known = _ids(value for each in places if isinstance(each, dict) for value in [*_named(each), each.get("id")])
    everywhere = known | _ids(_everywhere(answer))
    return everywhere, everywhere == known


def _named(level: dict[str, Any]) -> list[Any]:
    return [value for name, value in level.items() if name.lower().replace("_", "") in _NAMES_OF_ORDERS]


def _everywhere(value: Any, depth: int = 0) -> Iterator[Any]:
    if depth > _DEEPEST or not isinstance(value, (dict, list, Torn)):
        return
    if isinstance(value, dict):
        yield from _named(value)
    for each in value.values() if isinstance(value, dict) else value:
        yield from _everywhere(each, depth + 1)


def _ids(values: Iterator[Any] | Sequence[Any]) -> set[str]:
    found = (each for value in values for each in (value if isinstance(value, Torn) else [value]))
    return {upstream_id for each in found if (upstream_id := read_id(each))}
