"""What the docs point at exists: paths, links, recipes, and every job of the worker with how often it runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sutler.fulfilment.worker import jobs, supervisor

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "sutler"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
NAMING_PATHS = [
    CONTRIBUTING,
    ARCHITECTURE,
    ROOT / "docs" / "README.md",
    ROOT / "docs" / "fulfilment.md",
    ROOT / "docs" / "glossary.md",
]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
A_PATH = re.compile(r"(?!/)[\w.-]*(?:/[\w.-]*)+|[\w-]+\.(?:py|md|html|css|js|po|toml|in|txt|json|tsv)")
IN_BACKTICKS = re.compile(r"`([^`\n]+)`")
A_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def missing_paths(text: str, folder: Path) -> Iterator[str]:
    """Yields each path in backticks that does not exist.

    It stands below the root, the source or the document's folder; or below the folder last named on its line.
    """
    for line in FENCED.sub("", text).splitlines():
        bases = [ROOT, SOURCE, folder]
        for span in IN_BACKTICKS.findall(line):
            for word in filter(A_PATH.fullmatch, span.split()):
                path = next((base / word for base in bases if (base / word).exists()), None)
                if path is None:
                    yield word
                elif path.is_dir():
                    bases = [ROOT, SOURCE, folder, path]


def missing_links(text: str, folder: Path) -> Iterator[str]:
    """Yields each link to a file or a heading that does not exist."""
    for target, anchor in A_LINK.findall(FENCED.sub("", text)):
        if "://" in target:
            continue
        path = folder / target
        if not path.exists() or (anchor and path.is_file() and anchor not in anchors(path)):
            yield f"{target}#{anchor}" if anchor else target


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-") for each in headings}


def intervals() -> dict[str, tuple[str, str]]:
    """The table of jobs: the file and how often, by the job."""
    rows = re.findall(
        r"^\| `([\w.]+)` \| `([\w./]+)` \| ([^|]+) \|", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {job: (path, how_often) for job, path, how_often in rows}


def named(job: object) -> tuple[str, str]:
    """The name of a job in the table, and the file it is in."""
    module, name = job.__module__, job.__name__  # type: ignore[attr-defined]
    return f"{module.rpartition('.')[2]}.{name}", module.removeprefix("sutler.").replace(".", "/") + ".py"


@pytest.mark.parametrize("page", NAMING_PATHS, ids=shown)
def test_every_path_in_backticks_exists(page: Path) -> None:
    assert list(missing_paths(page.read_text(encoding="utf-8"), page.parent)) == []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(missing_links(page.read_text(encoding="utf-8"), page.parent)) == []


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("`src/sutler/core/money.py`, `core/money.py` and `orders/`", []),
        ("`orders/`: `place.py`", []),
        ("`place.py`", ["place.py"]),
        ("`orders/` `core/` `place.py`", ["place.py"]),
        ("`core/no_such.py`", ["core/no_such.py"]),
        ("`python -m pytest tests/no_such`", ["tests/no_such"]),
        ("`/api/v2`, `order:N`, `--dry-run`, `sutler verify`", []),
    ],
)
def test_a_path_that_is_not_there_is_seen(line: str, missing: list[str]) -> None:
    assert list(missing_paths(line, ROOT)) == missing


@pytest.mark.parametrize(
    ("link", "is_missing"),
    [
        ("[a](README.md)", False),
        ("[a](docs/architecture.md#jobs-of-the-worker)", False),
        ("[a](docs/architecture.md#no-such)", True),
        ("[a](no_such.md)", True),
        ("[a](https://panel.example/no_such.md)", False),
    ],
)
def test_a_link_that_leads_nowhere_is_seen(link: str, is_missing: bool) -> None:
    assert bool(list(missing_links(link, ROOT))) is is_missing


def test_there_are_ten_recipes_and_each_names_files() -> None:
    _, *recipes = re.split(r"^### ", CONTRIBUTING.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [each.split(".")[0] for each in recipes] == [str(number) for number in range(1, 11)]
    assert [each for each in recipes if "`src/sutler/" not in each or "`tests/" not in each] == []


def test_every_job_of_the_worker_is_in_the_table() -> None:
    table = intervals()
    every_pass = dict(map(named, jobs.JOBS))
    assert {job: table.get(job) for job in every_pass} == {
        job: (path, "every pass") for job, path in every_pass.items()
    }


def test_every_job_of_a_session_is_in_the_table_with_how_long_it_rests() -> None:
    table = intervals()
    for step, rest_seconds in supervisor.STEPS:
        job, path = named(step)
        assert table[job][0] == path
        assert table[job][1].split(";")[0] == f"{rest_seconds:g} s"
