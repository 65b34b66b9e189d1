"""Which program this is: its version, and the commit it was built from where that is known."""

import json
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from sutler import __version__

VERSION = __version__
_SHORT = 12
_CHECKOUT = Path(__file__).parents[2]


@cache
def commit() -> str:
    """Returns the first digits of the commit, from a checkout or from what pip has noted; empty if neither knows."""
    return _of_checkout() or _of_installation()


def named() -> str:
    """Returns version and commit in one line."""
    return f"{VERSION} ({commit()})" if commit() else VERSION


def _of_checkout() -> str:
    if not (_CHECKOUT / ".git").exists():
        return ""
    ask = ["git", "-C", str(_CHECKOUT), "rev-parse", f"--short={_SHORT}", "HEAD"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, timeout=5, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""


def _of_installation() -> str:
    """Reads what an installer notes of where a package came from (PEP 610)."""
    try:
        noted = json.loads(metadata.distribution("sutler").read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return ""
    return str(noted.get("vcs_info", {}).get("commit_id", ""))[:_SHORT]
