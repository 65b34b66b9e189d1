"""Methods of paying, and requests to add funds."""

from django.db import models
from django.db.models import Q

from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS


class Method(models.Model):
    """A way to pay that staff look after by hand: what to do, and on which terms. Never deleted, only withdrawn."""

    name = models.CharField(max_length=100)
    instructions = models.TextField()
    currency = models.CharField(max_length=5)
    min_micros = models.BigIntegerField()
    max_micros = models.BigIntegerField()
    # Of the amount paid: what is kept back, and what is given on top.
    fee_basis_points = models.PositiveIntegerField(default=0)
    bonus_basis_points = models.PositiveIntegerField(default=0)
    is_offered = models.BooleanField(default=True)
    position = models.IntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(min_micros__gt=0, max_micros__gte=models.F("min_micros")), name="method_min_max"
            ),
            models.CheckConstraint(
                condition=Q(fee_basis_points__lt=WHOLE_PRICE_BASIS_POINTS), name="method_fee_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FundsRequest(models.Model):
    """A customer's word that they pay an amount; staff confirm it once the money has come, and credit it then.

    The credit stands in the books under the cause `funds:` and the id of the request.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        CONFIRMED = "confirmed"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="funds_requests")
    method = models.ForeignKey(Method, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=5)
    # What is paid, and what the wallet gets for it by the method's terms of that day.
    amount_micros = models.BigIntegerField()
    credit_micros = models.BigIntegerField()
    note = models.CharField(max_length=500, blank=True)
    # What a first member of staff says has come, where a second has to say the same.
    received_micros = models.BigIntegerField(null=True)
    received_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0, credit_micros__gt=0), name="funds_positive")
        ]
        indexes = [
            models.Index(fields=["customer", "id"], name="funds_of_customer"),
            models.Index(fields=["id"], condition=Q(state="waiting"), name="funds_waiting"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What the customer quotes with the payment, so that staff find the request."""
        return f"F-{self.pk:06d}"
