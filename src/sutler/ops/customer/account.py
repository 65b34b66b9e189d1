"""`sutler customer show` and `change`: one account, and what staff set of it."""

from typing import Any

import click

from sutler.core.clock import SystemClock
from sutler.core.money import show_balance
from sutler.ops.command import ID, Failed, Text, example, missing, on_panel, refused, show_table
from sutler.ops.customer.customer import customer, find


@customer.command("show", epilog=example("sutler customer show 3"))
@click.argument("customer_id", type=ID)
@on_panel
def show(customer_id: int) -> None:
    """Show a customer: account, users, API keys and custom rates."""
    found = find(customer_id)
    wallet = found.wallet
    show_table(
        ("FIELD", "VALUE"),
        (
            ("id", found.pk),
            ("name", found.name),
            ("state", "suspended" if found.suspended_at else "active"),
            ("currency", found.currency),
            ("balance", show_balance(wallet.balance_micros or 0)),
            ("credit limit", show_balance(wallet.credit_limit_micros)),
            ("group", found.group or "-"),
            ("country", found.country or "-"),
            ("repeat window", f"{found.repeat_window_seconds} s"),
            ("integers in services", "yes" if found.integer_services else "no"),
            ("null start count", "yes" if found.null_start_count else "no"),
            ("people", ", ".join(found.people.order_by("email").values_list("email", flat=True)) or "-"),
            ("valid keys", found.keys.filter(revoked_at=None).count()),
            ("custom rates", found.price_overrides.count()),
            ("opened", f"{found.created_at:%Y-%m-%d %H:%M}"),
        ),
    )


@customer.command(
    "change",
    epilog=example(
        "sutler customer change 3 --group resellers --repeat-window 120", "sutler customer change 3 --group ''"
    ),
)
@click.argument("customer_id", type=ID)
@click.option("--name", type=Text(200, blank=False))
@click.option("--group", "group_name", help="Customer group, for its discount; '' for none.")
@click.option("--country", help="ISO country code; '' to clear it.")
@click.option(
    "--repeat-window",
    "repeat_window_seconds",
    type=int,
    help="Seconds within which an identical add returns the first order.",
)
@click.option("--integer-services/--text-services", default=None, help="Integers for service, min and max on the API.")
@click.option("--null-start-count/--zero-start-count", default=None, help="How the API shows an unknown start count.")
@on_panel
def change(customer_id: int, group_name: str | None, **options: Any) -> None:
    """Change a customer; omitted options are left unchanged."""
    from django.db import transaction

    from sutler.accounts import customers
    from sutler.accounts.models import CustomerGroup

    given = {name: value for name, value in options.items() if value is not None}
    if not given and group_name is None:
        raise click.UsageError("nothing to change: give at least one option")
    found, now = find(customer_id), SystemClock().now()
    group = CustomerGroup.objects.filter(name=group_name).first()
    if group_name and group is None:
        raise Failed(f"{missing('group', group_name).message}; create it with `sutler customer group`")
    kept = {name: getattr(found, name) for name in options}
    with transaction.atomic():
        refusal = customers.change(customer_id, customers.Draft(**(kept | given)), None, now)
        if refusal is None and group_name is not None:
            refusal = customers.set_group(customer_id, group, None, now)
        if refusal is not None:
            raise refused(refusal)
    click.echo(f"Customer {customer_id} changed.")
