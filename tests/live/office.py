"""The back office of the live tests: a process beside the real servers that prepares customers, keys and services.

Reads one JSON object a line, `{"verb": ..., "with": {...}}`, and answers one line, with `done` or `failed`.
Customers, keys and services are made by the panel's own verbs; time passes by moving stored moments into the past.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "sutler.settings"
django.setup()

from click.testing import CliRunner  # noqa: E402
from django.db import close_old_connections, connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.test import Client  # noqa: E402

from sutler import cli  # noqa: E402
from sutler.accounts import customers, keys, terms  # noqa: E402
from sutler.accounts.models import Customer, User  # noqa: E402
from sutler.books.models import LedgerAccount, Transfer  # noqa: E402
from sutler.books.post import deposit, open_wallet  # noqa: E402
from sutler.catalogue.models import Category, ExchangeRate, PriceOverride, Service  # noqa: E402
from sutler.core.clock import SystemClock, new_token  # noqa: E402
from sutler.core.event_texts import cause_text  # noqa: E402
from sutler.fulfilment import provider_settings  # noqa: E402
from sutler.fulfilment.catalogue.import_services import Imported, Rule, bring_in  # noqa: E402
from sutler.fulfilment.models import (  # noqa: E402
    Alarm,
    AskTime,
    Attempt,
    Provider,
    ProviderMinute,
    ProviderState,
    UpstreamOrder,
)
from sutler.fulfilment.providers import costs, heartbeat  # noqa: E402
from sutler.fulfilment.providers.ledger import book_balance_micros  # noqa: E402
from sutler.ops.users import create_person  # noqa: E402
from sutler.orders.models import CancelRequest, Drip, Order, Post, Refill  # noqa: E402

clock = SystemClock()


def customer(
    name: str,
    currency: str,
    balance_micros: int,
    credit_limit_micros: int,
    settings: dict[str, Any],
    key: dict[str, Any],
) -> dict[str, Any]:
    """A customer with money and one key."""
    now = clock.now()
    with transaction.atomic():
        made = customers.create(name, currency, now)
        open_wallet(made.pk, currency, credit_limit_micros)
        if settings:
            Customer.objects.filter(pk=made.pk).update(**settings)
        if balance_micros:
            deposit(made.pk, balance_micros, f"deposit:live:{made.pk}", "start", now)
    return {"customer_id": made.pk} | new_key(made.pk, **key)


def new_key(
    customer_id: int,
    scopes: list[str] | None = None,
    networks: tuple[str, ...] = (),
    daily_cap_micros: int | None = None,
) -> dict[str, Any]:
    """One more key of a customer."""
    secret = new_token()
    chosen = tuple(scopes) if scopes else None
    made = keys.create(
        secret,
        clock.now(),
        customer_id=customer_id,
        scopes=chosen,
        networks=tuple(networks),
        daily_cap_micros=daily_cap_micros,
    )
    return {"key": secret, "key_id": made.pk}


def staff_key() -> str:
    """The key of an executor who may do everything."""
    now = clock.now()
    secret = new_token()
    sam = User.objects.create_superuser("sam@example.com", "a long pass phrase", date_joined=now)
    keys.create(secret, now, user_id=sam.pk)
    return secret


def service(category: str, **fields: Any) -> int:
    """A service, on sale unless told otherwise."""
    heading, _ = Category.objects.get_or_create(name=category)
    return Service.objects.create(category=heading, **fields).pk


def change_service(service_id: int, **fields: Any) -> None:
    """Changes a service as the staff's pages do: the row is saved, so that whoever keeps a copy learns of it."""
    changed = Service.objects.get(pk=service_id)
    for name, value in fields.items():
        setattr(changed, name, value)
    changed.save()


def exchange(currency: str, worth_micros: int) -> None:
    """What one unit of a currency is worth in the base currency."""
    ExchangeRate.objects.update_or_create(currency=currency, defaults={"base": worth_micros, "units": 1_000_000})


def override(customer_id: int, service_id: int, rate_micros: int) -> None:
    """A price of one customer for one service."""
    PriceOverride.objects.create(customer_id=customer_id, service_id=service_id, rate_micros=rate_micros)


def suspend(customer_id: int, on: bool) -> None:
    """Suspends or resumes."""
    (customers.suspend if on else customers.resume)(customer_id, clock.now())


def revoke(key_id: int) -> None:
    """Ends a key."""
    keys.revoke(key_id, clock.now())


def session(email: str, customer_id: int = 0) -> str:
    """The session cookie of somebody who is signed in: of a new person of the customer's, or of a member of staff."""
    found = User.objects.filter(email=email).first()
    if found is None:
        create_person(email, None, clock.now(), customer=Customer.objects.get(pk=customer_id))
        found = User.objects.get(email=email)
        terms.accept(found, terms.current_id(), clock.now())
    client = Client()
    client.force_login(found, "allauth.account.auth_backends.AuthenticationBackend")
    return client.cookies["sessionid"].value


def pass_hours(order_id: int, hours: int) -> None:
    """Lets hours pass for an order, its runs, its posts and its refills."""
    passed = timedelta(hours=hours)
    Order.objects.filter(pk=order_id, finished_at__isnull=False).update(finished_at=F("finished_at") - passed)
    Order.objects.filter(pk=order_id).update(created_at=F("created_at") - passed)
    Drip.objects.filter(pk=order_id, next_run_at__isnull=False).update(next_run_at=F("next_run_at") - passed)
    Post.objects.filter(subscription_id=order_id, due_at__isnull=False).update(due_at=F("due_at") - passed)
    Refill.objects.filter(order_id=order_id).update(requested_at=F("requested_at") - passed)
    Refill.objects.filter(order_id=order_id, finished_at__isnull=False).update(finished_at=F("finished_at") - passed)
    Attempt.objects.filter(order_id=order_id).update(
        sent_at=F("sent_at") - passed, answered_at=F("answered_at") - passed, lease_until=F("lease_until") - passed
    )
    UpstreamOrder.objects.filter(order_id=order_id).update(
        **{name: F(name) - passed for name in ("placed_at", "confirmed_at", "finished_at")}
    )
    AskTime.objects.filter(upstream_order__order=order_id).update(
        asked_at=F("asked_at") - passed, ask_at=F("ask_at") - passed
    )


def hurry() -> None:
    """Brings on the moment at which the worker asks about whatever is still open at providers."""
    now = clock.now()
    AskTime.objects.filter(upstream_order__finished_at=None, ask_at__gt=now).update(ask_at=now)
    Attempt.objects.filter(due_at__gt=now).update(due_at=now)


def use_feeds(used: bool) -> None:
    """Has the worker follow the changes feeds of its providers, or poll as if they had none."""
    for_years = clock.now() + timedelta(days=1000)
    ProviderState.objects.update(changes_cursor="", changes_at=None if used else for_years)


def calls() -> int:
    """How many calls to providers were made."""
    return sum(ProviderMinute.objects.values_list("calls", flat=True))


def look_alive() -> None:
    """Says that a worker lives, for pages that are looked at without one."""
    heartbeat.beat(clock.now())


def end_leases() -> None:
    """Lets the leases end by which workers speak with providers."""
    ProviderState.objects.update(leased_until=clock.now())


def balance(customer_id: int) -> int:
    """The wallet in micros."""
    return LedgerAccount.objects.get(customer_id=customer_id).balance_micros or 0


def traces(customer_id: int) -> list[int]:
    """What the panel keeps of a customer: number of orders, number of transfers of their wallet, balance in micros."""
    wallet = LedgerAccount.objects.get(customer_id=customer_id)
    taken = Transfer.objects.filter(debit=wallet).count() + Transfer.objects.filter(credit=wallet).count()
    return [Order.objects.filter(customer_id=customer_id).count(), taken, wallet.balance_micros or 0]


def orders(customer_id: int) -> list[dict[str, Any]]:
    """All orders of a customer, oldest first."""
    columns = (
        "id",
        "service_id",
        "parent_id",
        "kind",
        "type",
        "link",
        "quantity",
        "charge_micros",
        "returned_micros",
        "status",
        "remains",
        "start_count",
        "request_id",
    )
    found = Order.objects.filter(customer_id=customer_id).order_by("pk")
    return [dict(zip(columns, row, strict=True)) for row in found.values_list(*columns)]


def details(order_id: int) -> dict[str, str]:
    """The further fields of an order, as whoever fulfils it gets them."""
    return Order.objects.get(pk=order_id).details or {}


def provider(**terms: Any) -> int:
    """A provider in USD."""
    made = provider_settings.add("USD", clock.now(), **terms)
    assert isinstance(made, Provider), made
    return made.pk


def sell(provider_id: int, upstream_id: str) -> int | None:
    """Puts a service of a provider on sale at what it costs; None while the catalogue is not there."""
    outcome = bring_in(provider_id, Rule(), clock.now(), upstream_ids=[upstream_id])
    assert isinstance(outcome, Imported), outcome
    return (outcome.made | outcome.there).get(upstream_id)


def sent() -> list[dict[str, Any]]:
    """Every order at a provider: which of ours it is, its id there, and what it has cost; oldest first."""
    columns = ("order_id", "provider_id", "upstream_id", "cost_micros")
    found = UpstreamOrder.objects.order_by("pk").values_list(*columns)
    return [dict(zip(columns, row, strict=True)) for row in found]


def margins() -> dict[str, list[int | None]]:
    """What was kept of each order's price, and what it has cost."""
    ids = UpstreamOrder.objects.values_list("order_id", flat=True)
    return {str(pk): [each.revenue_micros, each.cost_micros] for pk, each in costs.margins(list(ids)).items()}


def attempts() -> list[list[Any]]:
    """Every attempt to place an order: the order, its state and why, oldest first."""
    found = Attempt.objects.filter(action=Attempt.Action.ADD).order_by("pk")
    return [[each.order_id, each.state, cause_text(each.cause)] for each in found]


def requests() -> dict[str, list[list[Any]]]:
    """Every refill and every request to cancel: its id, its order, how it stands; oldest first."""
    both = {"refills": Refill.objects, "cancels": CancelRequest.objects}
    return {
        name: list(map(list, rows.order_by("pk").values_list("pk", "order_id", "status")))
        for name, rows in both.items()
    }


def held(provider_id: int) -> int:
    """What the books hold at a provider."""
    return book_balance_micros(provider_id)


def sutler(arguments: list[str]) -> list[Any]:
    """A command of the operator, run here: its exit code, what it printed and what it complained of."""
    done = CliRunner().invoke(cli.main, arguments)
    return [done.exit_code, done.stdout, done.stderr]


def alarms() -> list[str]:
    """What staff must look at."""
    return [cause_text(each.cause) for each in Alarm.objects.filter(closed_at=None).order_by("pk")]


VERBS: dict[str, Callable[..., Any]] = {
    verb.__name__: verb
    for verb in (
        customer,
        new_key,
        staff_key,
        service,
        change_service,
        exchange,
        override,
        suspend,
        revoke,
        session,
        pass_hours,
        hurry,
        use_feeds,
        calls,
        end_leases,
        balance,
        traces,
        orders,
        details,
        provider,
        sell,
        sent,
        margins,
        attempts,
        requests,
        held,
        sutler,
        alarms,
        look_alive,
    )
}


def main() -> None:
    """Answers until the input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        close_old_connections()  # a test may have cut the connection
        try:
            answer = {"done": VERBS[order["verb"]](**order["with"])}
        except Exception:  # noqa: BLE001 - whatever it is, the test that asked is told
            answer = {"failed": traceback.format_exc()}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer
    connection.close()


if __name__ == "__main__":
    main()
