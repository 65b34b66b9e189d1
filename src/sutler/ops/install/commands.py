"""The commands themselves: they show every file and every program before anything is changed."""

import subprocess
import sys
from pathlib import Path

import click

from sutler.ops.command import Failed, data_dir_option, example, start_django
from sutler.ops.install import plan

_SYSTEM = Path("/")
_root = click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=_SYSTEM,
    help="Write below this folder and run nothing, as for an image.",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Only show what would be done.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command(epilog=example("sutler install --domain panel.example --dry-run"))
@click.option("--domain", required=True, help="Host name of the panel.")
@click.option("--postgres", default="", help="postgres://... of an empty database; otherwise SQLite.")
@click.option("--user", default="sutler", show_default=True, help="System user that the panel runs as.")
@_root
@_dry_run
@_yes
def install(domain: str, postgres: str, user: str, root: Path, *, dry_run: bool, yes: bool) -> None:
    """Make the panel a service of this machine: user, folders, systemd units, a site of Caddy.

    Shows every file that is new or changes, and may be run again. Settings that are there stay as they are.
    """
    program = str(Path(sys.executable).with_name("sutler"))
    for value, pattern, name in (
        (domain, plan.DOMAIN, "--domain must be a host name such as panel.example"),
        (user, plan.USER, "--user must be the name of a system user"),
        (program, plan.PROGRAM, f"{program} is a path that a unit cannot name: install Sutler elsewhere"),
    ):
        if not pattern.fullmatch(value):
            raise click.UsageError(name)
    if postgres and (not postgres.startswith(("postgres://", "postgresql://")) or "'" in postgres):
        raise click.UsageError("--postgres must be postgres://user:password@host/name, without a quote in it")
    files = plan.planned(root, domain=domain, postgres=postgres, user=user, program=program)
    _show(files, postgres)
    todo = _programs(root)
    for command in todo:
        click.echo(f"run      {' '.join(command)}")
    if dry_run or not (yes or click.confirm("Do it?", err=True)):
        return
    try:
        for file in files:
            if file.change:
                plan.write(file)
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}") from error
    for command in todo:
        _run(command)
    click.echo("Next: sutlerctl init --email you@example.com")
    click.echo("      systemctl enable --now sutler-serve sutler-work sutler-backup.timer")
    click.echo("      add `import sites/*.caddy` to /etc/caddy/Caddyfile; systemctl reload caddy")


@click.command(epilog=example("sutler uninstall --dry-run"))
@_root
@_dry_run
@_yes
def uninstall(root: Path, *, dry_run: bool, yes: bool) -> None:
    """Take the panel's units and site off this machine. Data, backups, settings and the user stay."""
    files = plan.installed(root)
    if not files:
        raise Failed(f"nothing is installed below {root}")
    stop = [("systemctl", "disable", "--now", *plan.UNITS)] if root == _SYSTEM else []
    for command in stop:
        click.echo(f"run      {' '.join(command)}")
    for file in files:
        click.echo(f"remove   {file}")
    if dry_run or not (yes or click.confirm("Do it?", err=True)):
        return
    for command in stop:
        _run(command)
    try:
        for file in files:
            file.unlink()
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}") from error
    click.echo("Left: /etc/sutler, /var/lib/sutler, /var/backups/sutler and the user.")


@click.command(epilog=example("sutlerctl upgrade", "sutler upgrade --data-dir /srv/panel"))
@data_dir_option
@click.option(
    "--backup-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the backups (otherwise SUTLER_BACKUP_DIR).",
)
def upgrade(data_dir: Path | None, backup_dir: Path | None) -> None:
    """Bring the panel to this version, after a backup on a copy of which that was tried first.

    Makes a backup, restores it to a scratch place, migrates and verifies that; then migrates the panel and verifies it,
    and restarts its units where systemd runs.
    """
    from sutler.ops.backup.commands import back_up_first
    from sutler.ops.init import prepare

    start_django(data_dir)
    click.echo(f"Backup, migrated and verified on a copy: {back_up_first(backup_dir)}")
    prepare(data_dir)
    _run((sys.executable, "-m", "sutler.cli", "verify"))
    click.echo("The panel is up to date and verified.")
    restart = ("systemctl", "restart", *plan.UNITS[:2])
    if Path("/run/systemd/system").is_dir() and plan.installed(_SYSTEM):
        try:
            _run(restart)
        except Failed:
            click.echo(f"Now, as root: {' '.join(restart)}")


def _show(files: list[plan.PlannedFile], secret: str) -> None:
    for file in files:
        click.echo(f"{file.change or 'as it is':8} {file.path} ({file.mode:04o})")
        if file.change:
            shown = file.content.replace(secret, "(hidden)") if secret else file.content
            click.echo("".join(f"         | {line}\n" for line in shown.splitlines()), nl=False)


def _programs(root: Path) -> list[tuple[str, ...]]:
    """Returns what is run once the files are there; nothing for an image."""
    if root != _SYSTEM:
        return []
    return [
        ("systemd-sysusers", "/etc/sysusers.d/sutler.conf"),
        ("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/sutler.conf"),
        ("systemctl", "daemon-reload"),
    ]


def _run(command: tuple[str, ...]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    except OSError as error:
        raise Failed(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip().rpartition(chr(10))[2] or done.returncode}")
