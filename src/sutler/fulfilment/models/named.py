"""The orders that a provider makes by itself, for a drip-feed or a subscription that was handed on to it whole."""

from django.db import models
from django.db.models import Q

from sutler.fulfilment.models.attempt import UpstreamOrder
from sutler.fulfilment.models.provider import Provider
from sutler.orders.models import Order


class NamedOrder(models.Model):
    """An id that the status of a parent has named: it is ours and was ordered by nobody here.

    Once it has answered as ours it is an order here too, `child`. `ask_at` is None then, and where it was given up.
    """

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="named_orders")
    upstream_id = models.CharField(max_length=64)
    parent = models.ForeignKey(UpstreamOrder, on_delete=models.CASCADE, related_name="named_orders")
    child = models.OneToOneField(Order, null=True, on_delete=models.PROTECT, related_name="named")
    named_at = models.DateTimeField()
    ask_at = models.DateTimeField(null=True)
    misses = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "upstream_id"], name="named_once")]
        indexes = [models.Index(fields=["provider", "ask_at"], condition=Q(ask_at__isnull=False), name="named_to_ask")]

    def __str__(self) -> str:
        return f"{self.provider_id}/{self.upstream_id} of {self.parent_id}"
