"""`sutler verify`: green over an honest panel, and each promise, once broken, is named by its own check."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker
from rich.console import Console
from rich.progress import Progress

from sutler.books.post import adjust
from sutler.core.clock import seeded
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.refusals import Refusal
from sutler.ops.verify import CHECKS, MOST_SHOWN, Finding, run_checks
from sutler.orders import cancel, drip, refill, subscriptions
from sutler.orders.models import CancelRequest, Drip, LinkInUse, Order, OrderEvent, Post, Refill, Subscription
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.storage.statements import is_postgres
from tests.conftest import NOW, make_customer, make_service
from tests.live import Panel
from tests.ordering import LINK, placed, reported

pytestmark = pytest.mark.django_db

Names = dict[str, int]
LATER = NOW + timedelta(days=2)


def look() -> tuple[list[Finding], str]:
    """What every check finds, and what is shown meanwhile."""
    console = Console(file=io.StringIO(), width=300)
    with Progress(console=console) as progress:
        findings = run_checks(progress)
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


def live_a_little() -> Names:
    alice, bob, eve = make_customer("Alice"), make_customer("Bob"), make_customer("Eve", "EUR")
    service = make_service(refill_wait_hours=1)
    package = make_service(type="Package", rate_micros=2_500_000, min=1, max=1)
    single = make_service(one_active_order_per_link=True)
    follow = make_service(type="Subscriptions", min=10, max=1000)
    adjust(bob.pk, -5_000_000, "adjust:1", "a slip", NOW)
    names = {
        **{"alice": alice.pk, "bob": bob.pk, "eve": eve.pk, "service": service.pk},
        "pending": placed(alice, service).pk,
        "package": placed(alice, package).pk,
        "active": placed(alice, service, link="a").pk,
        "done": placed(alice, service, link="b").pk,
        "part": placed(alice, service, link="c", quantity=1001).pk,
        "canceled": placed(alice, service, link="d").pk,
        "locked": placed(alice, single, link="e").pk,
        "stopped": placed(bob, service, link="f").pk,
        "stopping": placed(bob, service, link="g").pk,
    }
    reported(names["active"], Status.IN_PROGRESS, remains=400, start_count=5)
    reported(names["done"], Status.PROCESSING)
    reported(names["done"], Status.COMPLETED, remains=-7)
    reported(names["part"], Status.PARTIAL, remains=157)
    for name in ("stopped", "stopping"):
        reported(names[name], Status.PROCESSING)
    assert cancel.request_cancels(alice.pk, [names["canceled"]], NOW) == [None]
    assert cancel.request_cancels(bob.pk, [names["stopped"], names["stopping"]], NOW) == [None, None]
    reported(names["stopped"], Status.CANCELED)
    again = place([PlaceRequest(bob.pk, {"service": str(package.pk), "link": LINK}, request_id="once")], NOW)[0]
    assert isinstance(again, Placed)
    names["asked"] = again.order_id
    for status in (RefillStatus.COMPLETED, RefillStatus.PENDING):
        now = NOW + timedelta(hours=5 if status is RefillStatus.PENDING else 2)
        asked = refill.request_refills(alice.pk, [names["done"]], now)[0]
        assert not isinstance(asked, Refusal)
        assert refill.report([(asked, status)], "executor", now) == [None]
    return names | drip_a_little(alice, service) | follow_a_little(bob, follow)


def drip_a_little(alice: object, service: object) -> Names:
    """Three drip-feeds: one under way, one finished with a part undelivered, one stopped after a run."""
    names = {
        name: placed(alice, service, link=name, quantity=333, runs=3, interval=10).pk  # type: ignore[arg-type]
        for name in ("dripping", "dripped", "unripe")
    }
    drip.place_due_runs(NOW + timedelta(minutes=1))
    reported(children(names["unripe"])[0], Status.PROCESSING)
    assert cancel.stop([names["unripe"]], "staff 1", NOW) == [None]
    reported(children(names["unripe"])[0], Status.CANCELED)
    drip.place_due_runs(NOW + timedelta(minutes=11))
    Drip.objects.filter(order=names["dripping"]).update(next_run_at=LATER)
    drip.place_due_runs(NOW + timedelta(minutes=31))
    names["first"], names["second"] = children(names["dripping"])
    reported(names["first"], Status.COMPLETED)
    for child, status in zip(
        children(names["dripped"]), (Status.COMPLETED, Status.PARTIAL, Status.CANCELED), strict=True
    ):
        reported(child, status, remains=100)
    return names


def follow_a_little(bob: object, follow: object) -> Names:
    """Two subscriptions: one finished after its two posts, one with a post delivered and another due."""
    form = {"username": "bob", "min": 10, "max": 50, "delay": 0}
    names = {
        "followed": placed(bob, follow, posts=2, **form).pk,  # type: ignore[arg-type]
        "following": placed(bob, follow, **form).pk,  # type: ignore[arg-type]
    }
    for link in ("x", "y"):
        assert subscriptions.report_post(names["followed"], link, NOW, seeded(1), "staff 1") is None
    assert subscriptions.report_post(names["following"], "x", NOW, seeded(1), "staff 1") is None
    subscriptions.place_due_posts(NOW + timedelta(minutes=1))
    assert subscriptions.report_post(names["following"], "y", LATER, seeded(1), "staff 1") is None
    for child in (*children(names["followed"]), *children(names["following"])):
        reported(child, Status.COMPLETED)
    names["post_order"] = children(names["followed"])[0]
    return names


def children(parent: int) -> list[int]:
    return list(Order.objects.filter(parent=parent).order_by("pk").values_list("pk", flat=True))


@dataclass(frozen=True)
class Plant:
    """A breach: the check that must name it, the SQL that makes it, the constraints that must first be out of the way.

    `also` are other checks that cannot but see it too.
    """

    check: str
    sql: tuple[str, ...]
    loosen: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()


def wallet(name: str) -> str:
    return f"(SELECT id FROM books_ledgeraccount WHERE customer_id = {{{name}}})"


def house(kind: str, currency: str = "USD") -> str:
    return f"(SELECT id FROM books_ledgeraccount WHERE kind = '{kind}' AND currency = '{currency}')"


def transfer(cause: str, debit: str, credit: str, micros: int = 5, order: str = "NULL") -> str:
    return (
        "INSERT INTO books_transfer (cause, debit_id, credit_id, amount_micros, order_id, reason, created_at)"
        f" VALUES ('{cause}', {debit}, {credit}, {micros}, {order}, '', '2026-11-21')"
    )


def give(name: str, micros: int) -> str:
    return f"UPDATE books_ledgeraccount SET balance_micros = balance_micros + {micros} WHERE customer_id = {{{name}}}"


def change(order: str, change: str) -> str:
    return f"UPDATE orders_order SET {change} WHERE id = {{{order}}}"


def event(order: str, before: str, after: str) -> str:
    return (
        "INSERT INTO orders_orderevent (order_id, at, actor, from_status, to_status, note)"
        f" VALUES ({{{order}}}, '2026-11-21', 'nobody', {before}, {after}, '')"
    )


PLANTS = (
    Plant(
        "transfer_two_ends",
        (transfer("deposit:x", wallet("alice"), wallet("alice")),),
        ("transfer_two_different_ends",),
        frozenset({"transfer_route"}),
    ),
    Plant(
        "transfer_positive",
        (transfer("deposit:x", house("deposits"), wallet("alice"), 0),),
        ("transfer_amount_positive",),
    ),
    Plant(
        "transfer_positive",
        (transfer("deposit:x", house("deposits"), wallet("alice"), -5), give("alice", -5)),
        ("transfer_amount_positive",),
    ),
    Plant(
        "transfer_one_currency",
        (f"UPDATE books_transfer SET debit_id = {house('deposits', 'EUR')} WHERE cause = 'deposit:Alice'",),
    ),
    Plant(
        "transfer_cause_once",
        (transfer("deposit:Alice", house("deposits"), wallet("alice")), give("alice", 5)),
        ("books_transfer.cause",),
    ),
    Plant(
        "transfer_route",
        (f"UPDATE books_transfer SET debit_id = {house('revenue')} WHERE cause = 'deposit:Alice'",),
    ),
    Plant(
        "transfer_route",
        ("UPDATE books_transfer SET order_id = {active} WHERE cause = 'deposit:Alice'",),
        (),
        frozenset({"order_returned"}),
    ),
    Plant("transfer_route", ("UPDATE books_transfer SET cause = 'order:0' WHERE cause = 'order:{active}'",)),
    Plant("wallet_of_customer", ("UPDATE accounts_customer SET currency = 'USD' WHERE id = {eve}",)),
    Plant(
        "wallet_of_customer",
        (
            "INSERT INTO accounts_customer (name, currency, integer_services, null_start_count, repeat_window_seconds,"
            " created_at) SELECT 'Mallory', currency, integer_services, null_start_count, 0, created_at"
            " FROM accounts_customer WHERE id = {eve}",
        ),
    ),
    Plant("wallet_balance", (give("alice", 1),)),
    Plant(
        "wallet_limit",
        (
            transfer("adjust:x", wallet("alice"), house("adjustments"), 20_000_000_000),
            f"UPDATE books_ledgeraccount SET largest_credit_limit_micros = 20000000000 WHERE id = {wallet('alice')}",
            give("alice", -20_000_000_000),
        ),
        ("wallet_within_credit_limit",),
    ),
    Plant(
        "wallet_history",
        (
            transfer("adjust:x", wallet("alice"), house("adjustments"), 20_000_000_000),
            transfer("adjust:y", house("adjustments"), wallet("alice"), 20_000_000_000),
        ),
    ),
    Plant(
        "order_of_transfer",
        (transfer("order:999999", wallet("alice"), house("in hand"), 5, "999999"), give("alice", -5)),
    ),
    Plant(
        "order_charged",
        (
            "UPDATE books_transfer SET amount_micros = amount_micros - 5 WHERE cause = 'order:{active}'",
            give("alice", 5),
        ),
    ),
    Plant(
        "order_charged",
        (f"UPDATE books_transfer SET credit_id = {house('in hand')} WHERE cause = 'order:{{dripping}}'",),
    ),
    Plant(
        "order_settled", ("UPDATE books_transfer SET amount_micros = amount_micros - 5 WHERE cause = 'settle:{done}'",)
    ),
    Plant(
        "order_settled", ("UPDATE books_transfer SET amount_micros = amount_micros + 5 WHERE cause = 'settle:{done}'",)
    ),
    Plant("order_settled", ("DELETE FROM books_transfer WHERE cause = 'settle:{done}'",)),
    Plant("order_settled", (transfer("settle:{active}", house("in hand"), house("revenue"), 900_001, "{active}"),)),
    Plant("order_returned", (change("active", "returned_micros = 5"),)),
    Plant("order_returned", (change("dripped", "returned_micros = returned_micros - 5"),)),
    Plant(
        "order_wallet",
        (
            f"UPDATE books_transfer SET debit_id = {wallet('bob')} WHERE cause = 'order:{{active}}'",
            give("alice", 900_000),
            give("bob", -900_000),
        ),
    ),
    Plant("order_charge", (change("active", "rate_micros = rate_micros + 1000"),)),
    Plant("order_charge", (change("package", "rate_micros = rate_micros - 1"),)),
    Plant("order_charge", (change("active", "quantity = quantity + 2"),)),
    Plant(
        "run_charge",
        (
            change("first", "charge_micros = charge_micros + 1"),
            change("second", "charge_micros = charge_micros - 1"),
            "UPDATE books_transfer SET amount_micros = amount_micros + 1 WHERE order_id = {first}",
            "UPDATE books_transfer SET amount_micros = amount_micros - 1 WHERE order_id = {second}",
        ),
    ),
    Plant("run_cause", ("UPDATE books_transfer SET cause = 'run:{dripping}:9' WHERE cause = 'run:{dripping}:2'",)),
    Plant("event_moves", (event("done", "'Completed'", "'Pending'"), event("done", "'Pending'", "'Completed'"))),
    Plant("event_moves", ("DELETE FROM orders_orderevent WHERE order_id = {done} AND to_status = 'Processing'",)),
    Plant("event_moves", (event("done", "'Completed'", "NULL"),)),
    Plant("event_moves", ("UPDATE orders_orderevent SET from_status = NULL WHERE order_id = {part}",)),
    Plant("order_status", (event("pending", "'Pending'", "'Processing'"),)),
    Plant("order_status", (change("pending", "status = 'Processing'"),)),
    Plant("order_finished_at", (change("done", "finished_at = NULL"),)),
    Plant("order_finished_at", (change("active", "finished_at = created_at"),)),
    Plant("order_remains", (change("active", "remains = -1"),)),
    Plant("order_remains", (change("active", "remains = quantity + 1"),), ("order_remains_at_most_quantity",)),
    Plant("order_remains", (change("done", "remains = 1"),)),
    Plant("order_remains", (change("canceled", "remains = 1"),)),
    Plant(
        "order_kind",
        (
            "INSERT INTO orders_drip (order_id, quantity_per_run, runs, interval_minutes, runs_placed)"
            " VALUES ({pending}, 1000, 1, 1, 0)",
            "UPDATE orders_drip SET next_run_at = '2026-11-21' WHERE order_id = {pending}",
        ),
    ),
    Plant("order_kind", ("DELETE FROM orders_drip WHERE order_id = {dripped}",)),
    Plant("child_of_parent", (change("first", "exchange_micros = 5"),)),
    Plant("child_of_parent", (change("post_order", "service_id = {service}"),)),
    Plant(
        "drip_runs",
        (
            "UPDATE orders_drip SET runs = runs + 1 WHERE order_id = {dripping}",
            change("dripping", "remains = remains + 333"),
        ),
    ),
    Plant("drip_state", (change("dripping", "remains = remains - 1"),)),
    Plant(
        "drip_state",
        (
            "UPDATE orders_drip SET next_run_at = '2026-11-21' WHERE order_id = {dripped}",
            "UPDATE orders_drip SET next_run_at = NULL WHERE order_id = {dripping}",
        ),
    ),
    Plant("subscription_state", ("UPDATE orders_subscription SET ended_at = NULL WHERE order_id = {followed}",)),
    Plant(
        "subscription_state",
        (
            "UPDATE orders_subscription SET posts = 1 WHERE order_id = {followed}",
            change("followed", "quantity = 1"),
        ),
    ),
    Plant(
        "subscription_state",
        ("UPDATE orders_post SET due_at = '2026-11-21' WHERE child_id = {post_order}",),
        (),
        frozenset({"post_child"}),
    ),
    Plant("subscription_state", (change("followed", "remains = 1"),)),
    Plant("post_child", ("UPDATE orders_post SET child_id = NULL WHERE child_id = {post_order}",)),
    Plant("post_child", ("UPDATE orders_post SET due_at = NULL, child_id = {done} WHERE due_at IS NOT NULL",)),
    Plant(
        "link_in_use",
        ("INSERT INTO orders_linkinuse VALUES ({done}, {alice}, {service}, 'a digest')",),
    ),
    Plant("link_in_use", ("UPDATE orders_linkinuse SET customer_id = {bob} WHERE order_id = {locked}",)),
    Plant(
        "cancel_request",
        ("UPDATE orders_cancelrequest SET status = 'Open', finished_at = NULL WHERE order_id = {stopped}",),
    ),
    Plant("cancel_request", ("UPDATE orders_cancelrequest SET finished_at = NULL WHERE order_id = {stopped}",)),
    Plant(
        "cancel_request", ("UPDATE orders_cancelrequest SET finished_at = requested_at WHERE order_id = {stopping}",)
    ),
    Plant("refill", ("UPDATE orders_refill SET order_id = {part} WHERE status = 'Pending'",)),
    Plant("refill", ("UPDATE orders_refill SET finished_at = NULL WHERE status = 'Completed'",)),
    Plant("refill", ("UPDATE orders_refill SET finished_at = requested_at WHERE status = 'Pending'",)),
    Plant("request_id_once", (change("asked", "fingerprint = NULL"),)),
    Plant(
        "request_id_once",
        (change("stopping", "request_id = 'once', fingerprint = 'other'"),),
        ("request_id_once",),
    ),
)


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
    assert set(found) == {plant.check, *plant.also}, {name: each.shown for name, each in found.items()}
    assert all(line.startswith(f"{plant.check}: ") for line in found[plant.check].lines())


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
    assert lines[0].startswith(f"event_moves: order {panel['done']} moves from Completed to Completed")


def test_the_proof_waits_for_no_writer_and_reads_nothing_uncommitted(panel: Panel) -> None:
    """Over the live panel, while another program holds its write lock."""
    other = (
        psycopg.connect(panel.database_url) if panel.is_postgres else sqlite3.connect(panel.folder / "sutler.sqlite3")
    )
    with closing(other):
        other.execute("UPDATE books_ledgeraccount SET balance_micros = balance_micros + 1")
        assert f"{len(CHECKS)} checks, no breach." in panel.sutler("verify")
        other.rollback()
