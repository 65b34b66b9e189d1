"""The panel's processes as the operator starts them: the demo from first line to last order, and who ends with whom."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from tests.blank import Blank
from tests.live.panel import SUTLER, free_port, panel_on

LINES = ("SUTLER_URL", "SUTLER_API_URL", "SUTLER_API_KEY", "SUTLER_API_KEY_2", "SUTLER_STAFF", "SUTLER_CUSTOMER")
LONGEST_SECONDS = 30.0
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks for child processes in /proc"),
    pytest.mark.postgresql,
    pytest.mark.long,
]


@contextmanager
def started(url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A `sutler` process with no setting but the database's; killed in the end if it is still there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUTLER_", "DJANGO_"))}
    with subprocess.Popen(
        [SUTLER, *arguments],
        env=kept | {"SUTLER_DATABASE_URL": url},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(is_so: Callable[[], object], said: str) -> None:
    """Waits until `is_so()` is true; fails when that takes far too long."""
    pause, waited = threading.Event(), 0.0
    while not is_so():
        assert waited < LONGEST_SECONDS, said
        pause.wait(0.1)
        waited += 0.1


def children(pid: int) -> list[int]:
    return [
        int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()
    ]


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def printed(demo: subprocess.Popen[str]) -> tuple[dict[str, str], str]:
    """Returns what the demo prints, by name, and the curl line."""
    assert demo.stdout is not None
    lines = [demo.stdout.readline().strip() for _ in range(len(LINES) + 1)]
    assert [line.partition("=")[0] for line in lines[:-1]] == list(LINES), demo.stderr and demo.stderr.read()
    return dict(line.split("=", 1) for line in lines[:-1]), lines[-1]


def form_of(curl: str) -> tuple[str, dict[str, str]]:
    """Returns the address and the form of a curl command line, as a shell would read it."""
    command, *words = shlex.split(curl)
    assert command == "curl"
    return words[-1], dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "-d")


def test_the_demo_takes_an_order_to_its_end_and_keeps_its_keys(blank: Blank, tmp_path: Path) -> None:
    port = free_port()
    demo_of = ("demo", "--port", str(port), "--data-dir", str(tmp_path))
    with panel_on(blank, tmp_path, "demo") as panel, httpx2.Client(trust_env=False, timeout=10) as http:
        with started(panel.database_url, *demo_of) as demo:
            told, curl = printed(demo)
            address, form = form_of(curl)
            assert (told["SUTLER_URL"], address) == (f"http://127.0.0.1:{port}", told["SUTLER_API_URL"])
            assert http.post(address, data=form).json() == {"balance": "10000.00", "currency": "USD"}
            bob = {"key": told["SUTLER_API_KEY_2"]}
            assert http.post(address, data=bob | {"action": "balance"}).json()["balance"] == "10000.00"
            services = http.post(address, data=bob | {"action": "services"}).json()
            assert [each["service"] for each in services] == list(range(1, len(services) + 1))
            assert [each["name"] for each in services[:2]] == ["Followers", "Comments"]
            placed = http.post(
                address, data=bob | {"action": "add", "service": 1, "link": "https://example.com/a", "quantity": 100}
            ).json()

            def state() -> str:
                return str(http.post(address, data=bob | {"action": "status", **placed}).json()["status"])

            until(lambda: state() == "Completed", "the order is not Completed")
            assert re.fullmatch(r"\S+@\S+ \S{16}", told["SUTLER_STAFF"])
            worker_and_writers = children(demo.pid)
            assert len(worker_and_writers) == 3
            demo.send_signal(signal.SIGTERM)
            assert demo.wait(LONGEST_SECONDS) == 0
            until(lambda: not any(map(is_alive, worker_and_writers)), "a child outlives the panel")

        with started(panel.database_url, *demo_of, "--no-executor") as again:
            assert printed(again)[0] == told


def test_a_dead_worker_comes_back_and_a_living_one_ends_with_its_parent(blank: Blank, tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    with panel_on(blank, tmp_path, "run") as prepared:
        url = prepared.database_url
        with started(url, "init", "--email", "sam@example.com", *data) as init:
            assert init.wait(LONGEST_SECONDS) == 0
        with started(url, "run", "--port", str(free_port()), *data) as panel:
            until(lambda: children(panel.pid), "there is no worker")
            [first] = children(panel.pid)
            os.kill(first, signal.SIGKILL)
            until(lambda: set(children(panel.pid)) - {first}, "the worker did not come back")
            [second] = children(panel.pid)
            panel.kill()
            panel.wait()
            until(lambda: not is_alive(second), "the worker outlives its parent")
