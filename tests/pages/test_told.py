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
WRITTEN_BY = {"sound", "Remark", "NotSent", "NoAnswer", "differs", "untold", "_note", "_passed", "_finding", "_say"}
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


def written_in_fulfilment() -> Iterator[str]:
    """The texts given to those calls, or as `why`, with a number in each gap."""
    for path in sorted((ROOMS / "fulfilment").glob("*.py")):
        if path.name.startswith(("simulator", "conformance")):
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                name = getattr(call.func, "id", getattr(call.func, "attr", ""))
                given = [each.value for each in call.keywords if each.arg == "why"]
                yield from map(words, given + (call.args if name in WRITTEN_BY else []))


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
        pytest.param(list(written_in_fulfilment()), id="fulfilment"),
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
