"""Breaches of every promise that `sutler verify` proves, as SQL to be planted in the panel of `tests.month.panel`.

Names in braces are the ids that `tests.month.panel` returns.
"""

from dataclasses import dataclass


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
        "INSERT INTO orders_orderevent (order_id, at, actor, from_status, to_status)"
        f" VALUES ({{{order}}}, '2026-11-21', 'nobody', {before}, {after})"
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
    Plant("transfer_route", (transfer("topup:x", house("deposits"), house("provider"), order="{active}"),)),
    Plant("transfer_route", (transfer("topup:x", house("provider"), house("deposits")),)),
    Plant("transfer_route", (transfer("drawn:x", house("deposits"), house("provider")),)),
    Plant("transfer_route", (transfer("drawn:x", house("provider"), house("cost"), order="{active}"),)),
    Plant(
        "transfer_route",
        ("UPDATE books_transfer SET order_id = NULL WHERE cause LIKE 'cost-more:%'",),
    ),
    Plant("wallet_of_customer", ("UPDATE accounts_customer SET currency = 'USD' WHERE id = {eve}",)),
    Plant(
        "wallet_of_customer",
        (
            "INSERT INTO accounts_customer (name, currency, country, integer_services, null_start_count,"
            " repeat_window_seconds, created_at)"
            " SELECT 'Mallory', currency, '', integer_services, null_start_count, 0, created_at"
            " FROM accounts_customer WHERE id = {eve}",
        ),
    ),
    Plant("wallet_balance", (give("alice", 1),)),
    Plant("snapshot_sum", ("UPDATE books_snapshot SET sum_micros = sum_micros + 1",)),
    Plant("snapshot_sum", ("UPDATE books_snapshot SET transfers = transfers - 1",)),
    Plant("snapshot_sum", ("UPDATE books_snapshot SET through_id = through_id - 1",)),
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
    Plant("child_of_parent", (change("first", "exchange_base = 5"),)),
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
    Plant("refill", ("UPDATE orders_refill SET customer_id = customer_id + 1 WHERE status = 'Pending'",)),
    Plant("refill", ("UPDATE orders_refill SET finished_at = requested_at WHERE status = 'Pending'",)),
    Plant("request_id_once", (change("asked", "fingerprint = NULL"),)),
    Plant(
        "request_id_once",
        (change("stopping", "request_id = 'once', fingerprint = 'other'"),),
        ("request_id_once",),
    ),
)
