"""Set-based statements that read the same on both engines.

A list of rows travels as one table of parameters: VALUES (for a SELECT, one JSON array) on SQLite, one array for each
column on PostgreSQL. Either way one call does the whole list, and the interpreter lock is let go once while it runs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any

import msgspec
from django.db import connection
from psycopg import Cursor
from psycopg.types.string import TextLoader

Row = tuple[Any, ...]

# On SQLite a list of writes is filled up with empty rows to a power of two, at most this one: a few texts for each
# statement, which stay prepared. (SQLite's own limit is 32,766 parameters a statement.)
_MOST_AT_ONCE = 256

_encode = msgspec.json.Encoder().encode
_UTC = "+00"
_TO_ESCAPE = re.compile(r"[\"\\]")


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL with one place `{rows}` where the rows come in, as a table of these columns (name -> PostgreSQL type).

    The first column is never NULL. A SELECT of many rows names what it selects in `answer` and has `{answer}` in that
    place: SQLite then answers all rows as one JSON array. Row by row the driver would let go of the interpreter lock
    and wait for it each time.
    `{begun}` is a condition that holds: once it was asked, a transaction of PostgreSQL has its number, before any ID is
    drawn (`settled_ids`).
    Such a SELECT may not group, and its rows come in any order. `locks` names a table of it whose rows it locks until
    the transaction ends, with SKIP LOCKED behind it those that nobody else holds; on SQLite the transaction holds the
    only write lock anyway.
    """

    sql: str
    columns: Mapping[str, str]
    answer: tuple[str, ...] = ()
    locks: str = ""

    @property
    def answers(self) -> bool:
        """Whether running it returns rows."""
        return bool(self.answer) or self.sql.startswith("SELECT") or " RETURNING " in self.sql


@cache
def is_postgres() -> bool:
    """Returns True if the panel runs on PostgreSQL; a process knows one engine only."""
    return connection.vendor == "postgresql"


def moment(now: datetime) -> str:
    """Returns a moment as the text that the engine stores and compares."""
    utc = now.astimezone(UTC).isoformat(" ")
    return utc if is_postgres() else utc.removesuffix("+00:00")


def moment_or_none(at: datetime | None) -> str | None:
    """Returns what `moment` does; None for no moment."""
    return None if at is None else moment(at)


def read_json(stored: Any) -> Any:
    """Returns a JSON value as a statement has answered it: SQLite's is its text."""
    return msgspec.json.decode(stored) if isinstance(stored, str) else stored


def read_moment(stored: str | None) -> datetime | None:
    """Returns a moment as a statement has answered it: a text, of which PostgreSQL's says that it is UTC."""
    if stored is None:
        return None
    return datetime.fromisoformat(stored if stored.endswith(_UTC) else stored + _UTC)


def run(statement: Statement, rows: Sequence[Row]) -> list[Row]:
    """Runs one statement over the rows and returns what it returns.

    A long list may be cut into several calls: a write must not need to see all rows at once.
    """
    if not rows:
        return []
    if statement.answer and not is_postgres():
        return _unpacked(_execute(_sqlite_select(statement), [_encode(rows).decode()]))
    cursors = _write(statement, rows)
    return [row for cursor in cursors for row in _fetched(cursor)] if statement.answers else []


def select(statement: Statement, *parameters: object) -> list[Row]:
    """Runs a SELECT that takes single parameters, one for each `?`, in the place of rows; they come in any order."""
    if is_postgres():
        sql = statement.sql.replace("{answer}", ", ".join(statement.answer)).replace("?", "%s")
        return _fetched(_execute(sql, parameters))
    return _unpacked(_execute(_sqlite_select(statement), parameters))


def run_counted(statement: Statement, rows: Sequence[Row]) -> int:
    """Runs a write that returns nothing over the rows; returns how many rows of the database it wrote.

    Much cheaper on SQLite than a RETURNING: rows that are returned are fetched one by one, and for each the driver lets
    go of the interpreter lock and waits for it.
    """
    return sum(cursor.rowcount for cursor in _write(statement, rows))


def _write(statement: Statement, rows: Sequence[Row]) -> list[Any]:
    """Runs the statement over the rows, on SQLite a part of them at a time; returns the driver's cursors."""
    if is_postgres():
        return [_execute(_postgres_sql(statement), _columns(rows))] if rows else []
    cursors = []
    for start in range(0, len(rows), _MOST_AT_ONCE):
        part = rows[start : start + _MOST_AT_ONCE]
        size = 1 << (len(part) - 1).bit_length()
        nothing = [None] * ((size - len(part)) * len(statement.columns))
        cursors.append(_execute(_sqlite_write(statement, size), [*chain.from_iterable(part), *nothing]))
    return cursors


def run_together(writes: Sequence[tuple[Statement, Sequence[Row]]]) -> None:
    """Runs several writes that do not read each other: on PostgreSQL as one statement, so one round trip."""
    filled = [(statement, rows) for statement, rows in writes if rows]
    if is_postgres() and filled:
        sql = _together(tuple(statement for statement, _ in filled))
        _execute(sql, [column for _, rows in filled for column in _columns(rows)])
        return
    for statement, rows in filled:
        run(statement, rows)


def new_ids(table: str, count: int) -> list[int]:
    """Returns `count` fresh rising ids for a table whose key the engine counts up; each is given out once.

    On SQLite the caller's transaction holds the write lock and must insert the rows itself.
    """
    if is_postgres():
        drawn = _execute(f"SELECT nextval('{table}_id_seq') FROM generate_series(1, %s)", [count])  # noqa: S608
        return [row[0] for row in _fetched(drawn)]
    last = last_id(table)
    return list(range(last + 1, last + 1 + count))


def last_id(table: str) -> int:
    """Returns the highest id that a table whose key the engine counts up has given out; 0 if none."""
    if is_postgres():
        sql = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {table}_id_seq"  # noqa: S608
        return int(_fetched(_execute(sql, ()))[0][0])
    found = _fetched(_execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]))
    return int(found[0][0]) if found else 0


def skip_ids(table: str, last: int) -> None:
    """Has the table's next id be above `last`, in the caller's transaction."""
    if is_postgres():
        _execute(f"SELECT setval('{table}_id_seq', %s)", [last])
        return
    _execute("DELETE FROM sqlite_sequence WHERE name = ?", [table])
    _execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, last])


def _execute(sql: str, parameters: Sequence[object]) -> Any:
    """Runs SQL on the driver's own connection, whose cursor it returns: Django's would rewrite the text each time.

    Moments come as texts: Django's way to read them costs more than all else of a row.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        if not is_postgres():
            return connection.connection.execute(sql, parameters)
        cursor = Cursor(connection.connection)
        cursor.adapters.register_loader("timestamptz", TextLoader)
        return cursor.execute(sql, parameters)


def _fetched(cursor: Any) -> list[Row]:
    with connection.wrap_database_errors:  # SQLite may still be reading
        found: list[Row] = cursor.fetchall()
    return found


def _unpacked(cursor: Any) -> list[Row]:
    [(packed,)] = _fetched(cursor)
    found: list[Row] = msgspec.json.decode(packed)
    return found


@lru_cache(maxsize=256)
def _sqlite_select(statement: Statement) -> str:
    named = ", ".join(f"value->>{place} AS {name}" for place, name in enumerate(statement.columns))
    answer = f"json_group_array(json_array({', '.join(statement.answer)}))"
    table = f"(SELECT {named} FROM json_each(?)) AS rows"  # noqa: S608
    return statement.sql.replace("{answer}", answer).replace("{rows}", table)


@lru_cache(maxsize=1024)
def _sqlite_write(statement: Statement, size: int) -> str:
    named = ", ".join(f"column{place} AS {name}" for place, name in enumerate(statement.columns, 1))
    row = f"({', '.join('?' * len(statement.columns))})"
    values = ", ".join([row] * size)
    table = f"(SELECT {named} FROM (VALUES {values}) WHERE column1 IS NOT NULL) AS rows"  # noqa: S608
    return statement.sql.replace("{rows}", table).replace("{begun}", "1 = 1")


@lru_cache(maxsize=256)
def _postgres_sql(statement: Statement) -> str:
    arrays = ", ".join(f"%s::{kind}[]" for kind in statement.columns.values())
    table = f"unnest({arrays}) AS rows({', '.join(statement.columns)})"
    sql = statement.sql.replace("{answer}", ", ".join(statement.answer)).replace("{rows}", table)
    sql = sql.replace("{begun}", "pg_current_xact_id() IS NOT NULL")
    return f"{sql} FOR UPDATE OF {statement.locks}" if statement.locks else sql


@lru_cache(maxsize=256)
def _together(statements: tuple[Statement, ...]) -> str:
    *parts, last = map(_postgres_sql, statements)
    named = ", ".join(f"part{number} AS ({part})" for number, part in enumerate(parts))
    return f"WITH {named} {last}" if named else last


def _columns(rows: Sequence[Row]) -> list[str]:
    return [_array(column) for column in zip(*rows, strict=True)]


def _array(values: Sequence[Any]) -> str:
    """Returns values as PostgreSQL writes an array. The driver's own way costs several times as much."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return "{" + ",".join(map(str, values)) + "}"
    if kinds == {str} and not _TO_ESCAPE.search("".join(values)):
        return '{"' + '","'.join(values) + '"}'
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + _TO_ESCAPE.sub(r"\\\g<0>", value) + '"'
    return str(value)
