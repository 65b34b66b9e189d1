"""`sutler staff`: the operator's people and the keys of the software that fulfils orders."""

import click

from sutler.core.clock import SystemClock, new_token
from sutler.ops.shell import Failed, Text, example, on_panel, refused, show_table


@click.group(epilog=example("sutler staff create sam@example.com", "sutler staff key sam@example.com"))
def staff() -> None:
    """Staff, and keys for the fulfilment interface."""


_ROLES = click.Choice(["owner", "manager", "support", "fulfilment"])


@staff.command(epilog=example("sutler staff create sam@example.com --role support"))
@click.argument("email")
@click.option("--password", help="Their password; otherwise one is made and printed once.")
@click.option("--role", type=_ROLES, default="fulfilment", show_default=True, help="What they may do.")
@on_panel
def create(email: str, password: str | None, role: str) -> None:
    """Add a member of staff."""
    from sutler.accounts.models import Role
    from sutler.ops.people import create_person

    made = create_person(email, password, SystemClock().now(), role=Role(role))
    click.echo(f"Staff: {email} ({role}) {made}".rstrip())


@staff.command("list", epilog=example("sutler staff list"))
@on_panel
def list_() -> None:
    """Show the staff and their roles."""
    from sutler.accounts.staff import members

    show_table(
        ("EMAIL", "NAME", "ROLE", "STATE"),
        ((each.email, each.name or "-", each.role, "active" if each.is_active else "left") for each in members()),
    )


@staff.command(epilog=example("sutler staff role sam@example.com manager"))
@click.argument("email")
@click.argument("role", type=_ROLES)
@on_panel
def role(email: str, role: str) -> None:
    """Give a member of staff another role."""
    from sutler.accounts.models import User
    from sutler.accounts.staff import give_role

    member = User.objects.filter(email__iexact=email, is_staff=True).first()
    refusal = give_role(member.pk if member else 0, role, None, SystemClock().now())
    if refusal is not None:
        raise refused(refusal)
    click.echo(f"{email}: {role}.")


@staff.command(epilog=example("sutler staff key sam@example.com --label executor --scope fulfil_orders"))
@click.argument("email")
@click.option("--label", type=Text(100), default="", help="What it is for.")
@click.option(
    "--scope", "scopes", multiple=True, help="fulfil_orders, fulfil_refills or fulfil_cancels; otherwise all."
)
@click.option("--address", "addresses", multiple=True, help="Address or network it may be used from; otherwise any.")
@on_panel
def key(email: str, label: str, scopes: tuple[str, ...], addresses: tuple[str, ...]) -> None:
    """Make a key for the fulfilment interface and print it, this once."""
    from sutler.accounts import keys
    from sutler.accounts.models import User

    member = User.objects.filter(email__iexact=email, is_staff=True, is_active=True).first()
    if member is None:
        raise Failed(f"{email} is not a member of staff")
    secret = new_token()
    try:
        made = keys.create(
            secret, SystemClock().now(), user_id=member.pk, label=label, scopes=scopes or None, networks=addresses
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"Key {made.pk} of {email}:", err=True)
    click.echo(secret)
