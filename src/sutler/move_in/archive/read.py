"""Reading an archive into a place where no panel is: all of it in one transaction, or nothing."""

import base64
import hashlib
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import BinaryField, BooleanField, DateTimeField, JSONField, Model

from sutler.accounts import secret_key
from sutler.move_in.archive.tables import exported, fields, table
from sutler.move_in.archive.write import FORMAT, MANIFEST, Manifest, migrations
from sutler.storage import schema
from sutler.storage.statements import is_postgres, moment

_AT_ONCE = 2000
_LONGEST_MANIFEST = 10_000_000
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(dict[str, Any]).decode


class ArchiveFault(Exception):
    """The archive cannot be read, or not into this place; the message says why in one line."""


def manifest_of(file: Path) -> Manifest:
    """Returns what an archive says of itself. Raises ArchiveFault."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(MANIFEST) as member:
            manifest = msgspec.json.decode(member.read(_LONGEST_MANIFEST), type=Manifest)
    except (OSError, KeyError, zipfile.BadZipFile, msgspec.DecodeError) as error:
        raise ArchiveFault(f"{file} is no archive of `sutler export`, or was cut off") from error
    if manifest.format != FORMAT:
        raise ArchiveFault(f"{file} is {manifest.format!r}, which is not read back")
    return manifest


def load(file: Path, tell: Callable[[str, int], object]) -> Manifest:
    """Loads an archive into the empty, migrated database of this process, and demands that every row has come.

    Raises ArchiveFault, and leaves nothing behind, if a row is here already, the archive is of another version of the
    program or damaged, or this place has the secret key of another panel.
    """
    manifest = manifest_of(file)
    _demand_fit(manifest)
    try:
        with zipfile.ZipFile(file) as archive, transaction.atomic():
            for model in exported():
                if model._default_manager.exists():
                    raise ArchiveFault("there is a panel here already: read an archive where none is")
            for model in exported():
                _load_table(archive, model, manifest, tell)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise ArchiveFault(f"the archive is damaged: {error}") from error
    return manifest


def _demand_fit(manifest: Manifest) -> None:
    if unknown := schema.unknown_of(manifest.migrations):
        raise ArchiveFault(
            f"the archive is of a newer program ({manifest.program}), whose {unknown[0]} is not known here"
        )
    applied = set(manifest.migrations)
    if missing := [each for each in migrations() if each not in applied]:
        raise ArchiveFault(
            f"the archive is of an older program, without {missing[0]}: bring that panel up to date first"
        )
    keys = secret_key.keys()
    if keys and manifest.key_digest and manifest.key_digest not in map(secret_key.digest, keys):
        raise ArchiveFault("this place has another secret key: copy the file secret-key of that panel here first")


def _load_table(
    archive: zipfile.ZipFile, model: type[Model], manifest: Manifest, tell: Callable[[str, int], object]
) -> None:
    name = table(model)
    member = manifest.tables[name]
    digest, count = hashlib.sha256(), 0
    for part in _parts(archive, name):
        digest.update(b"".join(part))
        _insert(model, [_decode(line) for line in part])
        count += len(part)
        tell(name, len(part))
    if (count, digest.hexdigest()) != (member.rows, member.sha256):
        raise ArchiveFault(f"{name} is not what the manifest says: {count} rows of {member.rows}, or other ones")
    _count_on(model, member.last_id)


def _parts(archive: zipfile.ZipFile, name: str) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    with archive.open(f"{name}.jsonl") as lines:
        for line in lines:
            part.append(line)
            if len(part) == _AT_ONCE:
                yield part
                part = []
    if part:
        yield part


def _insert(model: type[Model], rows: list[dict[str, Any]]) -> None:
    columns = [(each.column, _reader(each)) for each in fields(model)]
    values = [tuple(None if row[name] is None else read(row[name]) for name, read in columns) for row in rows]
    named = ", ".join(connection.ops.quote_name(name) for name, _ in columns)
    with connection.cursor() as cursor:
        if is_postgres():
            with cursor.copy(f"COPY {table(model)} ({named}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO {table(model)} ({named}) VALUES ({marks})", values)  # noqa: S608 - our own names


def _reader(field: Any) -> Callable[[Any], Any]:
    """Returns what makes the engine's value of one in the archive."""
    if isinstance(field, DateTimeField):
        return lambda text: moment(datetime.fromisoformat(text))
    if isinstance(field, JSONField):
        return lambda value: _encode(value).decode()
    if isinstance(field, BinaryField):
        return base64.b64decode
    if isinstance(field, BooleanField) and not is_postgres():
        return int
    return lambda value: value


def _count_on(model: type[Model], last_id: int) -> None:
    """Has the next id of a table stand above the last one that its panel ever gave out."""
    if not last_id:
        return
    with connection.cursor() as cursor:
        if is_postgres():
            column = model._meta.pk.column
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table(model), column, last_id])
            return
        cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table(model)])
        cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table(model), last_id])
