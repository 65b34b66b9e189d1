"""The process that calls: real processes, a real server, and what becomes of a call when either ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from sutler.core.clock import SystemClock
from sutler.core.events import CauseKind, cause
from sutler.core.money import Micros
from sutler.panels.caller_process import CallerProcess
from sutler.panels.client import Panel, PanelSettings
from sutler.panels.results import Accepted, Balance, Catalogue, Exchange, NoAnswer, NotSent
from tests.panels.panel_calls import KEY, ORDER
from tests.panels.test_network import hear, whole

HERE = "127.0.0.1"
PATIENCE_SECONDS = 20


class Upstream:
    """A server: `add` is answered with the end of the link, `balance` with 1.50, `services` with a catalogue or not."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_asked = asyncio.Event()
        self.hung_up = asyncio.Event()
        self.catalogue = b""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        form = {name: values[0] for name, values in parse_qs((await hear(reader)).decode()).items()}
        self.asked.append(form["action"])
        self.is_asked.set()
        if form["action"] == "services" and self.catalogue:
            writer.write(whole(self.catalogue))
        elif form["action"] == "services":
            await reader.read()
            self.hung_up.set()
        elif form["action"] == "add":
            writer.write(whole(b'{"order":%b}' % form["link"].rpartition("/")[2].encode()))
        else:
            writer.write(whole(b'{"balance":"1.50"}'))
        writer.close()


class Scene:
    """An upstream, a panel that reaches it by a caller, and what was recorded of it."""

    def __init__(self, upstream: Upstream, caller: CallerProcess, port: int) -> None:
        self.upstream = upstream
        self.caller = caller
        self.settings = PanelSettings(f"http://{HERE}:{port}/api/v2", KEY)
        self.exchanges: list[Exchange] = []
        self.panel = Panel(self.settings, caller, self.exchanges.append)


def play(act: Callable[[Scene], Awaitable[None]], *, allowed: tuple[str, ...] = (HERE,)) -> None:
    async def play_it() -> None:
        upstream = Upstream()
        server = await asyncio.start_server(upstream.talk, HERE)
        async with server, CallerProcess(allowed, SystemClock()) as caller, asyncio.timeout(PATIENCE_SECONDS):
            await act(Scene(upstream, caller, server.sockets[0].getsockname()[1]))

    asyncio.run(play_it())


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[-1])


def test_each_of_many_calls_gets_its_own_answer_and_is_recorded_without_the_key() -> None:
    async def act(scene: Scene) -> None:
        orders = [ORDER | {"link": f"https://example.com/{number}"} for number in range(1, 101)]
        said = await asyncio.gather(*(scene.panel.add(each) for each in orders))
        assert said == [Accepted(str(number)) for number in range(1, 101)]
        assert {each.fields["key"] for each in scene.exchanges} == {"***"}
        assert len(scene.exchanges) == 100

    play(act)


def test_a_catalogue_comes_over_whole() -> None:
    async def act(scene: Scene) -> None:
        row = {"service": 1, "name": "Подписчики", "type": "Default", "rate": "0.90", "min": 1, "max": 9}
        rows = [row | {"service": number} for number in range(1, 2001)]
        scene.upstream.catalogue = json.dumps([*rows, {"service": 7}]).encode()
        found = await scene.panel.services()
        assert isinstance(found, Catalogue)
        assert [each.upstream_id for each in found.services] == [str(number) for number in range(1, 2001)]
        assert (found.services[0].name, found.left_out()) == ("Подписчики", [("7", "it has no name")])

    play(act)


def test_what_was_asked_when_it_is_killed_is_unknown_and_the_next_call_starts_another() -> None:
    async def act(scene: Scene) -> None:
        asking = asyncio.create_task(scene.panel.services())
        await scene.upstream.is_asked.wait()
        os.kill(child_of(os.getpid()), signal.SIGKILL)
        assert await asking == NoAnswer(cause(CauseKind.CALLER_ENDED))
        assert await scene.panel.balance() == Balance(Micros(1_500_000), "")
        assert scene.upstream.asked == ["services", "balance"]
        assert [(each.action, each.outcome) for each in scene.exchanges] == [
            ("services", "NoAnswer"),
            ("balance", "Balance"),
        ]

    play(act)


def test_one_that_hangs_is_ended_and_what_it_was_asked_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(scene: Scene) -> None:
        hasty = Panel(replace(scene.settings, placing_seconds=0.1, connect_seconds=0.1), scene.caller, print)
        await scene.panel.balance()
        hanging = child_of(os.getpid())
        os.kill(hanging, signal.SIGSTOP)
        with monkeypatch.context() as patched:
            patched.setattr("sutler.panels.caller_process.GRACE_SECONDS", 0.01)
            assert await hasty.add(ORDER) == NoAnswer(cause(CauseKind.CALLER_HANGS))
        assert await scene.panel.balance() == Balance(Micros(1_500_000), "")
        assert child_of(os.getpid()) != hanging

    play(act)


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/program"])
def test_what_cannot_be_asked_was_not_sent(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    async def act(scene: Scene) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", program)
            assert isinstance(await scene.panel.add(ORDER), NotSent)
        assert scene.upstream.asked == []
        assert scene.exchanges[0].fields == ORDER
        assert await scene.panel.balance() == Balance(Micros(1_500_000), "")

    play(act)


def test_a_private_address_that_is_not_allowed_is_not_called() -> None:
    async def act(scene: Scene) -> None:
        assert isinstance(await scene.panel.balance(), NotSent)
        assert scene.upstream.asked == []

    play(act, allowed=())


def test_a_call_that_is_cancelled_hangs_up_and_is_not_recorded() -> None:
    async def act(scene: Scene) -> None:
        asking = asyncio.create_task(scene.panel.services())
        await scene.upstream.is_asked.wait()
        asking.cancel()
        await scene.upstream.hung_up.wait()
        assert scene.exchanges == []

    play(act)


ASK = """
import asyncio, sys
from sutler.core.clock import SystemClock
from sutler.panels.caller_process import CallerProcess
from sutler.panels.client import Panel, PanelSettings

async def ask():
    async with CallerProcess(["127.0.0.1"], SystemClock()) as caller:
        await Panel(PanelSettings(sys.argv[1], "key"), caller, print).services()

asyncio.run(ask())
"""


def test_it_ends_with_a_worker_that_is_killed() -> None:
    async def act(scene: Scene) -> None:
        with subprocess.Popen([sys.executable, "-c", ASK, scene.settings.url]) as worker:
            await scene.upstream.is_asked.wait()
            worker.kill()
        await scene.upstream.hung_up.wait()

    play(act)
