"""Restoring an archive to a place where no panel is, and checking one by restoring it to a scratch place."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sutler.accounts import secret_key
from sutler.backups import archive as archives
from sutler.backups import files, forgotten_ids, key_file
from sutler.backups.archive import Manifest, Source
from sutler.backups.fault import BackupFault, reason
from sutler.backups.postgres import LONGEST_SECONDS, Postgres
from sutler.backups.sqlite import Sqlite
from sutler.fulfilment.reconciling import restored
from sutler.orders import restoration
from sutler.orders.models import Restoration
from sutler.storage import schema
from sutler.storage.transactions import durable

_LONGEST_COMPLAINT = 300
# What a check must not take from the panel that runs it.
_OF_THE_PANEL = ("SUTLER_SECRET_KEY", "SUTLER_SECRET_KEY_FALLBACKS", "SUTLER_BACKUP_")


def restore(archive: Path, data_dir: Path, database_url: str, passphrase: str) -> Manifest:
    """Makes a panel of an archive: its database in the data folder, or in the empty database of the URL, and its key.

    With an empty pass phrase the key is left out. Raises BackupFault, and leaves the place as it was, if there is a
    panel already, the archive is not whole, a newer program made it, or the pass phrase is another.
    """
    manifest = archives.read(archive)
    target = Source(data_dir, database_url)
    _demand_engine(manifest, database_url)
    key = data_dir / "secret-key"
    if key.exists() or not target.database.is_empty():
        raise BackupFault(
            f"there is a panel in {target.data_dir if key.exists() or not database_url else 'the database'}"
        )
    _demand_known(archive, manifest)
    archives.demand_whole(archive, manifest)
    keys = _keys(archive, manifest, passphrase)
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if keys:
            files.write(key, "".join(f"{each}\n" for each in keys).encode())
        try:
            target.database.load(manifest.dump_in(archive))
        except BaseException:
            if keys:
                key.unlink()
            raise
    except OSError as error:
        raise BackupFault(reason(error)) from error
    return manifest


def begin_anew(taken_at: datetime, now: datetime, first_order_id: int | None = None) -> Restoration:
    """Keeps a restored panel, brought up to date, from doing again what it did after `taken_at`, in one transaction.

    Ids go on above all that can have been given out, or from `first_order_id` on; nothing is sent and no gateway's
    payment credited until `sutler recover` has found what is forgotten. Raises BackupFault as `forgotten_ids.skip`.
    """
    with durable():
        opened = restoration.begin(taken_at, forgotten_ids.skip(taken_at, now, first_order_id), now)
        restored.sound(opened, now)
    return opened


def check(archive: Path, database_url: str, passphrase: str) -> Manifest:
    """Proves that an archive can be restored: its digests, a restore to a scratch place, `sutler verify` on that.

    With the pass phrase also that the sealed key is that of the database. PostgreSQL restores into a scratch database
    on the server of `database_url`. Raises BackupFault for the first thing that is wrong.
    """
    manifest = archives.read(archive)
    _demand_engine(manifest, database_url)
    _demand_known(archive, manifest)
    archives.demand_whole(archive, manifest)
    keys = _keys(archive, manifest, passphrase)
    with _scratch(archive, database_url) as scratch:
        scratch.database.load(manifest.dump_in(archive))
        if scratch.database.migrations() != manifest.migrations:
            raise BackupFault("the database has other migrations than the manifest says")
        claimed = scratch.database.key_digest()
        if keys and claimed and claimed not in map(secret_key.digest, keys):
            raise BackupFault("the sealed secret key is not that of the database")
        _verify(scratch)
    return manifest


@contextmanager
def _scratch(archive: Path, database_url: str) -> Iterator[Source]:
    """Gives a data folder and, on PostgreSQL, a database that are gone afterwards."""
    beside = archive.absolute().parent
    place = beside if os.access(beside, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".new-check-", dir=place) as folder:
        if database_url:
            with Postgres(database_url).scratch() as database:
                yield Source(Path(folder), database.url)
        else:
            yield Source(Path(folder), "")


def _verify(scratch: Source) -> None:
    """Runs `sutler verify` on a copy that nobody works with. Raises BackupFault with what it found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_PANEL)}
    place = {"SUTLER_DATA_DIR": str(scratch.data_dir), "SUTLER_DATABASE_URL": scratch.database_url}
    command = [sys.executable, "-m", "sutler.cli", "verify", "--copy"]
    try:
        done = subprocess.run(  # noqa: S603 - ours
            command,
            env=kept | place,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BackupFault(f"verify took longer than {LONGEST_SECONDS // 3600} hours") from error
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip().rpartition("\n")[2].removeprefix("sutler: ")
        raise BackupFault(f"verify of the restored copy: {complaint[:_LONGEST_COMPLAINT] or done.returncode}")


def _keys(archive: Path, manifest: Manifest, passphrase: str) -> tuple[str, ...]:
    return key_file.unseal_keys(archive / key_file.NAME, passphrase) if passphrase and manifest.has_key else ()


def _demand_engine(manifest: Manifest, database_url: str) -> None:
    if manifest.engine == Postgres.engine and not database_url:
        raise BackupFault("this is a backup of PostgreSQL: set SUTLER_DATABASE_URL")
    if manifest.engine == Sqlite.engine and database_url:
        raise BackupFault("this is a backup of SQLite: unset SUTLER_DATABASE_URL")


def _demand_known(archive: Path, manifest: Manifest) -> None:
    unknown = schema.unknown_of(manifest.migrations)
    if unknown:
        raise BackupFault(
            f"{archive} was made by a newer program ({manifest.program}), whose {unknown[0]} this one does not know"
        )
