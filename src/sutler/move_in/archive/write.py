"""Writing the archive: a file of JSON lines for each table, one snapshot, and a manifest with counts and digests.

The archive has no secret key: what is sealed stays sealed, and opens only with the key of the panel it is from.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from sutler import build
from sutler.accounts.models import PanelKey
from sutler.core.text.csv_safe import Number, line
from sutler.move_in.archive.tables import exported, fields, table
from sutler.storage.snapshot import snapshot
from sutler.storage.statements import is_postgres

MANIFEST, FORMAT = "manifest.json", "sutler export 1"
_AT_ONCE = 2000
_encode = msgspec.json.Encoder().encode


class Member(msgspec.Struct, frozen=True):
    """A table in the archive: how many rows, the SHA-256 of its lines, the last id that was ever given out."""

    rows: int
    sha256: str
    last_id: int


class Manifest(msgspec.Struct, frozen=True):
    """What an archive is, and what must be in it."""

    format: str
    program: str
    taken_at: datetime
    base_currency: str
    key_digest: str
    migrations: list[str]
    tables: dict[str, Member]


def export(file: Path, now: datetime, tell: Callable[[str, int], object], *, as_csv: bool = False) -> Manifest:
    """Writes the whole panel into a new file, as it is at this moment; orders go on meanwhile.

    With `as_csv` the tables are spreadsheets, for people: such an archive is not read back.
    Raises OSError, FileExistsError if there is such a file: nothing is written over.
    """
    members: dict[str, Member] = {}
    with file.open("xb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        file.chmod(0o600)
        with snapshot():
            for model in exported():
                members[table(model)] = _write_table(archive, model, tell, as_csv=as_csv)
            manifest = Manifest(
                format=FORMAT + (" as CSV" if as_csv else ""),
                program=build.named(),
                taken_at=now,
                base_currency=settings.SUTLER["SUTLER_BASE_CURRENCY"],
                key_digest=PanelKey.objects.values_list("digest", flat=True).first() or "",
                migrations=migrations(),
                tables=members,
            )
        archive.writestr(MANIFEST, msgspec.json.format(_encode(manifest)))
    return manifest


def migrations() -> list[str]:
    """Returns the migrations that this database has had, as `orders.0002_events`."""
    return sorted(".".join(each) for each in MigrationRecorder(connection).applied_migrations())


def _write_table(
    archive: zipfile.ZipFile, model: type[Model], tell: Callable[[str, int], object], *, as_csv: bool
) -> Member:
    digest, count = hashlib.sha256(), 0
    with archive.open(f"{table(model)}.{'csv' if as_csv else 'jsonl'}", "w", force_zip64=True) as member:
        for part, rows in _csv_lines(model) if as_csv else _json_lines(model):
            member.write(part)
            digest.update(part)
            count += rows
            tell(table(model), rows)
    return Member(count, digest.hexdigest(), _last_id(model))


def _json_lines(model: type[Model]) -> Iterator[tuple[bytes, int]]:
    names = [each.column for each in fields(model)]
    for rows in _rows(model):
        lines = [_encode({name: _plain(value) for name, value in zip(names, row, strict=True)}) for row in rows]
        yield b"\n".join(lines) + b"\n", len(rows)


def _csv_lines(model: type[Model]) -> Iterator[tuple[bytes, int]]:
    head = [each.column for each in fields(model)]
    yield line(head).encode(), 0
    for rows in _rows(model):
        yield "".join(line(map(_cell, row)) for row in rows).encode(), len(rows)


def _rows(model: type[Model]) -> Iterator[list[tuple[Any, ...]]]:
    """Yields the rows of a table, some at a time, in the order of their keys."""
    names = [each.attname for each in fields(model)]
    part: list[tuple[Any, ...]] = []
    rows = model._default_manager.order_by("pk").values_list(*names).iterator(chunk_size=_AT_ONCE)
    for row in rows:
        part.append(row)
        if len(part) == _AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _last_id(model: type[Model]) -> int:
    """Returns the last id that was given out, even if its row is gone: it is given to nothing else."""
    with connection.cursor() as cursor:
        if is_postgres():
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table(model), model._meta.pk.column])
            (sequence,) = cursor.fetchone() or (None,)
            if sequence is None:
                return 0
            cursor.execute(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608 - the server's own name
            last, is_called = cursor.fetchone() or (0, False)
            return int(last) if is_called else 0
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table(model)])
        found = cursor.fetchone()
        return int(found[0]) if found else 0


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _cell(value: Any) -> object:
    if value is None or isinstance(value, str | bool | int):
        return Number(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return Number(_encode(_plain(value)).decode().strip('"'))
