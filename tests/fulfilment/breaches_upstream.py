"""Breaches of what `sutler verify` proves of orders upstream, to be planted in the panel of `tests.month.panel`."""

from tests.fulfilment.breaches import Plant, change, event, house, transfer


def attempt(order: str, change: str) -> str:
    return f"UPDATE fulfilment_attempt SET {change} WHERE order_id = {{{order}}} AND action = 'add'"


def there(order: str, change: str) -> str:
    return f"UPDATE fulfilment_upstreamorder SET {change} WHERE order_id = {{{order}}}"


UPSTREAM_PLANTS = (
    Plant(
        "attempt_live_once",
        ("UPDATE fulfilment_attempt SET state = 'unknown' WHERE id = {declined}",),
        ("one_live_attempt_per_order",),
    ),
    Plant(
        "upstream_id_once",
        ("UPDATE fulfilment_attempt SET upstream_id = 'delivered' WHERE id = {declined}",),
        ("upstream_id_claimed_once",),
    ),
    Plant(
        "upstream_id_once",
        ("UPDATE fulfilment_attempt SET provider_id = {twin}, upstream_id = 'delivered' WHERE id = {declined}",),
    ),
    Plant(
        "attempt_followed",
        ("DELETE FROM fulfilment_upstreamorder WHERE order_id = {sent}",),
        (),
        frozenset({"upstream_cost"}),
    ),
    Plant("attempt_followed", ("DELETE FROM fulfilment_asktime",)),
    Plant("attempt_followed", (there("sent", "upstream_id = 'another'"),)),
    Plant("attempt_followed", (there("sent", "order_id = {pending}"),)),
    Plant("attempt_followed", (there("delivered", "attempt_id = 999999"),)),
    Plant(
        "attempt_followed",
        ("UPDATE fulfilment_attempt SET state = 'declined' WHERE order_id = {sent} AND state = 'accepted'",),
        (),
        frozenset({"order_handed_on"}),
    ),
    Plant("attempt_of_order", (change("unclear", "status = 'Pending'"), event("unclear", "'Processing'", "'Pending'"))),
    Plant(
        "attempt_of_order",
        (
            change("unclear", "status = 'Completed', remains = 0, finished_at = created_at"),
            event("unclear", "'Processing'", "'Completed'").replace("'nobody'", "'worker'"),
            transfer("settle:{unclear}", house("in hand"), house("revenue"), 900_000, "{unclear}"),
        ),
    ),
    Plant("order_handed_on", (attempt("unclear", "state = 'absent'"),)),
    Plant("upstream_cost", (there("sent", "cost_micros = cost_micros + 5"),)),
    Plant("upstream_cost", ("DELETE FROM books_transfer WHERE cause = 'cost:{there}'",)),
    Plant(
        "upstream_cost",
        (transfer("cost-more:{there}", house("provider"), house("cost"), 5, "{sent}"),),
    ),
    Plant("upstream_cost", ("UPDATE books_transfer SET cause = 'cost:999999' WHERE cause = 'cost:{there}'",)),
    Plant("order_refunded_once_ended", (there("ended", "finished_at = NULL"),)),
    Plant("order_refunded_once_ended", (there("ended", "finished_at = '2026-11-22 00:00:00+00'"),)),
    Plant("attempt_lease", (attempt("unclear", "state = 'sending', lease_until = sent_at"),)),
    Plant("refill_forwarded", ("UPDATE orders_refill SET status = 'Pending' WHERE id = {refill}",)),
    Plant("whole_run_there", ("UPDATE orders_drip SET is_there = FALSE WHERE order_id = {handed_on}",)),
    Plant("named_child", ("UPDATE fulfilment_namedorder SET upstream_id = 'another' WHERE upstream_id = 'run'",)),
    Plant("named_child", ("UPDATE fulfilment_namedorder SET child_id = {pending} WHERE upstream_id = 'run'",)),
    Plant("schedule_decided", ("UPDATE orders_drip SET is_there = NULL WHERE order_id = {dripping}",)),
    Plant("schedule_decided", ("UPDATE orders_subscription SET is_there = TRUE WHERE order_id = {following}",)),
    Plant("schedule_decided", ("UPDATE orders_subscription SET is_there = NULL WHERE order_id = {following}",)),
)
