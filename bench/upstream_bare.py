"""The yardstick of the worker: a bare loop of httpx2 that asks the same upstream the same, and keeps nothing.

It makes the same calls, as many at once, and decodes each answer with `response.json()`. It says how many were done in
how many seconds: `python -m bench.upstream_bare follow --url http://127.0.0.1:8090/api/v2 --listed orders.json`.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx2
import uvloop

from bench.upstream_panel import FEWEST, KEY, SERVICES

BATCH_SIZE = 100
Form = dict[str, str]


@click.group()
def main() -> None:
    """Asks an upstream."""


@main.command()
@click.option("--url", required=True)
@click.option("--listed", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--at-once", type=int, required=True)
def follow(url: str, listed: Path, at_once: int) -> None:
    """Asks once about every order that is listed, in batches."""
    ids = [each[0] for each in json.loads(listed.read_text())]
    batches = [ids[first : first + BATCH_SIZE] for first in range(0, len(ids), BATCH_SIZE)]
    forms = [{"key": KEY, "action": "status", "orders": ",".join(batch)} for batch in batches]
    answers, seconds = uvloop.run(_ask(url, forms, at_once))
    _say(sum("status" in each for answer in answers for each in answer.values()), len(ids), seconds)


@main.command()
@click.argument("orders", type=int)
@click.option("--url", required=True)
@click.option("--at-once", type=int, required=True)
def send(orders: int, url: str, at_once: int) -> None:
    """Places so many orders."""
    forms = [
        {
            "key": KEY,
            "action": "add",
            "service": str(number % SERVICES + 1),
            "link": f"https://example.com/{number}",
            "quantity": str(FEWEST + number),
        }
        for number in range(orders)
    ]
    answers, seconds = uvloop.run(_ask(url, forms, at_once))
    _say(sum("order" in each for each in answers), orders, seconds)


async def _ask(url: str, forms: list[Form], at_once: int) -> tuple[list[dict[str, Any]], float]:
    answers: list[dict[str, Any]] = []
    waiting = iter(forms)
    limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx2.AsyncClient(limits=limits, trust_env=False) as client:
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(_ask_on(client, url, waiting, answers))
        return answers, time.monotonic() - started


async def _ask_on(client: httpx2.AsyncClient, url: str, waiting: Iterator[Form], answers: list[dict[str, Any]]) -> None:
    for form in waiting:
        response = await client.post(url, data=form)
        answers.append(response.json())


def _say(done: int, total: int, seconds: float) -> None:
    if done != total:
        raise click.ClickException(f"the upstream answered {done} of {total}")
    click.echo(json.dumps({"done": done, "seconds": seconds}))


if __name__ == "__main__":
    main()
