"""`sutler rate`: what currencies are worth in the panel's base currency."""

from typing import TYPE_CHECKING

import click

from sutler.core import worth as worths
from sutler.core.clock import SystemClock
from sutler.ops.command import Currency, Failed, example, on_panel, show_table
from sutler.ops.price_effects import How, may_move_prices

if TYPE_CHECKING:
    from sutler.catalogue.models import ExchangeRate


@click.group(epilog=example("sutler rate set EUR 1.08", "sutler rate set 1 USD = 16345.5 IDR"))
def rate() -> None:
    """Exchange rates: set manually, or updated from a source."""


@rate.command(
    "set",
    epilog=example(
        "sutler rate set EUR 1.08           (one EUR is worth 1.08 of the base currency)",
        "sutler rate set 1 USD = 16345.5 IDR",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="CURRENCY WORTH | 1 USD = NUMBER CURRENCY")
@may_move_prices
@on_panel
def set_(words: tuple[str, ...], *, how: How) -> None:
    """Set an exchange rate to the base currency, either way round, with up to ten digits.

    Orders keep the rate at which they were placed. Prices of services from providers in this currency follow.
    """
    from django.conf import settings

    from sutler.fulfilment.catalogue import change_rates

    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    asked = " ".join(words) if len(words) != 2 else f"1 {words[0]} = {words[1]} {base}"
    read = worths.read(asked, base)
    if read is None:
        raise click.UsageError(
            f"{' '.join(words)!r} is not a valid exchange rate. Use `EUR 1.08` or `1 {base} = 0.92 EUR`:"
            f" {base}, the base currency, another one, and a number above 0 of up to ten digits."
        )
    currency, worth = read
    now = SystemClock().now()
    refusal = how.carry_out(lambda: change_rates.set_by_hand(currency, worth, None, now, accept_rises=how.accept_rises))
    if refusal is not None:
        raise Failed(f"{currency} cannot have an exchange rate")
    click.echo(worth.show(currency, base))


@rate.command(epilog=example("sutler rate follow EUR"))
@click.argument("currency", type=Currency())
@on_panel
def follow(currency: str) -> None:
    """Update a rate from the source (SUTLER_EXCHANGE_SOURCE); `rate set` ends it."""
    from django.conf import settings

    from sutler.fulfilment.catalogue import change_rates, exchange_source

    asked = exchange_source.source(settings.SUTLER)
    if asked is None:
        raise Failed("no source of exchange rates is configured: set SUTLER_EXCHANGE_SOURCE, to `ecb` for example")
    if change_rates.follow(currency, None, SystemClock().now()) is not None:
        raise Failed(f"{currency} has no exchange rate yet; set one first with `sutler rate set`")
    click.echo(f"{currency} follows {asked.name}.")


@rate.command(epilog=example("sutler rate accept EUR"))
@click.argument("currency", type=Currency())
@may_move_prices
@on_panel
def accept(currency: str, *, how: How) -> None:
    """Accept the source's rate that changed by more than 10 %."""
    from sutler.fulfilment.catalogue import change_rates

    now = SystemClock().now()
    if how.carry_out(lambda: change_rates.accept(currency, None, now, accept_rises=how.accept_rises)) is not None:
        raise Failed(f"no exchange rate of {currency} awaits a decision")
    click.echo(f"Exchange rate of {currency} accepted.")


@rate.command(epilog=example("sutler rate fetch"))
@on_panel
def fetch() -> None:
    """Update rates from the source now; the worker does it once a day."""
    from django.conf import settings

    from sutler.fulfilment.catalogue import exchange_fetch, exchange_source

    asked = exchange_source.source(settings.SUTLER)
    if asked is None:
        raise Failed("no source of exchange rates is configured: set SUTLER_EXCHANGE_SOURCE, to `ecb` for example")
    answer = exchange_fetch.fetch(asked, SystemClock().now())
    if isinstance(answer, str):
        raise Failed(f"no exchange rates from {asked.name}: {answer}")
    click.echo(f"{answer} exchange rates from {asked.name}.")


@rate.command("list", epilog=example("sutler rate list"))
@on_panel
def list_() -> None:
    """List rates, their sources, and which are out of date."""
    from django.conf import settings

    from sutler.catalogue import exchange_rates

    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    outdated = exchange_rates.outdated(SystemClock().now())
    show_table(
        ("CURRENCY", "RATE", "DATE", "SOURCE", "FOLLOWED", "STATE"),
        (
            (
                each.currency,
                each.worth.show(each.currency, base),
                f"{each.dated:%Y-%m-%d}" if each.dated else "-",
                each.source or "by hand",
                "yes" if each.is_followed else "no",
                _state(each, base, is_old=each.currency in outdated),
            )
            for each in exchange_rates.rates()
        ),
    )


def _state(rate: "ExchangeRate", base: str, *, is_old: bool) -> str:
    states = ["out of date: orders paused"] if is_old else []
    if rate.offered is not None:
        states.append(f"large change to {rate.offered.show(rate.currency, base)}: `sutler rate accept {rate.currency}`")
    return "; ".join(states) or "good"
