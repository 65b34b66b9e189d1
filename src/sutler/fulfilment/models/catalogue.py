"""What providers sell, how it is sold on, and what has changed there."""

from django.db import models
from django.db.models import Q

from sutler.core.order_types import ORDER_TYPES
from sutler.fulfilment.models.provider import Provider


class UpstreamService(models.Model):
    """A service of a provider, as in its last good catalogue. The texts are another's: escape them.

    `rate_micros` is the rate that was last accepted, in the provider's currency; a jump waits in `offered_micros`
    until staff have decided.
    """

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="services")
    upstream_id = models.CharField(max_length=64)
    name = models.CharField(max_length=500)
    category = models.CharField(max_length=200)
    # None where the type is none of ours: it cannot be sold.
    type = models.CharField(max_length=40, null=True, choices=[(name, name) for name in ORDER_TYPES])
    raw_type = models.CharField(max_length=60)
    rate_micros = models.BigIntegerField()
    offered_micros = models.BigIntegerField(null=True)
    min = models.PositiveIntegerField()
    max = models.PositiveIntegerField()
    dripfeed = models.BooleanField()
    refill = models.BooleanField()
    cancel = models.BooleanField()
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    # How long an order of it usually takes from sending to its end.
    usual_seconds = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "upstream_id"], name="one_row_per_upstream_service"),
            models.CheckConstraint(condition=Q(rate_micros__gt=0), name="upstream_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id}/{self.upstream_id}"


class Route(models.Model):
    """One way in which a service is delivered. Lower preference first; within one, by weight.

    `most_open` bounds the orders under way on it (None: no bound).
    """

    service = models.ForeignKey("catalogue.Service", on_delete=models.PROTECT, related_name="routes")
    upstream_service = models.ForeignKey(UpstreamService, on_delete=models.PROTECT, related_name="routes")
    preference = models.PositiveIntegerField(default=1)
    weight = models.PositiveIntegerField(default=1)
    most_open = models.PositiveIntegerField(null=True)
    is_on = models.BooleanField(default=True)
    # Why the panel itself switched it off; empty where staff did.
    off_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["preference", "id"]
        constraints = [
            models.UniqueConstraint(fields=["service", "upstream_service"], name="one_route_per_service_and_upstream"),
            models.CheckConstraint(condition=Q(weight__gt=0), name="route_weight_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} by {self.upstream_service_id}"


class PriceRule(models.Model):
    """How a service's rate follows the cost of its first route: cost + markup + fixed, rounded up to a step."""

    service = models.OneToOneField(
        "catalogue.Service", primary_key=True, on_delete=models.CASCADE, related_name="price_rule"
    )
    markup_basis_points = models.PositiveIntegerField(default=0)
    fixed_micros = models.BigIntegerField(default=0)
    step_micros = models.BigIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(fixed_micros__gte=0, step_micros__gt=0), name="price_rule_in_range")
        ]

    def __str__(self) -> str:
        return f"price of {self.service_id}"


class CatalogueChange(models.Model):
    """One difference between a provider's catalogue and the last good one."""

    class Kind(models.TextChoices):
        NEW = "new"
        GONE = "gone"
        BACK = "back"
        PRICE = "price"
        LIMITS = "limits"
        FLAGS = "flags"
        TYPE = "type"
        NAME = "name"

    class State(models.TextChoices):
        NOTED = "noted"
        WAITING = "waiting"
        ACCEPTED = "accepted"
        DISMISSED = "dismissed"

    upstream_service = models.ForeignKey(UpstreamService, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=8, choices=Kind)
    before = models.CharField(max_length=500, blank=True)
    after = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.NOTED)
    decided_by = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(state="waiting"), name="change_waiting")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.before} -> {self.after}"
