"""An archive: a folder with a dump of the database, the sealed key and a manifest that vouches for both."""

import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sutler import build
from sutler.backups import files, key_file
from sutler.backups.database import Database
from sutler.backups.fault import BackupFault, reason
from sutler.backups.postgres import Postgres
from sutler.backups.sqlite import Sqlite

FORMAT = 1
MANIFEST = "manifest.json"
FAILED = ".failed"
_NAME = re.compile(r"sutler-\d{8}T\d{6}Z(\.failed)?")
_DUMPS = {Sqlite.engine: Sqlite.dump_name, Postgres.engine: Postgres.dump_name}
_LARGEST_MANIFEST_BYTES = 1 << 20
# What a backup leaves free on its disk at least: the panel may stand on the same one.
SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A panel to back up: its data folder, SUTLER_DATABASE_URL (empty: SQLite) and its secret keys, newest first."""

    data_dir: Path
    database_url: str
    keys: tuple[str, ...] = ()

    @property
    def database(self) -> Database:
        """The panel's database."""
        return Postgres(self.database_url) if self.database_url else Sqlite(self.data_dir / "sutler.sqlite3")


class DumpedFile(msgspec.Struct, frozen=True):
    """A file of the archive: its size and SHA-256."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the archive and what made it. `digest` is the SHA-256 of the manifest without it."""

    format: int
    program: str
    commit: str
    engine: str
    engine_version: str
    taken_at: datetime
    migrations: tuple[str, ...]
    files: dict[str, DumpedFile]
    digest: str = ""

    @property
    def has_key(self) -> bool:
        """Whether the sealed secret key is in the archive."""
        return key_file.NAME in self.files

    @property
    def size_bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files.values())

    def dump_in(self, archive: Path) -> Path:
        """Returns the dump of the database."""
        return archive / _DUMPS[self.engine]


def create(source: Source, folder: Path, now: datetime, *, passphrase: str, salt: str) -> Path:
    """Makes an archive in the folder and returns it. With an empty pass phrase the secret key is left out.

    It appears under its name once all of it is on the disk. Raises BackupFault if it cannot be made; then nothing of
    it is left. The caller holds the folder (`held`).
    """
    archive = folder / f"sutler-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    if archive.exists():
        raise BackupFault(f"{archive} is there already")
    database = source.database
    _demand_room(database, folder)
    new = folder / f".new-{archive.name}"
    try:
        new.mkdir(mode=0o700)
        _fill(new, source, database, now, passphrase, salt)
        files.sync(new)
        new.rename(archive)
        files.sync(folder)
    except OSError as error:
        raise BackupFault(reason(error)) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return archive


def read(archive: Path) -> Manifest:
    """Returns the manifest of an archive, which is as it was written.

    Raises BackupFault if there is none, it is damaged, or it has a format of a newer program.
    """
    file = archive / MANIFEST
    try:
        with file.open("rb") as content:
            manifest = msgspec.json.decode(content.read(_LARGEST_MANIFEST_BYTES), type=Manifest)
    except FileNotFoundError as error:
        raise BackupFault(f"{archive} is not a backup: it has no {MANIFEST}") from error
    except OSError as error:
        raise BackupFault(reason(error)) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupFault(f"{file} is damaged: {error}") from error
    if manifest.format > FORMAT:
        raise BackupFault(f"{archive} was made by a newer program ({manifest.program}): restore it with that one")
    if manifest.digest != digest_of(manifest):
        raise BackupFault(f"{file} is damaged: it is not as it was written")
    if _DUMPS.get(manifest.engine) not in manifest.files or manifest.files.keys() - {*_DUMPS.values(), key_file.NAME}:
        raise BackupFault(f"{file} names files that no backup has")
    return manifest


def digest_of(manifest: Manifest) -> str:
    """Returns the SHA-256 of a manifest without its own digest."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(manifest, digest=""))).hexdigest()


def demand_whole(archive: Path, manifest: Manifest) -> None:
    """Raises BackupFault for the first file that is missing, cut, or not as it was written."""
    for name, expected in manifest.files.items():
        file = archive / name
        if not file.is_file():
            raise BackupFault(f"{file} is missing")
        size = file.stat().st_size
        if size != expected.bytes:
            raise BackupFault(f"{file} has {size:,} bytes, not {expected.bytes:,}")
        if files.digest(file) != expected.sha256:
            raise BackupFault(f"{file} is damaged: its digest is not that of the manifest")


def archives(folder: Path) -> list[Path]:
    """Returns the archives in the folder, newest first. Raises BackupFault if it cannot be read."""
    try:
        found = [each for each in folder.iterdir() if _NAME.fullmatch(each.name) and each.is_dir()]
    except OSError as error:
        raise BackupFault(reason(error)) from error
    return sorted(found, reverse=True)


def prune(folder: Path, keep: int) -> list[Path]:
    """Deletes the oldest archives beyond `keep`, and all but the newest that failed its check; returns them."""
    good = [each for each in archives(folder) if not each.name.endswith(FAILED)]
    failed = [each for each in archives(folder) if each.name.endswith(FAILED)]
    old = [*good[keep:], *failed[1:]]
    for archive in old:
        gone = archive.with_name(f".new-{archive.name}")  # half deleted it must not look like one
        archive.rename(gone)
        shutil.rmtree(gone)
    return old


def set_aside(archive: Path) -> Path:
    """Marks an archive that failed its check, so that it does not count as one to keep; returns its new name."""
    return archive.rename(archive.with_name(archive.name + FAILED))


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes the folder if there is none, and keeps every other backup out of it; what one left unfinished is removed.

    Raises BackupFault if the folder cannot be written or another backup is under way.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise BackupFault(reason(error)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BackupFault(f"another backup or check is under way in {folder}") from error
        for left in folder.glob(".new-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _demand_room(database: Database, folder: Path) -> None:
    size = database.size_bytes()
    if size is None:  # as large as the one before
        known = [read(each).size_bytes for each in archives(folder)[:1] if (each / MANIFEST).is_file()]
        size = known[0] if known else 0
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise BackupFault(reason(error)) from error
    if free < size + SPARE_BYTES:
        raise BackupFault(f"{folder} has {free >> 20:,} MiB free; a backup needs {(size + SPARE_BYTES) >> 20:,}")


def _fill(new: Path, source: Source, database: Database, now: datetime, passphrase: str, salt: str) -> None:
    migrations = database.migrations()
    if not migrations:
        raise BackupFault("there is no panel in the database: it has no tables")
    dump = new / database.dump_name
    files.new_file(dump)
    database.dump(dump)
    files.sync(dump)
    if passphrase and source.keys:
        files.write(new / key_file.NAME, key_file.seal_keys(source.keys, passphrase, salt))
    manifest = Manifest(
        format=FORMAT,
        program=build.VERSION,
        commit=build.commit(),
        engine=database.engine,
        engine_version=database.version(),
        taken_at=now,
        migrations=migrations,
        files={each.name: DumpedFile(each.stat().st_size, files.digest(each)) for each in sorted(new.iterdir())},
    )
    whole = msgspec.structs.replace(manifest, digest=digest_of(manifest))
    files.write(new / MANIFEST, msgspec.json.format(msgspec.json.encode(whole)) + b"\n")
