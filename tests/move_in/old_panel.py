"""What the made-up panels of both families share: seeded, of any size, with every trap that is known. Nobody's data."""

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql

# `password`, as PHP keeps it.
BCRYPT = "$2y$04$pJYLgL8YIX9FABPULsgMOOUAAh7raC7StUFNl1ISvwxL11VGb/bmq"
START = datetime(2025, 12, 1)  # noqa: DTZ001 - those panels keep no zone
FOLDER = Path(__file__).parent
_CHUNK = 5000


@dataclass(frozen=True)
class Size:
    """How large a panel is."""

    customers: int = 40
    services: int = 12
    orders: int = 400
    seed: int = 1


@dataclass(frozen=True)
class Made:
    """What a test must know of a panel: an order that runs upstream and one that has ended, keys, and the traps."""

    key: str
    running: Sequence[tuple[int, str]]
    completed: int


def key_of(customer: int) -> str:
    """The API key of a customer over there."""
    return hashlib.md5(f"key {customer}".encode()).hexdigest()


def twice(text: str) -> str:
    """A text as it stands where UTF-8 was stored as if it were Windows-1252."""
    return "".join(_letter(each) for each in text.encode())


class Filler:
    """Makes tables and fills them, with strict mode off, as those panels run."""

    def __init__(self, connection: Any, prefix: str) -> None:
        self._connection, self._prefix = connection, prefix
        self._ask("SET SESSION sql_mode = ''")

    def tables(self, file: str) -> None:
        for query in (FOLDER / file).read_text().replace("{prefix}", self._prefix).split(";"):
            if "CREATE" in query:
                self._ask(query)

    def rows(self, name: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        named = ", ".join(f"`{each}`" for each in columns.split())
        marks = ", ".join(["%s"] * len(columns.split()))
        listed = list(rows)
        with self._connection.cursor() as cursor:
            for start in range(0, len(listed), _CHUNK):
                part = listed[start : start + _CHUNK]
                cursor.executemany(f"INSERT INTO `{self._prefix}{name}` ({named}) VALUES ({marks})", part)
        self._connection.commit()

    def _ask(self, query: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(query)


def _letter(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def state_of(chance: random.Random, number: int, size: Size) -> str:
    if number > size.orders - max(size.orders // 50, 8):
        return chance.choice(("inprogress", "processing", "pending", "inprogress"))
    return chance.choices(("completed", "partial", "canceled"), (90, 5, 5))[0]


def placed_at(number: int, size: Size) -> datetime:
    return START + timedelta(seconds=number * (300 * 86400 // size.orders))


def made(orders: Sequence[Sequence[Any]], order_id: int, upstream_id: int, state: int) -> Made:
    running = [
        (each[order_id], str(each[upstream_id]))
        for each in orders
        if each[state] in {"inprogress", "processing"} and each[upstream_id]
    ]
    completed = next(each[order_id] for each in orders if each[state] == "completed")
    return Made(key_of(1), running, completed)


def connection_to(url: str) -> Any:
    """A connection to a server, and to the database that its address ends in."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=parts.path.strip("/") or None,
        charset="utf8mb4",
    )
