"""Words of providers that staff have taught."""

from django.db import models
from django.db.models import Q

from sutler.core.upstream_words import LONGEST_RAW
from sutler.fulfilment.models.provider import Provider


class Taught(models.Model):
    """What a provider says when it refuses, and what that is about; without a provider it holds for all of them."""

    provider = models.ForeignKey(Provider, null=True, on_delete=models.CASCADE, related_name="taught")
    text = models.CharField(max_length=LONGEST_RAW)
    is_pattern = models.BooleanField(default=False)
    kind = models.CharField(max_length=20)
    taught_at = models.DateTimeField()
    taught_by = models.CharField(max_length=60)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "text", "is_pattern"], name="taught_once"),
            models.UniqueConstraint(
                fields=["text", "is_pattern"], condition=Q(provider=None), name="taught_once_for_all"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
