"""`sutler provider`: the upstream panels that orders are sent to; how each is asked, and how it does."""

import asyncio
from collections.abc import Callable, Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from sutler.core.clock import SystemClock
from sutler.core.event_texts import cause_text
from sutler.core.money import show_balance
from sutler.core.refusals import Refusal
from sutler.ops.command import ID, Amount, Currency, Failed, Text, example, missing, on_panel, refused, show_table
from sutler.ops.conformance import PanelAddress
from sutler.ops.price_effects import How, may_move_prices

if TYPE_CHECKING:
    from sutler.fulfilment.models import Provider, ProviderState

R = TypeVar("R")
LONGEST_CELL = 200
# What the operator can do about a field that is refused.
_HINTS = {
    "currency": "no exchange rate; set one with `sutler rate set`",
    "name": "taken by another provider; use another",
    "url": "use https and a public host, no user, query or fragment; SUTLER_UPSTREAM_PRIVATE_HOSTS allows others",
    "key": "must be one session of at most 500 characters",
    "settle_minutes": "use at least 15",
    "same_account_as": "use an existing provider with the same currency",
    "has_moved": "the provider has active orders, whose IDs belong to the account at the old URL; use --moved if it is"
    " the same account, or add the other account as a new provider",
}
LONGEST_FIELDS_FILE = 16_384
_SLASHES = {"as-written": None, "with": True, "without": False}


class FixedField(click.ParamType[tuple[str, str]]):
    """A field that goes with every call, such as token=abc."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Returns the name and the value. Fails as wrong usage if it has no equals sign; the value is never shown."""
        name, equals, text = str(value).partition("=")
        if not equals:
            self.fail("must be name=value.", param, ctx)
        return name, text


_OPTIONS = (
    click.option("--key", help="API key; visible to other users of this machine while the command runs."),
    click.option("--key-file", type=click.File("r"), help="File with the API key; - reads it from standard input."),
    click.option("--method", type=click.Choice(["POST", "GET"]), help="HTTP method.  [new: POST]"),
    click.option("--key-field", help="API key field name.  [new: key]"),
    click.option(
        "--field",
        "extra_fields",
        type=FixedField(),
        multiple=True,
        help="Extra field in every request, name=value; repeatable. For secrets use --fields-file.",
    ),
    click.option(
        "--fields-file",
        type=click.File("r"),
        help="File with extra fields, NAME=VALUE a line; - reads them from standard input.",
    ),
    click.option("--no-fields", is_flag=True, help="Remove all extra fields."),
    click.option(
        "--cancel-field", type=click.Choice(["orders", "order"]), help="`order`: one order per cancel request."
    ),
    click.option("--slash", type=click.Choice(list(_SLASHES)), help="Whether the URL ends with a slash."),
    click.option("--interval-ms", "call_interval_milliseconds", type=int, help="Delay between requests.  [new: 1000]"),
    click.option("--at-once", "most_at_once", type=int, help="Parallel orders.  [new: 8]"),
    click.option(
        "--drip-feed-there/--drip-feed-here",
        default=None,
        help="Who handles drip-feed of services that offer it.  [new: here]",
    ),
    click.option(
        "--subscriptions-there/--subscriptions-here",
        default=None,
        help="Who handles subscriptions of services of that type.  [new: here]",
    ),
    click.option("--settle-minutes", type=int, help="Wait before deciding a lost order.  [new: 15]"),
    click.option(
        "--may-scan/--no-scan",
        default=None,
        help="Look up order IDs to find lost orders, if the panel allows.  [new: no]",
    ),
    click.option("--shared/--not-shared", "is_shared", default=None, help="Account is also used manually."),
    click.option(
        "--brake-percent", type=int, help="Pause at this percentage of unconfirmed orders in 5 minutes.  [new: 2]"
    ),
    click.option("--brake-open", type=int, help="Pause at this number of unconfirmed orders.  [new: 20]"),
    click.option(
        "--low-balance", "low_balance_micros", type=Amount(), help="Low balance alarm, in the provider's currency."
    ),
    click.option("--no-low-balance", is_flag=True, help="Remove the low balance alarm."),
    click.option("--same-account-as", type=ID, help="Another provider that uses this account with another key."),
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
    """Providers: the SMM panels that deliver."""


@provider.command(
    epilog=example(
        "sutler provider add --name Wholesale --url https://panel.example/api/v2 --currency USD --may-scan",
        "sutler provider add --name Wholesale --url https://panel.example/api/v2 --currency USD --key-file - < key",
    )
)
@click.option("--name", type=Text(100, blank=False), required=True)
@click.option("--url", type=PanelAddress(), required=True, help="API URL.")
@click.option("--currency", type=Currency(), required=True, help="Account currency; it cannot be changed later.")
@_with_options
@on_panel
def add(*, currency: str, **options: Any) -> None:
    """Add a provider, enabled. Without --key or --key-file the command prompts for the API key."""
    from sutler.fulfilment import provider_settings
    from sutler.ops.provider.account import ask_balance
    from sutler.ops.provider.session import over_sessions, settings_of, tell_of_redirect

    terms = _terms(options)
    if "key" not in terms:
        terms["key"] = click.prompt("API key", hide_input=True, err=True).strip()
    made = _accepted(provider_settings.add(currency, SystemClock().now(), **terms), terms=terms)
    click.echo(
        f"Provider {made.pk}: {made.name}, {made.currency}. `sutler provider test {made.pk}` tests the connection."
    )
    _, calls = asyncio.run(over_sessions(made, ask_balance, settings_of(made)))
    tell_of_redirect(made, calls)


@provider.command(epilog=example("sutler provider change 1 --interval-ms 200 --low-balance 50 --key-file key.txt"))
@click.argument("provider_id", type=ID)
@click.option("--name", type=Text(100))
@click.option("--url", type=PanelAddress(), help="API URL.")
@click.option("--moved", "has_moved", is_flag=True, default=None, help="The new URL is the same account.")
@_with_options
@may_move_prices
@on_panel
def change(provider_id: int, *, how: How, **options: Any) -> None:
    """Change a provider; omitted options are left unchanged. The worker applies it within seconds."""
    from sutler.fulfilment import provider_settings

    terms = _terms(options)
    if not terms:
        raise click.UsageError("nothing to change: give at least one option")
    now = SystemClock().now()
    outcome = how.carry_out(lambda: provider_settings.change(provider_id, now, accept_rises=how.accept_rises, **terms))
    made = _accepted(outcome, provider_id, terms)
    click.echo(f"Provider {made.pk}: {', '.join(map(_words, terms))} changed.")


@provider.command("list", epilog=example("sutler provider list"))
@on_panel
def list_() -> None:
    """List providers with balance and the last hour's response times and errors."""
    from sutler.fulfilment.models import Provider

    show_table(
        ("ID", "NAME", "STATE", "BALANCE", "LOW", "CURRENCY", "CALLS/MIN", "ERRORS", "MEAN MS", "UNKNOWN", "ALARMS"),
        map(_row, Provider.objects.select_related("live_state").order_by("pk")),
    )


@provider.command("show", epilog=example("sutler provider show 1"))
@click.argument("provider_id", type=ID)
@on_panel
def show(provider_id: int) -> None:
    """Show a provider: settings, account and statistics. The API key is never shown."""
    show_table(("FIELD", "VALUE"), _fields(find(provider_id)))


@provider.command(epilog=example("sutler provider pause 1"))
@click.argument("provider_id", type=ID)
@on_panel
def pause(provider_id: int) -> None:
    """Pause new orders; active orders are still checked."""
    _put(provider_id, "sending stopped")


@provider.command(epilog=example("sutler provider resume 1"))
@click.argument("provider_id", type=ID)
@on_panel
def resume(provider_id: int) -> None:
    """Resume sending orders."""
    _put(provider_id, "on")


@provider.command(epilog=example("sutler provider off 1"))
@click.argument("provider_id", type=ID)
@on_panel
def off(provider_id: int) -> None:
    """Disable a provider; active orders are not checked until it is resumed or paused."""
    from sutler.fulfilment.models import UpstreamOrder

    _put(provider_id, "off")
    left = UpstreamOrder.objects.filter(provider=provider_id, finished_at=None).count()
    if left:
        click.echo(f"Active orders no longer checked: {left}. `sutler provider pause` checks them.", err=True)


@provider.command(epilog=example("sutler provider log 1 --limit 20", "sutler provider log 1 --order 17 --whole"))
@click.argument("provider_id", type=ID)
@click.option("--order", "order_id", type=ID, help="Calls about this order only.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Most rows to show.")
@click.option("--whole", is_flag=True, help="Do not shorten requests and answers.")
@on_panel
def log(provider_id: int, order_id: int | None, limit: int, *, whole: bool) -> None:
    """Show the error log, newest first: requests without the API key, and answers."""
    found = find(provider_id).logged_calls.order_by("-pk")
    if order_id is not None:
        found = found.filter(order_id=order_id)
    longest = None if whole else LONGEST_CELL
    show_table(
        ("AT", "ACTION", "ORDER", "HTTP", "MS", "OUTCOME", "WHY", "REQUEST", "ANSWER"),
        (
            (
                f"{each.at:%Y-%m-%d %H:%M:%S}",
                each.action,
                each.order_id or "-",
                each.http_status or "-",
                each.milliseconds,
                each.outcome,
                cause_text(each.cause)[:longest],
                " ".join(f"{name}={text}" for name, text in each.asked.items())[:longest],
                each.answer[:longest],
            )
            for each in found[:limit]
        ),
    )


def find(provider_id: int) -> "Provider":
    """Returns the provider. Fails if there is none."""
    from sutler.fulfilment.models import Provider

    for found in Provider.objects.select_related("live_state").filter(pk=provider_id):
        return found
    raise missing("provider", provider_id)


def _accepted(outcome: "Provider | Refusal", provider_id: int = 0, terms: Any = None) -> "Provider":
    if isinstance(outcome, Refusal) and outcome.field == "account":
        from sutler.fulfilment import provider_settings

        other = provider_settings.twin(terms, provider_id)
        name = f"provider {other.pk}, {other.name}" if other else "another provider"
        raise Failed(f"refused: {name} already uses this URL and key; add each account only once")
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
        raise click.UsageError("use either --key or --key-file")
    fields_file = options.pop("fields_file")
    if file is not None and fields_file is not None and file.name == fields_file.name:
        raise click.UsageError("one file holds either the key or the fields")
    fields += _fields_of(fields_file)
    if (fields and no_fields) or (no_low and options["low_balance_micros"] is not None):
        raise click.UsageError("an option both sets and clears the same value; use one")
    terms = {name: value for name, value in options.items() if value is not None}
    if key is not None or file is not None:
        terms["key"] = (key if file is None else file.read(4096)).strip()
    if fields or no_fields:
        terms["extra_fields"] = dict(fields)
    if slash is not None:
        terms["trailing_slash"] = _SLASHES[slash]
    return terms | {"low_balance_micros": None} if no_low else terms


def _fields_of(file: TextIO | None) -> tuple[tuple[str, str], ...]:
    lines = file.read(LONGEST_FIELDS_FILE).splitlines() if file else []
    return tuple(FixedField()(line.strip()) for line in lines if line.strip())


def _row(each: "Provider") -> tuple[object, ...]:
    from sutler.fulfilment.providers import health

    lately = health.of_provider(each.pk, SystemClock().now())
    return (
        each.pk,
        each.name,
        each.state,
        _amount(each.live_state.balance_micros),
        _amount(each.low_balance_micros),
        each.currency,
        f"{lately.calls / 60:.1f}",
        f"{lately.error_rate:.1%}",
        lately.mean_milliseconds,
        each.attempts.unconfirmed_adds().count(),
        each.alarms.filter(closed_at=None).count(),
    )


def _columns(row: "Provider | ProviderState") -> dict[str, Any]:
    return {each.name: getattr(row, each.attname) for each in row._meta.concrete_fields}


def _fields(found: "Provider") -> Iterator[tuple[str, object]]:
    from sutler.fulfilment.providers import health
    from sutler.fulfilment.providers.ledger import book_balance_micros

    columns = _columns(found) | {name: value for name, value in _columns(found.live_state).items() if name != "id"}
    del columns["live_state"]
    for name, value in columns.items():
        if name.startswith("sealed_"):
            yield name.removeprefix("sealed_"), "(sealed)" if value else "(none)"
        elif name.endswith("_micros"):
            yield name.removesuffix("_micros"), _amount(value)
        else:
            yield name, value
    yield "in our books", show_balance(book_balance_micros(found.pk))
    yield "services", found.services.filter(gone_at=None).count()
    yield "active orders", found.upstream_orders.filter(finished_at=None).count()
    yield "unconfirmed orders", found.attempts.unconfirmed_adds().count()
    yield "open alarms", found.alarms.filter(closed_at=None).count()
    for name, minutes in (("last hour", 60), ("last day", 24 * 60)):
        lately = health.of_provider(found.pk, SystemClock().now(), minutes)
        unknown = f"{lately.unknown_adds} of {lately.adds} orders unconfirmed"
        speed = f"{lately.mean_milliseconds} ms on average, {lately.slowest_milliseconds} ms at most"
        yield name, f"{lately.calls} calls, {lately.error_rate:.1%} errors, {unknown}, {speed}"


def _words(field: str) -> str:
    return field.removesuffix("_micros").replace("_", " ")


def _amount(micros: int | None) -> str:
    return "-" if micros is None else show_balance(micros)
