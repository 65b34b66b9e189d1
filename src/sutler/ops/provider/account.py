"""`sutler provider test`, `balance`, `topup` and `draw`: the operator's account at a provider, asked and booked."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sutler.core.clock import SystemClock, new_token
from sutler.core.money import Micros, show_balance
from sutler.core.refusals import Refusal
from sutler.ops.command import ID, Amount, Failed, Text, example, on_panel, refused, show_table
from sutler.ops.provider.provider import find
from sutler.ops.provider.session import over_sessions, settings_of, tell_of_redirect

if TYPE_CHECKING:
    from sutler.fulfilment.models import Provider
    from sutler.fulfilment.providers.call_log import LoggedExchange
    from sutler.fulfilment.providers.session import ProviderSession
    from sutler.panels.results import Balance, Failure

UNFIT = 1
_name = click.option("--name", type=Text(40), help="Payment name: recorded only once per name.")
_reason = click.option("--reason", type=Text(500), required=True, help="Reason, saved in the books.")


@click.command(epilog=example("sutler provider test 1"))
@click.argument("provider_id", type=ID)
@on_panel
@click.pass_context
def test(ctx: click.Context, provider_id: int) -> None:
    """Test the connection without spending.

    Makes each kind of API call once. The order is for a service that does not exist, to see how the provider refuses
    it. A deviation breaks compatibility and makes the exit code 1; a note is a limit to know about.
    """
    from sutler.conformance.reads import WRONG_KEY
    from sutler.conformance.verdict import Outcome
    from sutler.fulfilment.providers.check import certify
    from sutler.fulfilment.reconciling import taught_words

    found = find(provider_id)
    settings = settings_of(found)
    words = taught_words.words_of(provider_id)
    findings = asyncio.run(over_sessions(found, certify, settings, replace(settings, key=WRONG_KEY), words=words))
    show_table(
        ("ACTION", "RESULT", "CHECK", "DETAILS"),
        ((each.action, each.outcome, each.sentence, each.why) for each in findings),
    )
    unfit = sum(each.outcome in {Outcome.DIFFERS, Outcome.UNTOLD} for each in findings)
    click.echo()
    if unfit:
        click.echo(f"{found.name}: connection failed: {unfit} of {len(findings)} checks did not pass.")
        ctx.exit(UNFIT)
    click.echo(f"{found.name}: connection OK.")


@click.command("balance", epilog=example("sutler provider balance 1"))
@click.argument("provider_id", type=ID)
@on_panel
def check_balance(provider_id: int) -> None:
    """Check the provider balance and compare it with our books.

    The first check records the opening balance.
    """
    from sutler.fulfilment.providers.ledger import book_balance_micros
    from sutler.fulfilment.reconciling import balance
    from sutler.panels.results import Balance, Declined

    found = find(provider_id)
    before = balance.standing(provider_id)
    answer, calls = asyncio.run(over_sessions(found, ask_balance, settings_of(found)))
    tell_of_redirect(found, calls)
    found = balance.record(provider_id, before, answer, calls, SystemClock().now())
    if not isinstance(answer, Balance):
        raise Failed(f"balance check failed: {answer.raw if isinstance(answer, Declined) else answer.why}")
    if answer.currency not in ("", found.currency):
        raise Failed(f"the balance is in {answer.currency}, not {found.currency}: it was ignored")
    click.echo(f"Provider  {show_balance(answer.micros)} {found.currency}")
    click.echo(f"Our books {show_balance(book_balance_micros(provider_id))} {found.currency}")
    if not before.is_quiet:
        click.echo("Orders are being sent or unconfirmed: the balances are compared once these are settled.")


@click.command(epilog=example("sutler provider topup 1 250.00 --reason 'card payment' --name inv-4711"))
@click.argument("provider_id", type=ID)
@click.argument("amount", type=Amount())
@_reason
@_name
@on_panel
def topup(provider_id: int, amount: Micros, reason: str, name: str | None) -> None:
    """Record a payment to the provider, in its currency."""
    from sutler.fulfilment.providers.ledger import top_up

    _tell(find(provider_id), top_up(provider_id, amount, name or new_token()[:16], reason, SystemClock().now()))


@click.command(epilog=example("sutler provider draw 1 3.50 --reason 'their fee of November'"))
@click.argument("provider_id", type=ID)
@click.argument("amount", type=Amount())
@_reason
@_name
@on_panel
def draw(provider_id: int, amount: Micros, reason: str, name: str | None) -> None:
    """Record a deduction from the account at the provider: payout, fee or adjustment."""
    from sutler.fulfilment.providers import ledger

    _tell(
        find(provider_id),
        ledger.draw(provider_id, amount, name or new_token()[:16], reason, SystemClock().now()),
    )


def _tell(found: "Provider", held: Micros | Refusal) -> None:
    if isinstance(held, Refusal):
        raise refused(held)
    click.echo(f"Balance in our books: {show_balance(held)} {found.currency} at {found.name}.")


async def ask_balance(session: "ProviderSession") -> "tuple[Balance | Failure, list[LoggedExchange]]":
    """Asks what the account holds; returns the calls as well."""
    return await session.ask(lambda panel: panel.balance()), session.take_calls()
