"""The logs of the panel's processes: on stderr, as the setting says, never with the values of variables."""

import json
import subprocess
import sys

import pytest

from sutler.config import ConfigError
from sutler.ops.logs import to_stderr

PROGRAM = """
import logging, sys, structlog
from sutler.ops.logs import to_stderr
to_stderr(sys.argv[1])
key = "hush" + "-hush"
try:
    {}[key[:0]]
except KeyError:
    structlog.get_logger().exception("broke", order=7)
logging.getLogger("library").warning("of a %s", "library")
logging.getLogger("library").info("too small to tell")
"""


def logged(log_format: str) -> list[str]:
    """Returns the lines that a process writes to stderr; it must write nothing to stdout."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, log_format], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "hush-hush" not in done.stderr
    assert "too small" not in done.stderr
    return done.stderr.splitlines()


def test_json_is_one_object_a_line() -> None:
    ours, of_a_library = map(json.loads, logged("json"))
    assert (ours["event"], ours["order"], ours["level"]) == ("broke", 7, "error")
    assert "KeyError" in ours["exception"]
    assert (of_a_library["event"], of_a_library["level"]) == ("of a library", "warning")


def test_the_console_form_is_for_reading() -> None:
    lines = logged("console")
    assert "broke" in lines[0]
    assert "order=7" in lines[0]
    assert any("KeyError" in line for line in lines)
    assert "of a library" in lines[-1]


def test_another_form_is_a_fault_of_the_settings() -> None:
    with pytest.raises(ConfigError, match="console or json"):
        to_stderr("xml")
