"""The scripted upstream's face for real callers: an ASGI application and the server whose connections it can break."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sutler.core.money import show_balance, show_charge
from sutler.simulator.form import read_form
from sutler.simulator.panel import Order
from sutler.simulator.reply import Ending, Reply, encoded
from sutler.simulator.upstream import LyingUpstream

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

API_PATH, JOURNAL_PATH = "/api/v2", "/journal"
# How long a caller who never hangs up is kept waiting.
LONGEST_SECONDS = 600.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Application:
    """Serves the upstream at /api/v2 and what it really did at /journal, with delays and broken connections.

    It runs under `Protocol`, which lends it the connection. A listener cannot refuse one caller of many: a call that
    should find the panel unreachable is reset, at once or after a long silence, and nothing is done.
    """

    def __init__(self, upstream: LyingUpstream) -> None:
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path = scope["path"].rstrip("/")
        if path == JOURNAL_PATH:
            await _send(Reply(encoded(journal(self._upstream))), send)
        elif path != API_PATH:
            await _send(Reply(b'{"error":"Incorrect request"}', 404), send)
        else:
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            form = read_form(scope["query_string"], await _body(receive), headers.get(b"content-type", ""))
            await self._deliver(self._upstream.answer(form), scope["state"]["connection"], receive, send)

    async def _deliver(self, reply: Reply, connection: asyncio.Transport, receive: Receive, send: Send) -> None:
        if not await _is_still_there(reply.delay_seconds, receive):
            return
        if reply.ending is Ending.CUT_OFF:
            await _send_half(reply, send)
            connection.close()
        elif reply.ending is Ending.WHOLE and reply.delay_seconds <= LONGEST_SECONDS:
            reply.mark_told()
            await _send(reply, send)
            return
        else:
            _break(connection, reply.ending)
        await receive()  # until the connection has gone; a request left open would be answered with code 500


class Protocol(HttpToolsProtocol):
    """A connection that lends itself to the application."""

    def on_message_begin(self) -> None:  # noqa: D102
        super().on_message_begin()
        self.scope["state"]["connection"] = self.transport


class Server(uvicorn.Server):
    """Serves an upstream until SIGTERM or SIGINT; `on_ready` is called once connections are accepted."""

    def __init__(self, upstream: LyingUpstream, host: str, port: int, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            Application(upstream),
            host=host,
            port=port,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then says so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops at once: whoever still waits for an answer is hung up on, as a panel that dies would do it."""
        for each in list(self.server_state.connections):
            if isinstance(each, Protocol):
                each.transport.abort()
        await super().shutdown(sockets)


def journal(upstream: LyingUpstream) -> dict[str, Any]:
    """Returns what the upstream really did, to hold against what the caller believes: totals and every order."""
    totals = upstream.totals()
    return {
        "paid_in": show_balance(totals.paid_in_micros),
        "charged": show_charge(totals.charged_micros),
        "refunded": show_balance(totals.refunded_micros),
        "balance": show_balance(totals.balance_micros),
        "orders": [_line(each) for each in upstream.journal()],
    }


def _line(order: Order) -> dict[str, Any]:
    return {
        "order": order.id,
        "service": order.service_id,
        "link": order.link,
        "quantity": order.quantity,
        "charge": show_charge(order.charge_micros),
        "refunded": show_balance(order.refunded_micros),
        "created_at": order.created_at.isoformat(),
        "final": order.final,
        "told": order.told,
        "fault": order.fault,
        "by_hand": order.by_hand,
    }


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _is_still_there(seconds: float, receive: Receive) -> bool:
    """Waits so long, or until the caller hangs up; returns False for the latter."""
    if not seconds:
        return True
    try:
        await asyncio.wait_for(receive(), min(seconds, LONGEST_SECONDS))
    except TimeoutError:
        return True
    return False


async def _send(reply: Reply, send: Send) -> None:
    await _send_head(reply, send)
    await send({"type": "http.response.body", "body": reply.body})


async def _send_half(reply: Reply, send: Send) -> None:
    await _send_head(reply, send)
    await send({"type": "http.response.body", "body": reply.half, "more_body": True})


async def _send_head(reply: Reply, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.code, "headers": headers})


def _break(connection: asyncio.Transport, ending: Ending) -> None:
    """Ends the connection without an answer, so that the caller sees the end, or a reset."""
    if ending in {Ending.RESET, Ending.UNREACHED}:
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    connection.abort()
