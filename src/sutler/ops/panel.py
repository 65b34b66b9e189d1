"""`sutler panel`: what the panel says of itself, and the terms that customers agree to."""

from typing import TextIO

import click

from sutler.core.clock import SystemClock
from sutler.core.refusals import Refusal
from sutler.ops.command import Text, example, on_panel, refused

LONGEST_FILE = 200_000


@click.group(epilog=example("sutler panel terms terms.txt", "sutler panel face --name 'My panel' --accent '#1f6f5c'"))
def panel() -> None:
    """The panel's branding and terms."""


@panel.command(
    epilog=example("sutler panel terms terms.txt --acceptable-use use.txt", "sutler panel terms - < terms.txt")
)
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--acceptable-use", type=click.File("r", encoding="utf-8"), help="File with the acceptable use.")
@on_panel
def terms(file: TextIO, acceptable_use: TextIO | None) -> None:
    """Publish terms from a file (- is standard input). Customers must accept them again if they changed.

    Without --acceptable-use the current one stays.
    """
    from sutler.accounts import terms as of_panel

    before = of_panel.current()
    use = acceptable_use.read(LONGEST_FILE) if acceptable_use else before.acceptable_use if before else ""
    made = of_panel.publish(file.read(LONGEST_FILE), use, None, SystemClock().now())
    if isinstance(made, Refusal):
        raise refused(made)
    click.echo(f"Terms {made.pk} published.")


@panel.command(epilog=example("sutler panel face --name 'My panel' --tagline 'For resellers' --accent '#1f6f5c'"))
@click.option("--name", type=Text(60, blank=False))
@click.option("--tagline", type=Text(200), help="One line on the home page; '' for none.")
@click.option("--accent", help="Accent colour such as #1f6f5c; '' for the default.")
@on_panel
def face(name: str | None, tagline: str | None, accent: str | None) -> None:
    """Change the panel's name, tagline and accent colour; omitted options are left unchanged."""
    from sutler.accounts import panel as of_panel

    if name is None and tagline is None and accent is None:
        raise click.UsageError("nothing to change: give at least one option")
    kept = of_panel.profile()
    refusal = of_panel.change(
        kept.name if name is None else name,
        kept.tagline if tagline is None else tagline,
        kept.accent if accent is None else accent,
        None,
        SystemClock().now(),
    )
    if refusal is not None:
        raise refused(refusal)
    click.echo("Panel changed.")
