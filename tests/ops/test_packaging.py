"""What is built from the checkout: bounds on every dependency, no build tool among them, no half of the tests."""

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = (ROOT / "requirements.in").read_text().split("\n")[:-1]


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_a_dependency_has_a_lower_and_an_upper_bound(line: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]+(\[[a-z]+\])?>=[0-9.]+,<[0-9.]+", line)
    assert not line.startswith("setuptools")


def test_the_source_archive_has_no_tests(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "requirements.in", "requirements-build.in"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    package, tests = tmp_path / "src" / "sutler", tmp_path / "tests"
    package.mkdir(parents=True)
    tests.mkdir()
    (package / "__init__.py").write_text('__version__ = "1"')
    (tests / "test_cli.py").touch()
    build = "from setuptools import build_meta as b; b.build_sdist('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    [archive] = (tmp_path / "dist").iterdir()
    with tarfile.open(archive) as packed:
        names = packed.getnames()
    assert [each for each in names if "/tests" in each] == []
    assert {"LICENSE", "requirements.in"} <= {each.partition("/")[2] for each in names}


def test_python_runs_the_package() -> None:
    shown = subprocess.run([sys.executable, "-m", "sutler", "--version"], check=True, capture_output=True, text=True)
    assert shown.stdout.startswith("sutler, version")


@pytest.mark.long
def test_what_is_built_twice_has_the_same_bytes(tmp_path: Path) -> None:
    for name, mask in (("one", 0o022), ("two", 0o077)):
        subprocess.run(
            [sys.executable, ROOT / ".ci" / "dist", tmp_path / name], check=True, umask=mask, capture_output=True
        )
    one, two = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert [each.name for each in one] == [each.name for each in two]
    assert [each.read_bytes() for each in one] == [each.read_bytes() for each in two]
    assert len(one) == 2
