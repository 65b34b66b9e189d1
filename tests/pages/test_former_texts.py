"""Texts that read as a translation, and gave way to the words of the trade, do not come back."""

import ast
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract
from django.utils.translation.template import templatize

import sutler
from tests.pages.test_words import CALLS, forms

SOURCE = Path(sutler.__file__).parent
# What a room writes down for the log, a program or the wire is worded elsewhere, or not for people at all.
OTHER_WORDING = {
    "api/wording.py",
    "config.py",
    "web/told_texts.py",
}
OTHER_ROOMS = ("catalogue/migrations/", "conformance/", "fulfilment/", "orders/", "panels/", "simulator/")
# Wherever they stand in a text.
PARTS = (
    "Yes, without end",
    "For %(days)s day after completion",
    "For %(days)s days after completion",
    "Can be asked for",
    "Deliver in runs",
    " begun, ",
    "The address of the page, as your browser shows it",
    "Charge for ",
    "Given back",
    "given back",
    "too early to ask",
    "Possible from",
    "Refill and cancel",
    "What happened",
    "What was ordered",
    "Being prepared",
    "could not be canceled any more",
    "Ended in part",
    "what becomes of it",
    "No way to pay",
    "Please write to us",
    "Pay exactly",
    "Quote this reference",
    "Has the money come",
    "Credit the payment",
    "Amount that came",
    "Kept back of",
    "Given on top",
    "Nothing has moved",
    "Open orders",
    "Spent in ",
    "Read it above, then send again",
    "If you have not created an account yet",
    "It has been written down",
    "by halves",
    "not yours to see",
    "panel is busy",
    "Report something",
    "What is sold here",
    "For programs,",
    "by program",
    "Nothing means",
    "At most in a day",
    "To take",
    "Fill in what you know",
    "nknown outcome",
    "The worker looks",
    "Your verdict",
    "It was placed",
    "It was never placed",
    "Look at the provider's own pages",
    "Missing now",
    "as it was last looked at",
    "Rate there",
    "Balance there",
    "Service there",
    "Number there",
    "Its catalogue",
    "Failed calls",
    "Fetch now",
    "Put on sale",
    " on sale now",
    "Rounded up to a multiple of",
    "Our category for all of them",
    "as they stand at the provider",
    "Prices that jumped",
    "ours follow by their rules",
    "Stop sending",
    "Switch off",
    "Sending stopped",
    "It is asked nothing",
    "be worked with",
    "How it is asked",
    "Where its API differs",
    "It runs drip-feeds itself",
    "come into being late",
    "order with the same account by hand",
    "that stop sending",
    "Milliseconds between calls",
    "Orders on the way at once",
    "Refund without a word",
    "Order nobody claims",
    "Changed after its end",
    "Answer after the verdict",
    "Not found there",
    "What you did about it",
    "Nobody pays less",
    "When it follows the provider",
    "What the first route costs",
    "What customers may ask",
    "What customers were told",
    "Change many",
    "Choose rows above",
    "category or promises",
    "Look again",
    "Calculate again",
    "What it comes to",
    "What it does",
    "Own rates",
    "stand above every discount",
    "In hand",
    "Run begun",
    "More cost",
    "To approve",
    "Tickets for us",
    "Send and close",
    "Save as a note",
    "Your words",
    "Shut out",
    "Let in again",
    "Invite a person",
    "What a role may",
    "each check is a promise",
    "each breach",
    "Make them",
    "Pending again",
    "Asked again",
    "Asked by",
    "No worker has been heard of",
    "variables of the panel's environment",
    "There is no such",
    "there is no such",
    "This is no ",
    "this is no ",
    "It says",
    "It said",
    "so many ",
    "E-mail",
    "e-mail",
)
# Only as a whole text: within another they may be right.
WHOLES = (
    "Back",
    "Brake",
    "By hand",
    "Changes for us",
    "Choose",
    "Desk",
    "Dismiss",
    "For programs",
    "Kept",
    "Number",
    "Start",
    "Take over",
    "There",
    "Under way",
    "Wait",
)


def is_command(node: ast.AST) -> bool:
    """Whether a function's docstring is the help of a command."""
    return isinstance(node, ast.FunctionDef) and any(
        "command" in ast.unparse(decorator) or "group" in ast.unparse(decorator) for decorator in node.decorator_list
    )


def strings(program: str) -> Iterator[str]:
    """The strings of a program, without the docstrings that only its authors read."""
    tree = ast.parse(program)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not is_command(node)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def template_texts(template: str) -> Iterator[str]:
    """The texts of a template."""
    program = templatize(template).encode()
    for _, words, _, _ in extract("python", io.BytesIO(program), CALLS):
        yield from forms(words)


def former(texts: Iterable[str]) -> list[str]:
    """Those texts that are, or hold, a former one."""
    return [text for text in texts if text in WHOLES or any(part in text for part in PARTS)]


def for_people(path: Path) -> bool:
    place = path.relative_to(SOURCE).as_posix()
    return place not in OTHER_WORDING and not place.startswith(OTHER_ROOMS)


@pytest.mark.parametrize(
    ("program", "texts"),
    [
        ('label = _("Your words")', ["Your words"]),
        ('raise Failed(f"{name}: Not found there")', [": Not found there"]),
        ('def add():\n    """Given back."""\n    return "Number"', ["Number"]),
        ('@click.command()\ndef add():\n    """Given back."""', ["Given back."]),
        ('label = _("Refunded, Numbers")', []),
    ],
)
def test_a_former_text_is_found(program: str, texts: list[str]) -> None:
    assert former(strings(program)) == texts


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ('<p data-label="{% translate "Kept" %}">', ["Kept"]),
        ("{% blocktranslate %}Spent in {{ days }} days{% endblocktranslate %}", ["Spent in %(days)s days"]),
        ('<p>{% translate "Earned" %}</p>', []),
    ],
)
def test_a_former_text_of_a_template_is_found(template: str, texts: list[str]) -> None:
    assert former(template_texts(template)) == texts


def test_no_program_says_a_former_text() -> None:
    found = {
        (path.relative_to(SOURCE).as_posix(), text)
        for path in filter(for_people, SOURCE.rglob("*.py"))
        for text in former(strings(path.read_text(encoding="utf-8")))
    }
    assert found == set()


def test_no_template_says_a_former_text() -> None:
    found = {
        (path.relative_to(SOURCE).as_posix(), text)
        for path in SOURCE.rglob("*.html")
        for text in former(template_texts(path.read_text(encoding="utf-8")))
    }
    assert found == set()
