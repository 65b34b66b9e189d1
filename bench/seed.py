"""Fills a fresh database for a load, with the panel's own verbs: customers with money and a key, services, orders.

Runs as a process of its own on the database that its environment names: `python -m bench.seed start callers.txt`.
Afterwards the file of callers has a line "key order order ..." for each customer, which the loads read.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import click
import django

CUSTOMERS = 1000
SERVICES = 1000
BALANCE_MICROS = 1_000_000_000_000
ORDERS_ASKED_AFTER = 100
GATHERED = 256


@click.group()
def main() -> None:
    """Fills the database that SUTLER_DATA_DIR and SUTLER_DATABASE_URL name."""
    django.setup()


@main.command()
@click.argument("callers", type=click.Path(path_type=Path))
@click.option("--orders-each", type=int, default=ORDERS_ASKED_AFTER, help="Orders of each customer to begin with")
def start(callers: Path, orders_each: int) -> None:
    """Migrates the empty database and fills it."""
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    now = datetime.now(UTC)
    with transaction.atomic():
        add_services(1, SERVICES)
        open_customers(CUSTOMERS, now)
        provide_for_customers(now)
    place_orders(orders_each, now)
    write_callers(callers)


@main.command()
@click.argument("total", type=int)
def services(total: int) -> None:
    """Adds services until there are TOTAL of them."""
    from sutler.catalogue.models import Service

    add_services(Service.objects.count() + 1, total)


@main.command()
@click.argument("sessions", type=click.Path(path_type=Path))
@click.option("--customers", type=int, default=100, help="How many customers are signed in")
def people(sessions: Path, customers: int) -> None:
    """Signs people in and writes a line "page session" for each: a member of staff, then customers."""
    from django.conf import settings
    from django.test import Client

    from sutler.accounts.models import Customer, Role, User
    from sutler.ops.users import create_person

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a good one takes its time
    now = datetime.now(UTC)
    create_person("staff@example.com", None, now, role=Role.OWNER)
    for customer in Customer.objects.order_by("pk")[:customers]:
        create_person(f"customer-{customer.pk}@example.com", None, now, customer=customer)
    with sessions.open("w") as file:
        for person in User.objects.order_by("pk"):
            client = Client()
            client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
            page = "/office/orders" if person.is_staff else "/orders"
            file.write(f"{page} {client.cookies['sessionid'].value}\n")


@main.command()
@click.argument("callers", type=click.Path(path_type=Path))
@click.option("--orders", type=int, default=1_000_000, help="How many orders to fill in")
def grow(callers: Path, orders: int) -> None:
    """Migrates the empty database and fills it with finished orders, telling how many after each step."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from bench.growth_fill import fill

    call_command("migrate", verbosity=0)
    fill(orders, click.echo)
    now = datetime.now(UTC)
    with transaction.atomic():
        provide_for_customers(now)
    write_callers(callers)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # which the server would do by itself while it is being measured


def add_services(first: int, last: int) -> None:
    """Stores services numbered from first to last, in categories of a hundred."""
    from sutler.catalogue import version
    from sutler.catalogue.models import Category, Service

    numbers = range(first, last + 1)
    categories = {
        place: Category.objects.get_or_create(name=f"Category {place}")[0] for place in {n // 100 for n in numbers}
    }
    Service.objects.bulk_create(
        Service(
            category=categories[number // 100],
            name=f"Followers, kind {number}, of good quality [refill: 30 days]",
            type="Default",
            rate_micros=900_000 + number * 100,
            min=50,
            max=10_000,
            dripfeed=True,
            refill=True,
            cancel=True,
        )
        for number in numbers
    )
    version.renew()


def open_customers(number: int, now: datetime) -> None:
    """Opens so many customers with a wallet each."""
    from sutler.accounts import customers
    from sutler.books.post import open_wallet

    for place in range(number):
        customer = customers.create(f"Customer {place}", "USD", now)
        open_wallet(customer.pk, customer.currency)


def provide_for_customers(now: datetime) -> None:
    """Gives every customer a deposit and a key."""
    from sutler.accounts import keys
    from sutler.accounts.models import Customer
    from sutler.books.post import deposit

    for customer in Customer.objects.values_list("pk", flat=True):
        deposit(customer, BALANCE_MICROS, f"deposit:bench-{customer}", "bench", now)
        keys.create(secret(customer), now, customer_id=customer)


def secret(customer_id: int) -> str:
    """Returns the API key of a customer of the bench."""
    return hashlib.sha256(f"bench {customer_id}".encode()).hexdigest()


def place_orders(orders_each: int, now: datetime) -> None:
    """Places orders for every customer, in lists as the lane would gather them."""
    from sutler.accounts.models import Customer
    from sutler.catalogue.models import Service
    from sutler.orders.place import PlaceRequest, place

    on_sale = list(Service.objects.order_by("pk").values_list("pk", flat=True))
    requests = [
        PlaceRequest(
            customer,
            {
                "service": str(on_sale[(customer + turn) % len(on_sale)]),
                "link": f"https://example.com/seed/{customer}-{turn}",
                "quantity": "100",
            },
        )
        for turn in range(orders_each)
        for customer in Customer.objects.order_by("pk").values_list("pk", flat=True)
    ]
    for first in range(0, len(requests), GATHERED):
        place(requests[first : first + GATHERED], now)


def write_callers(path: Path) -> None:
    """Writes a line for each customer: the key and up to a hundred of their orders, evenly from first to last."""
    from sutler.accounts.models import Customer
    from sutler.orders.models import Order

    with path.open("w") as file:
        for customer in Customer.objects.order_by("pk").values_list("pk", flat=True):
            orders = list(Order.objects.filter(customer=customer).order_by("pk").values_list("pk", flat=True))
            spread = orders[:: max(len(orders) // ORDERS_ASKED_AFTER, 1)][:ORDERS_ASKED_AFTER]
            file.write(" ".join([secret(customer), *map(str, spread)]) + "\n")


if __name__ == "__main__":
    main()
