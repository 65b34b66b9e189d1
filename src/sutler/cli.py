"""The command `sutler`: the operator's commands under one name, every failure one line and an exit code."""

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import click

from sutler import build
from sutler.config import ConfigError
from sutler.ops import (
    alarms,
    conformance,
    customer,
    customer_account,
    diagnostics,
    init,
    lying_gateway,
    lying_upstream,
    order,
    panel,
    payment_method,
    payments,
    rate,
    run,
    secret,
    service,
    staff,
)
from sutler.ops.backup import commands as backup
from sutler.ops.backup import recover
from sutler.ops.demo import demo
from sutler.ops.install import commands as install
from sutler.ops.provider import account, catalogue, provider, routes, words

COULD_NOT, WRONG_USAGE = 1, 2
LARGEST_LOG_BYTES, LARGEST_TRACE = 1_000_000, 50_000
UNCLEAR = "the database connection was lost while saving; check whether it took effect before trying again"


class Shell(click.Group):
    """Runs a command and ends the process: 0 done, 1 could not, 2 wrong usage. Never shows a traceback."""

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


for _command in (
    init.init,
    run.run,
    run.serve,
    run.work,
    demo.demo,
    customer.customer,
    staff.staff,
    service.service,
    rate.rate,
    order.order,
    secret.secret,
    panel.panel,
    payment_method.payment_method,
    payments.payments,
    provider.provider,
    alarms.alarms,
    backup.backup,
    backup.restore,
    recover.recover,
    install.install,
    install.uninstall,
    install.upgrade,
    diagnostics.verify,
    diagnostics.config,
    diagnostics.bench,
    conformance.conformance,
    lying_upstream.lying_upstream,
    lying_gateway.lying_gateway,
):
    main.add_command(_command)
for _command in (
    account.test,
    account.check_balance,
    account.topup,
    account.draw,
    catalogue.services,
    catalogue.sync_catalogue,
    catalogue.import_,
    catalogue.decide,
    routes.route,
    words.words,
):
    provider.provider.add_command(_command)
customer.customer.add_command(customer_account.show)
customer.customer.add_command(customer_account.change)

if __name__ == "__main__":
    main()
