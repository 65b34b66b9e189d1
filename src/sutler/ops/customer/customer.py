"""`sutler customer`: the accounts that buy, their money and their keys."""

from typing import TYPE_CHECKING

import click

from sutler.core.clock import SystemClock, new_token
from sutler.core.money import Micros, parse_amount, show_balance, show_rate
from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS
from sutler.core.refusals import Reason, Refusal
from sutler.core.text import text_input
from sutler.ops.command import (
    ID,
    Amount,
    Currency,
    Failed,
    Text,
    example,
    missing,
    on_panel,
    password_options,
    refused,
    show_table,
)

if TYPE_CHECKING:
    from sutler.accounts.models import Customer

LONGEST_CAUSE = 40
PERCENT_MICROS = 10_000  # a basis point, written as a percentage


@click.group(
    epilog=example(
        "sutler customer create --name Alice --currency USD",
        "sutler customer credit 1 50.00 --reason 'bank transfer 4711'",
        "sutler customer key 1",
    )
)
def customer() -> None:
    """Customers, their balances and API keys."""


@customer.command(epilog=example("sutler customer create --name Alice --currency EUR --group resellers"))
@click.option("--name", type=Text(200, blank=False), required=True)
@click.option(
    "--currency", type=Currency(), help="Currency of the balance; it cannot be changed later.  [default: base currency]"
)
@click.option("--group", "group_name", help="Customer group, for its discount.")
@click.option(
    "--credit-limit", type=Amount(), default="0", show_default=True, help="How far the balance may go below 0."
)
@click.option("--email", help="Email address to sign in with; omit it for API access only.")
@password_options
@on_panel
def create(
    *,
    name: str,
    currency: str | None,
    group_name: str | None,
    credit_limit: Micros,
    email: str | None,
    password: str | None,
) -> None:
    """Create a customer with an empty balance."""
    from django.conf import settings
    from django.db import transaction

    from sutler.accounts import customers
    from sutler.accounts.models import CustomerGroup
    from sutler.books.credit_limits import set_limit
    from sutler.books.post import open_wallet
    from sutler.ops.users import create_person

    group = CustomerGroup.objects.filter(name=group_name).first()
    if group_name and group is None:
        raise Failed(f"{missing('group', group_name).message}; create it with `sutler customer group`")
    currency = currency or settings.SUTLER["SUTLER_BASE_CURRENCY"]
    now = SystemClock().now()
    with transaction.atomic():
        made = customers.create(name, currency, now, group)
        open_wallet(made.pk, currency)
        if isinstance(refusal := set_limit(made.pk, credit_limit, None, now), Refusal):
            raise _not_by_one_person(refusal)
        secret = create_person(email, password, now, customer=made) if email else ""
    click.echo(
        f"Customer {made.pk}: {name}, {currency}." + (f" Signs in as {email} {secret}".rstrip() if email else "")
    )
    _warn_without_exchange_rate(currency)


@customer.command("list", epilog=example("sutler customer list", "sutler customer list --search alice"))
@click.option("--search", type=Text(200), default="", help="Filter by name, email address or ID.")
@on_panel
def list_(search: str) -> None:
    """List customers and their balances."""
    from django.db.models import Q

    from sutler.accounts.models import Customer, User

    found = Customer.objects.select_related("wallet", "group").order_by("pk")
    if search:
        by_person = User.objects.filter(email__icontains=search).values("customer")
        found = found.filter(Q(name__icontains=search) | Q(pk__in=by_person) | Q(pk=text_input.number(search)))
    show_table(
        ("ID", "NAME", "BALANCE", "CURRENCY", "GROUP", "STATE"),
        (
            (
                each.pk,
                each.name,
                show_balance(each.wallet.balance_micros or 0),
                each.currency,
                each.group or "-",
                "suspended" if each.suspended_at else "active",
            )
            for each in found
        ),
    )


@customer.command(
    context_settings={"ignore_unknown_options": True},  # an amount may begin with a minus
    epilog=example(
        "sutler customer credit 3 50.00 --reason 'bank transfer 4711' --cause bank-4711",
        "sutler customer credit 3 -5.00 --reason 'credited twice'",
    ),
)
@click.argument("customer_id", type=ID)
@click.argument("amount", type=Amount(signed=True))
@click.option("--reason", type=Text(500, blank=False), required=True, help="Reason, saved in the books.")
@click.option("--cause", type=Text(LONGEST_CAUSE, blank=False), help="Payment name: credited only once per name.")
@on_panel
def credit(customer_id: int, amount: Micros, reason: str, cause: str | None) -> None:
    """Credit a customer's balance; a negative amount deducts."""
    from sutler.books.adjustments import pay
    from sutler.books.models import Transfer

    found = find(customer_id)
    key = f"{'deposit' if amount > 0 else 'adjust'}:{cause or new_token()[:16]}"
    now = SystemClock().now()
    balance = pay(customer_id, amount, key, reason, now)
    if isinstance(balance, Refusal):
        raise _not_by_one_person(balance)
    booked = Transfer.objects.select_related("debit", "credit").get(cause=key)
    if customer_id not in {booked.debit.customer_id, booked.credit.customer_id} or booked.amount_micros != abs(amount):
        raise Failed(
            f"nothing was credited: {cause} is already recorded for another customer or amount; use another --cause"
        )
    if booked.created_at != now:
        click.echo(f"{cause} was recorded on {booked.created_at:%Y-%m-%d %H:%M}: not credited again.", err=True)
    click.echo(f"Balance of customer {customer_id}: {show_balance(balance)} {found.currency}")


@customer.command(epilog=example("sutler customer key 3 --label shop --scope read --scope order --address 203.0.113.7"))
@click.argument("customer_id", type=ID)
@click.option("--label", type=Text(100), default="", help="Name to recognize the key by.")
@click.option("--scope", "scopes", multiple=True, help="read, order or refill_cancel; repeatable.  [default: all]")
@click.option(
    "--address", "addresses", multiple=True, help="Allowed IP address or network; repeatable.  [default: any]"
)
@click.option("--daily-cap", type=Amount(), help="Daily limit (UTC day).")
@on_panel
def key(
    customer_id: int, label: str, scopes: tuple[str, ...], addresses: tuple[str, ...], daily_cap: Micros | None
) -> None:
    """Create an API key and print it once; only its digest is stored."""
    from sutler.accounts import keys

    find(customer_id)
    secret = new_token()
    try:
        made = keys.create(
            secret,
            SystemClock().now(),
            customer_id=customer_id,
            label=label,
            scopes=scopes or None,
            networks=addresses,
            daily_cap_micros=daily_cap,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"Key {made.pk} of customer {customer_id}:", err=True)
    click.echo(secret)


@customer.command("keys", epilog=example("sutler customer keys 3"))
@click.argument("customer_id", type=ID)
@on_panel
def keys_(customer_id: int) -> None:
    """List a customer's API keys by their prefixes."""
    from sutler.ops.key_table import show_keys

    show_keys(find(customer_id).keys.order_by("pk"))


@customer.command(epilog=example("sutler customer revoke 3 12"))
@click.argument("customer_id", type=ID)
@click.argument("key_id", type=ID)
@on_panel
def revoke(customer_id: int, key_id: int) -> None:
    """Revoke one of a customer's API keys."""
    from sutler.accounts import keys

    if not keys.revoke(key_id, SystemClock().now(), customer_id=customer_id):
        raise missing("valid key", f"{key_id} of customer {customer_id}")
    click.echo(f"Key {key_id} is revoked.")


@customer.command(epilog=example("sutler customer suspend 3"))
@click.argument("customer_id", type=ID)
@on_panel
def suspend(customer_id: int) -> None:
    """Suspend a customer: no new orders until resumed."""
    from sutler.accounts import customers

    customers.suspend(find(customer_id).pk, SystemClock().now())
    click.echo(f"Customer {customer_id} is suspended.")


@customer.command(epilog=example("sutler customer resume 3"))
@click.argument("customer_id", type=ID)
@on_panel
def resume(customer_id: int) -> None:
    """Resume a suspended customer."""
    from sutler.accounts import customers

    customers.resume(find(customer_id).pk, SystemClock().now())
    click.echo(f"Customer {customer_id} is active.")


@customer.command(epilog=example("sutler customer country 3 DE"))
@click.argument("customer_id", type=ID)
@click.argument("country")
@on_panel
def country(customer_id: int, country: str) -> None:
    """Set a customer's country as an ISO code; some services are not available in some countries."""
    from sutler.accounts import customers

    refusal = customers.set_country(find(customer_id).pk, country)
    if refusal is not None:
        raise refused(refusal)
    click.echo(f"Customer {customer_id} is in {country.upper()}.")


@customer.command(epilog=example("sutler customer group resellers --discount 7.5"))
@click.argument("name", type=Text(100, blank=False))
@click.option("--discount", required=True, help="Discount in percent, with up to two decimals.")
@on_panel
def group(name: str, discount: str) -> None:
    """Create a customer group, or change its discount."""
    from sutler.accounts.models import CustomerGroup

    micros = parse_amount(discount)
    points, rest = divmod(micros if micros is not None else -1, PERCENT_MICROS)
    if rest or not 0 <= points < WHOLE_PRICE_BASIS_POINTS:
        raise click.BadParameter("must be a percentage from 0 to 99.99", param_hint="--discount")
    CustomerGroup.objects.update_or_create(name=name, defaults={"discount_basis_points": points})
    click.echo(f"Group {name}: {discount} % discount.")


@customer.command(epilog=example("sutler customer override 3 17 0.75", "sutler customer override 3 17 --remove"))
@click.argument("customer_id", type=ID)
@click.argument("service_id", type=ID)
@click.argument("rate", type=Amount(), required=False)
@click.option("--remove", is_flag=True, help="Remove the custom rate.")
@on_panel
def override(customer_id: int, service_id: int, rate: Micros | None, *, remove: bool) -> None:
    """Set a customer's custom rate for a service, in the base currency."""
    from sutler.catalogue import overrides

    if bool(rate) is remove:
        raise click.UsageError("enter either a rate above 0 or --remove")
    found = find(customer_id)
    if rate:
        if isinstance(overrides.put(found.pk, service_id, rate), Refusal):
            raise missing("service", service_id)
        click.echo(f"Customer {customer_id} pays {show_rate(rate)} for service {service_id}.")
    else:
        overrides.remove(found.pk, service_id)
        click.echo(f"Customer {customer_id} pays the regular price for service {service_id}.")


def find(customer_id: int) -> "Customer":
    """Returns the customer. Fails if there is none."""
    from sutler.accounts.models import Customer

    for found in Customer.objects.filter(pk=customer_id):
        return found
    raise missing("customer", customer_id)


def _not_by_one_person(refusal: Refusal) -> Failed:
    """Returns the failure that tells of a refusal, and where two people can do what one may not."""
    if refusal.reason is not Reason.OTHER_PERSON_NEEDED:
        return refused(refusal)
    return Failed(
        "refused: above SUTLER_ADJUSTMENT_LIMIT per day; enter it on the customer's page in the office, where a"
        " second person confirms it"
    )


def _warn_without_exchange_rate(currency: str) -> None:
    from sutler.catalogue import price_book

    if currency not in price_book.current().exchange:
        click.echo(f"Orders in {currency} need an exchange rate: `sutler rate set {currency} ...`.", err=True)
