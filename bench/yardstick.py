"""The yardstick: what the web server alone can do, with a callable that reads the form and answers a constant.

python -m bench.yardstick --port 8100 --answer answer.json
"""

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import click
import uvicorn

from sutler.server import Protocol

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


def constant(answer: bytes) -> Application:
    """Returns an application that reads each request's form and answers it with the same bytes."""
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))],
    }
    body = {"type": "http.response.body", "body": answer}

    async def application(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        message = await receive()
        received = message["body"]
        while message["more_body"]:
            message = await receive()
            received += message["body"]
        dict(parse_qsl(received.decode()))
        await send(start)
        await send(body)

    return application


@click.command()
@click.option("--port", type=int, required=True)
@click.option(
    "--answer", type=click.Path(exists=True, path_type=Path), required=True, help="File with the bytes to send"
)
def main(port: int, answer: Path) -> None:
    """Serves the constant until it is told to end, with the settings of `sutler.server.serve`."""
    uvicorn.run(
        constant(answer.read_bytes()),
        host="127.0.0.1",
        port=port,
        http=Protocol,
        ws="none",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        forwarded_allow_ips=["127.0.0.1"],
        backlog=1024,
    )


if __name__ == "__main__":
    main()
