"""`sutler recover`: what a restored panel has forgotten is found and booked; then the panel goes on."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sutler.core.clock import SystemClock
from sutler.core.money import show_charge
from sutler.core.order_types import LARGEST_NUMBER
from sutler.ops.command import Failed, example, on_panel, show_table
from sutler.ops.provider.session import over_sessions, settings_of

if TYPE_CHECKING:
    from sutler.fulfilment.models import Provider
    from sutler.fulfilment.reconciling.forgotten import Forgotten
    from sutler.fulfilment.reconciling.restored import Settled
    from sutler.orders.models import Restoration

MOST_RUNS_AT_ONCE = 100
first_order_option = click.option(
    "--first-order",
    type=click.IntRange(1, LARGEST_NUMBER - 1),
    help="Id of the next order, if you know a higher one than was counted: above the last that a customer was given.",
)


@click.command(epilog=example("sutler recover", "sutler recover --since 2026-12-01T03:00"))
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="Only for a database that was not restored by `sutler restore`: the moment (UTC) to which it was.",
)
@first_order_option
@click.option("--most-ids", type=click.IntRange(1), default=200_000, show_default=True, help="Ids to ask for at each.")
@click.option(
    "--accept", is_flag=True, help="Go on though a balance does not agree: all that may have been sent goes to staff."
)
@on_panel
def recover(since: datetime | None, first_order: int | None, most_ids: int, *, accept: bool) -> None:
    """Find at the providers what a restored panel has forgotten, book it, and let the panel go on.

    Asks about the ids after the highest known one until the balance agrees. Book what you have paid to providers since
    the backup first (`sutler provider topup`). Orders that may have been sent already go to staff, never out again.
    May be repeated; exit code 1 while something is not explained.
    """
    from sutler.fulfilment.reconciling import restored
    from sutler.orders import restoration

    if since is not None:
        _begin(since.replace(tzinfo=UTC), first_order)
    opened = restoration.current()
    if opened is None:
        raise Failed("the panel was not restored; after a restore by other means say --since MOMENT")
    _place_what_was_due()
    providers = restored.accounts()
    found = [_search(each, opened, most_ids) for each in providers]
    _show_found(providers, found)
    if not accept and not all(each.is_complete for each in found):
        raise Failed("not everything is explained: nothing is sent yet; run it again, or go on with --accept")
    settled = restored.settle(opened, found, SystemClock().now())
    _show_settled(settled)


def _begin(taken_at: datetime, first_order: int | None) -> None:
    from sutler.backups.fault import BackupFault
    from sutler.backups.restore import begin_anew

    now = SystemClock().now()
    if taken_at > now:
        raise click.UsageError("--since is not over yet")
    try:
        opened = begin_anew(taken_at, now, first_order)
    except BackupFault as error:
        raise Failed(str(error)) from error
    click.echo(f"The next order is {opened.first_order_id}.")


def _place_what_was_due() -> None:
    """Places the runs and posts that were due, unsent: they may have been placed, and sent, since the backup."""
    from sutler.fulfilment.sending import plan_parents
    from sutler.orders import subscriptions

    for job in (plan_parents.place_due_runs, subscriptions.place_due_posts):
        for _ in range(MOST_RUNS_AT_ONCE):
            if not job(SystemClock().now()):
                break


def _search(provider: "Provider", opened: "Restoration", most_ids: int) -> "Forgotten":
    from sutler.fulfilment.providers.database import Database
    from sutler.fulfilment.reconciling import taught_words
    from sutler.fulfilment.reconciling.forgotten import search

    click.echo(f"Asking {provider.name} ...", err=True)
    words = taught_words.words_of(provider.pk)
    with ThreadPoolExecutor(1) as thread:
        return asyncio.run(
            over_sessions(
                provider,
                lambda session: search(session, opened.restored_at, most_ids),
                settings_of(provider),
                words=words,
                database=Database(thread),
            )
        )


def _show_found(providers: "Sequence[Provider]", found: "Sequence[Forgotten]") -> None:
    rows = [
        (
            provider.name,
            f"{each.floor_id + 1}-{each.asked_to}" if each.asked_to > each.floor_id else "none",
            len(each.cost_micros),
            f"{show_charge(sum(each.cost_micros.values()))} {provider.currency}",
            "?" if each.missing_micros is None else show_charge(each.missing_micros),
            "complete" if each.is_complete else each.why,
        )
        for provider, each in zip(providers, found, strict=True)
    ]
    if rows:
        show_table(("PROVIDER", "IDS ASKED", "FORGOTTEN", "COST", "UNEXPLAINED", "STATE"), rows)


def _show_settled(settled: "Settled") -> None:
    click.echo(f"{settled.with_staff} orders may have been sent since the backup: staff decide about each.")
    click.echo(f"{settled.released} orders were certainly not sent, and go on.")
    if settled.by_hand:
        click.echo(f"{settled.by_hand} orders wait for staff or executors, who may have done them already: ask them.")
    click.echo("The panel sends and credits again.")
