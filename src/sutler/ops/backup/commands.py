"""`sutler backup` and `sutler restore`: archives of the panel, checked by restoring them, and the way back."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import wraps
from os import W_OK, access
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from sutler import config
from sutler.core.clock import SystemClock, new_token
from sutler.ops.backup.recover import first_order_option
from sutler.ops.command import Failed, data_dir_option, example, open_panel, show_table, start_django
from sutler.ops.init import migrate

if TYPE_CHECKING:
    from sutler.backups.archive import Manifest

R = TypeVar("R")
_ARCHIVE = click.Path(exists=True, file_okay=False, path_type=Path)
NO_KEY = "The secret key is NOT in it: give a pass phrase, or keep a copy of the key elsewhere."


def passphrase_option(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command `--passphrase-file`, passed on as `passphrase`; otherwise SUTLER_BACKUP_PASSPHRASE, or ""."""
    from sutler.backups.key_file import LONGEST_PASSPHRASE, SHORTEST_PASSPHRASE

    @click.option(
        "--passphrase-file",
        type=click.File("r"),
        help="File with the pass phrase that seals the secret key; - reads standard input."
        " Otherwise SUTLER_BACKUP_PASSPHRASE.",
    )
    @wraps(command)
    def with_passphrase(*args: Any, passphrase_file: TextIO | None, **options: Any) -> R:
        passphrase = config.read()["SUTLER_BACKUP_PASSPHRASE"]
        if passphrase_file is not None:
            passphrase = passphrase_file.read(LONGEST_PASSPHRASE).rstrip("\r\n")
            if not passphrase:
                raise click.UsageError("the file with the pass phrase is empty")
        if passphrase and len(passphrase) < SHORTEST_PASSPHRASE:
            raise click.UsageError(f"a pass phrase has at least {SHORTEST_PASSPHRASE} characters")
        return command(*args, passphrase=passphrase, **options)

    return with_passphrase


_backup_dir = click.option(
    "--backup-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the backups (otherwise SUTLER_BACKUP_DIR).",
)


@click.group(
    invoke_without_command=True,
    epilog=example("sutler backup --backup-dir /backup --check", "sutler backup list --backup-dir /backup"),
)
@_backup_dir
@data_dir_option
@passphrase_option
@click.option(
    "--keep", type=click.IntRange(1, 10_000), help="How many to keep; older ones go (otherwise SUTLER_BACKUP_KEEP, 14)."
)
@click.option("--check", "is_checked", is_flag=True, help="Restore it to a scratch place afterwards and verify that.")
@click.option("--if-due", is_flag=True, help="Only if the one of the day is missing, as the worker does.")
@click.pass_context
def backup(
    context: click.Context,
    *,
    backup_dir: Path | None,
    data_dir: Path | None,
    passphrase: str,
    keep: int | None,
    is_checked: bool,
    if_due: bool,
) -> None:
    """Back the panel up while it runs: the database and, sealed under a pass phrase, the secret key.

    Makes a folder with a manifest that vouches for each file. How it went is on the office's overview and in /metrics.
    """
    if context.invoked_subcommand is not None:
        return
    folder = _folder(backup_dir)
    open_panel(data_dir)
    from sutler.backups import runs
    from sutler.backups.fault import BackupFault
    from sutler.ops.run import leave_on_signals

    leave_on_signals()
    clock = SystemClock()
    if if_due and not runs.is_due(replace(runs.Plan.of(config.read()), folder=str(folder)), clock.now()):
        click.echo("No backup is due.")
        return
    run = runs.begin(clock.now())
    if run is None:
        raise Failed("another backup is under way")
    try:
        archive, manifest = _make(folder, passphrase, keep, is_checked=is_checked)
    except BackupFault as error:
        runs.fail(run, str(error), clock.now())
        raise Failed(str(error)) from error
    except SystemExit as error:  # a signal
        runs.fail(run, runs.STOPPED, clock.now())
        raise Failed("stopped; nothing is left of this backup") from error
    except BaseException as error:
        runs.fail(run, repr(error), clock.now())
        raise
    runs.end(run, str(archive), manifest, clock.now(), is_checked=is_checked)
    click.echo(f"{archive} ({manifest.size_bytes:,} bytes{', checked' if is_checked else ''})")
    if not manifest.has_key:
        click.echo(NO_KEY, err=True)


def _make(folder: Path, passphrase: str, keep: int | None, *, is_checked: bool) -> "tuple[Path, Manifest]":
    """Makes, checks and prunes. Raises BackupFault; an archive that fails its check is set aside."""
    from sutler.backups import archive as archives
    from sutler.backups.fault import BackupFault
    from sutler.backups.restore import check as prove
    from sutler.backups.runs import Plan

    values = config.read()
    plan = Plan.of(values)
    source = archives.Source(Path(values["SUTLER_DATA_DIR"]), values["SUTLER_DATABASE_URL"], config.secret_keys(values))
    with archives.held(folder):
        made = archives.create(source, folder, SystemClock().now(), passphrase=passphrase, salt=new_token())
        if is_checked:
            try:
                prove(made, source.database_url, passphrase)
            except BackupFault as error:
                raise BackupFault(f"{error} (set aside as {archives.set_aside(made)})") from error
        archives.prune(folder, keep or plan.keep)
        return made, archives.read(made)


def back_up_first(backup_dir: Path | None) -> Path:
    """Makes a backup and checks it, before a panel of an older version is changed; returns the archive.

    Fails if it cannot be made, or if its copy cannot be brought up to date and verified.
    """
    from sutler.backups.fault import BackupFault

    try:
        passphrase = config.read()["SUTLER_BACKUP_PASSPHRASE"]
        return _make(_folder(backup_dir), passphrase, None, is_checked=True)[0]
    except BackupFault as error:
        raise Failed(str(error)) from error


@backup.command("list", epilog=example("sutler backup list --backup-dir /backup"))
@_backup_dir
def list_(backup_dir: Path | None) -> None:
    """Show the backups in the folder, newest first. The exit code is 1 if there is none."""
    from sutler.backups import archive as archives
    from sutler.backups.fault import BackupFault

    rows: list[tuple[object, ...]] = []
    try:
        for each in archives.archives(_folder(backup_dir)):
            try:
                manifest = archives.read(each)
            except BackupFault as error:
                rows.append((each.name, "-", "-", "-", "-", str(error)))
                continue
            state = "failed its check" if each.name.endswith(archives.FAILED) else "ok"
            key = "sealed" if manifest.has_key else "left out"
            engine = f"{manifest.engine} {manifest.engine_version}"
            rows.append((each.name, manifest.program, engine, f"{manifest.size_bytes:,}", key, state))
    except BackupFault as error:
        raise Failed(str(error)) from error
    if not rows:
        raise Failed(f"there is no backup in {_folder(backup_dir)}")
    show_table(("BACKUP", "PROGRAM", "ENGINE", "BYTES", "SECRET KEY", "STATE"), rows)


@backup.command(epilog=example("sutler backup check /backup/sutler-20261201T030000Z"))
@click.argument("path", type=_ARCHIVE)
@passphrase_option
def check(path: Path, passphrase: str) -> None:
    """Prove that a backup can be restored: its digests, a restore to a scratch place, `sutler verify` on that.

    With the pass phrase also that the sealed key is the database's.
    """
    from sutler.backups import archive as archives
    from sutler.backups.fault import BackupFault

    start_django(None)
    from sutler.backups.restore import check as prove

    try:
        beside = path.absolute().parent
        with archives.held(beside) if access(beside, W_OK) else nullcontext():
            manifest = prove(path, config.read()["SUTLER_DATABASE_URL"], passphrase)
    except BackupFault as error:
        raise Failed(str(error)) from error
    is_key_checked = manifest.has_key and passphrase
    key = "its key opens" if is_key_checked else "its key was not tried" if manifest.has_key else "it has no key"
    click.echo(f"{path}: restored and verified; {key}.")


@click.command(epilog=example("sutler restore /backup/sutler-20261201T030000Z --data-dir /srv/panel"))
@click.argument("path", type=_ARCHIVE)
@data_dir_option
@passphrase_option
@first_order_option
def restore(path: Path, data_dir: Path | None, passphrase: str, first_order: int | None) -> None:
    """Make a panel of a backup, where no panel is: its database and its secret key.

    A backup of PostgreSQL goes into the empty database that SUTLER_DATABASE_URL names. Nothing is ever written over.
    What the panel did after the backup it does not do again: order ids go on far above, and nothing is sent and no
    gateway's payment credited until `sutler recover` has asked the providers.
    """
    from sutler.backups.fault import BackupFault

    start_django(data_dir)
    from sutler.backups.restore import begin_anew
    from sutler.backups.restore import restore as put_back

    values = config.read()
    try:
        manifest = put_back(path, Path(values["SUTLER_DATA_DIR"]), values["SUTLER_DATABASE_URL"], passphrase)
    except BackupFault as error:
        raise Failed(str(error)) from error
    click.echo(f"Restored the panel of {manifest.taken_at:%Y-%m-%d %H:%M} UTC, version {manifest.program}.")
    try:
        migrate()
        opened = begin_anew(manifest.taken_at, SystemClock().now(), first_order)
    except BaseException as error:
        click.echo("Do NOT start this panel: it would do again what it did since the backup.", err=True)
        raise Failed(f"remove what was restored, and restore again: {error}") from error
    click.echo(f"The next order is {opened.first_order_id}. Nothing is sent until `sutler recover` has run.")
    if not (manifest.has_key and passphrase):
        click.echo("The secret key was not restored: copy the panel's file secret-key into the data folder.", err=True)
    click.echo("Next: `sutler verify`, then `sutler recover`, then start the panel.", err=True)


def _folder(backup_dir: Path | None) -> Path:
    configured = config.read()["SUTLER_BACKUP_DIR"]
    if backup_dir is None and not configured:
        raise click.UsageError("say where: --backup-dir, or SUTLER_BACKUP_DIR")
    return (backup_dir or Path(configured)).absolute()
