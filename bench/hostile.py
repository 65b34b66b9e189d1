"""Sends bodies that were made to cost time, without a key that works: so many a second, for so many seconds.

    python -m bench.hostile --port 8000 --rate 1000 --seconds 4

Only to 127.0.0.1. Each connection waits for its answer; a body that no connection is free for is left out and counted.
"""

import asyncio
import itertools
from collections.abc import Iterator

import click

CONNECTIONS = 800
_FORM, _JSON, _PARTS = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"
_PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'


def bodies() -> Iterator[bytes]:
    """Returns requests without end: 2 kB each of several kinds, and now and then a form of 16,000 parts."""
    kinds = [
        (_PARTS, _PART * 40 + b"--x--\r\n"),
        (_FORM, b"action=add&key=%064x&" + b"a=%41&" * 300),
        (_JSON, b'{"key":"%064x","a":' + b"[" * 900 + b"]" * 900 + b"}"),
        (_FORM, b"comments=" + b"%F0" * 650 + b"&key=%064x"),
        (_JSON, b"{" + b",".join(b'"%d":1' % each for each in range(250)) + b"}"),
    ]
    for number in itertools.count():
        kind, body = kinds[number % len(kinds)]
        if number % 1000 == 500:
            kind, body = _PARTS, _PART * 16_000 + b"--x--\r\n"
        if b"%064x" in body:
            body = body.replace(b"%064x", b"%064x" % number)
        yield b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            kind.encode(),
            len(body),
            body,
        )


async def send(port: int, rate: int, seconds: float) -> tuple[int, int]:
    """Returns how many bodies were sent and how many were left out."""
    loop = asyncio.get_running_loop()
    free = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    everything, tasks, sent, left_out = list(free), set(), 0, 0
    began = loop.time()

    async def one(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> None:
        reader, writer = line
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
            free.append(line)
        except (OSError, asyncio.IncompleteReadError):
            free.append(await asyncio.open_connection("127.0.0.1", port))
            everything.append(free[-1])

    for number, request in enumerate(bodies()):
        due = began + number / rate
        if due > began + seconds:
            break
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not free:
            left_out += 1
            continue
        sent += 1
        task = loop.create_task(one(free.pop(0), request))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    for _, writer in everything:
        writer.close()
    return sent, left_out


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--rate", default=1000, show_default=True)
@click.option("--seconds", default=4.0, show_default=True)
def main(port: int, rate: int, seconds: float) -> None:
    """Sends and says how many of how many."""
    sent, left_out = asyncio.run(send(port, min(rate, 5000), min(seconds, 60.0)))
    click.echo(f"{sent} bodies sent, {left_out} left out")


if __name__ == "__main__":
    main()
