"""Orders, their events, and what hangs on them: runs, subscriptions, posts, refills, requests to cancel."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from sutler.core.events import EventKind
from sutler.core.lifecycle import CancelStatus, RefillStatus, Status
from sutler.core.worth import Worth

# The busiest tables have no foreign keys in the database: those cost more than the insert itself, and on PostgreSQL
# lock rows that every order shares. Customers and services are never deleted; `sutler verify` checks the references.
UNCHECKED: dict[str, Any] = {"on_delete": models.PROTECT, "db_index": False, "db_constraint": False}

ACTIVE = [Status.PENDING, Status.PROCESSING, Status.IN_PROGRESS]


class Order(models.Model):
    """One order, as accepted: the rate, the exchange rate and the charge are copied here and never change.

    `charge_micros` is what was taken, `returned_micros` what has gone back; the customer is shown the difference.
    A drip-feed parent has children (its runs), so has a subscription (its posts); `quantity` of a drip-feed parent is
    the total of all runs, of a subscription the number of posts (0: no limit).
    """

    class Kind(models.TextChoices):
        SINGLE = "single"
        DRIP_FEED = "drip-feed"
        SUBSCRIPTION = "subscription"

    id = models.AutoField(primary_key=True)  # below 2^31, as clients of the protocol store it
    # All but SINGLE are parents: their state follows from their children. Nobody is handed them, but a provider whole.
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SINGLE)
    customer = models.ForeignKey("accounts.Customer", related_name="orders", **UNCHECKED)
    service = models.ForeignKey("catalogue.Service", related_name="orders", **UNCHECKED)
    parent = models.ForeignKey("self", null=True, related_name="children", **UNCHECKED)
    type = models.CharField(max_length=40)
    link = models.CharField(max_length=2048)
    quantity = models.BigIntegerField()
    details = models.JSONField(null=True)
    currency = models.CharField(max_length=5)
    rate_micros = models.BigIntegerField()
    # `exchange_units` of the currency were worth `exchange_base` of the base currency (`core.worth`).
    exchange_base = models.BigIntegerField()
    exchange_units = models.BigIntegerField(db_default=1_000_000)
    charge_micros = models.BigIntegerField()
    returned_micros = models.BigIntegerField(default=0)
    status = models.CharField(max_length=12, choices=[(each, each) for each in Status], default=Status.PENDING)
    start_count = models.BigIntegerField(null=True)
    remains = models.BigIntegerField()
    request_id = models.CharField(max_length=128, null=True)
    # SHA-256 of everything that was asked; kept where a request id or a repeat window needs it.
    fingerprint = models.CharField(max_length=64, null=True)
    # The key that placed it, kept where the key has a daily cap.
    capped_key_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "request_id"], condition=Q(request_id__isnull=False), name="request_id_once"
            ),
            models.CheckConstraint(
                condition=Q(charge_micros__gte=0, returned_micros__gte=0, returned_micros__lte=F("charge_micros")),
                name="order_returns_at_most_its_charge",
            ),
            models.CheckConstraint(condition=Q(status__in=list(Status)), name="order_status_known"),
            models.CheckConstraint(condition=Q(remains__lte=F("quantity")), name="order_remains_at_most_quantity"),
        ]
        indexes = [
            # The customer's own list, newest first.
            models.Index(fields=["customer", "id"], name="order_of_customer"),
            # The queue: what the desk hands out, oldest first. By id alone, so that placing always writes at its
            # end: by service it costs a third of an insert on SQLite.
            models.Index(fields=["id"], condition=Q(status="Pending", kind="single"), name="order_to_hand_out"),
            # Work under way.
            models.Index(fields=["status", "id"], condition=Q(status__in=ACTIVE[1:]), name="order_under_way"),
            models.Index(fields=["parent", "id"], condition=Q(parent__isnull=False), name="order_of_parent"),
            # The repeat window: an identical order of the same customer, lately.
            models.Index(
                fields=["customer", "fingerprint", "created_at"],
                condition=Q(fingerprint__isnull=False),
                name="order_fingerprint",
            ),
            # What a key with a cap has spent today.
            models.Index(
                fields=["capped_key_id", "created_at"], condition=Q(capped_key_id__isnull=False), name="order_of_key"
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.pk}"

    @property
    def exchange(self) -> Worth:
        """What its currency was worth when it was placed."""
        return Worth(self.exchange_base, self.exchange_units)


class LinkInUse(models.Model):
    """A link with an active order of a customer on a service that allows one at a time; the row is the lock."""

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.CASCADE, related_name="+")
    customer_id = models.BigIntegerField()
    service_id = models.BigIntegerField()
    link_digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer_id", "service_id", "link_digest"], name="one_active_order_per_link"
            )
        ]

    def __str__(self) -> str:
        return f"link of order {self.order_id}"


class OrderEvent(models.Model):
    """One thing that happened to an order: a move between states, or what its kind says. Never changed."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    # Who did it: "customer 3", "staff 1", "executor", "worker".
    actor = models.CharField(max_length=60)
    from_status = models.CharField(max_length=12, null=True)
    to_status = models.CharField(max_length=12, null=True)
    # `core.events`: what happened, and the data that goes with it.
    kind = models.CharField(max_length=30, default=EventKind.MOVED, db_default=EventKind.MOVED.value)
    data = models.JSONField(default=dict, db_default={})

    def __str__(self) -> str:
        return f"{self.from_status} -> {self.to_status}"


class Drip(models.Model):
    """The schedule of a drip-feed parent. `next_run_at` is None once all runs are placed or it was stopped.

    Of one that a provider runs, `next_run_at` says only that it goes on there.
    """

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="drip")
    quantity_per_run = models.BigIntegerField()
    runs = models.PositiveIntegerField()
    interval_minutes = models.PositiveIntegerField()
    runs_placed = models.PositiveIntegerField(default=0)
    next_run_at = models.DateTimeField(null=True)
    # Who runs it (`schedules`): the provider that it was handed on to whole, or this panel. None: not decided yet.
    is_there = models.BooleanField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_run_at"], condition=Q(next_run_at__isnull=False), name="drip_due"),
            models.Index(fields=["order"], condition=Q(is_there__isnull=True), name="drip_undecided"),
        ]
        constraints = [models.CheckConstraint(condition=Q(runs_placed__lte=F("runs")), name="drip_runs_in_range")]

    def __str__(self) -> str:
        return f"drip of order {self.order_id}"


class Subscription(models.Model):
    """What a subscription waits for. `posts` None: no limit, 0: no new. `ended_at` is set once it takes no more."""

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="subscription")
    username = models.CharField(max_length=2048)
    minimum = models.BigIntegerField()
    maximum = models.BigIntegerField()
    posts = models.PositiveIntegerField(null=True)
    old_posts = models.PositiveIntegerField(default=0)
    delay_minutes = models.PositiveIntegerField()
    expiry = models.DateField(null=True)
    # Set while the wallet cannot pay for the next post.
    paused_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # As of a drip-feed.
    is_there = models.BooleanField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["expiry"], condition=Q(ended_at=None, expiry__isnull=False), name="sub_expiry"),
            models.Index(fields=["order"], condition=Q(is_there__isnull=True), name="sub_undecided"),
        ]

    def __str__(self) -> str:
        return f"subscription of order {self.order_id}"


class Post(models.Model):
    """A new post that was reported for a subscription; it becomes a child order when it is due and can be paid."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="reported_posts")
    link = models.CharField(max_length=2048)
    link_digest = models.CharField(max_length=64)
    quantity = models.BigIntegerField()
    reported_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)  # None once placed or dropped
    child = models.OneToOneField(Order, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "link_digest"], name="post_once_per_subscription")
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="post_due")]

    def __str__(self) -> str:
        return self.link


class Refill(models.Model):
    """A customer's request to deliver again what was lost of a completed order."""

    id = models.AutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refills")
    # The order's customer, so that their list is one index however many orders and refills there are.
    customer_id = models.BigIntegerField()
    status = models.CharField(
        max_length=12, choices=[(each, each) for each in RefillStatus], default=RefillStatus.PENDING
    )
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(status__in=["Pending", "In progress"]), name="one_open_refill_per_order"
            )
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(status="Pending"), name="refill_to_hand_out"),
            # The customer's own list, newest first.
            models.Index(fields=["customer_id", "id"], name="refill_of_customer"),
        ]

    def __str__(self) -> str:
        return f"refill {self.pk}"


class CancelRequest(models.Model):
    """A customer's request to stop an order that has been handed on."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="cancel_requests")
    status = models.CharField(max_length=10, choices=[(each, each) for each in CancelStatus], default=CancelStatus.OPEN)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(status__in=["Open", "Taken"]), name="one_open_cancel_per_order"
            )
        ]
        indexes = [models.Index(fields=["id"], condition=Q(status="Open"), name="cancel_to_hand_out")]

    def __str__(self) -> str:
        return f"cancel of order {self.order_id}"


class Approval(models.Model):
    """An order of a service that needs approval: while it is waiting the order is Pending and nobody may take it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        APPROVED = "approved"
        REJECTED = "rejected"
        # The order ended before anybody decided: its customer cancelled it.
        DROPPED = "dropped"

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="approval")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True)
                | (~Q(state="waiting") & Q(decided_at__isnull=False)),
                name="approval_decided_when_not_waiting",
            )
        ]
        # What staff look through, and what the queue passes over.
        indexes = [models.Index(fields=["order"], condition=Q(state="waiting"), name="approval_waiting")]

    def __str__(self) -> str:
        return f"approval of order {self.order_id}"


class PaceMark(models.Model):
    """One row: the last event whose order's time has been measured (`orders.delivery_times`)."""

    last_event_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.last_event_id)


class Restoration(models.Model):
    """A restore of the panel from a backup that was made at `taken_at`. While one is open nothing is sent.

    Orders from `first_order_id` on were placed afterwards. `report` is what was found to be forgotten.
    """

    taken_at = models.DateTimeField()
    restored_at = models.DateTimeField()
    first_order_id = models.BigIntegerField()
    ended_at = models.DateTimeField(null=True)
    report = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(models.Value(1), condition=Q(ended_at=None), name="one_open_restoration")
        ]

    def __str__(self) -> str:
        return f"restored to {self.taken_at:%Y-%m-%d %H:%M}"
