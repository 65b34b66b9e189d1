"""The way back: a restored panel is the one that was backed up; a broken archive is refused and changes nothing."""

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from sutler.backups import archive as archives
from sutler.backups import files, key_file
from sutler.backups.archive import MANIFEST, DumpedFile, Source
from sutler.backups.fault import BackupFault
from sutler.backups.restore import check, restore
from tests.backups.conftest import PASSPHRASE, SALT, Sample, break_the_books, execute
from tests.conftest import NOW

pytestmark = pytest.mark.postgresql


def dump_of(archive: Path) -> Path:
    [dump] = archive.glob("database.*")
    return dump


def rewrite(archive: Path, **changes: Any) -> None:
    """Gives the archive a manifest that vouches for what is there, with these changes."""
    there = [each for each in sorted(archive.iterdir()) if each.name != MANIFEST]
    named = {each.name: DumpedFile(each.stat().st_size, files.digest(each)) for each in there}
    manifest = msgspec.structs.replace(archives.read(archive), **({"files": named} | changes))
    whole = msgspec.structs.replace(manifest, digest=archives.digest_of(manifest))
    (archive / MANIFEST).write_bytes(msgspec.json.encode(whole))


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def cut(file: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])


def empty(archive: Path) -> None:
    shutil.rmtree(archive)
    archive.mkdir()


def name_a_file_outside(archive: Path) -> None:
    named = dict(archives.read(archive).files)
    rewrite(archive, files=named | {"../../secret-key": DumpedFile(1, "0")})


def damage_and_vouch(archive: Path) -> None:
    """Damages the dump and lets the manifest vouch for it: only a restore can notice."""
    dump = dump_of(archive)
    content = bytearray(dump.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = bytes(8192)
    dump.write_bytes(content)
    rewrite(archive)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "an empty folder": (empty, f"it has no {MANIFEST}"),
    "an empty dump": (lambda archive: cut(dump_of(archive), 0), "has 0 bytes, not"),
    "a cut dump": (lambda archive: cut(dump_of(archive), -1), "bytes, not"),
    "a changed byte": (lambda archive: flip(dump_of(archive), 5000), "its digest is not that of the manifest"),
    "a missing dump": (lambda archive: dump_of(archive).unlink(), "is missing"),
    "a missing key": (lambda archive: (archive / key_file.NAME).unlink(), "is missing"),
    "a cut manifest": (lambda archive: cut(archive / MANIFEST, -20), "is damaged"),
    "a changed byte of the manifest": (lambda archive: flip(archive / MANIFEST, 30), "is damaged"),
    "a file outside": (name_a_file_outside, "names files that no backup has"),
    "a format of a newer program": (lambda archive: rewrite(archive, format=archives.FORMAT + 1), "newer program"),
    "a schema of a newer program": (
        lambda archive: rewrite(archive, migrations=("orders.9999_later",)),
        "orders.9999_later this one does not know",
    ),
    "an unknown engine": (lambda archive: rewrite(archive, engine="ledger"), "names files that no backup has"),
    "damage that the manifest vouches for": (damage_and_vouch, "damaged|failed|malformed"),
}


@contextmanager
def nothing_left(sample: Sample, archive: Path, data_dir: Path) -> Iterator[None]:
    """Demands that the block leaves no panel, no scratch folder and no scratch database behind."""
    yield
    assert list(data_dir.glob("*")) == []
    assert list(archive.parent.glob(".new-*")) == []
    if sample.source.database_url:
        with psycopg.connect(sample.source.database_url) as server:
            left = server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'sutler_check_sutler_backup_%'")
            assert left.fetchall() == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_backup_is_refused_and_changes_nothing(
    sample: Sample, archive: Path, elsewhere: str, tmp_path: Path, name: str
) -> None:
    breaking, told = BROKEN[name]
    breaking(archive)
    with nothing_left(sample, archive, tmp_path / "new"):
        with pytest.raises(BackupFault, match=told):
            restore(archive, tmp_path / "new", elsewhere, PASSPHRASE)
        with pytest.raises(BackupFault, match=told):
            check(archive, sample.source.database_url, PASSPHRASE)


def test_another_pass_phrase_is_refused(sample: Sample, archive: Path, elsewhere: str, tmp_path: Path) -> None:
    with nothing_left(sample, archive, tmp_path / "new"), pytest.raises(BackupFault, match="another pass phrase"):
        restore(archive, tmp_path / "new", elsewhere, PASSPHRASE + "!")


def test_another_panels_key_is_noticed(sample: Sample, archive: Path) -> None:
    (archive / key_file.NAME).write_bytes(key_file.seal_keys(("another-key",), PASSPHRASE, SALT))
    rewrite(archive)
    with pytest.raises(BackupFault, match="not that of the database"):
        check(archive, sample.source.database_url, PASSPHRASE)


def test_a_restored_panel_is_the_one_that_was_backed_up(
    sample: Sample, archive: Path, elsewhere: str, tmp_path: Path
) -> None:
    manifest = restore(archive, tmp_path / "new", elsewhere, PASSPHRASE)
    restored = Source(tmp_path / "new", elsewhere)
    assert restored.database.migrations() == manifest.migrations == sample.source.database.migrations()
    assert restored.database.key_digest() == sample.source.database.key_digest()
    key = tmp_path / "new" / "secret-key"
    assert tuple(key.read_text().split()) == sample.source.keys
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_panel_is_never_written_over(sample: Sample, archive: Path, elsewhere: str, tmp_path: Path) -> None:
    with pytest.raises(BackupFault, match="there is a panel in"):
        restore(archive, sample.source.data_dir, sample.source.database_url, PASSPHRASE)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "secret-key").write_text("of another panel")
    with pytest.raises(BackupFault, match="there is a panel in"):
        restore(archive, tmp_path / "new", elsewhere, PASSPHRASE)
    assert (tmp_path / "new" / "secret-key").read_text() == "of another panel"


def test_a_good_backup_passes_its_check_and_leaves_nothing(sample: Sample, archive: Path, tmp_path: Path) -> None:
    with nothing_left(sample, archive, tmp_path / "new"):
        assert check(archive, sample.source.database_url, PASSPHRASE).taken_at == NOW


def test_books_that_do_not_agree_fail_the_check(sample: Sample, tmp_path: Path) -> None:
    break_the_books(sample.source)
    try:
        with archives.held(tmp_path):
            made = archives.create(sample.source, tmp_path, NOW, passphrase="", salt=SALT)
        with pytest.raises(BackupFault, match=r"verify of the restored copy: 1 mismatch"):
            check(made, sample.source.database_url, "")
    finally:
        execute(sample.source, "DELETE FROM books_transfer")


def test_each_engine_goes_back_to_its_own(sample: Sample, archive: Path, tmp_path: Path) -> None:
    other = "" if sample.source.database_url else "postgres://nobody@127.0.0.1/none"
    with pytest.raises(BackupFault, match="this is a backup of"):
        restore(archive, tmp_path / "new", other, PASSPHRASE)
