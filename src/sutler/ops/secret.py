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
    "the key comes from SUTLER_SECRET_KEY: set it to a new one, add the current one to "
    "SUTLER_SECRET_KEY_FALLBACKS, and run this again"
)


@click.group(epilog=example("sutler secret rotate"))
def secret() -> None:
    """The secret key, which signs sessions and links and encrypts provider API keys."""


@secret.command(epilog=example("sutler secret rotate"))
@data_dir_option
@click.option(
    "--lost",
    is_flag=True,
    help="The panel's key is lost: use the one found here. What the lost key encrypted stays unreadable.",
)
def rotate(data_dir: Path | None, *, lost: bool) -> None:
    """Create a new secret key and encrypt all secrets with it.

    The old key still verifies and decrypts, so nobody is signed out. Run it again if it was
    interrupted. Then restart every `serve` and `work`.
    """
    open_panel(data_dir, with_any_key=True)
    values = config.read()
    with _alone(values):
        _move_on(values, lost=lost)
    demand_fitness()
    _seal_anew()
    click.echo("Restart every `serve` and `work`. The old key still works; `sutler secret drop-old` ends that.")


@secret.command("drop-old", epilog=example("sutler secret drop-old"))
@on_panel
def drop_old() -> None:
    """Drop old secret keys: what only they signed becomes invalid."""
    from django.conf import settings

    from sutler.accounts import secret_key

    values = config.read()
    with _alone(values):
        _seal_anew()
        if values["SUTLER_SECRET_KEY"]:
            click.echo("Unset SUTLER_SECRET_KEY_FALLBACKS, then restart every `serve` and `work`.")
            return
        write_secret(config.secret_key_file(values), secret_key.keys()[0] + "\n")
        settings.SECRET_KEY_FALLBACKS = []
    click.echo("Old keys dropped. Restart every `serve` and `work`.")


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
                raise Failed("another machine has changed the secret key: copy its file secret-key")
        case secret_key.UNFINISHED:
            secret_rotation.make_current(None, now)
        case secret_key.ANOTHER_KEY if lost:
            secret_key.take_over()
        case obstacle:
            raise Failed(obstacle)


def _seal_anew() -> None:
    from sutler.accounts import secret_rotation

    done = secret_rotation.reseal()
    click.echo(f"Secrets encrypted again: {done.values}.")
    if done.unreadable:
        click.echo(f"{done.unreadable} secrets cannot be decrypted: enter them again (see `sutler alarms`).", err=True)


@contextmanager
def _alone(values: dict[str, Any]) -> Iterator[None]:
    """Keeps others from changing the file of the key meanwhile. Fails if somebody is at it."""
    folder = os.open(values["SUTLER_DATA_DIR"], os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Failed("another process is changing the secret key; try again later") from error
    finally:
        os.close(folder)
