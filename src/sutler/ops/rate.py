"""`sutler rate`: what currencies are worth in the panel's base currency."""

import click

from sutler.core.clock import SystemClock
from sutler.core.money import Micros, show_rate
from sutler.ops.shell import Amount, Currency, Failed, example, on_panel, show_table


@click.group(epilog=example("sutler rate set EUR 1.08"))
def rate() -> None:
    """Exchange rates, kept by the operator."""


@rate.command("set", epilog=example("sutler rate set EUR 1.08", "(one EUR is worth 1.08 of the base currency)"))
@click.argument("currency", type=Currency())
@click.argument("worth", type=Amount())
@on_panel
def set_(currency: str, worth: Micros) -> None:
    """Say what one unit of a currency is worth in the base currency. Orders keep the rate they were placed at.

    The prices of services follow that providers deliver in this currency.
    """
    from django.conf import settings

    from sutler.catalogue import exchange
    from sutler.fulfilment import selling
    from sutler.storage.transactions import durable

    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    if currency == base:
        raise Failed(f"{base} is the base currency: it is always worth 1")
    if not worth:
        raise click.BadParameter("a currency is worth more than 0", param_hint="WORTH")
    with durable():
        exchange.put(currency, worth)
        selling.follow_exchange(currency, SystemClock().now())
    click.echo(f"1 {currency} = {show_rate(worth)} {base}")


@rate.command("list", epilog=example("sutler rate list"))
@on_panel
def list_() -> None:
    """Show the rates."""
    from django.conf import settings

    from sutler.catalogue import exchange

    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    rates = ((each.currency, show_rate(each.worth_micros)) for each in exchange.rates())
    show_table(("CURRENCY", f"WORTH IN {base}"), rates)
