"""`sutler conformance`: whether a panel, anybody's, speaks the v2 protocol."""

import asyncio
from typing import TYPE_CHECKING, Any, TextIO

import click

from sutler.core.clock import new_token
from sutler.core.money import Micros, show_charge
from sutler.ops.command import Amount, Failed, example, show_table

if TYPE_CHECKING:
    from sutler.conformance.examine import Report

DIFFERS = 1
LONGEST_KEY = 4096
_TOKEN_LENGTH = 12


class PanelAddress(click.ParamType[str]):
    """The address of a panel's API, such as https://panel.example/api/v2."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the address. Fails as wrong usage if it is none."""
        import httpx2

        try:
            url = httpx2.URL(str(value))
            is_one = url.scheme in {"http", "https"} and bool(url.host)
        except httpx2.InvalidURL:
            is_one = False
        if not is_one:
            self.fail(f"{value!r} is not a valid URL. Use one like https://panel.example/api/v2.", param, ctx)
        return str(url)


@click.command(
    epilog=example(
        "sutler conformance https://panel.example/api/v2",
        "sutler conformance https://panel.example/api/v2 --key-file key.txt --spend 5",
    )
)
@click.argument("url", type=PanelAddress())
@click.argument("key", required=False)
@click.option("--key-file", type=click.File("r"), help="File with the API key; - reads it from standard input.")
@click.option("--spend", type=Amount(), default="0", help="Place the smallest order of each type, up to this amount.")
@click.pass_context
def conformance(ctx: click.Context, url: str, key: str | None, key_file: TextIO | None, spend: Micros) -> None:
    """Check whether a panel is compatible with the v2 protocol.

    Asks the panel at URL with the key of an account and prints a report by action and type. Nothing is ordered without
    --spend, an amount in the panel's currency; orders are canceled again where the service allows it. Without KEY or
    --key-file the command prompts for the key; KEY is visible to other users of this machine while the command runs.

    A note is a deviation that panels in use are known for. The exit code is 1 if anything else differs.
    """
    from sutler.conformance.verdict import Outcome

    if key is not None and key_file is not None:
        raise click.UsageError("use either KEY or --key-file")
    if key_file is not None:
        key = key_file.read(LONGEST_KEY)
    elif key is None:
        key = click.prompt("API key", hide_input=True, err=True)
    key = key.strip()
    if not key:
        raise click.BadParameter("must not be empty.", ctx, param_hint="KEY")
    report = asyncio.run(_examine(url, key, spend))
    if not report.count(Outcome.PASSED):
        raise Failed(f"the panel could not be checked: {report.findings[0].why}")
    show_table(
        ("ACTION", "TYPE", "RESULT", "CHECK", "WHY", "ANSWER"),
        ((each.action, each.type, each.outcome, each.sentence, each.why, each.answer) for each in report.findings),
    )
    click.echo()
    click.echo(", ".join(f"{report.count(each)} {each}" for each in reversed(Outcome)) + ".")
    if spend:
        click.echo(f"At most {show_charge(report.spent_micros)} {report.currency} was spent.")
    if report.count(Outcome.DIFFERS):
        ctx.exit(DIFFERS)


async def _examine(url: str, key: str, spend: Micros) -> "Report":
    import httpx2

    from sutler.conformance.examine import examine
    from sutler.panels.safe_transport import open_client

    token = new_token()[:_TOKEN_LENGTH]
    # The operator named this address: it may be a private one.
    async with open_client([httpx2.URL(url).host]) as http:
        return await examine(url, key, http, asyncio.sleep, budget_micros=spend, token=token)
