"""`sutler rate`: what currencies are worth in the panel's base currency."""

import click

from sutler.core import worth as worths
from sutler.core.clock import SystemClock
from sutler.ops.shell import Failed, example, on_panel, show_table


@click.group(epilog=example("sutler rate set EUR 1.08", "sutler rate set 1 USD = 16345.5 IDR"))
def rate() -> None:
    """Exchange rates, kept by the operator."""


@rate.command(
    "set",
    epilog=example(
        "sutler rate set EUR 1.08           (one EUR is worth 1.08 of the base currency)",
        "sutler rate set 1 USD = 16345.5 IDR",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="CURRENCY WORTH | 1 USD = NUMBER CURRENCY")
@on_panel
def set_(words: tuple[str, ...]) -> None:
    """Say what a currency is worth in the base currency, either way round, with up to ten digits.

    Orders keep the rate they were placed at. The prices of services follow that providers deliver in this currency.
    """
    from django.conf import settings

    from sutler.fulfilment import exchange_rates

    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    asked = " ".join(words) if len(words) != 2 else f"1 {words[0]} = {words[1]} {base}"
    read = worths.read(asked, base)
    if read is None:
        raise click.UsageError(
            f"{' '.join(words)!r} is not an exchange rate such as `EUR 1.08` or `1 {base} = 0.92 EUR`:"
            f" {base}, the base currency, another one, and a number above 0 of up to ten digits."
        )
    currency, worth = read
    refusal = exchange_rates.set_by_hand(currency, worth, None, SystemClock().now())
    if refusal is not None:
        raise Failed(f"{currency} cannot have an exchange rate")
    click.echo(worth.show(currency, base))


@rate.command("list", epilog=example("sutler rate list"))
@on_panel
def list_() -> None:
    """Show the rates."""
    from django.conf import settings

    from sutler.catalogue import exchange

    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    show_table(
        ("CURRENCY", "RATE", "DATE", "SOURCE"),
        (
            (
                each.currency,
                each.worth.show(each.currency, base),
                f"{each.dated:%Y-%m-%d}" if each.dated else "-",
                each.source or "by hand",
            )
            for each in exchange.rates()
        ),
    )
