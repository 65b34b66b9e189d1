"""`sutler lying-gateway KIND`: a scripted payment gateway as a real server, to try a panel against without money."""

from typing import Any

import click

from sutler.core.clock import SystemClock, seeded
from sutler.ops.command import example, show_table
from sutler.ops.run import HOST, leave_on_signals, require_free
from sutler.simulator.gateways.faults import FAULTS
from sutler.simulator.gateways.gateway import LyingGateway
from sutler.simulator.gateways.kinds import KINDS, settings_of
from sutler.simulator.gateways.server import GatewayServer, listen

PORT = 8095


class Fault(click.ParamType[tuple[str, float]]):
    """A fault and how often it strikes, such as lost=0.1; alone it always strikes."""

    name = "name[=number]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Returns the name and the share. Fails as wrong usage if there is no such fault, or the share is none."""
        name, equals, number = str(value).partition("=")
        try:
            share = float(number) if equals else 1.0
        except ValueError:
            share = -1.0
        if name not in FAULTS or not 0 <= share <= 1:
            self.fail(f"{value!r} is not one of {', '.join(FAULTS)}, with =0 to =1.", param, ctx)
        return name, share


def _list_faults(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        show_table(("FAULT", "WHAT HAPPENS TO A NOTICE"), FAULTS.items())
        ctx.exit()


@click.command(
    "lying-gateway",
    epilog=example(
        "sutler lying-gateway btcpay --notice-url http://127.0.0.1:8000/payments/notices/PUBLIC-ID",
        "sutler lying-gateway stripe --fault lost=0.2 --fault doubled=0.5",
    ),
)
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port to listen on.")
@click.option("--notice-url", default="", help="Notice address of the method, where the kind is not told it.")
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed of the faults.")
@click.option(
    "--fault", "faults", type=Fault(), multiple=True, help="Enable a fault, with its probability; repeatable."
)
@click.option(
    "--list-faults", is_flag=True, is_eager=True, expose_value=False, callback=_list_faults, help="Show them."
)
def lying_gateway(
    kind: str, host: str, port: int, notice_url: str, seed: int, faults: tuple[tuple[str, float], ...]
) -> None:
    """Run a scripted payment gateway. Its payment pages pay, refund and dispute; /journal shows what is true there.

    The panel must allow its host: SUTLER_UPSTREAM_PRIVATE_HOSTS=127.0.0.1.
    """
    require_free(host, port)
    leave_on_signals()
    gateway = LyingGateway(KINDS[kind](), notice_url=notice_url)
    clock = SystemClock()
    server = GatewayServer(gateway, dict(faults), seeded(seed), lambda: int(clock.now().timestamp()))
    with listen(server, host, port) as listener:
        click.echo(f"{kind} listens on {gateway.url}. Settings of its method:")
        for name, value in settings_of(kind, gateway.url).items():
            click.echo(f"{name}={value}")
        listener.serve_forever()
