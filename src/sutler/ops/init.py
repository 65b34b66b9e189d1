"""`sutler init`: from nothing to a panel that can start, and from an older panel to this program's."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from sutler import config
from sutler.core.clock import SystemClock, new_token
from sutler.ops.command import Failed, data_dir_option, demand_fitness, example, password_options, start_django


@click.command(epilog=example("sutler init --email you@example.com", "sutler init --data-dir /srv/panel"))
@data_dir_option
@click.option("--email", help="Email address of the first staff member; prompted for if needed.")
@password_options
def init(data_dir: Path | None, email: str | None, password: str | None) -> None:
    """Create a panel, or upgrade an existing one.

    Creates the data folder, the secret key, the database and the first staff member. What already exists is kept,
    so run it again after every upgrade.
    """
    prepare(data_dir)
    from sutler.accounts.models import Role, User
    from sutler.ops.users import create_person

    if User.objects.filter(is_superuser=True).exists():
        click.echo("The panel is up to date.")
        return
    if email is None:
        if not sys.stdin.isatty():
            raise click.UsageError("no staff member yet: add --email")
        email = click.prompt("Email address of the first staff member", err=True)
    if password is None and sys.stdin.isatty():
        password = click.prompt(
            "Password (leave empty to generate one)", default="", show_default=False, hide_input=True, err=True
        )
    made = create_person(email, password, SystemClock().now(), role=Role.OWNER)
    click.echo(f"The panel is ready. Staff: {email} {made}".rstrip())


def prepare(data_dir: Path | None) -> None:
    """Brings the folder, the database and the secret key into being or up to date, with progress on stderr.

    Fails if the folder cannot be made, or if the database is a newer program's or another secret key's. Afterwards
    Django is set up on this panel.
    """
    os.umask(0o077)  # the folder, the key and the database file are the operator's alone
    if data_dir is not None:
        os.environ["SUTLER_DATA_DIR"] = str(data_dir.absolute())
    values = config.read()
    try:
        Path(values["SUTLER_DATA_DIR"]).mkdir(parents=True, exist_ok=True)
        start_django(None)
        migrate()
        _make_key(values)
    except OSError as error:
        raise Failed(f"cannot write to {values['SUTLER_DATA_DIR']}: {error.strerror}") from error
    demand_fitness()


def _make_key(values: dict[str, Any]) -> None:
    """Gives a new panel its key. A database that has one already is another machine's too, and gets no second."""
    from django.conf import settings

    from sutler.accounts import secret_key

    if not secret_key.keys() and not secret_key.is_claimed():
        key = new_token()
        write_secret(config.secret_key_file(values), key + "\n")
        settings.SECRET_KEY = key


def write_secret(file: Path, text: str) -> None:
    """Writes a file for the operator's eyes alone, whole or not at all."""
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    new.replace(file)


def migrate() -> None:
    """Applies the migrations that the database lacks, with progress on stderr.

    Fails for a database that is too old for this program; leaves a newer program's as it is.
    """
    from django.core.management import call_command
    from django.core.management.commands.migrate import Command
    from rich.console import Console
    from rich.progress import Progress

    from sutler.storage import schema

    difference = schema.compare()
    if not difference.missing or difference.unknown:
        return
    if early := difference.half_replaced:
        raise Failed(
            f"the database is older than {', '.join(early)}, which replaced what made it: bring it up to date with the"
            " version that stood before, then again with this one"
        )
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("Preparing the database", total=len(difference.missing))

        class Migrate(Command):
            def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
                progress.advance(bar, action == "apply_success")

        call_command(Migrate(), verbosity=0, interactive=False)
