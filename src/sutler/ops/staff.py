"""`sutler staff`: the operator's people and the keys of the software that fulfils orders."""

from typing import TYPE_CHECKING

import click

from sutler.core.clock import SystemClock, new_token
from sutler.ops.command import ID, Failed, Text, example, missing, on_panel, password_options, refused, show_table

if TYPE_CHECKING:
    from sutler.accounts.models import User


@click.group(epilog=example("sutler staff create sam@example.com", "sutler staff key sam@example.com"))
def staff() -> None:
    """Staff, and API keys for the fulfilment API."""


_ROLES = click.Choice(["owner", "manager", "support", "fulfilment"])


@staff.command(epilog=example("sutler staff create sam@example.com --role support"))
@click.argument("email")
@password_options
@click.option("--role", type=_ROLES, default="fulfilment", show_default=True, help="Role.")
@on_panel
def create(email: str, password: str | None, role: str) -> None:
    """Add a staff member."""
    from sutler.accounts.models import Role
    from sutler.ops.users import create_person

    made = create_person(email, password, SystemClock().now(), role=Role(role))
    click.echo(f"Staff: {email} ({role}) {made}".rstrip())


@staff.command("list", epilog=example("sutler staff list"))
@on_panel
def list_() -> None:
    """List staff and their roles."""
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
    """Change the role of a staff member."""
    from sutler.accounts.staff import give_role

    refusal = give_role(_member(email).pk, role, None, SystemClock().now())
    if refusal is not None:
        raise refused(refusal)
    click.echo(f"{email}: {role}.")


@staff.command(epilog=example("sutler staff key sam@example.com --label executor --scope fulfil_orders"))
@click.argument("email")
@click.option("--label", type=Text(100), default="", help="Name to recognize the key by.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="fulfil_orders, fulfil_refills or fulfil_cancels; repeatable.  [default: all]",
)
@click.option(
    "--address", "addresses", multiple=True, help="Allowed IP address or network; repeatable.  [default: any]"
)
@on_panel
def key(email: str, label: str, scopes: tuple[str, ...], addresses: tuple[str, ...]) -> None:
    """Create a fulfilment API key and print it once."""
    from sutler.accounts import keys

    member = _member(email)
    if not member.is_active:
        raise Failed(f"{email} is deactivated")
    secret = new_token()
    try:
        made = keys.create(
            secret, SystemClock().now(), user_id=member.pk, label=label, scopes=scopes or None, networks=addresses
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"Key {made.pk} of {email}:", err=True)
    click.echo(secret)


@staff.command("keys", epilog=example("sutler staff keys sam@example.com"))
@click.argument("email")
@on_panel
def keys_(email: str) -> None:
    """List the API keys of a staff member by their prefixes."""
    from sutler.ops.key_table import show_keys

    show_keys(_member(email).keys.order_by("pk"))


@staff.command(epilog=example("sutler staff revoke sam@example.com 12"))
@click.argument("email")
@click.argument("key_id", type=ID)
@on_panel
def revoke(email: str, key_id: int) -> None:
    """Revoke one of the API keys of a staff member."""
    from sutler.accounts import keys

    if not keys.revoke(key_id, SystemClock().now(), user_id=_member(email).pk):
        raise missing("valid key", f"{key_id} of {email}")
    click.echo(f"Key {key_id} is revoked.")


@staff.command(epilog=example("sutler staff deactivate sam@example.com"))
@click.argument("email")
@on_panel
def deactivate(email: str) -> None:
    """Deactivate a staff member and their API keys."""
    _set_active(email, active=False)


@staff.command(epilog=example("sutler staff reactivate sam@example.com"))
@click.argument("email")
@on_panel
def reactivate(email: str) -> None:
    """Reactivate a staff member."""
    _set_active(email, active=True)


def _set_active(email: str, *, active: bool) -> None:
    from sutler.accounts.staff import set_active

    refusal = set_active(_member(email).pk, active=active, actor=None, now=SystemClock().now())
    if refusal is not None:
        raise refused(refusal)
    click.echo(f"{email} is {'active' if active else 'deactivated'}.")


def _member(email: str) -> "User":
    from sutler.accounts.models import User

    for found in User.objects.filter(email__iexact=email, is_staff=True):
        return found
    raise missing("staff member", email)
