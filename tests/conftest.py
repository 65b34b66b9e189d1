"""What most tests start from: Alice, Bob (another customer), Sam (staff), a service, a moment."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.core.cache import caches
from django.db import transaction
from pytest_django import DjangoDbBlocker

from sutler.accounts import customers, keys
from sutler.accounts.models import Customer, Role, User
from sutler.books.post import deposit, open_wallet
from sutler.catalogue.models import Category, Service

pytest_plugins = ["tests.blank", "tests.live.panel", "tests.api.admin_caller", "tests.fulfilment.upstream"]

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
START_MICROS = 10_000_000_000
ALICE_KEY, BOB_KEY, SAM_KEY = "a" * 64, "b" * 64, "5" * 64


def make_customer(name: str, currency: str = "USD", balance_micros: int = START_MICROS, **more: object) -> Customer:
    """A customer with money in the wallet; `more` are fields of Customer."""
    customer = customers.create(name, currency, NOW)
    if more:
        for field, value in more.items():
            setattr(customer, field, value)
        customer.save()
    open_wallet(customer.pk, currency)
    if balance_micros:
        deposit(customer.pk, balance_micros, f"deposit:{name}", "start", NOW)
    return customer


def make_service(**fields: object) -> Service:
    """An active service of type Default, 0.90 a thousand, 50 to 10,000, with whatever fields are given instead."""
    category, _ = Category.objects.get_or_create(name="First Category")
    values: dict[str, object] = {
        "category": category,
        "name": "Followers",
        "type": "Default",
        "rate_micros": 900_000,
        "min": 50,
        "max": 10_000,
        "refill": True,
        "cancel": True,
        "dripfeed": True,
    }
    return Service.objects.create(**(values | fields))


@contextmanager
def furnished(blocker: DjangoDbBlocker) -> Iterator[None]:
    """What is written at its beginning is there for every test of a module, which begins and ends at a savepoint."""
    whole = transaction.atomic()
    whole._from_testcase = True  # type: ignore[attr-defined]  # durable() may stand in it, as in a test's own
    with blocker.unblock(), whole:
        yield
        transaction.set_rollback(True)


def pytest_collection_finish() -> None:
    """Spares the collector what stays to the end: else it would walk thousands of tests again and again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What a process keeps of the panel's face is another test's."""
    caches["process"].clear()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def alice(db: None) -> Customer:
    customer = make_customer("Alice")
    keys.create(ALICE_KEY, NOW, customer_id=customer.pk)
    return customer


@pytest.fixture
def bob(db: None) -> Customer:
    customer = make_customer("Bob")
    keys.create(BOB_KEY, NOW, customer_id=customer.pk)
    return customer


@pytest.fixture
def sam(db: None) -> User:
    user = User.objects.create_user("sam@example.com", is_staff=True, role=Role.OWNER, date_joined=NOW)
    keys.create(SAM_KEY, NOW, user_id=user.pk)
    return user


@pytest.fixture
def service(db: None) -> Service:
    return make_service()
