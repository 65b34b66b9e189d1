"""`sutler provider`: the upstream panels that orders are sent to; how each is asked, and how it does."""

import asyncio
from collections.abc import Callable, Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sutler.core.clock import SystemClock
from sutler.core.money import show_balance
from sutler.core.refusals import Refusal
from sutler.ops.command import ID, Amount, Currency, Failed, Text, example, missing, on_panel, refused, show_table
from sutler.ops.conformance import PanelAddress
from sutler.ops.price_effects import How, may_move_prices

if TYPE_CHECKING:
    from sutler.fulfilment.models import Provider

R = TypeVar("R")
LONGEST_CELL = 200
# What the operator can do about a field that is refused.
_HINTS = {
    "currency": "it has no exchange rate; `sutler rate set` sets one",
    "name": "another provider has it",
    "url": "https, a public host, no user, query or fragment; SUTLER_UPSTREAM_PRIVATE_HOSTS allows other hosts",
    "key": "must be one session of at most 500 characters",
    "settle_minutes": "15 at least",
    "same_account_as": "there must be such a provider, and its currency must be the same",
    "has_moved": "orders are open there, and their IDs belong to the account at the old address; --moved says that the"
    " account moved with it, and another account is another provider",
}
_SLASHES = {"as-written": None, "with": True, "without": False}


class FixedField(click.ParamType[tuple[str, str]]):
    """A field that goes with every call, such as token=abc."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Returns the name and the value. Fails as wrong usage if it has no equals sign; the value is never shown."""
        name, equals, text = str(value).partition("=")
        if not equals:
            self.fail("must be written name=value.", param, ctx)
        return name, text


_OPTIONS = (
    click.option("--key", help="The API key there; visible to other users of this machine while the command runs."),
    click.option("--key-file", type=click.File("r"), help="File with the API key; - reads it from standard input."),
    click.option("--method", type=click.Choice(["POST", "GET"]), help="How calls are made.  [new: POST]"),
    click.option("--key-field", help="Name of the field with the key.  [new: key]"),
    click.option("--field", "extra_fields", type=FixedField(), multiple=True, help="Goes with every call; repeatable."),
    click.option("--no-fields", is_flag=True, help="Send no fixed fields any more."),
    click.option("--cancel-field", type=click.Choice(["orders", "order"]), help="`order`: cancels one order a call."),
    click.option("--slash", type=click.Choice(list(_SLASHES)), help="Whether the URL ends with a slash."),
    click.option(
        "--interval-ms", "call_interval_milliseconds", type=int, help="Least time between calls.  [new: 1000]"
    ),
    click.option("--at-once", "most_at_once", type=int, help="Most orders on the way at once.  [new: 8]"),
    click.option(
        "--drip-feed-there/--drip-feed-here",
        default=None,
        help="Who runs drip-feeds that its service takes.  [new: here]",
    ),
    click.option(
        "--subscriptions-there/--subscriptions-here",
        default=None,
        help="Who runs those of its services of that type.  [new: here]",
    ),
    click.option("--settle-minutes", type=int, help="How long an order may come into being late.  [new: 15]"),
    click.option(
        "--may-scan/--no-scan", default=None, help="Ask about ids to find lost orders, if the panel allows.  [new: no]"
    ),
    click.option("--shared/--not-shared", "is_shared", default=None, help="People order with the account by hand."),
    click.option("--brake-percent", type=int, help="Unknown adds in 5 minutes that stop sending.  [new: 2]"),
    click.option("--brake-open", type=int, help="Open unknown outcomes that stop sending.  [new: 20]"),
    click.option("--low-balance", "low_balance_micros", type=Amount(), help="Alarm below this, in its currency."),
    click.option("--no-low-balance", is_flag=True, help="No such alarm any more."),
    click.option("--same-account-as", type=ID, help="Another provider that uses the same account by another key."),
)


def _with_options(command: Callable[..., R]) -> Callable[..., R]:
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


@click.group(
    epilog=example(
        "sutler provider add --name Wholesale --url https://panel.example/api/v2 --currency USD",
        "sutler provider test 1",
        "sutler provider list",
    )
)
def provider() -> None:
    """Providers: the upstream panels that deliver."""


@provider.command(
    epilog=example(
        "sutler provider add --name Wholesale --url https://panel.example/api/v2 --currency USD --may-scan",
        "sutler provider add --name Wholesale --url https://panel.example/api/v2 --currency USD --key-file - < key",
    )
)
@click.option("--name", type=Text(100, blank=False), required=True)
@click.option("--url", type=PanelAddress(), required=True, help="Address of its API.")
@click.option("--currency", type=Currency(), required=True, help="Currency of the account there, for ever.")
@_with_options
@on_panel
def add(*, currency: str, **options: Any) -> None:
    """Add a provider, switched on. Without --key or --key-file the API key is asked for."""
    from sutler.fulfilment import provider_settings
    from sutler.ops.provider.account import ask_balance
    from sutler.ops.provider.session import over_sessions, settings_of, tell_of_redirect

    terms = _terms(options)
    if "key" not in terms:
        terms["key"] = click.prompt("API key", hide_input=True, err=True).strip()
    made = _accepted(provider_settings.add(currency, SystemClock().now(), **terms), terms=terms)
    click.echo(f"Provider {made.pk}: {made.name}, {made.currency}. `sutler provider test {made.pk}` tries it.")
    _, calls = asyncio.run(over_sessions(made, ask_balance, settings_of(made)))
    tell_of_redirect(made, calls)


@provider.command(epilog=example("sutler provider change 1 --interval-ms 200 --low-balance 50 --key-file key.txt"))
@click.argument("provider_id", type=ID)
@click.option("--name", type=Text(100))
@click.option("--url", type=PanelAddress(), help="Address of its API.")
@click.option("--moved", "has_moved", is_flag=True, default=None, help="The new address is that of the same account.")
@_with_options
@may_move_prices
@on_panel
def change(provider_id: int, *, how: How, **options: Any) -> None:
    """Change what is given; the worker follows within seconds."""
    from sutler.fulfilment import provider_settings

    terms = _terms(options)
    if not terms:
        raise click.UsageError("say what to change")
    now = SystemClock().now()
    outcome = how.carry_out(lambda: provider_settings.change(provider_id, now, accept_rises=how.accept_rises, **terms))
    made = _accepted(outcome, provider_id, terms)
    click.echo(f"Provider {made.pk}: {', '.join(map(_words, terms))} changed.")


@provider.command("list", epilog=example("sutler provider list"))
@on_panel
def list_() -> None:
    """Show the providers, what they hold, and how they have answered in the last hour."""
    from sutler.fulfilment.models import Provider

    show_table(
        (*("ID", "NAME", "STATE", "BALANCE", "LOW", "CURRENCY", "CALLS/MIN", "ERRORS"), "MEAN MS", "UNKNOWN", "ALARMS"),
        map(_row, Provider.objects.order_by("pk")),
    )


@provider.command("show", epilog=example("sutler provider show 1"))
@click.argument("provider_id", type=ID)
@on_panel
def show(provider_id: int) -> None:
    """Show one provider: its settings, its account and how it does. The key is never shown."""
    show_table(("FIELD", "VALUE"), _fields(find(provider_id)))


@provider.command(epilog=example("sutler provider pause 1"))
@click.argument("provider_id", type=ID)
@on_panel
def pause(provider_id: int) -> None:
    """Send it nothing new; what it has is followed to its end."""
    _put(provider_id, "sending stopped")


@provider.command(epilog=example("sutler provider resume 1"))
@click.argument("provider_id", type=ID)
@on_panel
def resume(provider_id: int) -> None:
    """Send it orders again."""
    _put(provider_id, "on")


@provider.command(epilog=example("sutler provider off 1"))
@click.argument("provider_id", type=ID)
@on_panel
def off(provider_id: int) -> None:
    """Ask it nothing at all; what it has is not followed until it is resumed or paused."""
    from sutler.fulfilment.models import UpstreamOrder

    _put(provider_id, "off")
    left = UpstreamOrder.objects.filter(provider=provider_id, finished_at=None).count()
    if left:
        click.echo(f"{left} orders there are not followed now; `sutler provider pause` would.", err=True)


@provider.command(epilog=example("sutler provider log 1 --limit 20", "sutler provider log 1 --order 17 --whole"))
@click.argument("provider_id", type=ID)
@click.option("--order", "order_id", type=ID, help="Only about this order.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@click.option("--whole", is_flag=True, help="Do not cut what was asked and answered.")
@on_panel
def log(provider_id: int, order_id: int | None, limit: int, *, whole: bool) -> None:
    """Show the calls that went wrong, newest first: what was asked, without the key, and what came back."""
    found = find(provider_id).logged_calls.order_by("-pk")
    if order_id is not None:
        found = found.filter(order_id=order_id)
    longest = None if whole else LONGEST_CELL
    show_table(
        ("AT", "ACTION", "ORDER", "HTTP", "MS", "OUTCOME", "WHY", "ASKED", "ANSWER"),
        (
            (
                *(f"{each.at:%Y-%m-%d %H:%M:%S}", each.action, each.order_id or "-", each.http_status or "-"),
                *(each.milliseconds, each.outcome, each.why[:longest]),
                *(" ".join(f"{name}={text}" for name, text in each.asked.items())[:longest], each.answer[:longest]),
            )
            for each in found[:limit]
        ),
    )


def find(provider_id: int) -> "Provider":
    """Returns the provider. Fails if there is none."""
    from sutler.fulfilment.models import Provider

    for found in Provider.objects.filter(pk=provider_id):
        return found
    raise missing("provider", provider_id)


def _accepted(outcome: "Provider | Refusal", provider_id: int = 0, terms: Any = None) -> "Provider":
    if isinstance(outcome, Refusal) and outcome.field == "account":
        from sutler.fulfilment import provider_settings

        other = provider_settings.twin(terms, provider_id)
        name = f"provider {other.pk}, {other.name}" if other else "another provider"
        raise Failed(f"refused: {name}, has this address and key already; one account is one provider")
    if isinstance(outcome, Refusal):
        if outcome.field == "provider":
            raise missing("provider", provider_id)
        hint = _HINTS.get(outcome.field, "")
        raise Failed(f"{refused(outcome).message}: {hint}") if hint else refused(outcome)
    return outcome


def _put(provider_id: int, state: str) -> None:
    from sutler.fulfilment import provider_settings
    from sutler.fulfilment.models import Provider

    found = _accepted(provider_settings.set_state(provider_id, Provider.State(state)), provider_id)
    click.echo(f"Provider {found.pk}, {found.name}: {found.state}.")


def _terms(options: dict[str, Any]) -> dict[str, Any]:
    """Returns what was given, as `providers` takes it."""
    key, file, slash = options.pop("key"), options.pop("key_file"), options.pop("slash")
    fields, no_fields, no_low = options.pop("extra_fields"), options.pop("no_fields"), options.pop("no_low_balance")
    if key is not None and file is not None:
        raise click.UsageError("give either --key or --key-file")
    if (fields and no_fields) or (no_low and options["low_balance_micros"] is not None):
        raise click.UsageError("the same thing is both given and taken away")
    terms = {name: value for name, value in options.items() if value is not None}
    if key is not None or file is not None:
        terms["key"] = (key if file is None else file.read(4096)).strip()
    if fields or no_fields:
        terms["extra_fields"] = dict(fields)
    if slash is not None:
        terms["trailing_slash"] = _SLASHES[slash]
    return terms | {"low_balance_micros": None} if no_low else terms


def _row(each: "Provider") -> tuple[object, ...]:
    from sutler.fulfilment.providers import health

    lately = health.of_provider(each.pk, SystemClock().now())
    return (
        *(each.pk, each.name, each.state, _amount(each.balance_micros), _amount(each.low_balance_micros)),
        *(each.currency, f"{lately.calls / 60:.1f}", f"{lately.error_rate:.1%}", lately.mean_milliseconds),
        each.attempts.unconfirmed_adds().count(),
        each.alarms.filter(closed_at=None).count(),
    )


def _fields(found: "Provider") -> Iterator[tuple[str, object]]:
    from sutler.fulfilment.providers import health
    from sutler.fulfilment.providers.ledger import book_balance_micros

    for field in found._meta.concrete_fields:
        value = getattr(found, field.attname)
        if field.name.startswith("sealed_"):
            yield field.name.removeprefix("sealed_"), "(sealed)" if value else "(none)"
        elif field.name.endswith("_micros"):
            yield field.name.removesuffix("_micros"), _amount(value)
        else:
            yield field.name, value
    yield "in our books", show_balance(book_balance_micros(found.pk))
    yield "services", found.services.filter(gone_at=None).count()
    yield "orders under way", found.upstream_orders.filter(finished_at=None).count()
    yield "unknown outcomes", found.attempts.unconfirmed_adds().count()
    yield "open alarms", found.alarms.filter(closed_at=None).count()
    for name, minutes in (("last hour", 60), ("last day", 24 * 60)):
        lately = health.of_provider(found.pk, SystemClock().now(), minutes)
        unknown = f"{lately.unknown_adds} of {lately.adds} adds unknown"
        speed = f"{lately.mean_milliseconds} ms on average, {lately.slowest_milliseconds} ms at most"
        yield name, f"{lately.calls} calls, {lately.error_rate:.1%} errors, {unknown}, {speed}"


def _words(field: str) -> str:
    return field.removesuffix("_micros").replace("_", " ")


def _amount(micros: int | None) -> str:
    return "-" if micros is None else show_balance(micros)
