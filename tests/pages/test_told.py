"""What is kept in English and told in the reader's language: nothing that rooms keep is missing in `web.told_texts`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

import sutler
from sutler.api.actions import ACTIONS
from sutler.api.pages import EXAMPLES
from sutler.api.wording import REFILL_STATUSES, STATUSES, WORDINGS
from sutler.config import SETTINGS
from sutler.core.order_types import ORDER_TYPES
from sutler.ops.verify import CHECKS
from sutler.web.told import is_ours, told

ROOMS = Path(sutler.__file__).parent
# The calls that write something with an order, an attempt or an alarm.
WRITTEN_BY = {
    "sound",
    "Remark",
    "NotSent",
    "NoAnswer",
    "differs",
    "untold",
    "note",
    "_note",
    "_passed",
    "_finding",
    "_say",
}
# The names that such a text has before it is written.
WRITTEN_AS = {"text", "notes", "reason", "_WHY_STAFF"}
# First arguments that name a kind of call.
NAMES = {"services", "balance", "status", "refill_status", "add", "(all)"}


def shown_on_the_api_page() -> Iterator[str]:
    for action in ACTIONS.values():
        yield action.about
        for shape in action.shapes:
            yield from (shape.note, *(each.about for each in shape.parameters))
            yield "" if shape.title in ORDER_TYPES else shape.title
    yield from (each.about for each in WORDINGS.values())
    yield from (each.about for each in EXAMPLES)
    yield from (*STATUSES.values(), *REFILL_STATUSES.values())


def written_with_orders() -> Iterator[str]:
    """The texts given to those calls or names, or as `why` or `note`, with a number in each gap."""
    for path in sorted(each for room in ("fulfilment", "orders") for each in (ROOMS / room).glob("*.py")):
        if path.name.startswith(("simulator", "conformance")):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield from map(words, given(node))


def given(node: ast.AST) -> list[ast.expr]:
    """What a call or an assignment writes, if it is one of those."""
    match node:
        case ast.Call(func=func, args=args, keywords=keywords):
            name = getattr(func, "id", getattr(func, "attr", ""))
            named = [each.value for each in keywords if each.arg in {"why", "note"}]
            return named + (args if name in WRITTEN_BY else [])
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)) if name in WRITTEN_AS:
            return values
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.DictComp(value=value) | ast.IfExp(body=value) | value):
            return [value] if name in WRITTEN_AS else []
    return []


def words(given: ast.expr) -> str:
    """What an argument says, if it says anything of its own."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return "" if given.value in NAMES else given.value
    if not isinstance(given, ast.JoinedStr):
        return ""
    parts = [str(each.value) if isinstance(each, ast.Constant) else "7" for each in given.values]
    return "".join(parts) if any(each.isalpha() for each in "".join(parts)) else ""


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([each.sentence for each in CHECKS], id="promises"),
        pytest.param([each.about for each in SETTINGS], id="settings"),
        pytest.param(list(shown_on_the_api_page()), id="API page"),
        pytest.param(list(written_with_orders()), id="orders"),
    ],
)
def test_what_is_kept_in_english_can_be_told_in_another_language(texts: list[str]) -> None:
    assert [each for each in texts if each and not is_ours(each)] == []
    assert any(texts)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ("no wallet is below its credit limit", "ни один кошелёк не ниже своего кредитного предела"),
        ("Placed at North as 17", "Размещён у North под номером 17"),
        (
            "Not placed at North (ABSENT): never placed, as staff found",
            "Не размещён у North (ABSENT): не был размещён, как выяснили сотрудники",
        ),
        ("4 services; 2 more dropped: no name", "услуг: 4; ещё отброшено 2: no name"),
        ("Paid by hand", "Paid by hand"),
        ("", ""),
    ],
)
def test_a_text_is_told_with_what_stands_in_it(kept: str, words: str) -> None:
    assert told(kept) == kept
    with translation.override("ru"):
        assert told(kept) == words
