"""What was sent upstream: the attempts, whose states are the proof that nothing is sent twice, and the orders there."""

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from sutler.core.attempts import LIVE, OPEN, UNSETTLED, AttemptState
from sutler.fulfilment.models.catalogue import Route, UpstreamService
from sutler.fulfilment.models.provider import Provider
from sutler.orders.models import UNCHECKED, CancelRequest, Order, Refill

# The condition of two indexes, word for word: SQLite does not find them behind parameters, and would read the table.
# Without the table's name, so that it holds in a subquery too; not for a query that joins a table with a `state`.
IN_INDEX_SENDING = RawSQL("state = 'sending'", [], models.BooleanField())
IN_INDEX_UNSETTLED = RawSQL("state IN ('unknown', 'staff')", [], models.BooleanField())


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Attempts, found by the partial indexes. Not beside a joined table that has a `state` of its own."""

    def unconfirmed_adds(self) -> "AttemptQuerySet":
        """Returns the orders sent whose outcome is unknown, staff's with them."""
        return self.filter(IN_INDEX_UNSETTLED, action=Attempt.Action.ADD)

    def adds_on_the_way(self) -> "AttemptQuerySet":
        """Returns the orders that are being sent."""
        return self.filter(IN_INDEX_SENDING, action=Attempt.Action.ADD)


class Attempt(models.Model):
    """One sending of an `add`, a `refill` or a `cancel`, stored as SENDING before the first byte leaves.

    The states and the moves between them are `core.attempts`. The unique constraints are the locks: an order, a refill
    and a request to cancel have at most one attempt that is, or may be, alive upstream.
    """

    class Action(models.TextChoices):
        ADD = "add"
        REFILL = "refill"
        CANCEL = "cancel"

    action = models.CharField(max_length=6, choices=Action)
    state = models.CharField(max_length=10, choices=[(each, each) for each in AttemptState])
    order = models.ForeignKey(Order, related_name="attempts", **UNCHECKED)
    refill = models.ForeignKey(Refill, null=True, related_name="attempts", **UNCHECKED)
    cancel_request = models.ForeignKey(CancelRequest, null=True, related_name="attempts", **UNCHECKED)
    provider = models.ForeignKey(Provider, related_name="attempts", **UNCHECKED)
    route = models.ForeignKey(Route, null=True, related_name="attempts", **UNCHECKED)
    upstream_service = models.ForeignKey(UpstreamService, null=True, related_name="attempts", **UNCHECKED)
    # What the locks compare: our service, the link, and what the provider should charge (in its currency).
    service_id = models.BigIntegerField()
    link_digest = models.CharField(max_length=64)
    expected_micros = models.BigIntegerField()
    # PLANNED: not before. UNKNOWN: when it is looked at next. An accepted refill: when it is asked about next.
    due_at = models.DateTimeField(null=True)

    # What an `add` was sent with so that it can be asked for; nothing where the provider does not keep request IDs.
    request_id = models.CharField(max_length=32, blank=True, default="", db_default="")
    worker = models.CharField(max_length=64, blank=True)
    sent_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    # What was known as it was sent: no order of ours had a higher id, our books held so much more than the balance.
    floor_id = models.BigIntegerField(default=0)
    gap_micros = models.BigIntegerField(null=True)
    answered_at = models.DateTimeField(null=True)
    upstream_id = models.CharField(max_length=64, null=True)
    # Why it stands as it does (`core.events`).
    cause = models.JSONField(null=True)
    # What the provider said if it refused an `add` in words that we do not know, and stays whatever comes of it: a
    # presumption that nothing was placed, and no proof (docs/decisions/0026).
    refusal = models.CharField(max_length=500, blank=True, default="", db_default="")
    # How often its window of ids was scanned whole without an order of ours in it, and what was found, for staff.
    clean_scans = models.PositiveIntegerField(default=0)
    evidence = models.JSONField(null=True)
    decided_by = models.CharField(max_length=60, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(action="add", state__in=LIVE), name="one_live_attempt_per_order"
            ),
            models.UniqueConstraint(
                fields=["refill"], condition=Q(action="refill", state__in=LIVE), name="one_live_attempt_per_refill"
            ),
            models.UniqueConstraint(
                fields=["cancel_request"],
                condition=Q(action="cancel", state__in=OPEN),
                name="one_open_attempt_per_cancel_request",
            ),
            models.UniqueConstraint(
                fields=["provider", "action", "upstream_id"],
                condition=Q(upstream_id__isnull=False),
                name="upstream_id_claimed_once",
            ),
            models.CheckConstraint(condition=Q(state__in=list(AttemptState)), name="attempt_state_known"),
        ]
        indexes = [
            models.Index(fields=["order"], name="attempt_of_order"),
            # What providers have refused in words that we do not know, newest first, for whoever teaches them.
            models.Index(fields=["provider", "id"], condition=Q(refusal__gt=""), name="attempt_refused"),
            # What a provider is to be sent, in the order of planning.
            models.Index(fields=["provider", "id"], condition=Q(state="planned"), name="attempt_planned"),
            # Claims whose worker may have died.
            models.Index(fields=["lease_until"], condition=Q(state="sending"), name="attempt_sending"),
            # Unknown outcomes: what is to be settled, and the two locks.
            models.Index(
                fields=["provider", "expected_micros"], condition=Q(state__in=UNSETTLED), name="attempt_unsettled"
            ),
            models.Index(
                fields=["service_id", "link_digest"], condition=Q(state__in=UNSETTLED), name="attempt_unsettled_link"
            ),
            # The refills that are followed.
            models.Index(
                fields=["provider", "due_at"],
                condition=Q(action="refill", state="accepted", due_at__isnull=False),
                name="attempt_refill_to_ask",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.pk} of order {self.order_id}: {self.state}"


class UpstreamOrder(models.Model):
    """An order of ours at a provider, followed there. `(provider, upstream_id)` is claimed once.

    Amounts are in the provider's currency: what it should cost, what our books hold of it (`cost_micros`), and what
    the provider said last.
    """

    attempt = models.OneToOneField(
        Attempt, related_name="upstream_order", on_delete=models.PROTECT, db_constraint=False
    )
    order = models.ForeignKey(Order, related_name="upstream_orders", **UNCHECKED)
    provider = models.ForeignKey(Provider, related_name="upstream_orders", **UNCHECKED)
    upstream_service = models.ForeignKey(UpstreamService, related_name="upstream_orders", **UNCHECKED)
    upstream_id = models.CharField(max_length=64)
    expected_micros = models.BigIntegerField()
    cost_micros = models.BigIntegerField()
    reported_micros = models.BigIntegerField(null=True)
    # What it said last: its own word, and the counts.
    word = models.CharField(max_length=60, blank=True)
    start_count = models.BigIntegerField(null=True)
    remains = models.BigIntegerField(null=True)
    placed_at = models.DateTimeField()
    # When it first answered as ours; until then its id is only what the answer to `add` said.
    confirmed_at = models.DateTimeField(null=True)
    misses = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "upstream_id"], name="one_order_per_upstream_id"),
            models.CheckConstraint(
                condition=Q(expected_micros__gte=0, cost_micros__gte=0), name="upstream_amounts_in_range"
            ),
        ]
        indexes = [
            models.Index(fields=["order"], name="upstream_order_of_order"),
            # An id that was surely given after some moment.
            models.Index(fields=["provider", "placed_at"], name="upstream_order_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id}/{self.upstream_id}"


class AskTime(models.Model):
    """When an upstream order was asked about last, and when it is next; there is none once it is not asked any more.

    Apart from the order, since most looks change nothing else, and no index of the order then needs to be written.
    """

    upstream_order = models.OneToOneField(
        UpstreamOrder, primary_key=True, related_name="ask_time", on_delete=models.CASCADE, db_constraint=False
    )
    provider = models.ForeignKey(Provider, related_name="+", **UNCHECKED)
    asked_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField()
    # How often in a row it was asked about since, and the answer could not be read.
    unread = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        indexes = [models.Index(fields=["provider", "ask_at", "upstream_order"], name="ask_time_in_turn")]

    def __str__(self) -> str:
        return f"ask time of {self.upstream_order_id}"


class Orphan(models.Model):
    """An id that answered as ours and that no order of ours claims, with what it said of itself when first seen.

    Kept because an order that has ended shows less than it took. Deleted once it is claimed.
    """

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="orphans")
    upstream_id = models.BigIntegerField()
    charge_micros = models.BigIntegerField(null=True)
    word = models.CharField(max_length=60)
    remains = models.BigIntegerField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "upstream_id"], name="one_row_per_orphan")]

    def __str__(self) -> str:
        return f"orphan {self.provider_id}/{self.upstream_id}"


class DeskOrder(models.Model):
    """An order of a routed service that no route takes: it waits at the desk."""

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.CASCADE, related_name="at_desk")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"order {self.order_id} at the desk"
