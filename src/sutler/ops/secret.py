"""`sutler secret`: changing the key that signs and seals, and giving the older one up."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from sutler import config
from sutler.core.clock import SystemClock, new_token
from sutler.ops.command import Failed, data_dir_option, demand_fitness, example, on_panel, open_panel
from sutler.ops.init import write_secret

_SET_OUTSIDE = (
    "the key comes from SUTLER_SECRET_KEY: set that to a new one, put the present one into "
    "SUTLER_SECRET_KEY_FALLBACKS, and run this again"
)


@click.group(epilog=example("sutler secret rotate"))
def secret() -> None:
    """Change the secret key, which signs sessions and links and seals the keys of providers."""


@secret.command(epilog=example("sutler secret rotate"))
@data_dir_option
@click.option("--lost", is_flag=True, help="The panel's key is lost: take the one that is here. Nothing else opens.")
def rotate(data_dir: Path | None, *, lost: bool) -> None:
    """Make a new secret key and seal with it all that is sealed.

    The older key still opens what it has signed and sealed, so nobody is signed out. Run it again if it was
    interrupted. Afterwards start every `serve` and `work` again.
    """
    open_panel(data_dir, with_any_key=True)
    values = config.read()
    with _alone(values):
        _move_on(values, lost=lost)
    demand_fitness()
    _seal_anew()
    click.echo("Start every `serve` and `work` again. The older key still opens; `sutler secret drop-old` ends that.")


@secret.command("drop-old", epilog=example("sutler secret drop-old"))
@on_panel
def drop_old() -> None:
    """Give the older secret keys up: what only they have signed is worth nothing any more."""
    from django.conf import settings

    from sutler.accounts import secret_key

    values = config.read()
    with _alone(values):
        _seal_anew()
        if values["SUTLER_SECRET_KEY"]:
            click.echo("Unset SUTLER_SECRET_KEY_FALLBACKS, then start every `serve` and `work` again.")
            return
        write_secret(config.secret_key_file(values), secret_key.keys()[0] + "\n")
        settings.SECRET_KEY_FALLBACKS = []
    click.echo("The older keys are gone. Start every `serve` and `work` again.")


def _move_on(values: dict[str, Any], *, lost: bool) -> None:
    """Makes the newest key that there is the panel's, or a new one if it is that already."""
    from django.conf import settings

    from sutler.accounts import secret_key, secret_rotation

    now = SystemClock().now()
    secret_key.claim()
    match secret_key.obstacle():
        case "":
            if not secret_rotation.is_finished():
                return
            if values["SUTLER_SECRET_KEY"]:
                raise Failed(_SET_OUTSIDE)
            older = secret_key.keys()
            new = new_token()
            file = config.secret_key_file(values)
            write_secret(file, "\n".join((new, *older)) + "\n")
            settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = new, list(older)
            if not secret_rotation.make_current(older[0], now):
                write_secret(file, "\n".join(older) + "\n")
                raise Failed("another machine has changed the secret key meanwhile: copy its file secret-key")
        case secret_key.UNFINISHED:
            secret_rotation.make_current(None, now)
        case secret_key.ANOTHER_KEY if lost:
            secret_key.take_over()
        case obstacle:
            raise Failed(obstacle)


def _seal_anew() -> None:
    from sutler.accounts import secret_rotation

    done = secret_rotation.reseal()
    click.echo(f"Sealed anew: {done.values}.")
    if done.unreadable:
        click.echo(f"No key opens {done.unreadable} of what is sealed: set those anew (`sutler alarms`).", err=True)


@contextmanager
def _alone(values: dict[str, Any]) -> Iterator[None]:
    """Keeps others from changing the file of the key meanwhile. Fails if somebody is at it."""
    folder = os.open(values["SUTLER_DATA_DIR"], os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Failed("somebody else is changing the secret key") from error
    finally:
        os.close(folder)
