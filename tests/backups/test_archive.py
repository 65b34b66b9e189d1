"""What an archive holds, who can read it, how many are kept, and that an interrupted one is never taken for one."""

import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from sutler.backups import archive as archives
from sutler.backups import key_file
from sutler.backups.archive import MANIFEST, Source
from sutler.backups.fault import BackupFault
from sutler.backups.postgres import program
from sutler.backups.restore import restore
from tests.backups.conftest import PASSPHRASE, SALT, Sample, execute, rows
from tests.conftest import NOW

pytestmark = pytest.mark.postgresql


def names(folder: Path) -> list[str]:
    return [each.name for each in archives.archives(folder)]


def test_an_archive_holds_a_dump_a_sealed_key_and_a_manifest_for_the_owner_alone(sample: Sample) -> None:
    manifest = archives.read(sample.archive)
    archives.demand_whole(sample.archive, manifest)
    assert {each.name for each in sample.archive.iterdir()} == {*manifest.files, MANIFEST}
    assert {stat.S_IMODE(each.stat().st_mode) for each in sample.archive.iterdir()} == {0o600}
    assert stat.S_IMODE(sample.archive.stat().st_mode) == 0o700
    assert manifest.taken_at == NOW
    assert "backups.0001_tables" in manifest.migrations
    assert sample.archive.name == "sutler-20261121T120000Z"


def test_the_secret_key_is_nowhere_in_the_archive_and_opens_with_the_pass_phrase(sample: Sample) -> None:
    content = b"".join(each.read_bytes() for each in sample.archive.iterdir())
    assert not any(key.encode() in content for key in sample.source.keys)
    assert key_file.unseal_keys(sample.archive / key_file.NAME, PASSPHRASE) == sample.source.keys


def test_without_a_pass_phrase_the_key_is_left_out(sample: Sample, tmp_path: Path) -> None:
    with archives.held(tmp_path):
        made = archives.create(sample.source, tmp_path, NOW, passphrase="", salt=SALT)
    assert not archives.read(made).has_key
    assert not (made / key_file.NAME).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"scrypt_cost": 3, "salt": "s", "sealed": "s"}',
        b'{"scrypt_cost": 1073741824, "salt": "s", "sealed": "s"}',
        b'{"scrypt_cost": -32768, "salt": "s", "sealed": "s"}',
        b'{"scrypt_cost": 16, "salt": "s", "sealed": "s"}',
    ],
)
def test_a_key_file_that_nobody_sealed_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / key_file.NAME).write_bytes(content)
    with pytest.raises(BackupFault):
        key_file.unseal_keys(tmp_path / key_file.NAME, PASSPHRASE)


def test_a_backup_sees_whole_commits_while_others_write(sample: Sample, elsewhere: str, tmp_path: Path) -> None:
    execute(sample.source, "CREATE TABLE pairs (a BIGINT, b BIGINT)")
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            execute(sample.source, "INSERT INTO pairs VALUES (1, 0), (0, 1)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with archives.held(tmp_path):
            made = archives.create(sample.source, tmp_path, NOW, passphrase="", salt=SALT)
    finally:
        stop.set()
        writer.join()
        execute(sample.source, "DROP TABLE pairs")
    restore(made, tmp_path / "new", elsewhere, "")
    [(all_rows, ones)] = rows(Source(tmp_path / "new", elsewhere), "SELECT COUNT(*), SUM(a) FROM pairs")
    assert all_rows == 2 * (ones or 0)


def test_the_newest_are_kept_and_of_those_that_failed_one(tmp_path: Path) -> None:
    for day in range(6):
        (tmp_path / f"sutler-2026112{day}T030000Z").mkdir()
    for day in range(2):
        archives.set_aside(tmp_path / f"sutler-2026112{day}T030000Z")
    (tmp_path / "holiday-pictures").mkdir()
    gone = archives.prune(tmp_path, keep=3)
    assert sorted(each.name for each in gone) == ["sutler-20261120T030000Z.failed", "sutler-20261122T030000Z"]
    assert names(tmp_path) == [
        "sutler-20261125T030000Z",
        "sutler-20261124T030000Z",
        "sutler-20261123T030000Z",
        "sutler-20261121T030000Z.failed",
    ]
    assert (tmp_path / "holiday-pictures").is_dir()


def test_what_was_interrupted_is_no_backup_and_goes_with_the_next(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / ".new-sutler-20261120T030000Z").mkdir()
    assert names(tmp_path) == []
    with archives.held(tmp_path):
        archives.create(sample.source, tmp_path, NOW + timedelta(days=1), passphrase="", salt=SALT)
    assert {each.name for each in tmp_path.iterdir()} == {".lock", "sutler-20261122T120000Z"}


def test_one_at_a_time_makes_a_backup(tmp_path: Path) -> None:
    with archives.held(tmp_path), pytest.raises(BackupFault, match="under way"), archives.held(tmp_path):
        pass


def test_two_of_one_second_are_one(sample: Sample) -> None:
    with pytest.raises(BackupFault, match="there already"):
        archives.create(sample.source, sample.archive.parent, NOW, passphrase="", salt=SALT)


def test_a_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(BackupFault, match="pg_nothing is not installed"):
        program("pg_nothing")


def test_where_no_panel_is_nothing_is_backed_up(tmp_path: Path, elsewhere: str) -> None:
    with archives.held(tmp_path / "backups"), pytest.raises(BackupFault, match="there is no"):
        archives.create(Source(tmp_path, elsewhere), tmp_path / "backups", NOW, passphrase="", salt=SALT)
    assert names(tmp_path / "backups") == []
