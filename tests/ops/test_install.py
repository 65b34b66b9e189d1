"""`sutler install` shows and writes what a machine needs and may be repeated; `uninstall` takes it off again."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sutler.backups import archive as archives
from sutler.cli import main
from sutler.ops.install.plan import DOMAIN, UNITS
from tests.backups.conftest import execute
from tests.ops.test_backup import Operator, operator

__all__ = ["operator"]
MOST_EXPOSED = 2.0
SETTINGS = "etc/sutler/sutler.env"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def install(root: Path, *more: str) -> Result:
    done = run("install", "--domain", "panel.example", "--root", str(root), "--yes", *more)
    assert done.exit_code == 0, done.output
    return done


def written(root: Path) -> dict[str, bytes]:
    return {str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*") if each.is_file()}


def test_every_file_is_shown_before_it_is_written_and_a_dry_run_writes_none(tmp_path: Path) -> None:
    shown = install(tmp_path, "--dry-run").stdout
    assert written(tmp_path) == {}
    install(tmp_path)
    for name, content in written(tmp_path).items():
        assert f"new      {tmp_path / name} " in shown
        assert all(f"| {line}".rstrip() in shown for line in content.decode().splitlines())


def test_nothing_is_written_without_a_yes(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["install", "--domain", "panel.example", "--root", str(tmp_path)], input="n\n")
    assert done.exit_code == 0
    assert written(tmp_path) == {}


def test_it_may_be_repeated_and_keeps_settings_that_are_there(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / SETTINGS).write_text("SUTLER_PANEL_NAME='Corner'\n")
    first = written(tmp_path)
    again = install(tmp_path, "--user", "sutler").stdout
    assert written(tmp_path) == first
    assert re.search(r"^(new|changed)", again, re.MULTILINE) is None
    changed = install(tmp_path, "--user", "corner").stdout
    assert "changed" in changed
    assert written(tmp_path)[SETTINGS] == first[SETTINGS]


def test_secrets_are_neither_shown_nor_readable_by_others(tmp_path: Path) -> None:
    url = "postgres://sutler:hush@127.0.0.1/panel"
    shown = install(tmp_path, "--postgres", url).stdout
    assert "hush" not in shown
    assert url in (tmp_path / SETTINGS).read_text()
    assert stat.S_IMODE((tmp_path / SETTINGS).stat().st_mode) == 0o640


def test_the_shell_reads_the_settings_as_systemd_does(tmp_path: Path) -> None:
    install(tmp_path, "--postgres", "postgres://sutler:a$b&c@127.0.0.1/panel?sslmode=require")
    script = f'set -a; . "{tmp_path / SETTINGS}"; printf %s "$SUTLER_DATABASE_URL"'
    read = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout
    assert read == "postgres://sutler:a$b&c@127.0.0.1/panel?sslmode=require"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd measures it")
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.endswith(".service")])
def test_a_unit_is_hardly_exposed(tmp_path: Path, unit: str) -> None:
    install(tmp_path)
    command = ["systemd-analyze", "security", "--offline=true", str(tmp_path / "etc/systemd/system" / unit)]
    measured = subprocess.run(command, check=False, capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", measured.stdout)
    assert found is not None, measured.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_uninstall_takes_off_what_was_written_and_leaves_the_settings(tmp_path: Path) -> None:
    install(tmp_path)
    assert run("uninstall", "--root", str(tmp_path), "--dry-run").exit_code == 0
    assert len(written(tmp_path)) > 1
    assert run("uninstall", "--root", str(tmp_path), "--yes").exit_code == 0
    assert list(written(tmp_path)) == [SETTINGS]
    again = run("uninstall", "--root", str(tmp_path), "--yes")
    assert (again.exit_code, "nothing is installed" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--domain", "panel"], "--domain must be"),
        (["--domain", "panel.example\n}"], "--domain must be"),
        (["--domain", "panel.example; x"], "--domain must be"),
        (["--domain", "-a.example"], "--domain must be"),
        (["--domain", "panel.example", "--user", "Root; x"], "--user must be"),
        (["--domain", "panel.example", "--postgres", "mysql://x"], "--postgres must be"),
        (["--domain", "panel.example", "--postgres", "postgres://a'b"], "--postgres must be"),
    ],
)
def test_what_cannot_stand_in_a_file_is_refused(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = run("install", *arguments, "--root", str(tmp_path), "--yes")
    assert (done.exit_code, told in done.stderr) == (2, True), done.output
    assert written(tmp_path) == {}


def test_a_host_name_is_known() -> None:
    assert all(DOMAIN.fullmatch(name) for name in ("panel.example", "a.b-c.example", "xn--80ak6aa92e.example"))


@pytest.mark.long
def test_upgrade_backs_up_tries_it_on_a_copy_migrates_and_verifies(operator: Operator) -> None:
    execute(operator.source, "DROP TABLE backups_backuprun")  # a panel of the version before
    execute(operator.source, "DELETE FROM django_migrations WHERE app = 'backups'")
    assert "is not up to date" in operator.run("verify")[1]
    code, printed = operator.run("upgrade")
    assert (code, "up to date and verified" in printed) == (0, True), printed
    assert operator.run("verify")[0] == 0
    [made] = archives.archives(operator.backups)
    assert "backups.0001_tables" not in archives.read(made).migrations


@pytest.mark.long
def test_a_panel_that_cannot_be_brought_up_to_date_is_left_as_it_is(operator: Operator) -> None:
    execute(operator.source, "DELETE FROM django_migrations WHERE app = 'backups'")  # its table is in the way
    before = operator.source.database.migrations()
    code, printed = operator.run("upgrade")
    assert (code, "set aside as" in printed) == (1, True), printed
    assert operator.source.database.migrations() == before
