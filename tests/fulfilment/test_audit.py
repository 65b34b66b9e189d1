"""`sutler verify`: green over an honest panel, and each promise, once broken, is named by its own check."""

import io
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker
from rich.console import Console
from rich.progress import Progress

from sutler.books.audit import Check
from sutler.core.lifecycle import Status
from sutler.core.money import LARGEST_MICROS
from sutler.core.pricing import charge
from sutler.ops.verify import CHECKS, MOST_SHOWN, Finding, run_checks
from sutler.orders.models import CancelRequest, Drip, LinkInUse, Order, OrderEvent, Post, Refill, Subscription
from sutler.storage.statements import is_postgres
from tests.conftest import NOW
from tests.fulfilment.breaches import PLANTS as ORDER_PLANTS
from tests.fulfilment.breaches import Plant
from tests.fulfilment.breaches_office import OFFICE_PLANTS
from tests.fulfilment.breaches_upstream import UPSTREAM_PLANTS
from tests.live.panel import Panel
from tests.month.panel import Names, live_a_little

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
PLANTS = (*ORDER_PLANTS, *UPSTREAM_PLANTS, *OFFICE_PLANTS)


def look(checks: Sequence[Check] = CHECKS) -> tuple[list[Finding], str]:
    """What the checks find, and what is shown meanwhile."""
    console = Console(file=io.StringIO(), width=300)
    with Progress(console=console) as progress:
        findings = run_checks(progress, checks)
    assert isinstance(console.file, io.StringIO)
    return findings, console.file.getvalue()


def broken() -> dict[str, Finding]:
    return {finding.check.name: finding for finding in look()[0] if finding.breaches}


@pytest.fixture(scope="module")
def lived_in(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Names]:
    """A panel on which everything has happened once, by the panel's own verbs. Returns the ids by name."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield live_a_little()
        transaction.set_rollback(True)


@pytest.fixture
def honest(lived_in: Names) -> Iterator[Names]:
    """The same panel; whatever a test does to it is undone."""
    with transaction.atomic():
        yield lived_in
        transaction.set_rollback(True)


def loosen(names: tuple[str, ...]) -> None:
    """Takes constraints away, each a check or a unique index by name, or `table.column` for a column's own."""
    with connection.cursor() as cursor:
        if is_postgres():
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is still to be checked is in the way
        for name in names:
            table, _, column = name.partition(".")
            if column and is_postgres():
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_key")
            elif column:
                cursor.execute(f"CREATE TABLE loosened AS SELECT * FROM {table}")
                cursor.execute(f"DROP TABLE {table}")
                cursor.execute(f"ALTER TABLE loosened RENAME TO {table}")
            elif is_postgres():
                cursor.execute("SELECT conrelid::regclass FROM pg_constraint WHERE conname = %s", [name])
                for (owner,) in cursor.fetchall():
                    cursor.execute(f"ALTER TABLE {owner} DROP CONSTRAINT {name}")
                cursor.execute(f"DROP INDEX IF EXISTS {name}")
            else:
                cursor.execute("PRAGMA ignore_check_constraints = ON")
                cursor.execute(f"DROP INDEX IF EXISTS {name}")
        if is_postgres():
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def tight_again() -> Iterator[None]:
    yield
    if not is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def test_an_honest_panel_has_no_breach(honest: Names) -> None:
    assert {name: finding.shown for name, finding in broken().items()} == {}


def test_the_honest_panel_has_something_for_every_check_to_look_at(honest: Names) -> None:
    for model in (Drip, Subscription, Post, LinkInUse, Refill, CancelRequest, OrderEvent):
        assert model.objects.exists(), model
    assert set(Order.objects.values_list("status", flat=True)) == set(Status)
    assert set(Order.objects.values_list("kind", flat=True)) == set(Order.Kind)


def test_every_check_says_what_it_promises_and_how_many_rows_it_saw(honest: Names) -> None:
    findings, shown = look()
    assert [finding.check for finding in findings] == list(CHECKS)
    for finding in findings:
        assert finding.rows > 0
        assert f"ok {finding.rows:>12,} rows  {finding.check.sentence}" in shown


def test_every_check_has_a_breach_that_it_alone_must_find() -> None:
    assert {plant.check for plant in PLANTS} == {check.name for check in CHECKS}
    assert len({check.name for check in CHECKS}) == len(CHECKS)


@pytest.mark.usefixtures("tight_again")
@pytest.mark.parametrize("plant", PLANTS, ids=[f"{plant.check}-{place}" for place, plant in enumerate(PLANTS)])
def test_a_breach_is_named_by_its_own_check(honest: Names, plant: Plant) -> None:
    loosen(plant.loosen)
    with connection.cursor() as cursor:
        for sql in plant.sql:
            cursor.execute(sql.format(**honest))
            assert cursor.rowcount > 0, sql
    found = broken()
    # Transfers changed after the figures of the days were made of them differ from those too.
    named = set(found) - ({"day_figures"} - {plant.check})
    assert named == {plant.check, *plant.also}, {name: each.shown for name, each in found.items()}
    assert all(line.startswith(f"{plant.check}: ") for line in found[plant.check].lines())


@pytest.mark.parametrize("off", [0, 1, -1])
@pytest.mark.parametrize(
    ("rate", "quantity"),
    [
        (1, 1),
        (1, 1000),
        (1, 1001),
        (999, 999),
        (900_000, 50),
        (1_234_567, 333),
        (LARGEST_MICROS, 1),
        (LARGEST_MICROS, 1000),
        (4_190_951, 2**31 - 1),
        (4_190_951_585, 2_147_483),
    ],
)
def test_the_proof_reckons_a_charge_as_the_panel_does(honest: Names, rate: int, quantity: int, off: int) -> None:
    charged = charge(rate, quantity) + off
    Order.objects.filter(pk=honest["active"]).update(
        rate_micros=rate, quantity=quantity, charge_micros=charged, remains=0
    )
    rule = [check for check in CHECKS if check.name == "order_charge"]
    assert look(rule)[0][0].breaches == (off != 0)


def test_of_many_breaches_the_first_are_shown_and_the_rest_counted(honest: Names) -> None:
    more = MOST_SHOWN + 5
    for each in Order.objects.filter(pk=honest["done"]):
        OrderEvent.objects.bulk_create(
            OrderEvent(order=each, at=NOW, actor="nobody", from_status="Completed", to_status="Completed")
            for _ in range(more)
        )
    finding = broken()["event_moves"]
    lines = list(finding.lines())
    assert finding.breaches == more
    assert len(lines) == MOST_SHOWN + 1
    assert lines[-1] == "event_moves: and 5 more"
    assert lines[0].startswith(f"event_moves: order {honest['done']} moves from Completed to Completed")


def test_the_proof_waits_for_no_writer_and_reads_nothing_uncommitted(panel: Panel) -> None:
    """Over the live panel, while another program holds its write lock."""
    other = (
        psycopg.connect(panel.database_url) if panel.is_postgres else sqlite3.connect(panel.folder / "sutler.sqlite3")
    )
    with closing(other):
        other.execute("UPDATE books_ledgeraccount SET balance_micros = balance_micros + 1")
        assert f"{len(CHECKS)} checks, no mismatch." in panel.sutler("verify")
        other.rollback()
