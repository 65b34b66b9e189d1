"""The server: uvicorn with deadlines and limits of our own for what has not arrived yet. Wiring only."""

import asyncio
import re
import resource
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from django.conf import settings
from prometheus_client import Gauge
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sutler import watchdog
from sutler.core import gc_tuning
from sutler.storage.checkpoint import keep_copying
from sutler.storage.statements import is_postgres

LARGEST_HEAD_BYTES = 64 * 1024
# What no request may exceed, whoever reads it; the lane and the admin API have a lower limit of their own.
LARGEST_BODY_BYTES = 16 * 1024 * 1024
# A body may come in so many pieces of any size, and in more if they hold so much each: every piece costs a call.
MOST_SMALL_PIECES = 1000
_PIECE_BYTES = 64
# Descriptors that are not connections of clients: databases, pipes, logs, what is accepted only to be refused.
_OTHER_DESCRIPTORS = 200
# A client that has read nothing of its answer for so long is not waited for.
_READ_TIMEOUT_SECONDS = 60.0
_SWEEP_SECONDS = 1.0
_CONNECTIONS = Gauge("sutler_connections", "Open connections of clients")
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


class WholeAnswers:
    """A transport that puts the head of an answer on the wire together with its body: one system call, not two."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head = b""
        self.abort, self.is_closing = transport.abort, transport.is_closing

    def write(self, data: bytes) -> None:
        """Writes, or keeps the head of an answer until more of it comes."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Writes a head that nothing has come after."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Closes the connection, after what was written."""
        self.flush()
        self._transport.close()


class Protocol(HttpToolsProtocol):
    """One connection. A request must arrive within the deadline and its head within the size limit."""

    most_connections = 1000
    transport: Any

    def connection_made(self, transport: Any) -> None:  # noqa: D102
        self.receiving_since: float | None = self.loop.time()
        self.unread_since: float | None = None
        self._head_bytes: int | None = 0
        self._body_bytes = self._body_pieces = 0
        super().connection_made(transport)
        self.transport = WholeAnswers(transport)
        if len(self.connections) > self.most_connections:
            self._refuse(b"503 Service Unavailable", b"Service busy, try again")

    def data_received(self, data: bytes) -> None:  # noqa: D102
        if self.receiving_since is None:
            self.receiving_since = self.loop.time()
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            # An offer to change the protocol is ignored; the parser would throw away the body of such a request.
            if b"pgrade:" in data or b"PGRADE:" in data:
                data = _UPGRADE.sub(b"\r\nx-upgrade:", data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > LARGEST_HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large", b"Request too large")

    def on_message_begin(self) -> None:  # noqa: D102
        super().on_message_begin()
        self.receiving_since = self.loop.time()
        self.scope["state"]["abort"] = self.transport.abort

    def on_headers_complete(self) -> None:  # noqa: D102
        self._head_bytes = None
        self._body_bytes = self._body_pieces = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:  # noqa: D102
        self._body_bytes += len(body)
        self._body_pieces += 1
        if self._body_pieces > MOST_SMALL_PIECES and self._body_bytes < self._body_pieces * _PIECE_BYTES:
            self._refuse(b"413 Content Too Large", b"Request in too many pieces")
            raise ValueError("a body in too many pieces")  # or the parser would go on with the rest
        if self._body_bytes > LARGEST_BODY_BYTES:
            self._refuse(b"413 Content Too Large", b"Request too large")
        super().on_body(body)

    def on_message_complete(self) -> None:  # noqa: D102
        self.receiving_since = None
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:  # noqa: D102
        self.transport.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: D102
        self._refuse(b"400 Bad Request", b"Incorrect request")

    def pause_writing(self) -> None:  # noqa: D102
        self.unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:  # noqa: D102
        self.unread_since = None
        super().resume_writing()

    def refuse_if_late(self, now_seconds: float, timeout_seconds: float) -> None:
        """Ends the connection if its request has been arriving, or its answer not been read, for too long."""
        if self.unread_since is not None and now_seconds - self.unread_since > _READ_TIMEOUT_SECONDS:
            self.transport.abort()
        if self.receiving_since is not None and now_seconds - self.receiving_since > timeout_seconds:
            self._refuse(b"408 Request Timeout", b"Request took too long")

    def _refuse(self, status: bytes, text: bytes) -> None:
        if self.transport.is_closing():
            return
        body = b'{"error":"%s"}' % text
        self.transport.write(
            b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nretry-after: 1\r\n"
            b"connection: close\r\n\r\n%s" % (status, len(body), body)
        )
        self.transport.close()


class Server(uvicorn.Server):
    """Uvicorn's server, which says when it is ready and sweeps slow connections away."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: Any = None) -> None:
        """Listens, then says so."""
        await super().startup(sockets)
        if self.started:
            gc_tuning.spare_what_is_loaded()
            _CONNECTIONS.set_function(lambda: len(self.server_state.connections))
            self._sweeper = asyncio.create_task(self._sweep())
            self._watchdog = asyncio.create_task(watchdog.keep_telling())
            if self._on_ready is not None:
                self._on_ready()

    async def _sweep(self) -> None:
        timeout_seconds = settings.SUTLER["SUTLER_RECEIVE_TIMEOUT_SECONDS"]
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for connection in list(self.server_state.connections):
                if isinstance(connection, Protocol):
                    connection.refuse_if_late(loop.time(), timeout_seconds)


def descriptors_allow(most_connections: int) -> int:
    """Raises this process's limit on descriptors as far as it may; returns how many of the connections it leaves."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return most_connections
    return max(1, min(most_connections, hard - _OTHER_DESCRIPTORS))


def serve(host: str, port: int, on_ready: Callable[[], None] | None = None) -> None:
    """Serves the panel until SIGTERM or SIGINT; requests under way are answered first, for at most 10 seconds.

    `on_ready` is called once connections are accepted. Raises SystemExit if the address is taken.
    """
    config = uvicorn.Config(
        "sutler.asgi:application",
        host=host,
        port=port,
        http=Protocol,
        ws="none",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        forwarded_allow_ips=settings.SUTLER["SUTLER_TRUSTED_PROXIES"],
        timeout_graceful_shutdown=10,
        backlog=1024,
    )
    Protocol.most_connections = descriptors_allow(settings.SUTLER["SUTLER_MOST_CONNECTIONS"])
    stop = threading.Event()
    if not is_postgres():
        threading.Thread(target=keep_copying, args=(stop,), daemon=True).start()
    try:
        Server(config, on_ready).run()
    finally:
        stop.set()
