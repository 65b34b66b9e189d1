"""The proof of the families among the orders: drip-feeds and their runs, subscriptions and their posts."""
# ruff: noqa: S608 - the queries are put together from constants of the code alone

from django.utils.translation import gettext_noop as _

from sutler.books.audit import Check
from sutler.core.lifecycle import FINAL, Status

_GOING_ON = ", ".join(f"'{each}'" for each in sorted(set(Status) - FINAL))
_FINAL = ", ".join(f"'{each}'" for each in sorted(FINAL))


def charge_sql(rate: str, quantity: str) -> str:
    """Returns the SQL of `pricing.charge` for a thousand; split so that it stays within a BIGINT if the charge does."""
    return f"(({rate} / 1000) * ({quantity}) + (({rate} % 1000) * ({quantity}) + 999) / 1000)"


def _unbegun(schedule: str) -> str:
    """Returns the SQL of the state of a parent without children: of one that a provider runs, any that goes on."""
    return f"CASE WHEN {schedule}.is_there AND o.status IN ({_GOING_ON}) THEN o.status ELSE '{Status.PENDING}' END"


# One that a provider runs goes on until the provider has ended it, whatever its runs say.
_HAS_STOPPED = "(drip.is_there IS NOT TRUE OR drip.next_run_at IS NULL)"
_SHARE = f"""(
    {charge_sql("parent.rate_micros", "drip.quantity_per_run * child.run")}
    - {charge_sql("parent.rate_micros", "drip.quantity_per_run * (child.run - 1)")}
)"""
# The runs of drip-feeds, numbered from 1 as they were placed.
_RUNS = """
    (SELECT orders_order.*, ROW_NUMBER() OVER (PARTITION BY parent_id ORDER BY id) AS run
     FROM orders_order WHERE parent_id IS NOT NULL) AS child
    JOIN orders_order parent ON parent.id = child.parent_id
    JOIN orders_drip drip ON drip.order_id = parent.id
"""
# The children of each parent, added up.
BROODS = f"""
    SELECT parent_id, COUNT(*) AS placed, SUM(quantity) AS quantity, SUM(remains) AS remains,
        SUM(CASE WHEN remains > 0 THEN remains ELSE 0 END) AS undelivered,
        SUM(returned_micros) AS returned_micros,
        SUM(CASE WHEN status IN ({_FINAL}) THEN 0 ELSE 1 END) AS unfinished,
        SUM(CASE WHEN status = '{Status.COMPLETED}' THEN 1 ELSE 0 END) AS completed,
        SUM(CASE WHEN status = '{Status.CANCELED}' THEN 1 ELSE 0 END) AS canceled
    FROM orders_order WHERE parent_id IS NOT NULL GROUP BY parent_id
"""

CHECKS = (
    Check(
        "run_charge",
        _("each run of a drip-feed is charged its own share, so that the shares add up to the charge"),
        "orders_drip",
        f"""
        SELECT 'order ' || child.id || ' costs ' || child.charge_micros || ', run ' || child.run || ' of order '
            || parent.id || ' makes ' || {_SHARE} AS breach
        FROM {_RUNS} WHERE child.charge_micros <> {_SHARE}
        """,
    ),
    Check(
        "run_cause",
        _("each run is paid from its drip-feed's scheduled money, under its own number"),
        "orders_drip",
        f"""
        SELECT 'order ' || child.id || ' is not paid as run ' || child.run || ' of order ' || parent.id AS breach
        FROM {_RUNS}
        LEFT JOIN books_transfer t ON t.cause = 'run:' || parent.id || ':' || child.run AND t.order_id = child.id
        WHERE t.id IS NULL AND child.charge_micros > 0
        """,
    ),
    Check(
        "order_kind",
        _("a drip-feed has its schedule, a subscription its terms, and nothing else has either"),
        "orders_order",
        """
        SELECT 'order ' || o.id || ' is ' || o.kind || CASE WHEN drip.order_id IS NULL THEN ' without' ELSE ' with' END
            || ' a schedule,' || CASE WHEN sub.order_id IS NULL THEN ' without' ELSE ' with' END || ' terms' AS breach
        FROM orders_order o
        LEFT JOIN orders_drip drip ON drip.order_id = o.id
        LEFT JOIN orders_subscription sub ON sub.order_id = o.id
        WHERE (o.kind = 'drip-feed') <> (drip.order_id IS NOT NULL)
            OR (o.kind = 'subscription') <> (sub.order_id IS NOT NULL)
        """,
    ),
    Check(
        "child_of_parent",
        _("a child has its parent's customer, service, currency and price, and a parent is no child"),
        "orders_order",
        """
        SELECT 'order ' || child.id || ' is no child of order ' || parent.id AS breach
        FROM orders_order child JOIN orders_order parent ON parent.id = child.parent_id
        WHERE child.parent_id IS NOT NULL AND (
            parent.kind = 'single' OR child.kind <> 'single'
            OR child.customer_id <> parent.customer_id OR child.service_id <> parent.service_id
            OR child.currency <> parent.currency OR child.rate_micros <> parent.rate_micros
            OR child.exchange_base <> parent.exchange_base OR child.exchange_units <> parent.exchange_units)
        """,
    ),
    Check(
        "drip_runs",
        _("a drip-feed has as many runs, and as large ones, as its schedule says"),
        "orders_drip",
        f"""
        SELECT 'order ' || o.id || ' of ' || o.quantity || ' has ' || COALESCE(brood.placed, 0) || ' runs of '
            || COALESCE(brood.quantity, 0) || ' together, its schedule says ' || drip.runs_placed || ' of ' || drip.runs
            || ' runs of ' || drip.quantity_per_run AS breach
        FROM orders_drip drip JOIN orders_order o ON o.id = drip.order_id
        LEFT JOIN ({BROODS}) AS brood ON brood.parent_id = o.id
        WHERE o.quantity <> drip.quantity_per_run * drip.runs OR COALESCE(brood.placed, 0) <> drip.runs_placed
            OR COALESCE(brood.quantity, 0) <> drip.quantity_per_run * drip.runs_placed
        """,
    ),
    Check(
        "drip_state",
        _("a drip-feed stands where its runs have brought it, and lacks what they lack"),
        "orders_drip",
        f"""
        SELECT 'order ' || id || ' is ' || status || ' with ' || remains || ' remaining, its runs make it ' || due
            || ' with ' || lacking AS breach
        FROM (
            SELECT o.id, o.status, o.remains,
                CASE WHEN brood.completed = drip.runs AND {_HAS_STOPPED} THEN '{Status.COMPLETED}'
                    WHEN drip.next_run_at IS NOT NULL AND brood.placed IS NULL
                        THEN {_unbegun("drip")}
                    WHEN drip.next_run_at IS NOT NULL OR brood.unfinished > 0 THEN '{Status.IN_PROGRESS}'
                    WHEN COALESCE(brood.canceled, 0) = COALESCE(brood.placed, 0) THEN '{Status.CANCELED}'
                    ELSE '{Status.PARTIAL}' END AS due,
                CASE WHEN brood.completed = drip.runs AND {_HAS_STOPPED} THEN brood.remains
                    ELSE COALESCE(brood.undelivered, 0) + drip.quantity_per_run * (drip.runs - drip.runs_placed)
                    END AS lacking
            FROM orders_drip drip JOIN orders_order o ON o.id = drip.order_id
            LEFT JOIN ({BROODS}) AS brood ON brood.parent_id = o.id
        ) AS drips WHERE status <> due OR remains <> lacking
        """,
    ),
    Check(
        "subscription_state",
        _("a subscription stands where its posts have brought it, and has no more of them than were asked"),
        "orders_subscription",
        f"""
        SELECT 'order ' || id || ' is ' || status || ' with ' || remains || ' remaining, its ' || placed
            || ' posts make it ' || due AS breach
        FROM (
            SELECT o.id, o.status, o.remains, o.quantity, sub.posts, sub.old_posts, COALESCE(brood.placed, 0) AS placed,
                CASE WHEN sub.ended_at IS NOT NULL AND COALESCE(brood.unfinished, 0) = 0 AND NOT EXISTS (
                        SELECT 1 FROM orders_post WHERE subscription_id = o.id AND due_at IS NOT NULL)
                    THEN CASE WHEN brood.placed > 0 THEN '{Status.COMPLETED}' ELSE '{Status.CANCELED}' END
                    WHEN brood.placed > 0 THEN '{Status.IN_PROGRESS}' ELSE {_unbegun("sub")} END AS due
            FROM orders_subscription sub JOIN orders_order o ON o.id = sub.order_id
            LEFT JOIN ({BROODS}) AS brood ON brood.parent_id = o.id
        ) AS subs
        WHERE status <> due OR quantity <> COALESCE(posts, 0) OR placed > posts + old_posts
            OR remains <> CASE WHEN quantity > placed THEN quantity - placed ELSE 0 END
        """,
    ),
    Check(
        "post_child",
        _("every order of a subscription that runs here was placed for one of its posts, which is then no longer due"),
        "orders_post",
        """
        SELECT 'order ' || child.id || ' of subscription ' || child.parent_id || ' has no post' AS breach
        FROM orders_order child
        JOIN orders_subscription sub ON sub.order_id = child.parent_id
        LEFT JOIN orders_post post ON post.child_id = child.id AND post.subscription_id = child.parent_id
        WHERE child.parent_id IS NOT NULL AND post.id IS NULL AND sub.is_there IS NOT TRUE
        UNION ALL
        SELECT 'post ' || post.id || ' of subscription ' || post.subscription_id || ' became order ' || child.id
            || ' of ' || COALESCE(CAST(child.parent_id AS text), 'none')
            || CASE WHEN post.due_at IS NULL THEN '' ELSE ' and is still due' END
        FROM orders_post post JOIN orders_order child ON child.id = post.child_id
        WHERE COALESCE(child.parent_id, 0) <> post.subscription_id OR post.due_at IS NOT NULL
        """,
    ),
    Check(
        "schedule_decided",
        _("what has a run or a post has somebody who runs it, and what a provider runs has no post reported here"),
        "orders_drip",
        """
        SELECT 'order ' || order_id || ' has ' || runs_placed || ' runs, and nobody runs it' AS breach
        FROM orders_drip WHERE runs_placed > 0 AND is_there IS NULL
        UNION ALL
        SELECT 'order ' || sub.order_id || ' has posts, and '
            || CASE WHEN sub.is_there THEN 'a provider' ELSE 'nobody' END || ' runs it'
        FROM orders_subscription sub
        WHERE sub.is_there IS NOT FALSE AND EXISTS (SELECT 1 FROM orders_post WHERE subscription_id = sub.order_id)
        """,
    ),
)
