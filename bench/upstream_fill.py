"""Fills the current database with a provider, and with orders that are followed there or planned for it, set-based.

The books are in order: every order is paid for, every cost is booked.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from bench.upstream_panel import KEY, RATE_MICROS, SERVICES
from sutler.accounts import customers
from sutler.accounts.models import Customer
from sutler.books.models import LedgerAccount
from sutler.books.post import Entry, deposit, house, open_wallet, post
from sutler.catalogue.models import Category, Service
from sutler.core.pricing import charge
from sutler.fulfilment import provider_settings
from sutler.fulfilment.models import Provider, ProviderState, Route, UpstreamService
from sutler.fulfilment.providers.ledger import account, top_up
from sutler.storage.statements import Row, Statement, moment, new_ids, run

CUSTOMERS = 100
PAID_IN_MICROS = 10**13
# What customers pay for a thousand: more than the provider takes.
OWN_RATE_MICROS = 2 * RATE_MICROS
# So long that what is sent while the bench runs is not asked about meanwhile.
USUAL_SECONDS = 1_000_000
# When what is filled in would be asked about; a round makes it due earlier.
LATER = timedelta(hours=1)
_AT_ONCE = 10_000

# One row for each order; without an id upstream it is only planned.
_ROW = {
    "order_id": "bigint",
    "attempt_id": "bigint",
    "upstream_order_id": "bigint",
    "customer_id": "bigint",
    "service_id": "bigint",
    "upstream_service_id": "bigint",
    "route_id": "bigint",
    "provider_id": "bigint",
    "link": "text",
    "link_digest": "text",
    "quantity": "bigint",
    "charge_micros": "bigint",
    "expected_micros": "bigint",
    "upstream_id": "text",
    "at": "timestamptz",
    "ask_at": "timestamptz",
}
_INSERTS = (
    Statement(
        "INSERT INTO orders_order (id, kind, customer_id, service_id, type, link, quantity, remains, currency,"
        " rate_micros, exchange_base, charge_micros, returned_micros, status, created_at)"
        " SELECT order_id, 'single', customer_id, service_id, 'Default', link, quantity, quantity, 'USD',"
        f" {OWN_RATE_MICROS}, 1000000, charge_micros, 0,"
        " CASE WHEN upstream_id IS NULL THEN 'Pending' ELSE 'Processing' END, at FROM {rows} WHERE 1 = 1",
        _ROW,
    ),
    Statement(
        "INSERT INTO orders_orderevent (order_id, at, actor, from_status, to_status)"
        " SELECT order_id, at, 'worker', 'Pending', 'Processing' FROM {rows} WHERE upstream_id IS NOT NULL",
        _ROW,
    ),
    Statement(
        "INSERT INTO fulfilment_attempt (id, action, state, order_id, provider_id, route_id, upstream_service_id,"
        " service_id, link_digest, expected_micros, due_at, worker, sent_at, answered_at, floor_id, upstream_id,"
        " clean_scans, decided_by)"
        " SELECT attempt_id, 'add', CASE WHEN upstream_id IS NULL THEN 'planned' ELSE 'accepted' END, order_id,"
        " provider_id, route_id, upstream_service_id, service_id, link_digest, expected_micros,"
        " CASE WHEN upstream_id IS NULL THEN at END, '', CASE WHEN upstream_id IS NOT NULL THEN at END,"
        " CASE WHEN upstream_id IS NOT NULL THEN at END, 0, upstream_id, 0, '' FROM {rows} WHERE 1 = 1",
        _ROW,
    ),
    Statement(
        "INSERT INTO fulfilment_upstreamorder (id, attempt_id, order_id, provider_id, upstream_service_id, upstream_id,"
        " expected_micros, cost_micros, word, placed_at, misses)"
        " SELECT upstream_order_id, attempt_id, order_id, provider_id, upstream_service_id, upstream_id,"
        " expected_micros, expected_micros, '', at, 0 FROM {rows} WHERE upstream_id IS NOT NULL",
        _ROW,
    ),
    Statement(
        "INSERT INTO fulfilment_asktime (upstream_order_id, provider_id, ask_at)"
        " SELECT upstream_order_id, provider_id, ask_at FROM {rows} WHERE upstream_id IS NOT NULL",
        _ROW,
    ),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order to be filled in: of which service, how many, since when, and its id upstream if it is there."""

    service: int
    quantity: int
    at: datetime
    upstream_id: str | None = None


@transaction.atomic
def open_provider(url: str, most_at_once: int, now: datetime) -> Provider:
    """Adds customers with money, services, and a provider at `url` that delivers them, asked without a pause."""
    for number in range(CUSTOMERS):
        customer = customers.create(f"Customer {number}", "USD", now)
        open_wallet(customer.pk, customer.currency)
        deposit(customer.pk, PAID_IN_MICROS, f"deposit:bench-{number}", "bench", now)
    provider = provider_settings.add(
        "USD", now, name="Upstream", url=url, key=KEY, call_interval_milliseconds=0, most_at_once=most_at_once
    )
    assert isinstance(provider, Provider), provider
    ProviderState.objects.filter(provider=provider).update(catalogue_at=now)
    top_up(provider.pk, PAID_IN_MICROS, "bench", "bench", now)
    category = Category.objects.create(name="Bench")
    terms = {"type": "Default", "min": 50, "max": 1_000_000_000}
    for number in range(1, SERVICES + 1):
        name = f"Followers, kind {number}"
        service = Service.objects.create(category=category, name=name, rate_micros=OWN_RATE_MICROS, **terms)
        flags = {"raw_type": "Default", "dripfeed": False, "refill": True, "cancel": True}
        upstream = UpstreamService.objects.create(
            provider=provider,
            upstream_id=str(number),
            name=name,
            category="First Category",
            rate_micros=RATE_MICROS,
            seen_at=now,
            usual_seconds=USUAL_SECONDS,
            **terms,
            **flags,
        )
        Route.objects.create(service=service, upstream_service=upstream)
    return provider


def fill(provider: Provider, orders: Sequence[Wanted], now: datetime) -> None:
    """Adds the orders, with their attempts, their charges and what they cost upstream."""
    customer_ids = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    routes = Route.objects.filter(upstream_service__provider=provider)
    found = routes.values_list("upstream_service__upstream_id", "service_id", "upstream_service_id", "pk")
    ways = {int(number): ids for number, *ids in found}
    for first in range(0, len(orders), _AT_ONCE):
        part = orders[first : first + _AT_ONCE]
        with transaction.atomic():
            count = len(part)
            ids = zip(
                new_ids("orders_order", count),
                new_ids("fulfilment_attempt", count),
                new_ids("fulfilment_upstreamorder", count),
                strict=True,
            )
            rows = [
                (
                    *each_ids,
                    customer_ids[place % CUSTOMERS],
                    *ways[each.service],
                    provider.pk,
                    *_asked(each, place),
                    moment(now + LATER),
                )
                for place, (each_ids, each) in enumerate(zip(ids, part, strict=True), first)
            ]
            for statement in _INSERTS:
                run(statement, rows)
            _post(provider, rows, now)


def _asked(wanted: Wanted, place: int) -> tuple[object, ...]:
    link = f"https://example.com/{place}"
    digest = hashlib.sha256(link.encode()).hexdigest()
    paid, cost = charge(OWN_RATE_MICROS, wanted.quantity), charge(RATE_MICROS, wanted.quantity)
    return link, digest, wanted.quantity, paid, cost, wanted.upstream_id, moment(wanted.at)


def _post(provider: Provider, rows: Sequence[Row], now: datetime) -> None:
    wallets = dict(LedgerAccount.objects.exclude(customer=None).values_list("customer_id", "pk"))
    in_hand, cost = house(LedgerAccount.Kind.IN_HAND, "USD"), house(LedgerAccount.Kind.COST, "USD")
    held = account(provider.pk, "USD")
    entries = []
    for row in rows:
        order_id, _, upstream_order_id, customer_id, *_, paid, expected, upstream_id, _, _ = row
        entries.append(Entry(f"order:{order_id}", wallets[customer_id], in_hand, paid, order_id))
        if upstream_id is not None:
            entries.append(Entry(f"cost:{upstream_order_id}", held, cost, expected, order_id))
    post(entries, now)
