"""How far a move has come, and what stayed behind."""

from django.db import models


class Move(models.Model):
    """One row: the panel that this one is moved in from. Nothing is switched on before `cut_over_at`."""

    family = models.CharField(max_length=20)
    time_zone = models.CharField(max_length=50)
    started_at = models.DateTimeField()
    # How often balances were brought to what they are there.
    passes = models.PositiveIntegerField(default=0)
    cut_over_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"move from {self.family}"


class Mark(models.Model):
    """The last id of a list over there that was read; moved in the transaction of what was written of it."""

    name = models.CharField(max_length=20, primary_key=True)
    last_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} to {self.last_id}"


class RunningOrder(models.Model):
    """An order that had not ended over there when its list was read: read again in each pass, until it has."""

    id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"order {self.pk}"


class Finding(models.Model):
    """A row over there that could not come, or that came in another way than it stood there, and why."""

    # Of which list, and its id there.
    name = models.CharField(max_length=20)
    old_id = models.CharField(max_length=40)
    came = models.BooleanField(default=False)
    reason = models.CharField(max_length=300)
    # Of what did not come: its state there and its amount, so that the totals can be told apart to the last unit.
    word = models.CharField(max_length=40, blank=True)
    amount_micros = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "old_id", "came", "reason"], name="finding_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.old_id}: {self.reason}"
