"""`sutler payments`: what gateways and books say of the same money."""

import click

from sutler.core.clock import SystemClock
from sutler.core.money import show_rate
from sutler.ops.command import example, on_panel, show_table

LONGEST_DAYS = 365


@click.group(epilog=example("sutler payments reconcile"))
def payments() -> None:
    """Payments of gateways."""


@payments.command(epilog=example("sutler payments reconcile", "sutler payments reconcile --days 90"))
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    default=30,
    show_default=True,
    help="Ask about what was credited in this many days, and about all that is open.",
)
@on_panel
def reconcile(days: int) -> int:
    """Ask the gateways about payments and show every difference. The exit code is 1 if there is one.

    What a gateway reports is applied as its notices are: a payment whose notice was lost is credited.
    """
    from sutler.payments import reconcile as reconciling
    from sutler.payments.gateways.shape import Fact, Failure

    rows = []
    for each in reconciling.reconcile(SystemClock().now(), days):
        if isinstance(each.what, Failure):
            what, amount, transaction = f"not asked: {each.what.why}", "-", "-"
        elif isinstance(each.what, Fact):
            what, transaction = f"was not known: {each.what.kind}", each.what.transaction_id or "-"
            amount = f"{show_rate(each.what.amount_micros)} {each.what.currency}"
        else:
            what, transaction = "credited, and the gateway does not name it", each.what.transaction_id
            amount = f"{show_rate(each.what.amount_micros)} {each.what.currency}"
        rows.append((each.request.reference, each.request.method.name, what, amount, transaction))
    if rows:
        show_table(("PAYMENT", "METHOD", "DIFFERENCE", "AMOUNT", "TRANSACTION"), rows)
    click.echo(f"{len(rows)} difference(s)." if rows else "No difference.")
    return int(bool(rows))
