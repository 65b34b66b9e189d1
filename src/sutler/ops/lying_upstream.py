"""`sutler lying-upstream`: the scripted upstream as a real server, to try any client of the v2 protocol against."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click

from sutler.core.clock import SystemClock, seeded
from sutler.core.money import Micros
from sutler.ops.command import Amount, Currency, example, show_table
from sutler.ops.run import HOST, leave_on_signals, require_free
from sutler.simulator.catalogue import stock
from sutler.simulator.faults import ACTIONS, SWITCHES, Faults
from sutler.simulator.upstream import KEY, LyingUpstream

PORT = 8090
_NAMES = {each.name for each in SWITCHES}


class FaultSwitch(click.ParamType[tuple[str, float]]):
    """A fault and how often it strikes, such as answer_lost=0.01; alone it always strikes."""

    name = "name[=number]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Returns the name and the number. Fails as wrong usage if there is no such fault or the number is none."""
        name, equals, number = str(value).partition("=")
        if name not in _NAMES:
            self.fail(f"{name!r} is not a fault; see --list-faults.", param, ctx)
        try:
            share = float(number) if equals else 1.0
            Faults(**{name: share})  # type: ignore[arg-type]
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        return name, share


def _list_faults(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        show_table(("name", "default", "what it does"), _rows())
        ctx.exit()


@click.command(
    "lying-upstream",
    epilog=example(
        "sutler lying-upstream --seed 7 --fault answer_lost=0.01 --fault html=0.01 --only add",
        "sutler lying-upstream --fault answered_late --fault late_seconds=60",
    ),
)
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port to listen on.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Random seed; the same seed gives the same faults."
)
@click.option(
    "--fault", "faults", type=FaultSwitch(), multiple=True, help="Enable a fault, with its probability; repeatable."
)
@click.option(
    "--only",
    type=click.Choice(ACTIONS),
    multiple=True,
    help="Limit transport faults to this action; repeatable.",
)
@click.option("--key", default=KEY, show_default=True, help="The API key of the account.")
@click.option("--balance", type=Amount(), default="10000", show_default=True, help="Balance of the account.")
@click.option("--currency", type=Currency(), default="USD", show_default=True, help="The account's currency.")
@click.option("--services", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Number of services.")
@click.option(
    "--delivery-seconds",
    type=click.FloatRange(0.1),
    default=60.0,
    show_default=True,
    help="Mean time an order takes, plus or minus half.",
)
@click.option("--request-ids", is_flag=True, help="Keep the request_id of an add, and answer find, as Sutler does.")
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="List every fault and what it does, then exit.",
)
def lying_upstream(
    host: str,
    port: int,
    seed: int,
    faults: tuple[tuple[str, float], ...],
    only: tuple[str, ...],
    key: str,
    balance: Micros,
    currency: str,
    services: int,
    delivery_seconds: float,
    request_ids: bool,
) -> None:
    """Run a faulty panel, to test its clients.

    It speaks the v2 protocol, keeps everything in memory and delivers nothing. The faults enabled with --fault
    occur at random. What it really did is at /journal.
    """
    from sutler.simulator.server import API_PATH, JOURNAL_PATH, Server

    require_free(host, port)
    leave_on_signals()
    switched = replace(Faults(**dict(faults)), only=frozenset(only))  # type: ignore[arg-type]
    chance = seeded(seed)
    upstream = LyingUpstream(
        chance,
        SystemClock(),
        switched,
        key=key,
        currency=currency,
        balance_micros=balance,
        services=stock(services, seeded(chance.getrandbits(64))),
        delivery_seconds=delivery_seconds,
        keeps_request_ids=request_ids,
    )

    def say_ready() -> None:
        root = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        click.echo(f"LYING_UPSTREAM_URL={root}{API_PATH}\nLYING_UPSTREAM_KEY={key}")
        click.echo(f"LYING_UPSTREAM_JOURNAL={root}{JOURNAL_PATH}")
        show_table(("switched on", "value", "what it does"), _switched_on(switched) or [("nothing", "", "")])

    Server(upstream, host, port, say_ready).run()


def _rows() -> Iterator[tuple[str, str, str]]:
    group = None
    for each in SWITCHES:
        if each.group is not group:
            group = each.group
            yield f"[{group}]", "", ""
        yield each.name, f"{each.default:g}", each.about


def _switched_on(faults: Faults) -> list[tuple[str, str, str]]:
    values = [(each, getattr(faults, each.name)) for each in SWITCHES]
    return [(each.name, f"{value:g}", each.about) for each, value in values if value != each.default]
