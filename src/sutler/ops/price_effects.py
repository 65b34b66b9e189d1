"""Commands that may move customers' prices or limits: they show that first, and ask."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sutler.core.money import show_rate
from sutler.core.refusals import Refusal
from sutler.ops.command import printable

if TYPE_CHECKING:
    from sutler.fulfilment.catalogue.price_effects import Effect, Terms

T = TypeVar("T")
R = TypeVar("R")


def may_move_prices(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command --dry-run, --yes and --accept-rises, passed on as `how`, for `carry_out`."""

    @click.option("--dry-run", is_flag=True, help="Show the changes for customers without applying them.")
    @click.option("--yes", is_flag=True, help="Skip the confirmation.")
    @click.option("--accept-rises", is_flag=True, help="Allow price rises over 30 %; otherwise they await a decision.")
    @functools.wraps(command)
    def with_options(*args: Any, dry_run: bool, yes: bool, accept_rises: bool, **options: Any) -> R:
        return command(*args, how=How(dry_run=dry_run, yes=yes, accept_rises=accept_rises), **options)

    return with_options


class How:
    """How a change is made: only shown, without asking, with rises that do not wait."""

    def __init__(self, *, dry_run: bool, yes: bool, accept_rises: bool) -> None:
        self.accept_rises = accept_rises
        self._dry_run = dry_run
        self._yes = yes

    def carry_out(self, verb: Callable[[], T | Refusal]) -> T | Refusal:
        """Shows what the verb would move, asks if it is something, and calls it. With a dry run it ends the command."""
        from sutler.fulfilment.catalogue.price_effects import rehearse

        outcome, effects = rehearse(verb)
        if isinstance(outcome, Refusal):
            return outcome
        _show(effects)
        if self._dry_run:
            click.echo(f"Nothing was changed. Services that would change: {len(effects)}.")
            click.get_current_context().exit(0)
        if effects and not self._yes:
            click.confirm(f"Change {len(effects)} services?", abort=True, err=True)
        return verb()


def _show(effects: "Sequence[Effect]") -> None:
    for each in effects:
        click.echo(printable(f"{each.service_id} {each.name}: {_terms(each.before)} -> {_terms(each.after)}"))


def _terms(terms: "Terms") -> str:
    held = "" if terms.held_micros is None else f" ({show_rate(terms.held_micros)} awaits a decision)"
    return f"{show_rate(terms.rate_micros)}{held}, {terms.bounds.min} - {terms.bounds.max}, {terms.state}"
