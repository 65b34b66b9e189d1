"""What systemd is told: once that the process is ready, then that it lives, if the unit asks for that."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sutler import watchdog


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.setblocking(False)
        yield heard


def heard_from(systemd: socket.socket) -> list[str]:
    said: list[str] = []
    while True:
        try:
            said.append(systemd.recv(100).decode())
        except BlockingIOError:
            return said


def told_within(environment: dict[str, str], systemd: socket.socket, count: int) -> list[str]:
    """Returns what was told until so many messages had come or the process had nothing more to say."""

    async def listen() -> list[str]:
        telling = asyncio.create_task(watchdog.keep_telling(environment))
        said: list[str] = []
        while len(said) < count and not telling.done():
            await asyncio.sleep(0)
            said += heard_from(systemd)
        telling.cancel()
        return said + heard_from(systemd)

    return asyncio.run(listen())


def test_a_unit_with_a_watchdog_hears_again_and_again(systemd: socket.socket) -> None:
    asked = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "3000", "WATCHDOG_PID": str(os.getpid())}
    assert told_within(asked, systemd, 3)[:3] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]


@pytest.mark.parametrize("more", [{}, {"WATCHDOG_USEC": "3000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}])
def test_without_a_watchdog_of_its_own_it_says_only_that_it_is_ready(
    systemd: socket.socket, more: dict[str, str]
) -> None:
    assert told_within({"NOTIFY_SOCKET": systemd.getsockname(), **more}, systemd, 3) == ["READY=1"]


@pytest.mark.parametrize("address", ["", "notify", "/nowhere/notify"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    assert not watchdog.tell("READY=1", {"NOTIFY_SOCKET": address})
