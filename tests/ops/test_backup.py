"""`sutler backup` as the operator and the worker run it: every failure is one line, a row and an alarm."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sutler.backups import archive as archives
from sutler.backups.archive import Source
from tests.backups.conftest import break_the_books, rows
from tests.blank import Blank, fresh_database
from tests.live.caller import until
from tests.live.panel import SUTLER

pytestmark = pytest.mark.postgresql

KEY, PASSPHRASE = "for-tests-only", "correct horse battery staple"
LAST_RUN = "SELECT state, fault, has_key, is_checked FROM backups_backuprun ORDER BY id DESC LIMIT 1"
ALARMS = "SELECT kind FROM fulfilment_alarm WHERE closed_at IS NULL ORDER BY kind"


@dataclass(frozen=True)
class Operator:
    """A panel and who runs commands on it, in a process of their own."""

    source: Source
    backups: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUTLER_", "DJANGO_"))}
        return kept | {
            "SUTLER_DATA_DIR": str(self.source.data_dir),
            "SUTLER_DATABASE_URL": self.source.database_url,
            "SUTLER_SECRET_KEY": KEY,
            "SUTLER_BACKUP_DIR": str(self.backups),
            "SUTLER_BACKUP_PASSPHRASE": PASSPHRASE,
        }

    def run(self, *arguments: str, through: Sequence[str] = (), stdin: str = "", **settings: str) -> tuple[int, str]:
        """Runs a command; returns its exit code and all it printed."""
        done = subprocess.run(
            [*through, str(SUTLER), *arguments],
            env=self.environment | settings,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def operator(blank: Blank, tmp_path: Path) -> Iterator[Operator]:
    data_dir = tmp_path / "panel"
    data_dir.mkdir()
    with fresh_database(f"sutler_operator_{os.getpid()}", blank.database) as url:
        if not url:
            shutil.copyfile(blank.file, data_dir / "sutler.sqlite3")
        yield Operator(Source(data_dir, url), tmp_path / "backups")


@pytest.mark.long
def test_a_backup_is_made_checked_listed_and_restored(operator: Operator, tmp_path: Path) -> None:
    code, printed = operator.run("backup", "--check")
    assert (code, printed.rstrip().endswith("checked)")) == (0, True), printed
    assert [tuple(row) for row in rows(operator.source, LAST_RUN)] == [("done", "", True, True)]
    assert rows(operator.source, ALARMS) == []
    [made] = archives.archives(operator.backups)
    assert operator.run("backup", "--if-due") == (0, "No backup is due.\n")
    assert archives.archives(operator.backups) == [made]
    code, listed = operator.run("backup", "list")
    assert (code, listed.splitlines()[1].split()[0]) == (0, made.name)
    code, printed = operator.run("backup", "check", str(made), SUTLER_BACKUP_PASSPHRASE="")
    assert (code, "its key was not tried" in printed) == (0, True), printed
    code, printed = operator.run("restore", str(made))
    assert (code, "there is a panel in" in printed) == (1, True), printed
    with fresh_database(f"sutler_operator_{os.getpid()}_new") as url:
        place = {"SUTLER_DATABASE_URL": url, "SUTLER_SECRET_KEY": ""}
        new = ("--data-dir", str(tmp_path / "new"))
        code, printed = operator.run("restore", str(made), *new, "--passphrase-file", "-", stdin="another one", **place)
        assert (code, printed) == (
            2,
            "sutler: a pass phrase has at least 12 characters (see `sutler restore --help`)\n",
        )
        code, printed = operator.run("restore", str(made), *new, "--passphrase-file", "-", stdin=PASSPHRASE, **place)
        assert code == 0, printed
        assert "The next order is 1000001. Nothing is sent until `sutler recover` has run." in printed
        assert (tmp_path / "new" / "secret-key").read_text().strip() == KEY
        restored = Source(tmp_path / "new", url)
        assert [tuple(row) for row in rows(restored, ALARMS)] == [("restored",)]
        code, printed = operator.run("verify", *new, **place)
        assert (code, "no mismatch" in printed) == (0, True), printed
        code, printed = operator.run("recover", *new, **place)
        assert (code, "The panel sends and credits again." in printed) == (0, True), printed
        assert rows(restored, ALARMS) == []
        code, printed = operator.run("recover", *new, **place)
        assert (code, "the panel was not restored" in printed) == (1, True), printed


def test_without_a_pass_phrase_the_command_says_that_the_key_is_left_out(operator: Operator) -> None:
    code, printed = operator.run("backup", SUTLER_BACKUP_PASSPHRASE="")
    assert (code, "The secret key is NOT in it" in printed) == (0, True)
    assert [tuple(row) for row in rows(operator.source, LAST_RUN)] == [("done", "", False, False)]


@pytest.mark.parametrize("name", ["a full disk", "a small disk", "no rights"])
def test_what_keeps_a_backup_from_being_made_is_one_line_a_row_and_an_alarm(operator: Operator, name: str) -> None:
    folder = operator.backups
    folder.mkdir()
    through: Sequence[str] = ()
    told: Sequence[str] = ("Permission denied",)
    if name == "a full disk":  # no file may grow over 128 KiB: as if the disk were full in the middle of the dump
        through, told = (
            ("sh", "-c", 'ulimit -f 256; exec "$@"', "sh"),
            ("full", "I/O error", "File size limit exceeded"),
        )
    elif name == "a small disk":
        mount = f'mount -t tmpfs -o size=256k tmpfs {folder} && exec "$@"'
        through, told = ("unshare", "-rm", "sh", "-c", mount, "sh"), ("MiB free; a backup needs",)
        if subprocess.run([*through, "true"], capture_output=True, check=False).returncode:
            pytest.skip("this machine mounts nothing for its users")
    else:
        folder.chmod(0o500)
        through = ("setpriv", "--bounding-set=-all") if os.getuid() == 0 else ()
    code, printed = operator.run("backup", through=through)
    folder.chmod(0o700)
    assert code == 1, printed
    assert printed.startswith("sutler: ")
    assert printed.count("\n") == 1, printed
    assert any(words in printed for words in told), printed
    [(state, fault, _, _)] = rows(operator.source, LAST_RUN)
    assert (state, printed) == ("failed", f"sutler: {fault}\n")
    assert [tuple(row) for row in rows(operator.source, ALARMS)] == [("backup failed",)]
    assert archives.archives(folder) == []
    assert list(folder.glob(".new-*")) == []


@pytest.mark.long
def test_an_archive_that_fails_its_check_is_set_aside_and_no_good_one_goes_for_it(operator: Operator) -> None:
    assert operator.run("backup")[0] == 0
    [good] = archives.archives(operator.backups)
    break_the_books(operator.source)
    code, printed = operator.run("backup", "--check", "--keep", "1")
    assert (code, "1 mismatch" in printed) == (1, True), printed
    kept = [each.name for each in archives.archives(operator.backups)]
    assert good.name in kept
    assert [name for name in kept if name.endswith(archives.FAILED)] == [kept[0]]


@pytest.mark.parametrize(
    ("code", "arguments", "told"),
    [
        (2, ["backup"], "say where: --backup-dir, or SUTLER_BACKUP_DIR"),
        (2, ["backup", "list"], "say where"),
        (2, ["backup", "--keep", "0"], "not in the range"),
        (2, ["backup", "check", "/nowhere"], "does not exist"),
        (1, ["backup", "list", "--backup-dir", "/nowhere"], "No such file"),
        (1, ["backup", "check", "/"], "is not a backup"),
    ],
)
def test_wrong_usage_is_told_in_one_line(operator: Operator, code: int, arguments: list[str], told: str) -> None:
    got, printed = operator.run(*arguments, SUTLER_BACKUP_DIR="")
    assert (got, printed.count("\n")) == (code, 1), printed
    assert told in printed


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="runs a worker")
def test_the_worker_makes_and_checks_one_by_itself(operator: Operator) -> None:
    with subprocess.Popen(
        [str(SUTLER), "work"], env=operator.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as worker:
        try:
            until(lambda: [row for row in rows(operator.source, LAST_RUN) if row[0] != "running"])
        finally:
            worker.terminate()
    assert [tuple(row) for row in rows(operator.source, LAST_RUN)] == [("done", "", True, True)]
    assert len(archives.archives(operator.backups)) == 1
