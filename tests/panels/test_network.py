"""The client of an upstream panel over real connections: slow, late, reset, cut off, dripping, not there at all."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from sutler.core.events import failure
from sutler.core.money import Micros
from sutler.panels.results import Accepted, Balance, NoAnswer, NotSent
from sutler.panels.safe_transport import SafeTransport
from tests.panels.panel_calls import CALLS, PLACING, Upstream
from tests.panels.panel_calls import ORDER as ORDER_FIELDS

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ORDER, BALANCE = b'{"order":77}', b'{"balance":"1.50"}'
NEVER = 3600


async def hear(reader: asyncio.StreamReader) -> bytes:
    """Reads one request whole and returns its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    return await reader.readexactly(length)


def whole(body: bytes, length: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (length or len(body), body)


def after(seconds: float, *parts: bytes) -> Conversation:
    """Hears a request and sends the parts, waiting before each."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hear(reader)
        for part in parts:
            await asyncio.sleep(seconds)
            writer.write(part)
            await writer.drain()

    return talk


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hear(reader)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def reset_unheard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hear(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


def ask(name: str, talk: Conversation, scheme: str = "http", **settings: Any) -> Any:
    """Makes one call to a server that talks like this, and returns its outcome and how often the server was asked."""
    asked = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        try:
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    async def call() -> Any:
        server = await asyncio.start_server(counted, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        panel = Upstream(lambda _: httpx2.Response(500), url=f"{scheme}://127.0.0.1:{port}/api/v2", **settings)
        async with server:
            outcome = await panel.call(CALLS[name], SafeTransport(allowed_hosts=["127.0.0.1"]))
        return outcome, asked

    return asyncio.run(call())


class TestAnswers:
    @pytest.mark.parametrize(
        ("name", "body", "value"),
        [("add", ORDER, Accepted("77")), ("balance", BALANCE, Balance(Micros(1_500_000), ""))],
    )
    def test_an_answer(self, name: str, body: bytes, value: object) -> None:
        assert ask(name, after(0, whole(body))) == (value, 1)

    def test_a_late_answer_to_add_is_still_taken(self) -> None:
        outcome = ask("add", after(0.1, whole(ORDER)), read_seconds=0.01, placing_seconds=60)
        assert outcome == (Accepted("77"), 1)

    def test_an_answer_in_pieces(self) -> None:
        pieces = [bytes([byte]) for byte in whole(ORDER)]
        assert ask("add", after(0, *pieces)) == (Accepted("77"), 1)

    def test_an_answer_that_ends_with_the_connection(self) -> None:
        assert ask("add", after(0, b"HTTP/1.0 500 Oops\r\n\r\n", ORDER)) == (Accepted("77"), 1)


class TestNoAnswers:
    @pytest.mark.parametrize("name", ["add", "refill", "cancel", "balance"])
    @pytest.mark.parametrize(
        "talk",
        [
            after(0),
            reset,
            reset_unheard,
            after(0, whole(ORDER, length=13)),
            after(0, whole(ORDER[:-1])),
            after(0, b"\x16\x03\x01nonsense\r\n\r\n"),
            after(0, b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
            after(0, b"HTTP/1.1 200 OK\r\n"),
            after(0, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
        ],
        ids=[
            "closed",
            "reset",
            "reset at once",
            "cut off",
            "cut JSON",
            "no HTTP",
            "bad length",
            "half a head",
            "long head",
        ],
    )
    def test_what_was_perhaps_heard_is_no_answer_and_not_asked_twice(self, name: str, talk: Conversation) -> None:
        outcome, asked = ask(name, talk)
        assert isinstance(outcome, NoAnswer)
        assert asked == 1

    @pytest.mark.parametrize("name", ["add", "balance"])
    def test_an_answer_that_comes_too_late(self, name: str) -> None:
        outcome, asked = ask(name, after(NEVER, whole(ORDER)), read_seconds=0.02, placing_seconds=0.02)
        assert isinstance(outcome, NoAnswer)
        assert asked == 1

    def test_an_answer_that_drips_without_end_is_given_up(self) -> None:
        outcome, _ = ask("balance", drip, read_seconds=5, placing_seconds=0.1, connect_seconds=0.1)
        assert outcome == NoAnswer(failure("TimeoutError"))


class TestNotSent:
    @pytest.mark.parametrize("name", sorted(PLACING))
    def test_nobody_listens(self, name: str) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            panel = Upstream(lambda _: httpx2.Response(500), url=f"http://127.0.0.1:{closed.getsockname()[1]}/")
            outcome = asyncio.run(panel.call(CALLS[name], SafeTransport(allowed_hosts=["127.0.0.1"])))
        assert isinstance(outcome, NotSent)

    @pytest.mark.parametrize("name", sorted(PLACING))
    def test_no_tls_where_it_is_wanted(self, name: str) -> None:
        outcome, _ = ask(name, plain, scheme="https")
        assert isinstance(outcome, NotSent)

    def test_a_handshake_that_never_ends(self) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        outcome, _ = ask("add", silent, scheme="https", connect_seconds=0.05)
        assert isinstance(outcome, NotSent)

    def test_a_private_address_that_nobody_allowed(self) -> None:
        panel = Upstream(lambda _: httpx2.Response(500), url="http://127.0.0.1:8000/api/v2")
        outcome = asyncio.run(panel.call(CALLS["add"], SafeTransport()))
        assert outcome == NotSent(failure("ConnectError: 127.0.0.1 is at 127.0.0.1, which is not a public address"))
        assert panel.exchanges[0].fields == {"key": "***", **ORDER_FIELDS}
