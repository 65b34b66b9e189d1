"""The files of an installation: where each stands, what is in it, and what writing them would change."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template

_TEMPLATES = Path(__file__).parent / "templates"
SETTINGS = "etc/sutler/sutler.env"
UNITS = ("sutler-serve.service", "sutler-work.service", "sutler-backup.service", "sutler-backup.timer")
# Where each template goes, below the root, and with which rights.
_PLACES = {
    SETTINGS: ("sutler.env", 0o640),
    "etc/sysusers.d/sutler.conf": ("sysusers.conf", 0o644),
    "etc/tmpfiles.d/sutler.conf": ("tmpfiles.conf", 0o644),
    "etc/systemd/journald@sutler.conf": ("journald.conf", 0o644),
    **{f"etc/systemd/system/{unit}": (unit, 0o644) for unit in UNITS},
    "etc/caddy/sites/sutler.caddy": ("sutler.caddy", 0o644),
    "usr/local/sbin/sutlerctl": ("sutlerctl", 0o755),
}
DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
# A path that a unit and a shell take as it stands.
PROGRAM = re.compile(r"/[A-Za-z0-9._/+-]+")


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to be written, below the root; `change` is new, changed, or nothing where it stays as it is."""

    path: Path
    content: str
    mode: int
    change: str


def planned(root: Path, *, domain: str, postgres: str, user: str, program: str) -> list[PlannedFile]:
    """Returns the files of an installation. The settings stay as they are where there are any."""
    values = {"domain": domain, "postgres": postgres, "user": user, "program": program}
    common = _filled("unit_common", values)
    files = []
    for place, (template, mode) in _PLACES.items():
        path, content = root / place, _filled(template, values | {"common": common})
        is_kept = place == SETTINGS and path.exists()
        files.append(PlannedFile(path, content, mode, "" if is_kept else _change(path, content, mode)))
    return files


def installed(root: Path) -> list[Path]:
    """Returns the files that an installation has written and that are there, the settings apart."""
    return [root / place for place in _PLACES if place != SETTINGS and (root / place).is_file()]


def write(file: PlannedFile) -> None:
    """Writes a file whole or not at all. Raises OSError if that cannot be done."""
    file.path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, new = tempfile.mkstemp(prefix=".sutler-", dir=file.path.parent)
    try:
        with os.fdopen(descriptor, "w") as written:
            written.write(file.content)
            os.fchmod(descriptor, file.mode)
            os.fsync(descriptor)
        Path(new).rename(file.path)
    finally:
        Path(new).unlink(missing_ok=True)


def _change(path: Path, content: str, mode: int) -> str:
    if not path.exists():
        return "new"
    return "" if path.read_text() == content and path.stat().st_mode & 0o777 == mode else "changed"


def _filled(template: str, values: dict[str, str]) -> str:
    return Template((_TEMPLATES / template).read_text()).substitute(values)
