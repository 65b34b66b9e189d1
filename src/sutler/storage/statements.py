"""Set-based statements that read the same on both engines.

A list of rows travels as one table of parameters: VALUES on SQLite, one array for each column on PostgreSQL. Either way
one call does the whole list, and the interpreter lock is let go once while it runs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection

Row = tuple[Any, ...]

# SQLite's own limit is 32,766 parameters; a longer list is cut, which only set-based reads ever need.
_MOST_PARAMETERS = 32_000

_TO_ESCAPE = re.compile(r"[\"\\]")


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL with one place `{rows}` where the rows come in, as a table of these columns (name -> PostgreSQL type)."""

    sql: str
    columns: Mapping[str, str]


def is_postgres() -> bool:
    """Returns True if this thread's connection is to PostgreSQL."""
    return connection.vendor == "postgresql"


def moment(now: datetime) -> str:
    """Returns a moment as the text that the engine stores and compares."""
    utc = now.astimezone(UTC)
    return utc.isoformat(" ") if is_postgres() else utc.replace(tzinfo=None).isoformat(" ")


def run(statement: Statement, rows: Sequence[Row]) -> list[Row]:
    """Runs one statement over the rows and returns what it returns.

    A list too long for one call is cut into several: a statement must not need to see all rows at once.
    """
    if not rows:
        return []
    if is_postgres():
        return _execute(_postgres_sql(statement), _columns(rows))
    most = _MOST_PARAMETERS // len(statement.columns)
    found: list[Row] = []
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        found += _execute(_sqlite_sql(statement, len(part)), [value for row in part for value in row])
    return found


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
        return [row[0] for row in drawn]
    found = _execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table])
    last: int = found[0][0] if found else 0
    return list(range(last + 1, last + 1 + count))


def _execute(sql: str, parameters: Sequence[object]) -> list[Row]:
    """Runs SQL on the driver's own connection: Django's cursor would rewrite the whole text each time."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = connection.connection.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


@lru_cache(maxsize=2048)
def _sqlite_sql(statement: Statement, count: int) -> str:
    named = ", ".join(f"column{place} AS {name}" for place, name in enumerate(statement.columns, 1))
    row = f"({', '.join('?' * len(statement.columns))})"
    values = ", ".join([row] * count)
    return statement.sql.replace("{rows}", f"(SELECT {named} FROM (VALUES {values})) AS rows")  # noqa: S608


@lru_cache(maxsize=256)
def _postgres_sql(statement: Statement) -> str:
    arrays = ", ".join(f"%s::{kind}[]" for kind in statement.columns.values())
    return statement.sql.replace("{rows}", f"unnest({arrays}) AS rows({', '.join(statement.columns)})")


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
