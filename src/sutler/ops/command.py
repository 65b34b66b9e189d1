"""What the operator's commands share: the panel they open, the way they fail, the tables they print."""

import functools
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from sutler.config import ConfigError
from sutler.core.money import LARGEST_MICROS, Micros, is_currency, parse_amount
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Reason, Refusal

R = TypeVar("R")
LONGEST_PASSWORD = 4096
_JSON = "sutler.json"
_MISSING = {Reason.INCORRECT_ORDER, Reason.INCORRECT_SERVICE, Reason.NOT_FOUND}
ID = click.IntRange(1, LARGEST_NUMBER)


class Failed(click.ClickException):
    """The command could not do what was asked. The message is one line for the operator; the exit code is 1."""


class Amount(click.ParamType[Micros]):
    """An amount of money such as 12 or 12.345678, in micros; with `signed` it may stand below zero."""

    name = "amount"

    def __init__(self, *, signed: bool = False) -> None:
        self.signed = signed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Micros:
        """Returns the amount in micros. Fails as wrong usage if the text is none."""
        text = str(value)
        minus = self.signed and text.startswith("-")
        micros = parse_amount(text.removeprefix("-") if minus else text)
        if micros is None:
            largest = LARGEST_MICROS // 1_000_000
            self.fail(f"{text!r} is not a valid amount. Use 12 or 12.345678, up to {largest}.", param, ctx)
        return Micros(-micros) if minus else micros


class Currency(click.ParamType[str]):
    """A currency code such as USD."""

    name = "currency"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the code in capitals. Fails as wrong usage if the text is none."""
        text = str(value)
        code = text.upper()
        if not text.isascii() or not is_currency(code):  # some letters are two in capitals
            self.fail(f"{value!r} is not a valid currency code. Use three to five letters, like USD.", param, ctx)
        return code


class Text(click.ParamType[str]):
    """A line of text that can be stored and shown: at most `longest` characters, none of them a control character."""

    name = "text"

    def __init__(self, longest: int, *, blank: bool = True) -> None:
        self.longest = longest
        self.blank = blank

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the text without outer spaces. Fails as wrong usage if it is too long or unprintable."""
        text = str(value).strip()
        if len(text) > self.longest or not text.isprintable():
            self.fail(f"must be one printable line of at most {self.longest} characters.", param, ctx)
        if not text and not self.blank:
            self.fail("must not be empty.", param, ctx)
        return text


class Word(click.Choice[str]):
    """One of a few words, however they are joined and in capitals or not: `in_progress`, `CANCELLED`."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """Returns the word as it is compared."""
        plain = "".join(letter for letter in str(choice).casefold() if letter not in " _-")
        return plain.replace("cancelled", "canceled")


def example(*lines: str) -> str:
    """Returns the epilogue of a command's help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def password_options(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command `--password` and `--password-file`, passed on as the one `password` that was given, or None."""

    @click.option("--password", help="Password; if omitted, one is generated and printed once.")
    @click.option(
        "--password-file",
        type=click.File("r"),
        help="File with the password; - reads standard input, hidden from other users.",
    )
    @functools.wraps(command)
    def with_password(*args: Any, password: str | None, password_file: TextIO | None, **options: Any) -> R:
        if password is not None and password_file is not None:
            raise click.UsageError("use either --password or --password-file")
        if password_file is not None:
            password = password_file.read(LONGEST_PASSWORD).rstrip("\r\n")
            if not password:
                raise click.UsageError("the password file is empty; write the password in it")
        return command(*args, password=password, **options)

    return with_password


def data_dir_option(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command the option `--data-dir`, passed on as `data_dir`."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the database and the secret key.  [default: SUTLER_DATA_DIR, or sutler-data]",
    )(command)


def on_panel(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command the option `--data-dir` and opens that panel before the command's body runs."""

    @data_dir_option
    @functools.wraps(command)
    def with_panel(*args: Any, data_dir: Path | None, **options: Any) -> R:
        open_panel(data_dir)
        return command(*args, **options)

    return with_panel


def open_panel(data_dir: Path | None, *, with_any_key: bool = False) -> None:
    """Sets Django up on the panel in this folder, by default the environment's.

    Fails if there is no panel yet, one that `sutler init` has to bring up to date, or one of a newer program or another
    secret key.
    """
    start_django(data_dir)
    from django.db import connection

    from sutler.accounts import readiness

    file = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and "mode=memory" not in file and not Path(file).is_file():
        raise Failed(f"no panel in {Path(file).parent}; create one with `sutler init`")
    if not with_any_key:
        demand_fitness()
    elif obstacle := readiness.of_schema():
        raise Failed(obstacle)


def start_django(data_dir: Path | None) -> None:
    """Sets Django up, on the panel in this folder if one is given. Raises ConfigError for unusable settings."""
    if data_dir is not None:
        os.environ["SUTLER_DATA_DIR"] = str(data_dir.absolute())
    import django
    from django.conf import settings

    if not settings.configured:
        os.environ["DJANGO_SETTINGS_MODULE"] = "sutler.settings"
    django.setup()
    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    if not is_currency(base):
        raise ConfigError(f"SUTLER_BASE_CURRENCY must be a currency code such as USD, not {base!r}")


def demand_fitness() -> None:
    """Fails if this program, its secret key or its base currency does not fit the database.

    The first key of a panel becomes its own.
    """
    from sutler.accounts import readiness, secret_key
    from sutler.ops import base_currency

    obstacle = readiness.obstacle()
    if not obstacle:
        secret_key.claim()
        obstacle = secret_key.obstacle() or base_currency.obstacle()  # another machine may have been first
    if obstacle:
        raise Failed(obstacle)


def missing(kind: str, name: object) -> Failed:
    """Returns the failure that tells that there is no such thing, as every command tells it."""
    return Failed(f"{kind} {name} not found")


def refused(refusal: Refusal, kind: str = "", name: object = "") -> Failed:
    """Returns the failure that tells the operator of a refusal; `kind` and `name` are what may not be there."""
    if kind and refusal.reason in _MISSING:
        return missing(kind, name)
    words = refusal.reason.name.replace("_", " ").lower()
    return Failed(f"refused: {words}" + (f" ({refusal.field})" if refusal.field else ""))


def json_option() -> click.Option:
    """Returns the option `--json` of a command that shows tables: each is printed as one line of JSON instead."""
    about = "Print JSON: a list of objects for each table, one object for the fields of one thing."
    return click.Option(["--json"], is_flag=True, expose_value=False, is_eager=True, callback=_want_json, help=about)


def _want_json(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    context.meta[_JSON] = wanted


def show_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints rows in columns, whole, however wide, `?` for what a terminal would obey; with `--json` as data."""
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(_JSON):
        click.echo(json.dumps(_data(head, rows), ensure_ascii=False, default=str))
        return
    lines = [tuple(head), *(tuple(printable(str(cell)) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _data(head: Sequence[str], rows: Iterable[Sequence[object]]) -> object:
    if tuple(head) == ("FIELD", "VALUE"):
        return {str(name): value for name, value in rows}
    names = [each.lower().replace(" ", "_") for each in head]
    return [dict(zip(names, row, strict=True)) for row in rows]


def printable(text: str) -> str:
    """Returns a text with `?` for what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
