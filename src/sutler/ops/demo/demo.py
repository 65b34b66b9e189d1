"""`sutler demo`: a whole panel with a catalogue, customers, money and somebody who does the work, for trying out."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from sutler.core.clock import SystemClock, new_token
from sutler.core.money import UNIT_MICROS
from sutler.ops.command import Failed, example
from sutler.ops.init import prepare, write_secret
from sutler.ops.run import HOST, PORT, kept_running, leave_on_signals, make_ready, require_free

START_MICROS = 10_000 * UNIT_MICROS
STAFF_EMAIL, CUSTOMER_EMAIL, OTHER_EMAIL = "staff@example.com", "alice@example.com", "bob@example.com"
PASSWORD_LENGTH = 16
SEED = 5  # with it the first ten orders are Completed: a newcomer's first should be


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the demo prints: the panel itself keeps only digests, so they lie in a file beside it."""

    api_key: str
    api_key_2: str
    staff_password: str
    customer_password: str
    other_password: str


@click.command(epilog=example("sutler demo --port 8000", "sutler demo --data-dir /tmp/demo --seed 7"))
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port on 127.0.0.1.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-data"),
    show_default=True,
    help="Folder of the demo; reused if it exists.",
)
@click.option("--seed", type=int, default=SEED, show_default=True, help="Seed of the simulated outcomes.")
@click.option("--executor/--no-executor", default=True, help="Whether orders are processed; otherwise they wait.")
def demo(port: int, data_dir: Path, seed: int, *, executor: bool) -> None:
    """Start a demo panel and print how to use it.

    It has services of every type, two customers with 10,000.00 each, no request limits unless the environment
    sets them, and a simulated executor that completes orders within seconds.
    """
    require_free(HOST, port)
    for limit in ("SUTLER_KEY_REQUESTS_PER_SECOND", "SUTLER_ADDRESS_REQUESTS_PER_SECOND"):
        os.environ.setdefault(limit, "0")
    prepare(data_dir)
    secrets = _furnish(data_dir / "demo.json")
    from sutler import server

    make_ready()
    leave_on_signals()
    arguments = ["work", "--until-parent-ends", *(["--executor-seed", str(seed)] if executor else [])]
    with kept_running(arguments, SystemClock()):
        server.serve(HOST, port, lambda: _tell(f"http://{HOST}:{port}", secrets))


def _furnish(file: Path) -> Secrets:
    """Fills an empty panel, in one transaction, or finds the demo that is there. Returns its secrets.

    Fails if the database holds a panel that is not this demo.
    """
    from django.db import transaction

    from sutler.accounts import keys
    from sutler.accounts.models import Customer
    from sutler.catalogue.models import Service

    secrets = _kept(file)
    if keys.digest(secrets.api_key) in keys.find([keys.digest(secrets.api_key)]):
        return secrets
    if Service.objects.exists() or Customer.objects.exists():
        raise Failed(f"the database holds a panel that is not the demo of {file.parent}")
    from sutler.ops.demo.catalogue import stock

    click.echo("Filling the demo panel ...", err=True)
    with transaction.atomic():
        stock()
        _open_accounts(secrets)
    return secrets


def _kept(file: Path) -> Secrets:
    """Returns the demo's secrets, made and written down the first time."""
    try:
        return Secrets(**json.loads(file.read_text()))
    except FileNotFoundError:
        tokens = [new_token() for _ in range(2)]
        passwords = [new_token()[:PASSWORD_LENGTH] for _ in range(3)]
        secrets = Secrets(*tokens, *passwords)
        write_secret(file, json.dumps(asdict(secrets)))
        return secrets
    except (ValueError, TypeError) as error:
        raise Failed(f"{file} is damaged; remove the folder to start over") from error


def _open_accounts(secrets: Secrets) -> None:
    from django.conf import settings

    from sutler.accounts import customers, keys
    from sutler.accounts.models import Role
    from sutler.books.post import deposit, open_wallet
    from sutler.ops.users import create_person

    now = SystemClock().now()
    currency = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    create_person(STAFF_EMAIL, secrets.staff_password, now, role=Role.OWNER)
    for name, key, email, password in (
        ("Alice", secrets.api_key, CUSTOMER_EMAIL, secrets.customer_password),
        ("Bob", secrets.api_key_2, OTHER_EMAIL, secrets.other_password),
    ):
        made = customers.create(name, currency, now)
        open_wallet(made.pk, currency)
        deposit(made.pk, START_MICROS, f"deposit:demo:{made.pk}", "demo", now)
        create_person(email, password, now, customer=made)
        keys.create(key, now, customer_id=made.pk, label="demo")


def _tell(url: str, secrets: Secrets) -> None:
    """Prints what a person or a script needs, once the server answers."""
    lines = (
        f"SUTLER_URL={url}",
        f"SUTLER_API_URL={url}/api/v2",
        f"SUTLER_API_KEY={secrets.api_key}",
        f"SUTLER_API_KEY_2={secrets.api_key_2}",
        f"SUTLER_STAFF={STAFF_EMAIL} {secrets.staff_password}",
        f"SUTLER_CUSTOMER={CUSTOMER_EMAIL} {secrets.customer_password}",
        f"curl -s -d key={secrets.api_key} -d action=balance {url}/api/v2",
    )
    for line in lines:
        click.echo(line)
