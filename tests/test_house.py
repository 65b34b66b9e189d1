"""The rules of the house that no other tool checks: clocks and chance, sizes, names, what is left undone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "sutler"
DOOR = SOURCE / "core" / "clock.py"

LONGEST_FILE_LINES = 400
LONGEST_FUNCTION_LINES = 60
# Names that say nothing of what is inside.
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# How time and chance come into a program. Waiting (`time.sleep`) reads no clock.
CLOCKS_AND_CHANCE = {
    "datetime": {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"},
    "time": {
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "localtime",
        "gmtime",
    },
    "uuid": {"uuid1", "uuid4"},
    "random": {"*"},
    "secrets": {"*"},
    "django.utils.timezone": {"now", "localdate", "localtime"},
    "django.utils.crypto": {"get_random_string"},
    "os": {"urandom", "getrandom"},
}
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")

FILES = sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)
ALL_FILES = sorted([*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")])


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def used(path: Path) -> Iterator[str]:
    """Yields every name of another module that the file uses, whole: `time.sleep`, `datetime.datetime.now`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imported[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        first, *rest = dotted(node)
        if first in imported and rest:
            yield ".".join([imported[first], *rest])


def dotted(node: ast.AST) -> list[str]:
    """Returns `a.b.c` as its parts, or an empty name for anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    return [*dotted(node.value), node.attr] if isinstance(node, ast.Attribute) else [""]


def reads_a_clock(name: str) -> bool:
    return any(
        name.startswith(f"{module}.") and ("*" in banned or name.removeprefix(f"{module}.") in banned)
        for module, banned in CLOCKS_AND_CHANCE.items()
    )


def test_time_and_chance_come_in_through_one_door() -> None:
    found = {named(path) for path in FILES if any(map(reads_a_clock, used(path)))}
    assert found == {named(DOOR)}


@pytest.mark.parametrize(
    ("line", "is_seen"),
    [
        ("import time\ntime.time()", True),
        ("import time as t\nt.monotonic()", True),
        ("from time import time", True),
        ("import time\ntime.sleep(1)", False),
        ("from datetime import datetime\ndatetime.now(UTC)", True),
        ("import datetime\ndatetime.date.today()", True),
        ("from datetime import datetime, timedelta\ndatetime(2026, 1, 1)", False),
        ("import random\nrandom.Random(1)", True),
        ("from secrets import token_hex", True),
        ("from uuid import uuid4 as u", True),
        ("from django.utils import timezone\ntimezone.now()", True),
        ("from sutler.core.clock import Random, seeded\nseeded(1)", False),
    ],
)
def test_no_spelling_goes_past_the_door(tmp_path: Path, line: str, is_seen: bool) -> None:
    file = tmp_path / "file.py"
    file.write_text(line)
    assert any(map(reads_a_clock, used(file))) is is_seen


def test_files_stay_short() -> None:
    lines = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ALL_FILES}
    assert {path: count for path, count in lines.items() if count > LONGEST_FILE_LINES} == {}


def test_functions_stay_short() -> None:
    long = [
        f"{named(path)}: {node.name}: {lines} lines"
        for path in ALL_FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION_LINES
    ]
    assert long == []


def test_a_file_is_named_for_what_is_in_it() -> None:
    named_for_nothing = [named(path) for path in ALL_FILES if {path.stem, path.parent.name} & NAMES_THAT_SAY_NOTHING]
    assert named_for_nothing == []


def test_nothing_is_left_for_later() -> None:
    texts = {named(path): path.read_text(encoding="utf-8") for path in ALL_FILES}
    assert [(path, word) for path, text in texts.items() for word in UNFINISHED if word in text] == []


@pytest.mark.parametrize(
    "room", sorted({path.parent for path in FILES if (path.parent / "__init__.py").exists()}), ids=named
)
def test_every_room_says_what_it_is_for(room: Path) -> None:
    assert ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))


def test_the_status_of_an_order_changes_through_one_door() -> None:
    changing = [named(path) for path in FILES if "UPDATE orders_order SET status" in path.read_text(encoding="utf-8")]
    assert changing == ["src/sutler/orders/change.py"]
