"""`sutler payment-method`: how customers can pay in."""

from typing import Any, TextIO

import click

from sutler.core.clock import SystemClock
from sutler.core.money import parse_amount, show_rate
from sutler.core.refusals import Reason, Refusal
from sutler.ops.command import ID, Amount, Currency, Text, example, missing, on_panel, refused, show_table

LONGEST_FILE = 20_000
BASIS_POINT_MICROS = 10_000  # a basis point, written as a percentage


class Percent(click.ParamType[int]):
    """A percentage with up to two decimals, in basis points."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns basis points. Fails as wrong usage for anything else."""
        micros = value * BASIS_POINT_MICROS if isinstance(value, int) else parse_amount(str(value))
        if micros is None or micros % BASIS_POINT_MICROS:
            self.fail(f"{value!r} is not a valid percentage. Use up to two decimals, like 2.5.", param, ctx)
        return int(micros // BASIS_POINT_MICROS)


@click.group("payment-method", epilog=example("sutler payment-method list"))
def payment_method() -> None:
    """Payment methods."""


_TERMS = (
    click.option("--name", type=Text(100, blank=False)),
    click.option("--currency", type=Currency()),
    click.option("--min", "min_micros", type=Amount(), help="Minimum amount."),
    click.option("--max", "max_micros", type=Amount(), help="Maximum amount."),
    click.option("--fee", "fee_basis_points", type=Percent(), help="Percentage deducted from the payment."),
    click.option("--bonus", "bonus_basis_points", type=Percent(), help="Percentage added to the payment."),
    click.option("--position", type=int, help="Position in the list; lower comes first."),
    click.option("--offered/--withdrawn", "is_offered", default=None, help="Whether customers see it."),
    click.option(
        "--partial/--whole", "accepts_partial", default=None, help="Whether a gateway credits less than asked."
    ),
    click.option("--setting", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the gateway."),
    click.option(
        "--secrets-file",
        type=click.File("r"),
        help="File of a gateway's secrets, NAME=VALUE a line; - is standard input.",
    ),
    click.option(
        "--instructions",
        type=click.File("r", encoding="utf-8"),
        help="File with payment instructions; - is standard input.",
    ),
)


def _with_terms(command: Any) -> Any:
    for option in reversed(_TERMS):
        command = option(command)
    return command


@payment_method.command("list", epilog=example("sutler payment-method list"))
@on_panel
def list_() -> None:
    """List payment methods, withdrawn ones last."""
    from sutler.payments.methods import all_methods

    show_table(
        ("ID", "NAME", "KIND", "CURRENCY", "MIN", "MAX", "FEE %", "BONUS %", "STATE"),
        (
            (
                each.pk,
                each.name,
                each.kind or "by hand",
                each.currency,
                show_rate(each.min_micros),
                show_rate(each.max_micros),
                each.fee_basis_points / 100,
                each.bonus_basis_points / 100,
                "offered" if each.is_offered else "withdrawn",
            )
            for each in all_methods()
        ),
    )


@payment_method.command(
    epilog=example(
        "sutler payment-method add --name Bank --currency USD --min 10 --max 5000 --instructions bank.txt",
        "sutler payment-method add --kind stripe --name Card --currency USD --min 5 --max 500 --secrets-file keys.txt",
    )
)
@click.option("--kind", default="", help="The gateway that takes the payments; `kinds` lists them.")
@_with_terms
@on_panel
def add(**options: Any) -> None:
    """Add a payment method."""
    needed = ["name", "currency", "min_micros", "max_micros", *([] if options["kind"] else ["instructions"])]
    lacking = [name for name in needed if not options[name]]
    if lacking:
        raise click.UsageError(f"--{lacking[0].removesuffix('_micros')} is missing")
    _save(None, {}, options)


@payment_method.command(epilog=example("sutler payment-method kinds"))
@on_panel
def kinds() -> None:
    """Show the kinds of gateways with their settings; those with * are secrets."""
    from sutler.payments.gateways.registry import gateways
    from sutler.payments.gateways.shape import FieldKind

    show_table(
        ("KIND", "NAME", "SETTINGS"),
        (
            (
                each.kind,
                each.name,
                " ".join(f"{one.name}{'*' if one.kind is FieldKind.SECRET else ''}" for one in each.fields),
            )
            for each in gateways().values()
        ),
    )


@payment_method.command(epilog=example("sutler payment-method change 2 --fee 2.5 --withdrawn"))
@click.argument("method_id", type=ID)
@_with_terms
@on_panel
def change(method_id: int, **options: Any) -> None:
    """Change a payment method; pending payments keep their terms."""
    from dataclasses import fields

    from sutler.payments.methods import Draft
    from sutler.payments.models import Method

    found = Method.objects.filter(pk=method_id).first()
    if found is None:
        raise missing("payment method", method_id)
    _save(method_id, {each.name: getattr(found, each.name) for each in fields(Draft)}, options)


def _save(method_id: int | None, kept: dict[str, Any], options: dict[str, Any]) -> None:
    from sutler.payments import methods

    file: TextIO | None = options.pop("instructions")
    settings = _settings(options.pop("settings"), options.pop("secrets_file"))
    given = {name: value for name, value in options.items() if value is not None}
    given.setdefault("instructions", kept.get("instructions", ""))
    if file is not None:
        given["instructions"] = file.read(LONGEST_FILE)
    draft = methods.Draft(**(kept | given))
    saved = methods.save(draft, None, SystemClock().now(), method_id=method_id, settings=settings)
    if isinstance(saved, Refusal):
        raise refused(saved) if saved.reason is not Reason.NOT_FOUND else missing("payment method", method_id or 0)
    click.echo(f"Payment method {saved.pk}: {saved.name}, {saved.currency}.")
    if saved.public_id:
        click.echo(f"Notices of the gateway go to /payments/notices/{saved.public_id} at the panel's address.")


def _settings(plain: tuple[str, ...], secrets: TextIO | None) -> dict[str, str]:
    lines = [*plain, *(secrets.read(LONGEST_FILE).splitlines() if secrets else ())]
    settings = {}
    for line in filter(str.strip, lines):
        name, equals, value = line.partition("=")
        if not equals:
            # Not the line itself: it may be a secret.
            raise click.UsageError("a setting is written as NAME=VALUE")
        settings[name.strip()] = value.strip()
    return settings
