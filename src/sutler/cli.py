"""The command `sutler`: the operator's commands under one name, every failure one line and an exit code."""

import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from sutler import build
from sutler.config import ConfigError
from sutler.ops.command import json_option

COULD_NOT, WRONG_USAGE = 1, 2
LARGEST_LOG_BYTES, LARGEST_TRACE = 1_000_000, 50_000
UNCLEAR = "the database connection was lost while saving; check whether it took effect before trying again"


# Where each command is: only the one that is asked for is loaded, so that the shell answers at once.
COMMANDS: Mapping[str, str] = {
    "alarms": "alarms:alarms",
    "backup": "backup.commands:backup",
    "bench": "diagnostics:bench",
    "completion": "diagnostics:completion",
    "config": "diagnostics:config",
    "conformance": "conformance:conformance",
    "customer": "customer.commands:customer",
    "demo": "demo.demo:demo",
    "init": "init:init",
    "install": "install.commands:install",
    "lying-gateway": "lying_gateway:lying_gateway",
    "lying-upstream": "lying_upstream:lying_upstream",
    "export": "move_in.export:export",
    "move-in": "move_in.commands:move_in",
    "order": "order:order",
    "panel": "panel:panel",
    "payment-method": "payments.method:payment_method",
    "payments": "payments.commands:payments",
    "provider": "provider.commands:provider",
    "rate": "rate:rate",
    "recover": "backup.recover:recover",
    "restore": "backup.commands:restore",
    "run": "run:run",
    "secret": "secret:secret",
    "serve": "run:serve",
    "service": "service:service",
    "staff": "staff:staff",
    "uninstall": "install.commands:uninstall",
    "upgrade": "install.commands:upgrade",
    "verify": "diagnostics:verify",
    "work": "run:work",
}
# The commands whose product is a table: with --json it is data.
TABLES = frozenset(
    {
        "alarms",
        "backup list",
        "config",
        "conformance",
        "customer keys",
        "customer list",
        "customer show",
        "move-in left",
        "move-in plan",
        "order list",
        "order show",
        "order unknown",
        "payment-method kinds",
        "payment-method list",
        "payments reconcile",
        "provider list",
        "provider log",
        "provider route list",
        "provider services",
        "provider show",
        "provider test",
        "provider words list",
        "rate list",
        "service held",
        "service list",
        "service show",
        "service updates",
        "staff keys",
        "staff list",
    }
)


class Shell(click.Group):
    """Runs a command and ends the process: 0 done, 1 could not, 2 wrong usage. Never shows a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of all commands."""
        return sorted({*COMMANDS, *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command, loaded as it is asked for first."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module, _, name = COMMANDS[cmd_name].partition(":")
            found: click.Command = getattr(import_module(f"sutler.ops.{module}"), name)
            _give_json(found, cmd_name)
            self.add_command(found, cmd_name)
        return self.commands.get(cmd_name)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs the command line given, by default the process's own."""
        extra["standalone_mode"] = False
        try:
            outcome = super().main(*args, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(WRONG_USAGE)
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator gets one line
            code, line = _in_one_line(error)
            click.echo(f"sutler: {line}", err=True)
            sys.exit(code)
        sys.exit(outcome if isinstance(outcome, int) else 0)


def _in_one_line(error: Exception) -> tuple[int, str]:
    if isinstance(error, click.UsageError):
        where = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        return WRONG_USAGE, error.format_message() + where
    if isinstance(error, click.Abort):
        return COULD_NOT, "stopped"
    if isinstance(error, click.ClickException):
        return COULD_NOT, error.format_message()
    if isinstance(error, ConfigError) or _is_of_the_database(error):
        return COULD_NOT, str(error).strip().partition("\n")[0] or UNCLEAR
    return COULD_NOT, f"unexpected error ({type(error).__name__}); the details are in {_logged(error)}"


def _is_of_the_database(error: Exception) -> bool:
    """Returns True for what a database that is away, locked, full, damaged or not durable raises."""
    if "django.db" not in sys.modules:
        return False
    from django.db import DatabaseError, InterfaceError, OperationalError

    from sutler.storage.durability import NotDurable
    from sutler.storage.transactions import Busy, CommitUnclear

    named = (OperationalError, InterfaceError, NotDurable, Busy, CommitUnclear)
    return isinstance(error, named) or type(error) is DatabaseError  # its other kinds are bugs


def _logged(error: Exception) -> Path:
    """Appends the trace to errors.log in the data folder, or to a new file where there is no such folder.

    A log that has grown large is set aside as errors.log.1, in place of the one before.
    """
    trace = "".join(traceback.format_exception(error))
    try:
        place = Path(os.environ.get("SUTLER_DATA_DIR", "sutler-data")) / "errors.log"
        if place.is_file() and place.stat().st_size > LARGEST_LOG_BYTES:
            place.replace(place.with_name("errors.log.1"))
        file = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        file, name = tempfile.mkstemp(prefix="sutler-", suffix=".log")
        place = Path(name)
    with open(file, "a", encoding="utf-8", errors="backslashreplace") as log:  # noqa: PTH123 - an open descriptor
        log.write(trace[-LARGEST_TRACE:])
    return place


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"sutler, version {build.named()}")
        context.exit()


@click.group(
    "sutler",
    cls=Shell,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nExample:\n  sutler init --email you@example.com\n  sutler run",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def main() -> None:
    """Sutler, a self-hosted SMM panel: set it up, run it, maintain it."""


def _give_json(command: click.Command, path: str) -> None:
    """Gives `--json` to what shows a table, here or below."""
    if path in TABLES:
        command.params.append(json_option())
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            _give_json(below, f"{path} {name}")


if __name__ == "__main__":
    main()
