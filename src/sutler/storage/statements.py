"""Set-based statements that read the same on both engines.

A list of rows travels as one JSON parameter: `json_each` on SQLite, `json_to_recordset` on PostgreSQL. Both let go of
the interpreter lock while they run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import connection

Row = tuple[Any, ...]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
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
    return utc.isoformat(" ") if is_postgres() else utc.replace(tzinfo=None).isoformat(" ", "microseconds")


def run(statement: Statement, rows: Sequence[Row], more: Sequence[object] = ()) -> list[Row]:
    """Runs one statement over the rows and returns what it returns. `more` fills the placeholders after the rows."""
    with connection.cursor() as cursor:
        cursor.execute(_sql(statement), (_encode(rows).decode(), *more))
        return cursor.fetchall() if cursor.description else []


def run_together(writes: Sequence[tuple[Statement, Sequence[Row]]]) -> None:
    """Runs several writes that do not read each other: on PostgreSQL as one statement, so one round trip."""
    filled = [(statement, rows) for statement, rows in writes if rows]
    if not is_postgres():
        for statement, rows in filled:
            run(statement, rows)
        return
    if not filled:
        return
    parts = [f"w{number} AS ({_sql(statement)})" for number, (statement, _) in enumerate(filled[:-1])]  # noqa: S608
    with_clause = f"WITH {', '.join(parts)} " if parts else ""
    with connection.cursor() as cursor:
        cursor.execute(with_clause + _sql(filled[-1][0]), [_encode(rows).decode() for _, rows in filled])


def _sql(statement: Statement) -> str:
    return statement.sql.replace("{rows}", _recordset(statement.columns))


def _recordset(columns: Mapping[str, str]) -> str:
    if is_postgres():
        picked = ", ".join(f"(value->>{place})::{kind} AS {name}" for place, (name, kind) in enumerate(columns.items()))
        return f"(SELECT {picked} FROM json_array_elements(%s::json)) AS rows"  # noqa: S608
    picked = ", ".join(f"value->>{place} AS {name}" for place, name in enumerate(columns))
    return f"(SELECT {picked} FROM json_each(%s)) AS rows"  # noqa: S608
