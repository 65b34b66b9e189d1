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
        ("ID", "NAME", "CURRENCY", "MIN", "MAX", "FEE %", "BONUS %", "STATE"),
        (
            (
                each.pk,
                each.name,
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
    epilog=example("sutler payment-method add --name Bank --currency USD --min 10 --max 5000 --instructions bank.txt")
)
@_with_terms
@on_panel
def add(**options: Any) -> None:
    """Add a payment method."""
    lacking = [name for name in ("name", "currency", "min_micros", "max_micros", "instructions") if not options[name]]
    if lacking:
        raise click.UsageError(f"--{lacking[0].removesuffix('_micros')} is missing")
    _save(None, {}, options)


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
    given = {name: value for name, value in options.items() if value is not None}
    if file is not None:
        given["instructions"] = file.read(LONGEST_FILE)
    saved = methods.save(methods.Draft(**(kept | given)), None, SystemClock().now(), method_id=method_id)
    if isinstance(saved, Refusal):
        raise refused(saved) if saved.reason is not Reason.NOT_FOUND else missing("payment method", method_id or 0)
    click.echo(f"Payment method {saved.pk}: {saved.name}, {saved.currency}.")
